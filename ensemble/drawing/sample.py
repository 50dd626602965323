"""The sample product: a folder of drawn photos, good and defective, with masks of the damage.

Layout, with the same stem for a photo and its mask:

    train|test/non_defective/good_000.jpg
    train|test/defective/scratch_001.jpg, dent_hard_015.jpg, ...
    ground_truth/train|test/defective/scratch_001.png   1 bit a pixel, white where damaged
"""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ensemble.drawing.part import draw_part, drawn_beside
from ensemble.values.errors import DataError
from ensemble.values.samples import plan_sample
from ensemble.values.training import CountDone

FEWEST_SAMPLE = 8
SAMPLE_SIDE = 256
SAMPLE_QUALITY = 88
TOP_FOLDERS = ("train", "test", "ground_truth")
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


def write_sample(
    directory: Path,
    *,
    photos: int = 240,
    seed: int = 0,
    progress: CountDone = lambda _done, _total: None,
) -> dict[str, int]:
    """Draw the sample product and return its counts, such as {"train/defective": 84, ...}.

    The folder gets all photos or none. On one machine the same seed gives the same bytes (another processor may
    round a grey value differently), and photo k is the same however many follow it. Raises DataError for fewer
    than 8 photos, a negative seed, a folder that already holds photos and one that cannot be written.
    """
    _check_sample(directory, photos, seed)
    with drawn_beside(directory, "The sample") as sibling:
        counts = _draw_photos(sibling, photos, seed, progress)
        _move_into_place(sibling, directory)
    return counts


def _check_sample(directory: Path, photos: int, seed: int) -> None:
    if photos < FEWEST_SAMPLE:
        raise DataError(
            f"A sample needs at least {FEWEST_SAMPLE} photos, so that training and test hold both classes. "
            f"Got {photos}. Ask for {FEWEST_SAMPLE} or more."
        )
    if seed < 0:
        raise DataError(f"A seed must be 0 or more. Got {seed}. Name a whole number from 0 up.")
    if directory.exists() and not directory.is_dir():
        raise DataError(f"A sample needs a folder, but {directory} is a file. Name a folder.")
    found = next((path for path in sorted(directory.rglob("*")) if _in_the_way(path, directory)), None)
    if found is not None:
        raise DataError(
            f"A sample needs a folder without photos, but {directory} holds {found.relative_to(directory)}. "
            "Name a new folder, or empty this one first."
        )


def _in_the_way(path: Path, directory: Path) -> bool:
    ours = path.relative_to(directory).parts[0] in TOP_FOLDERS
    return path.is_file() and (ours or path.suffix.lower() in PHOTO_SUFFIXES)


def _draw_photos(folder: Path, photos: int, seed: int, progress: CountDone) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for number in range(photos):
        planned = plan_sample(number)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        photo, mask = draw_part(rng, planned.defect, planned.hard, SAMPLE_SIDE)
        place = f"{planned.part}/{planned.label}"
        _save(photo, folder / place / f"{planned.stem}.jpg", quality=SAMPLE_QUALITY)
        if planned.defect:
            white = mask.convert("1", dither=Image.Dither.NONE)
            _save(white, folder / "ground_truth" / place / f"{planned.stem}.png")
        counts[place] += 1
        progress(number + 1, photos)
    return dict(sorted(counts.items()))


def _save(picture: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True, **options)


def _move_into_place(source: Path, directory: Path) -> None:
    """Rename the finished folders into the directory; take them out again should one fail."""
    directory.mkdir(exist_ok=True)
    moved: list[Path] = []
    try:
        for name in TOP_FOLDERS:
            target = directory / name
            if target.exists():
                shutil.rmtree(target)  # checked before: it holds no file
            (source / name).rename(target)
            moved.append(target)
    except BaseException:
        for target in moved:
            target.rename(source / target.name)
        raise
