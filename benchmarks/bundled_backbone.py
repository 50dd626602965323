"""Measures the bundled backbone as frozen features beside others: StandardScaler + SVC on three real sets.

    python -m benchmarks.bundled_backbone --data ../shared/data --weights ../shared/weights

Casting and clothing keep their published parts. Magnetic tile is split twice, with three seeds each: by part, and photo
by photo as published figures mostly are, where captures of one part lie on both sides. Nothing is chosen: every pooling
is a row of its own, and the classifier is the one the product uses, with its settings.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from safetensors.torch import save
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.arrange import FREE, defect_type, split
from ensemble.features.backbones import FeatureExtractor, build_network
from ensemble.features.included import pool
from ensemble.features.preprocessing import BUNDLED, LITE, POOLINGS
from ensemble.imaging.photos import read_photo

SEEDS = (0, 1, 2)
HEADINGS = {
    "casting": "casting accuracy",
    "clothing": "clothing accuracy",
    "tile_by_part": "magnetic tile AUROC, split by part",
    "tile_by_photo": "the same, split by photo",
}

Features = Mapping[str, NDArray[np.float32]]  # one (N, D) array a pooling


@dataclass(frozen=True, slots=True)
class Photos:
    """A set of photos with their classes, and the places that belong to each side of each split."""

    paths: tuple[Path, ...]
    labels: NDArray[np.str_]
    splits: tuple[tuple[list[int], list[int]], ...]


def published(folder: Path) -> Photos:
    """A set that lies as train|test/CLASS."""
    paths = tuple(sorted(path for path in folder.glob("*/*/*") if path.is_file()))
    sides = [path.parent.parent.name for path in paths]
    train, test = ([place for place, side in enumerate(sides) if side == name] for name in ("train", "test"))
    return Photos(paths, np.array([path.parent.name for path in paths]), ((train, test),))


def tiles(folder: Path, *, by_part: bool) -> Photos:
    """Magnetic tile: Free against every defect type, 70 to 30, one split a seed."""
    paths = tuple(sorted(folder.glob("MT_*/Imgs/*.jpg")))
    place = {path: number for number, path in enumerate(paths)}
    labels = np.array(["ok" if defect_type(path) == FREE else "defective" for path in paths])
    splits = []
    for seed in SEEDS:
        if by_part:
            sides = split(paths, test_share=0.3, seed=seed)
            splits.append(([place[path] for path in sides["train"]], [place[path] for path in sides["test"]]))
        else:
            train, test = train_test_split(np.arange(len(paths)), test_size=0.3, stratify=labels, random_state=seed)
            splits.append((train.tolist(), test.tolist()))
    return Photos(paths, labels, tuple(splits))


def extractors(weights: Path, bundled: Path | None) -> Iterator[tuple[str, FeatureExtractor]]:
    """The networks to compare, by the name of their rows."""
    yield BUNDLED, FeatureExtractor.open(BUNDLED, weights=bundled)
    torch.manual_seed(0)
    random = {name: value.contiguous() for name, value in build_network(BUNDLED).state_dict().items()}
    yield (
        "the same network, random weights",
        FeatureExtractor.from_bytes(BUNDLED, save(random), Path("random.safetensors")),
    )
    yield LITE, FeatureExtractor.open(LITE)
    yield "mobilenet_v2 (ImageNet)", FeatureExtractor.open("mobilenet_v2", weights=weights)
    yield "resnet18, the teacher (ImageNet)", FeatureExtractor.open("resnet18", weights=weights)


def extract(networks: Mapping[str, FeatureExtractor], paths: Sequence[Path]) -> dict[str, Features]:
    """Each photo is read once; each network runs once and is pooled in every way."""
    parts: dict[tuple[str, str], list[NDArray[np.float32]]] = {}
    for start in range(0, len(paths), 16):
        pictures = [read_photo(path).picture for path in paths[start : start + 16]]
        for name, extractor in networks.items():
            maps = extractor.maps(pictures)
            for pooling in POOLINGS:
                parts.setdefault((name, pooling), []).append(pool(maps, pooling).numpy())
    return {name: {pooling: np.concatenate(parts[name, pooling]) for pooling in POOLINGS} for name in networks}


def measured(photos: Photos, features: NDArray[np.float32], *, auroc: bool) -> float:
    """Accuracy, or AUROC of the defective class, on the test sides; the mean over the splits."""
    outcomes = []
    for train, test in photos.splits:
        model = make_pipeline(StandardScaler(), SVC(C=10.0)).fit(features[train], photos.labels[train])
        if auroc:
            towards_second = model.decision_function(features[test])  # classes are sorted: defective, ok
            outcomes.append(roc_auc_score(photos.labels[test] == "ok", towards_second))
        else:
            outcomes.append(float(model.score(features[test], photos.labels[test])))
    return float(np.mean(outcomes))


def milliseconds(extractor: FeatureExtractor) -> float:
    """Median time of one photo of 224 × 224 on one thread."""
    torch.set_num_threads(1)
    photo = torch.zeros(1, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        extractor.maps(photo)
        times.append(time.perf_counter() - start)
    return float(np.median(times[5:]) * 1000)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        f"| frozen features | pooling | {' | '.join(HEADINGS.values())} | ms a photo |",
        "|---" * (len(HEADINGS) + 3) + "|",
    ]
    for row in rows:
        figures = " | ".join(f"{row[name]:.3f}" for name in HEADINGS)
        lines.append(f"| {row['features']} | {row['pooling']} | {figures} | {row['milliseconds']:.1f} |")
    return "\n".join(lines)


def main(
    data: Annotated[Path, typer.Option(help="Folder with casting, magnetic_tile and clothing")],
    weights: Annotated[Path, typer.Option(help="Folder with mobilenet_v2 and resnet18 weights")],
    bundled: Annotated[Path | None, typer.Option(help="Folder with another quorum_small")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File whose entry `figures` is written")] = None,
) -> None:
    """Print the table, and write it into a JSON file whose other entries stay."""
    networks = dict(extractors(weights, bundled))
    sets = {
        "casting": published(data / "casting"),
        "clothing": published(data / "clothing"),
        "tile_by_part": tiles(data / "magnetic_tile", by_part=True),
        "tile_by_photo": tiles(data / "magnetic_tile", by_part=False),
    }
    features = {name: extract(networks, photos.paths) for name, photos in sets.items() if name != "tile_by_photo"}
    features["tile_by_photo"] = features["tile_by_part"]  # the same photos in the same order
    rows: list[dict[str, Any]] = []
    for network, extractor in networks.items():
        speed = round(milliseconds(extractor), 1)
        for pooling in POOLINGS:
            figures = {
                name: round(measured(photos, features[name][network][pooling], auroc=name.startswith("tile")), 4)
                for name, photos in sets.items()
            }
            rows.append({"features": network, "pooling": pooling, **figures, "milliseconds": speed})
    typer.echo(table(rows))
    if json_file:
        entries = json.loads(json_file.read_text(encoding="utf-8")) if json_file.exists() else {}
        json_file.write_text(
            json.dumps({**entries, "figures": rows}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    typer.run(main)
