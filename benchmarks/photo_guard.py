"""How many clean and spoilt test photos the photo guard refuses, beside the recall that the models have without it.

    python -m benchmarks.photo_guard --photos data --models models --strangers ../shared/data/clothing/test

Each test photo is spoilt in the ways of `WAYS` and judged by all models of the product under its active policy: recall
is the share of defective photos that are not called OK, of strangers the share of all; overkill is the share of good
photos that are not called OK. A way must be caught where it costs more than 2 points of recall. Where MODELS holds no
product, one with few light models is trained there; `python -m ensemble versions measure-photos` measures the guard of
one anew.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image, ImageFilter

from ensemble.datasets.loading import find_dataset
from ensemble.features.photo_batch import batches
from ensemble.imaging.masks import combine
from ensemble.imaging.photos import Photo, read_photo
from ensemble.inspection.inspector import PHOTOS_AT_ONCE, Inspector
from ensemble.policies import Policy
from ensemble.store import ModelStore
from ensemble.training import train
from ensemble.values.samples import Dataset, Sample

GAMMA = 2.2  # from light to the greys of a photo
BEARABLE = 0.02  # of recall, that a way may cost
SPARE = ("svm", "patch_memory")
Spoil = Callable[[Image.Image], Image.Image]


def exposed(stops: float) -> Spoil:
    """Twice the light for each stop, cut off where the camera is full."""

    def spoil(picture: Image.Image) -> Image.Image:
        steps = [min(255, round(255 * ((value / 255) ** GAMMA * 2**stops) ** (1 / GAMMA))) for value in range(256)]
        return picture.point(steps * 3)

    return spoil


def blurred(share: float) -> Spoil:
    """A Gaussian blur whose radius is a share of the shorter side."""
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(share * min(picture.size)))


def shifted(share: float) -> Spoil:
    """Moved to the right and down by a share of each side; what comes in repeats the edge."""

    def spoil(picture: Image.Image) -> Image.Image:
        across, down = (round(share * length) for length in picture.size)
        pixels = np.pad(np.asarray(picture), ((down, 0), (across, 0), (0, 0)), mode="edge")
        return Image.fromarray(np.ascontiguousarray(pixels[: picture.height, : picture.width]))

    return spoil


WAYS: Mapping[str, Spoil] = {
    "clean": lambda picture: picture,
    "darker by 1 stop": exposed(-1),
    "brighter by 1 stop": exposed(1),
    "darker by 2 stops": exposed(-2),
    "brighter by 2 stops": exposed(2),
    "blurred a little (0.7 %)": blurred(0.007),
    "blurred (2 %)": blurred(0.02),
    "turned by 90°": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "turned by 180°": lambda picture: picture.transpose(Image.Transpose.ROTATE_180),
    "shifted by 15 %": shifted(0.15),
    "lens cap": lambda picture: picture.point(lambda value: value // 25),
    "white": lambda picture: Image.new("RGB", picture.size, "white"),
}


@dataclass(slots=True)
class Caught:
    """What became of the photos of one way: how many there are, refused, defective, of these called OK, and good ones
    that are not."""

    photos: int = 0
    refused: int = 0
    defective: int = 0
    passed: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        """Of the models alone: the share of photos to be found that they do not call OK."""
        return 1 - self.passed / self.defective if self.defective else 1.0

    @property
    def overkill(self) -> float:
        """Of the models alone: the share of good photos that they do not call OK."""
        good = self.photos - self.defective
        return self.rejected / good if good else 0.0

    def cells(self, clean: float) -> list[str]:
        """One line of the table; `clean` is the recall on clean photos."""
        lost = clean - self.recall
        share = self.refused / self.photos
        due = "yes" if lost > BEARABLE else "no"
        why = "; ".join(f"{reason} ({count})" for reason, count in self.reasons.most_common(2))
        return [str(self.photos), f"{share:.1%}", f"{self.recall:.3f}", f"{self.overkill:.3f}", due, why]


def strangers_of(folder: Path, size: tuple[int, int], most: int, seed: int) -> Iterator[tuple[Photo, bool]]:
    """So many photos of a folder, drawn by the seed and brought to the size of the others."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    for path in random.Random(seed).sample(paths, min(most, len(paths))):
        photo = read_photo(path)
        yield Photo(photo.name, photo.sha256, photo.picture.resize(size)), True


