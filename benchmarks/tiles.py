"""What tiles gain on large photos with small defects: drawn strips of 500 × 5000 and plates of 8000 × 6000 pixels.

    python -m benchmarks.tiles build/tiles --seeds 1

Products learn from good photos alone, by the whole training: photos stretched to a square, in their own shape as far as
that goes, and in tiles at their own pixels. Each bad photo of the test has one pit of 6 to 20 pixels. Then some test
photos are judged as a batch in a process of its own, which tells the processor's seconds a photo and the peak of its
memory: `--judge PHOTO`, as often as needed, does that alone, with FOLDER a product. Photos are drawn into FOLDER where
it does not hold them yet, one folder a seed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

from ensemble.drawing.strips import draw_strip
from ensemble.features.feature_cache import NOTHING_KEPT
from ensemble.features.preprocessing import BUNDLED
from ensemble.inspection.batches import batch_entries, judge
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.processes import peak_memory
from ensemble.store import ModelStore
from ensemble.store.seeing import view_text
from ensemble.training import TrainingRequest, run
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.view import Tiles, View

Grey = NDArray[np.float32]  # (height, width), 0 to 1
STRIPS, PLATES = "strips", "plates"
SIZES = {STRIPS: (500, 5000), PLATES: (8000, 6000)}  # width and height
PHOTOS = {STRIPS: (20, 20), PLATES: (12, 10)}  # good ones to learn from, and of each class to test on
WAYS = STRETCHED, OWN_SHAPE, TILED = "stretched", "own shape", "tiles"
PIT, DEPTHS = (6.0, 20.0), (0.1, 0.25)  # pixels across, and how much darker, of white
PITCH, RADIUS = 1000, 45  # pixels from one bore of a plate to the next, and of its radius
BAND = 500  # rows of a plate that are drawn at a time
QUALITY = 90
JUDGED = {STRIPS: 4, PLATES: 2}  # photos that tell seconds and memory


def draw_pit(grey: Grey, rng: np.random.Generator) -> None:
    """A dark oval pit anywhere on the part, its edge as soft as a lens makes it."""
    height, width = grey.shape
    long, squeeze, turn = rng.uniform(*PIT) / 2, rng.uniform(0.7, 1.0), rng.uniform(0, np.pi)
    x, y = (rng.uniform(PIT[1], length - PIT[1]) for length in (width, height))
    reach = int(PIT[1])
    left, top = int(x) - reach, int(y) - reach
    window = grey[max(0, top) : top + 2 * reach, max(0, left) : left + 2 * reach]
    down, across = np.mgrid[: window.shape[0], : window.shape[1]].astype(np.float32)
    down, across = down + max(0, top) - np.float32(y), across + max(0, left) - np.float32(x)
    along = across * np.cos(turn) + down * np.sin(turn)
    aside = (down * np.cos(turn) - across * np.sin(turn)) / squeeze
    cover = np.clip(long - np.hypot(along, aside) + 0.5, 0, 1)
    window -= np.float32(rng.uniform(*DEPTHS)) * cover.astype(np.float32)


def draw_plate(rng: np.random.Generator, size: tuple[int, int]) -> Grey:
    """A sand-blasted plate with bores in rows, under an uneven lamp."""
    width, height = size
    grey = np.empty((height, width), np.float32)
    lamp = rng.standard_normal((5, 6), dtype=np.float32) * np.float32(0.03) + np.float32(rng.uniform(0.45, 0.6))
    light = Image.fromarray(lamp)
    for top in range(0, height, BAND):
        rows = min(BAND, height - top)
        box = (0.0, top / height * 5, 6.0, (top + rows) / height * 5)
        grain = rng.standard_normal((rows // 2 + 1, width // 2 + 1), dtype=np.float32)
        fine = Image.fromarray(grain).resize((width, rows), Image.Resampling.BILINEAR)
        lit = light.resize((width, rows), Image.Resampling.BICUBIC, box)
        noise = rng.standard_normal((rows, width), dtype=np.float32) * np.float32(0.008)
        grey[top : top + rows] = np.asarray(lit) + np.float32(0.03) * np.asarray(fine) + noise
    shift = rng.uniform(-3, 3, 2)
    for y in range(PITCH // 2, height, PITCH):
        for x in range(PITCH // 2, width, PITCH):
            _draw_bore(grey, x + shift[0], y + shift[1], RADIUS + rng.uniform(-1, 1))
    return grey


def _draw_bore(grey: Grey, x: float, y: float, radius: float) -> None:
    reach = int(radius) + 4
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    window = grey[top : top + 2 * reach, left : left + 2 * reach]
    down, across = np.mgrid[: window.shape[0], : window.shape[1]].astype(np.float32)
    cover = np.clip(radius - np.hypot(across + left - x, down + top - y) + 0.5, 0, 1).astype(np.float32)
    window += cover * (np.float32(0.12) - window)


def draw_photo(kind: str, seed: int, number: int, *, pitted: bool) -> Image.Image:
    """One grey photo of a kind; the same seed and number give the same part, with a pit and without."""
    rng = np.random.default_rng((seed, number, SIZES[kind][0]))
    if kind == STRIPS:
        picture, _ = draw_strip(rng, size=SIZES[kind])
        grey: Grey = np.asarray(picture, np.float32) / np.float32(255)
    else:
        grey = draw_plate(rng, SIZES[kind])
    if pitted:
        draw_pit(grey, np.random.default_rng((seed, number, 1)))
    return Image.fromarray((grey.clip(0, 1) * 255).astype(np.uint8))


def write_photos(folder: Path, kind: str, seed: int) -> None:
    """Good photos to learn from, and good and bad ones for the test."""
    learn, test = PHOTOS[kind]
    wanted = [("train", NON_DEFECTIVE)] * learn + [("test", NON_DEFECTIVE), ("test", DEFECTIVE)] * test
    for number, (split, label) in enumerate(wanted):
        path = folder / split / label / f"{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_photo(kind, seed, number, pitted=label == DEFECTIVE).save(path, quality=QUALITY)


def measure_batch(models: Path, photos: Sequence[Path]) -> dict[str, float]:
    """Judge photos as a batch: the processor's seconds a photo, opening the product and decoding included, on however
    many cores, and the peak of memory in GB."""
    start, store = time.process_time(), ModelStore(models)
    inspector = Inspector.open(store)
    entries = enumerate(batch_entries([(path.name, path) for path in photos]))
    inspect = partial(inspector.inspect, policy=store.policies()[0])
    judged = [row for rows in judge(entries, inspect, view=inspector.view) for row in rows]
    seconds = (time.process_time() - start) / len(photos)
    if unjudged := [row.error for row in judged if row.verdict is None]:
        raise SystemExit(unjudged[0])
    return {"seconds": seconds, "gigabytes": peak_memory() / 1e9}


def batch_of_its_own(models: Path, photos: Sequence[Path]) -> dict[str, float]:
    """The same in a process that has done nothing else."""
    command = [sys.executable, "-m", "benchmarks.tiles", str(models), *(f"--judge={path}" for path in photos)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def trained(
    data: Path, models: Path, way: str, members: Sequence[str], backbone: str, weights: Path | None, side: int
) -> dict[str, float]:
    """Train a product that looks at photos one way: the AUROC of each member on the test part."""
    view = models.with_suffix(".json")
    view.write_text(view_text(View(tiles=Tiles(side) if way == TILED else None)), encoding="utf-8")
    shape = {STRETCHED: "square", OWN_SHAPE: "kept"}.get(way, "")
    how = {"kinds": tuple(members), "backbones": (backbone,), "weights": weights, "shape": shape, "view": str(view)}
    found = run(TrainingRequest.of(data, models, **how), cache=NOTHING_KEPT).quality["members"]
    return {name: float(figures["auroc"]) for name, figures in found.items()}


def main(
    folder: Annotated[Path, typer.Argument(help="Where the photos are, or are drawn.")],
    seeds: str = "0",
    sets: str = ",".join(SIZES),
    members: str = "patch_memory,feature_reconstruction",
    ways: str = ",".join(WAYS),
    side: Annotated[int, typer.Option("--side", help="Of a tile, in pixels.")] = Tiles().side,
    backbone: str = BUNDLED,
    weights: Path | None = None,
    judged: Annotated[list[Path] | None, typer.Option("--judge", hidden=True)] = None,
) -> None:
    """Train products in each way and print what they reach."""
    if judged:
        typer.echo(json.dumps(measure_batch(folder, judged)))
        return
    typer.echo(f"{backbone}, tiles of {side} pixels, {torch.get_num_threads()} threads")
    typer.echo("| seed | photos | way | member | AUROC | processor seconds a photo | peak memory |")
    typer.echo("|---|---|---|---|---|---|---|")
    for seed in map(int, seeds.split(",")):
        for kind in sets.split(","):
            if not (data := folder / f"{kind}-{seed}").exists():
                write_photos(data, kind, seed)
            photos = sorted(data.glob("test/*/*.jpg"), key=lambda path: path.name)[: JUDGED[kind]]
            size = " × ".join(map(str, SIZES[kind]))
            for way in ways.split(","):
                for member in members.split(","):
                    models = folder / f"{kind}-{seed}-{way.replace(' ', '-')}-{member}"
                    for name, auroc in trained(data, models, way, (member,), backbone, weights, side).items():
                        found = batch_of_its_own(models, photos)
                        costs = f"{found['seconds']:.2f} s | {found['gigabytes']:.2f} GB"
                        typer.echo(f"| {seed} | {kind}, {size} | {way} | {name} | {auroc:.3f} | {costs} |")


if __name__ == "__main__":
    typer.run(main)
