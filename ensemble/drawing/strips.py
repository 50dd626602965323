"""Long strips of rolled metal under one lamp, good or with a hair-thin scratch: photos that are far from square.

Layout, with the same stem for a photo and its mask:

    train|test/non_defective/strip_000.jpg
    train|test/defective/scratch_000.jpg
    ground_truth/train|test/defective/scratch_000.png   1 bit a pixel, white where scratched
"""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ensemble.drawing.part import drawn_beside
from ensemble.drawing.shapes import Grey
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE
from ensemble.values.training import CountDone

STRIP_SIZE = (500, 1250)  # width and height in pixels
STRIP_QUALITY = 92
FEWEST_STRIPS = 4  # photos of a class: half of them are for the test
FAINT = (0.05, 0.12)  # how much darker a scratch is, of white: two to five times what the metal itself varies by
FINENESS = 4  # lines are drawn so many times larger, and averaged down


def draw_strip(
    rng: Generator,
    *,
    scratched: bool = False,
    size: tuple[int, int] = STRIP_SIZE,
    depths: tuple[float, float] = FAINT,
) -> tuple[Image.Image, Image.Image]:
    """A grey photo (L) of this (width, height) and an L mask of its scratched pixels, 255 where scratched.

    `depths` are the least and the most by which a scratch is darker, of white. It is drawn from a child of the
    generator: the same state without it gives the same strip unharmed.
    """
    scratch_rng = rng.spawn(1)[0]
    grey = _metal(rng, size) + _lamp_light(rng, size)
    _scatter_dust(rng, grey)
    scratch = _hairline(scratch_rng, size) if scratched else np.zeros_like(grey)
    depth = np.float32(scratch_rng.uniform(*depths))
    noise = rng.standard_normal(grey.shape, dtype=np.float32) * np.float32(0.012)
    pixels = np.clip(grey - depth * scratch + noise, 0, 1) * 255
    mask = np.where(scratch >= 0.25, 255, 0)
    return Image.fromarray(pixels.astype(np.uint8)), Image.fromarray(mask.astype(np.uint8))


def _cells(rng: Generator, size: tuple[int, int], columns: int, rows: int) -> Grey:
    """Normal noise of so many cells, interpolated to the size."""
    cells = rng.standard_normal((max(2, rows), max(2, columns)), dtype=np.float32)
    return np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC))


def _metal(rng: Generator, size: tuple[int, int]) -> Grey:
    """Rolled metal: fine lines along the strip, soft stains, grain."""
    width, height = size
    lines = np.float32(rng.uniform(0.01, 0.025)) * _cells(rng, size, width // 2, height // 150)
    stains = np.float32(rng.uniform(0.01, 0.03)) * _cells(rng, size, width // 80, height // 80)
    grain = np.float32(rng.uniform(0.008, 0.016)) * _cells(rng, size, width // 2, height // 4)
    return np.float32(rng.uniform(0.42, 0.58)) + lines + stains + grain


def _lamp_light(rng: Generator, size: tuple[int, int]) -> Grey:
    """The light of one lamp: a slope over the whole strip and a wide bright band across it."""
    down, across = np.meshgrid(
        np.linspace(-0.5, 0.5, size[1], dtype=np.float32),
        np.linspace(-0.5, 0.5, size[0], dtype=np.float32),
        indexing="ij",
    )
    slope = rng.uniform(-0.12, 0.12, 2).astype(np.float32)
    band = np.exp(-(((down - np.float32(rng.uniform(-0.4, 0.4))) / np.float32(rng.uniform(0.2, 0.4))) ** 2))
    lit: NDArray[np.float32] = slope[0] * down + slope[1] * across + np.float32(rng.uniform(0, 0.1)) * band
    return lit


def _scatter_dust(rng: Generator, grey: Grey) -> None:
    """Dark and bright specks of a few pixels, harmless: good strips have them too."""
    height, width = grey.shape
    for _ in range(int(rng.poisson(6))):
        top, left, side = int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(1, 4))
        grey[top : top + side, left : left + side] += np.float32(rng.uniform(-0.15, 0.15))


def _hairline(rng: Generator, size: tuple[int, int]) -> Grey:
    """The cover (H, W), 0 to 1, of one scratch: one to two pixels wide, any way round, its course a little unsteady."""
    width, height = size
    steps, angle = 24, rng.uniform(0, np.pi)
    turns = angle + np.cumsum(rng.normal(0, 0.06, steps))
    path = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)  # (steps, 2), steps of length 1
    path *= width * rng.uniform(0.3, 0.9) / steps
    span = path.max(axis=0) - path.min(axis=0)
    path += rng.uniform(0, np.maximum(np.array(size) - span, 1)) - path.min(axis=0)
    fine = Image.new("L", (width * FINENESS, height * FINENESS))
    points = [(float(x * FINENESS), float(y * FINENESS)) for x, y in path]
    ImageDraw.Draw(fine).line(points, fill=255, width=round(FINENESS * rng.uniform(1, 2)), joint="curve")
    return np.asarray(fine.reduce(FINENESS), dtype=np.float32) / np.float32(255)


def write_strips(
    directory: Path,
    *,
    photos: int = 120,
    seed: int = 0,
    size: tuple[int, int] = STRIP_SIZE,
    depths: tuple[float, float] = FAINT,
    progress: CountDone = lambda _done, _total: None,
) -> dict[str, int]:
    """Draw so many strips of each class, every second for the test, and return the counts, by split and class.

    The folder is new and gets all photos or none. On one machine the same seed gives the same bytes. Raises DataError
    for fewer than 4 photos, a negative seed, and a folder that is there already or cannot be made.
    """
    if photos < FEWEST_STRIPS or seed < 0:
        raise DataError(
            f"Drawn strips need at least {FEWEST_STRIPS} photos of a class and a seed from 0 up. "
            f"Got {photos} and {seed}."
        )
    if directory.exists():
        raise DataError(f"Drawn strips need a new folder, and {directory} is there already. Name another one.")
    with drawn_beside(directory, "Drawn strips") as sibling:
        counts = _draw_strips(sibling / directory.name, photos, seed, size, depths, progress)
        (sibling / directory.name).rename(directory)
    return counts


def _draw_strips(
    folder: Path, photos: int, seed: int, size: tuple[int, int], depths: tuple[float, float], progress: CountDone
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for number in range(2 * photos):
        scratched, count = number % 2 == 1, number // 2
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        photo, mask = draw_strip(rng, scratched=scratched, size=size, depths=depths)
        place = f"{'test' if count % 2 else 'train'}/{DEFECTIVE if scratched else NON_DEFECTIVE}"
        stem = f"{'scratch' if scratched else 'strip'}_{count:03d}"
        path = folder / place / f"{stem}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path, quality=STRIP_QUALITY)
        if scratched:
            path = folder / "ground_truth" / place / f"{stem}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            mask.convert("1", dither=Image.Dither.NONE).save(path)
        counts[place] += 1
        progress(number + 1, 2 * photos)
    return dict(sorted(counts.items()))
