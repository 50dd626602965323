"""Drawn clothes: a stand-in for a product of three classes, in train|test/bottomwear|shoes|topwear."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from PIL import Image

from ensemble.drawing.shapes import GARMENTS, filled, placed
from ensemble.drawing.textures import draw_colour, draw_sheet
from ensemble.values.errors import DataError

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bottomwear": ("trousers", "skirt"), "shoes": ("shoe",), "topwear": ("top",)}
)
FEWEST = 4  # photos of a class: one of them is for the test
SIDE = 160  # pixels
QUALITY = 88


def draw_clothing(rng: Generator, label: str) -> Image.Image:
    """One garment of a class, upright on pale paper, as shops show them; RGB, `SIDE` pixels a side."""
    kinds = KINDS[label]
    outline = GARMENTS[kinds[rng.integers(len(kinds))]](rng)
    centre = (SIDE * (0.5 + rng.normal(0, 0.03)), SIDE * (0.5 + rng.normal(0, 0.03)))
    mask = filled(placed(outline, centre=centre, size=SIDE * rng.uniform(0.3, 0.45), angle=rng.normal(0, 0.12)), SIDE)
    paper = np.float32(1 - rng.uniform(0, 0.3))
    cloth = draw_sheet(rng, SIDE) if rng.random() < 0.7 else np.broadcast_to(draw_colour(rng), (SIDE, SIDE, 3))
    picture = paper + mask[..., None] * (cloth - paper)
    noisy = picture + rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(0.02)
    return Image.fromarray((np.clip(noisy, 0, 1) * 255).astype(np.uint8))


def write_clothing(directory: Path, *, photos: int = 60, seed: int = 0) -> dict[str, int]:
    """Draw so many photos of each class, a quarter of them for the test, and return the counts, by split and class.

    The folder is new and gets all photos or none. On one machine the same seed gives the same bytes. Raises DataError
    for fewer than 4 photos, a negative seed, and a folder that is there already or cannot be made.
    """
    if photos < FEWEST or seed < 0:
        raise DataError(
            f"Drawn clothes need at least {FEWEST} photos of a class and a seed from 0 up. Got {photos} and {seed}."
        )
    if directory.exists():
        raise DataError(f"Drawn clothes need a new folder, and {directory} is there already. Name another one.")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        sibling = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            counts = _draw_all(sibling, photos, seed)
            sibling.chmod(0o755)
            sibling.rename(directory)
        finally:
            shutil.rmtree(sibling, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"Drawn clothes could not be written to {directory}: {error.strerror or error}. "
            "Name a folder that you may write to, on a disk with room."
        ) from error
    return counts


def _draw_all(folder: Path, photos: int, seed: int) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for place, label in enumerate(KINDS):
        for number in range(photos):
            rng = np.random.default_rng((seed, place, number))
            split = "test" if number % 4 == 3 else "train"
            path = folder / split / label / f"{label}_{number:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_clothing(rng, label).save(path, quality=QUALITY)
            counts[f"{split}/{label}"] += 1
    return dict(sorted(counts.items()))
