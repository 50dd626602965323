"""One thing to draw, seen by a camera: a machined part, or a piece of clothing."""

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ensemble.drawing.defects import AFTER_DRILLING, BEFORE_DRILLING
from ensemble.drawing.light import average_down, bench, depths, draw_camera, draw_light, metal, photograph
from ensemble.drawing.shapes import GARMENTS, filled, placed
from ensemble.drawing.surface import SUPERSAMPLING, Pose, Surface, turned_face
from ensemble.drawing.textures import draw_colour, draw_sheet
from ensemble.values.errors import DataError
from ensemble.values.samples import DEFECTS

BAND = 24  # rows lit at once: few enough that they stay in the processor's cache


def draw_part(
    rng: np.random.Generator, defect: str | None = None, hard: bool = False, side: int = 256
) -> tuple[Image.Image, Image.Image]:
    """An RGB photo (side, side) and an L mask of its damaged pixels, 255 where damaged.

    The damage is drawn from a child of the generator: the same generator state with defect=None gives the
    same photo of the undamaged part. Raises ValueError for a defect that is not one of DEFECTS.
    """
    if defect is not None and defect not in DEFECTS:
        raise ValueError(f"A defect must be one of {', '.join(DEFECTS)}. Got {defect!r}.")
    damage_rng = rng.spawn(1)[0]
    size = side * SUPERSAMPLING
    surface = turned_face(rng, _draw_pose(rng, size), size)
    light, camera = draw_light(rng), draw_camera(rng)
    ground = bench(rng, surface, light)
    specks = _draw_specks(rng)

    if defect in BEFORE_DRILLING:
        BEFORE_DRILLING[defect](surface, damage_rng, hard)
    surface.drill()
    if defect in AFTER_DRILLING:
        AFTER_DRILLING[defect](surface, damage_rng, hard)

    depths(ground, surface, light)
    rows, columns = surface.window(0, 0, 1.06)
    for top in range(rows.start, rows.stop, BAND):
        at = slice(top, min(top + BAND, rows.stop)), columns
        band = surface.cut_out(at)
        ground[at] += band.solid[:, :, None] * (metal(band, light) - ground[at])
    _scatter(ground, surface, specks)
    damaged = average_down(surface.damage) >= 0.25
    return photograph(ground, camera), Image.fromarray(np.where(damaged, 255, 0).astype(np.uint8))


def _draw_pose(rng: np.random.Generator, size: int) -> Pose:
    lean, tilt = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.04)
    return Pose(
        centre_x=size * (0.5 + rng.normal(0, 0.006)),
        centre_y=size * (0.5 + rng.normal(0, 0.006)),
        radius=size * rng.uniform(0.43, 0.445),
        angle=rng.normal(0, math.radians(3)),
        lean_x=tilt * math.cos(lean),
        lean_y=tilt * math.sin(lean),
    )


def _draw_specks(rng: np.random.Generator) -> NDArray[np.float64]:
    """Dust on part and bench, harmless: rows of x, y, radius, grey, thickness of the cover."""
    count = int(rng.poisson(3))
    return np.stack(
        [
            rng.uniform(-1.25, 1.25, count),
            rng.uniform(-1.25, 1.25, count),
            rng.uniform(0.003, 0.0075, count),
            rng.choice([0.05, 0.5], count),
            rng.uniform(0.25, 0.6, count),
        ],
        axis=1,
    )


def _scatter(colours: NDArray[np.floating], surface: Surface, specks: NDArray[np.float64]) -> None:
    for x, y, radius, grey, cover in specks.tolist():
        at = surface.window(x, y, 2 * radius)
        distance = np.hypot(surface.x[at] - np.float32(x), surface.y[at] - np.float32(y))
        share = np.float32(cover) * np.clip(1.5 - distance / np.float32(radius), 0, 1)
        colours[at] += share[:, :, None] * (np.float32(grey) - colours[at])


GARMENTS_OF_CLASS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bottomwear": ("trousers", "skirt"), "shoes": ("shoe",), "topwear": ("top",)}
)
FEWEST_CLOTHES = 4  # photos of a class: one of them is for the test
CLOTHES_SIDE = 160  # pixels
CLOTHES_QUALITY = 88


def draw_clothing(rng: Generator, label: str) -> Image.Image:
    """One garment of a class, upright on pale paper, as shops show them; RGB, `CLOTHES_SIDE` pixels a side."""
    kinds = GARMENTS_OF_CLASS[label]
    outline = GARMENTS[kinds[rng.integers(len(kinds))]](rng)
    centre = (CLOTHES_SIDE * (0.5 + rng.normal(0, 0.03)), CLOTHES_SIDE * (0.5 + rng.normal(0, 0.03)))
    mask = filled(
        placed(outline, centre=centre, size=CLOTHES_SIDE * rng.uniform(0.3, 0.45), angle=rng.normal(0, 0.12)),
        CLOTHES_SIDE,
    )
    paper = np.float32(1 - rng.uniform(0, 0.3))
    cloth = (
        draw_sheet(rng, CLOTHES_SIDE)
        if rng.random() < 0.7
        else np.broadcast_to(draw_colour(rng), (CLOTHES_SIDE, CLOTHES_SIDE, 3))
    )
    picture = paper + mask[..., None] * (cloth - paper)
    noisy = picture + rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(0.02)
    return Image.fromarray((np.clip(noisy, 0, 1) * 255).astype(np.uint8))


def write_clothing(directory: Path, *, photos: int = 60, seed: int = 0) -> dict[str, int]:
    """Draw so many photos of each class, a quarter of them for the test, and return the counts, by split and class.

    The folder is new and gets all photos or none. On one machine the same seed gives the same bytes. Raises DataError
    for fewer than 4 photos, a negative seed, and a folder that is there already or cannot be made.
    """
    if photos < FEWEST_CLOTHES or seed < 0:
        raise DataError(
            f"Drawn clothes need at least {FEWEST_CLOTHES} photos of a class and a seed from 0 up. "
            f"Got {photos} and {seed}."
        )
    if directory.exists():
        raise DataError(f"Drawn clothes need a new folder, and {directory} is there already. Name another one.")
    with drawn_beside(directory, "Drawn clothes") as sibling:
        counts = _draw_clothes(sibling / directory.name, photos, seed)
        (sibling / directory.name).rename(directory)
    return counts


@contextmanager
def drawn_beside(directory: Path, what: str) -> Iterator[Path]:
    """A folder beside another to draw into, which then goes; a DataError where something cannot be written."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as sibling:
            yield Path(sibling)
    except OSError as error:
        raise DataError(
            f"{what} could not be written to {directory}: {error.strerror or error}. "
            "Name a folder that you may write to, on a disk with room."
        ) from error


def _draw_clothes(folder: Path, photos: int, seed: int) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for place, label in enumerate(GARMENTS_OF_CLASS):
        for number in range(photos):
            rng = np.random.default_rng((seed, place, number))
            split = "test" if number % 4 == 3 else "train"
            path = folder / split / label / f"{label}_{number:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_clothing(rng, label).save(path, quality=CLOTHES_QUALITY)
            counts[f"{split}/{label}"] += 1
    return dict(sorted(counts.items()))
