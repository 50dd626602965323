"""Draw a photo of a machined part: a turned disc with bore and bolt holes on a matte bench."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.drawing.camera import average_down, draw_camera, photograph
from ensemble.drawing.defects import AFTER_DRILLING, BEFORE_DRILLING
from ensemble.drawing.light import bench, depths, draw_light, metal
from ensemble.drawing.surface import SUPERSAMPLING, Pose, Surface, turned_face
from ensemble.values.sample_plan import DEFECTS

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
    return photograph(ground, camera), _mask(surface)


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


def _mask(surface: Surface) -> Image.Image:
    share = average_down(surface.damage)
    return Image.fromarray(np.where(share >= 0.25, 255, 0).astype(np.uint8))