def counted(inspector: Inspector, policy: Policy, photos: Iterator[tuple[Photo, bool]], guarded: Caught) -> None:
    """Count what guard and models say of photos, of each whether it is one to be found."""
    for some in batches(list(photos), PHOTOS_AT_ONCE):
        for (photo, wanted), (scores, absent) in zip(some, inspector.score([each for each, _ in some]), strict=True):
            doubt = inspector.doubt(photo.picture, combine(scores))
            label = policy.decide(scores, absent, inspector.classes).label
            guarded.photos += 1
            guarded.refused += bool(doubt)
            guarded.defective += wanted
            guarded.passed += wanted and label == inspector.classes.good
            guarded.rejected += not wanted and label != inspector.classes.good
            guarded.reasons.update([str(doubt)] if doubt else [])


def measure(
    inspector: Inspector, policy: Policy, dataset: Dataset, strangers: Sequence[Path], most: int = 150, seed: int = 0
) -> dict[str, Caught]:
    """What is refused of each way, and of photos of other things."""
    samples = random.Random(seed).sample(dataset.test, min(most, len(dataset.test)))
    found: dict[str, Caught] = {}

    def spoilt(sample: Sample, way: Spoil) -> tuple[Photo, bool]:
        photo = read_photo(sample.path)
        return Photo(photo.name, photo.sha256, way(photo.picture)), sample.label != dataset.classes.good

    for name, way in WAYS.items():
        counted(inspector, policy, (spoilt(each, way) for each in samples), found.setdefault(name, Caught()))
    size = read_photo(samples[0].path).picture.size
    for folder in strangers:
        others = strangers_of(folder, size, most, seed)
        counted(inspector, policy, others, found.setdefault(f"of {folder}", Caught()))
    return found


def refused_of(inspector: Inspector, dataset: Dataset) -> str:
    """How many of all clean test photos the guard refuses before any model has looked, in one sentence."""
    refused = sum(bool(inspector.doubt(read_photo(each.path).picture, None)) for each in dataset.test)
    return f"Of all {len(dataset.test)} clean test photos {refused} are refused, {refused / len(dataset.test):.1%}."


def product(dataset_folder: Path, models: Path, weights: Path | None, seed: int) -> ModelStore:
    """The product of a folder; where there is none, one with `SPARE` models is trained."""
    store = ModelStore(models)
    if not (models / "manifest.json").exists():
        settings: dict[str, Any] = {"kinds": SPARE, "backbones": ("quorum_small",), "seed": seed, "weights": weights}
        train(dataset_folder, models, notify=typer.echo, **settings)
    return store


def main(
    photos: Annotated[Path, typer.Option("--photos", help="The data set: train and test part.")],
    models: Annotated[Path, typer.Option("--models", help="Its product; trained where there is none.")],
    strangers: Annotated[
        list[Path] | None, typer.Option("--strangers", help="A folder with photos of other things; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option("--most", help="Test photos, and strangers of a folder, at most.")] = 150,
    weights: Path | None = None,
    seed: int = 0,
) -> None:
    """Print what the guard refuses of each way, and what that way costs the models."""
    store = product(photos, models, weights, seed)
    policy, dataset = store.policies()[0], find_dataset(photos, store.manifest().folders, seed)
    inspector = Inspector.open(store)
    found = measure(inspector, policy, dataset, strangers or [], most, seed)
    clean = found["clean"].recall
    typer.echo(f"{photos}, policy {policy.name}, models {', '.join(store.manifest().names())}")
    typer.echo(
        "| photos | how many | refused | recall without the guard | overkill without it | to be caught | what is said |"
    )
    typer.echo("|---|---|---|---|---|---|---|")
    for name, each in found.items():
        typer.echo(f"| {name} | {' | '.join(each.cells(clean))} |")
    typer.echo(refused_of(inspector, dataset))


if __name__ == "__main__":
    typer.run(main)
