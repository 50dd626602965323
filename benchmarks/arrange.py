"""Arranges published sets of photos as train|test/CLASS folders, split so that no part is on both sides.

    python -m benchmarks.arrange tile ../shared/data/magnetic_tile DESTINATION --seed 0 --masks
    python -m benchmarks.arrange tile-good-only ../shared/data/magnetic_tile DESTINATION --seed 0

Casting and clothing are published in this layout already.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ensemble.values import samples

FREE = "Free"  # the set's own word for a part without defect

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _arrange() -> None:
    """Arrange a published set as train|test/CLASS folders."""


def frame_number(photo: Path) -> int:
    """The running frame number in a name such as exp3_num_4764.jpg."""
    frame = samples.frame_number(photo)
    if frame is None:
        raise ValueError(f"Expected a name such as exp3_num_4764.jpg. Got {photo.name}.")
    return frame


def defect_type(photo: Path) -> str:
    """`Crack` for MT_Crack/Imgs/NAME.jpg."""
    return photo.parent.parent.name.removeprefix("MT_")


def parts(photos: Iterable[Path]) -> list[list[Path]]:
    """Photos grouped by part: the repeat captures exp1 to exp6 are neighbours in frame number, whatever their type."""
    ordered = sorted(photos, key=frame_number)
    groups: dict[int, list[Path]] = defaultdict(list)
    for photo, number in zip(ordered, samples.captured_parts(ordered), strict=True):
        groups[number].append(photo)
    return list(groups.values())


def split(photos: Iterable[Path], *, test_share: float, seed: int, by_photo: bool = False) -> dict[str, list[Path]]:
    """`train` and `test`: whole parts, drawn within each defect type until the share of its photos is reached.

    `by_photo` counts every photo as a part of its own, as published figures do: near-copies then lie on both sides.
    """
    by_type: dict[str, list[list[Path]]] = defaultdict(list)
    for part in [[photo] for photo in sorted(photos)] if by_photo else parts(photos):
        types = Counter(defect_type(photo) for photo in part)
        by_type[min(types, key=lambda name: (name == FREE, -types[name], name))].append(part)
    sides: dict[str, list[Path]] = {"train": [], "test": []}
    rng = np.random.default_rng(seed)
    for name in sorted(by_type):
        wanted = test_share * sum(len(part) for part in by_type[name])
        taken = 0
        for place in rng.permutation(len(by_type[name])):
            part = by_type[name][place]
            side = "test" if taken + len(part) / 2 <= wanted else "train"
            taken += len(part) if side == "test" else 0
            sides[side] += part
    return sides


def split_good(photos: Iterable[Path], *, train: int, seed: int, by_photo: bool = False) -> dict[str, list[Path]]:
    """`train`: so many photos of whole parts without any defect, in random order of the parts; `test`: all others.

    What the last part has beyond the number is left out, so that no part is on both sides. `by_photo` counts every
    photo as a part of its own: captures of one part then lie on both sides.
    """
    groups = [[photo] for photo in sorted(photos)] if by_photo else parts(photos)
    clean = [place for place, part in enumerate(groups) if all(defect_type(photo) == FREE for photo in part)]
    chosen: list[Path] = []
    taken: set[int] = set()
    for place in np.random.default_rng(seed).permutation(clean).tolist():
        if len(chosen) >= train:
            break
        chosen += groups[place]
        taken.add(place)
    if len(chosen) < train:
        raise ValueError(f"Parts without defect have {len(chosen)} photos; {train} are wanted to train on.")
    rest = [photo for place, part in enumerate(groups) if place not in taken for photo in part]
    return {"train": chosen[:train], "test": rest}


@app.command()
def tile(
    source: Annotated[Path, typer.Argument(help="Folder with MT_TYPE/Imgs/*.jpg")],
    destination: Annotated[Path, typer.Argument(help="Empty or new folder")],
    seed: int = 0,
    test_share: float = 0.3,
    by_photo: Annotated[bool, typer.Option("--by-photo", help="Let captures of one part fall on both sides.")] = False,
    masks: Annotated[bool, typer.Option("--masks", help="Also the masks, in ground_truth/train|test/CLASS.")] = False,
) -> None:
    """Magnetic tile: Free is non_defective, every other type is defective; about 70 to 30, split by part.

    With masks, each defective photo needs one beside it, NAME.png for NAME.jpg.
    """
    photos = sorted(source.glob("MT_*/Imgs/*.jpg"))
    if not photos:
        raise typer.BadParameter(f"Expected MT_TYPE/Imgs/*.jpg in {source} and found none.")
    if destination.exists() and any(destination.iterdir()):
        raise typer.BadParameter(f"{destination} is not empty. Name a new folder.")
    for side, chosen in split(photos, test_share=test_share, seed=seed, by_photo=by_photo).items():
        counts: Counter[str] = Counter()
        for photo in chosen:
            label = "non_defective" if defect_type(photo) == FREE else "defective"
            folder = destination / side / label
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(photo, folder / f"{defect_type(photo)}_{photo.name}")
            if masks and label == "defective":
                folder = destination / "ground_truth" / side / label
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(photo.with_suffix(".png"), folder / f"{defect_type(photo)}_{photo.stem}.png")
            counts[label] += 1
        typer.echo(f"{side}: " + ", ".join(f"{count} {label}" for label, count in sorted(counts.items())))


@app.command()
def tile_good_only(
    source: Annotated[Path, typer.Argument(help="Folder with MT_TYPE/Imgs/*.jpg and the masks beside them as *.png")],
    destination: Annotated[Path, typer.Argument(help="Empty or new folder")],
    seed: int = 0,
    train: Annotated[int, typer.Option("--train", help="How many good photos to train on.")] = 400,
    by_photo: Annotated[bool, typer.Option("--by-photo", help="Let captures of one part fall on both sides.")] = False,
) -> None:
    """Magnetic tile as an MVTec AD category: good photos to train on, the others and all defects to test on, masks."""
    photos = sorted(source.glob("MT_*/Imgs/*.jpg"))
    if not photos:
        raise typer.BadParameter(f"Expected MT_TYPE/Imgs/*.jpg in {source} and found none.")
    if destination.exists() and any(destination.iterdir()):
        raise typer.BadParameter(f"{destination} is not empty. Name a new folder.")
    try:
        sides = split_good(photos, train=train, seed=seed, by_photo=by_photo)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for side, chosen in sides.items():
        counts: Counter[str] = Counter()
        for photo in chosen:
            kind = "good" if defect_type(photo) == FREE else defect_type(photo).lower()
            _copy(photo, destination / side / kind / photo.name)
            if kind != "good":
                _copy(photo.with_suffix(".png"), destination / "ground_truth" / kind / f"{photo.stem}_mask.png")
            counts[kind] += 1
        typer.echo(f"{side}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))


def _copy(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)


if __name__ == "__main__":
    app()
