"""Defects that can be put on any picture: scratch, crack, dent, stain, pits, missing patch, shifted texture."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from ensemble.drawing.textures import Colour, Grey, draw_colour, smooth_noise

Point = tuple[float, float]  # x and y in pixels


def _blended(picture: Colour, mask: Grey, ink: Colour | NDArray[np.float32]) -> Colour:
    return picture + mask[..., None] * (ink - picture)


def _ink(rng: Generator) -> NDArray[np.float32]:
    """Mostly dark or bright, sometimes any colour: (3,)."""
    if rng.random() < 0.25:
        return draw_colour(rng)
    return np.full(3, rng.choice([rng.uniform(0, 0.3), rng.uniform(0.7, 1)]), dtype=np.float32)


def _stroke(side: int, paths: list[NDArray[np.float64]], width: float) -> Grey:
    canvas = Image.new("L", (2 * side, 2 * side))
    pen = ImageDraw.Draw(canvas)
    for path in paths:
        pen.line((2 * path).ravel().tolist(), fill=255, width=max(1, round(2 * width)))
    return np.asarray(canvas.reduce(2), dtype=np.float32) / np.float32(255)


def _wander(rng: Generator, start: Point, *, length: float, bend: float) -> NDArray[np.float64]:
    """A path of 12 steps that turns a little at each one."""
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, bend, 12))
    steps = length / 12 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(start) + np.cumsum(steps, axis=0)


def _ragged_spot(rng: Generator, side: int, place: Point, radius: float) -> Grey:
    """A patch with a ragged edge."""
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    stretch = np.float32(rng.uniform(0.5, 1))
    distance = np.hypot(xs - place[0], (ys - place[1]) / stretch) / radius
    ragged = distance + np.float32(rng.uniform(0.05, 0.35)) * smooth_noise(rng, side, 14)
    return np.clip((1 - ragged) * np.float32(rng.uniform(1.5, 12)), 0, 1)


def _scratch(rng: Generator, picture: Colour, place: Point) -> Colour:
    side = len(picture)
    length = side * rng.uniform(0.1, 0.9)
    paths = [_wander(rng, place, length=length, bend=0.04) for _ in range(int(rng.choice([1, 1, 1, 2, 4])))]
    mask = _stroke(side, paths, rng.uniform(0.5, 2.2)) * np.float32(rng.uniform(0.3, 1))
    return _blended(picture, mask, _ink(rng))


def _crack(rng: Generator, picture: Colour, place: Point) -> Colour:
    side = len(picture)
    trunk = _wander(rng, place, length=side * rng.uniform(0.2, 0.8), bend=0.6)
    branches = [
        _wander(rng, tuple(trunk[rng.integers(12)]), length=side * rng.uniform(0.05, 0.25), bend=0.6)
        for _ in range(int(rng.integers(0, 4)))
    ]
    mask = _stroke(side, [trunk, *branches], rng.uniform(0.5, 2.5)) * np.float32(rng.uniform(0.4, 1))
    return _blended(picture, mask, np.full(3, rng.uniform(0, 0.25), dtype=np.float32))


def _dent(rng: Generator, picture: Colour, place: Point) -> Colour:
    side = len(picture)
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    radius, light = side * rng.uniform(0.03, 0.15), rng.uniform(0, 2 * np.pi)
    across, down = (xs - place[0]) / radius, (ys - place[1]) / radius
    bump = np.exp(-(across**2 + down**2))
    slope = bump * (across * np.cos(light) + down * np.sin(light))
    return picture * (1 + np.float32(rng.uniform(0.5, 2)) * slope[..., None].astype(np.float32))


def _stain(rng: Generator, picture: Colour, place: Point) -> Colour:
    mask = _ragged_spot(rng, len(picture), place, len(picture) * rng.uniform(0.05, 0.3))
    tint = np.float32(rng.uniform(0.2, 0.9))
    return _blended(picture, mask * tint, picture * _ink(rng) if rng.random() < 0.5 else _ink(rng))


def _pits(rng: Generator, picture: Colour, place: Point) -> Colour:
    side = len(picture)
    canvas = Image.new("L", (2 * side, 2 * side))
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(1, 12))):
        x, y = 2 * (np.asarray(place) + rng.normal(0, side * 0.08, 2))
        radius = side * rng.uniform(0.008, 0.05)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    hole = np.asarray(canvas.reduce(2), dtype=np.float32) / np.float32(255)
    rim = np.roll(hole, (1, 1), axis=(0, 1)) - hole
    lifted = picture + np.float32(rng.uniform(0, 0.4)) * np.clip(rim, 0, 1)[..., None]
    return _blended(lifted, hole * np.float32(rng.uniform(0.4, 1)), picture * np.float32(rng.uniform(0, 0.5)))


def _missing_patch(rng: Generator, picture: Colour, place: Point) -> Colour:
    side = len(picture)
    corners = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = side * rng.uniform(0.03, 0.16, corners)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + place
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).polygon(points.ravel().tolist(), fill=255)
    soft = np.asarray(canvas.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2))), dtype=np.float32)
    return _blended(picture, soft / np.float32(255), _ink(rng))


def _shifted_texture(rng: Generator, picture: Colour, place: Point) -> Colour:
    moved = np.roll(picture, tuple(rng.integers(5, len(picture) - 5, 2)), axis=(0, 1))
    if rng.random() < 0.5:
        moved = np.swapaxes(moved, 0, 1)
    return _blended(picture, _ragged_spot(rng, len(picture), place, len(picture) * rng.uniform(0.08, 0.3)), moved)


BLEMISHES: dict[str, Callable[[Generator, Colour, Point], Colour]] = {
    "scratch": _scratch,
    "crack": _crack,
    "dent": _dent,
    "stain": _stain,
    "pits": _pits,
    "missing_patch": _missing_patch,
    "shifted_texture": _shifted_texture,
}


def with_blemish(rng: Generator, picture: Colour, *, where: Grey | None = None) -> Colour:
    """The picture with one defect of any kind; `where` is the mask (H, W) that it must stay inside."""
    side = len(picture)
    place: Point = tuple(rng.uniform(0.05 * side, 0.95 * side, 2))
    if where is not None:
        inside = np.flatnonzero(where > 0.5)
        if len(inside) == 0:
            return picture
        row, column = divmod(int(inside[rng.integers(len(inside))]), side)
        place = (column, row)
    kinds = tuple(BLEMISHES)
    marked = BLEMISHES[kinds[rng.integers(len(kinds))]](rng, picture, place)
    return marked if where is None else _blended(picture, where, marked)
