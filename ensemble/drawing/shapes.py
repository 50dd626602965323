"""Silhouettes of workshop parts and of garments, as outlines that become masks."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Points = NDArray[np.float64]  # (N, 2), x and y, about -1 to 1
Grey = NDArray[np.float32]  # (H, W), 0 to 1
Outline = tuple[list[Points], list[Points]]  # solid polygons, and holes cut out of them


def _circle(radius: float = 1, x: float = 0, y: float = 0, corners: int = 36) -> Points:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def _rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)


def _rounded(points: Points | Sequence[tuple[float, float]], times: int = 2) -> Points:
    """Corners cut again and again (Chaikin), so that a polygon turns smooth."""
    current = np.asarray(points, dtype=float)
    for _ in range(times):
        following = np.roll(current, -1, axis=0)
        pairs = np.stack([0.75 * current + 0.25 * following, 0.25 * current + 0.75 * following], axis=1)
        current = pairs.reshape(-1, 2)
    return current


def _mirrored_outline(right: Sequence[tuple[float, float]]) -> Points:
    """A closed outline from its right half, given from top to bottom."""
    half = np.asarray(right, dtype=float)
    return np.concatenate([half, half[::-1] * (-1, 1)])


def _bolt_circle(rng: Generator, at: float, radius: float) -> list[Points]:
    count = int(rng.integers(2, 9))
    angles = np.arange(count) * 2 * np.pi / count
    return [_circle(radius, at * np.cos(angle), at * np.sin(angle), 16) for angle in angles]


def _ellipse(rng: Generator) -> Outline:
    return [_circle() * (1, rng.uniform(0.3, 1))], []


def _polygon(rng: Generator) -> Outline:
    corners = int(rng.integers(3, 9))
    radii = rng.uniform(0.5, 1, corners) if rng.random() < 0.5 else np.ones(corners)
    points = _circle(corners=corners) * radii[:, None]
    return [_rounded(points, int(rng.integers(0, 3)))], []


def _gear(rng: Generator) -> Outline:
    teeth = int(rng.integers(6, 28))
    radii = np.tile([1, 1, *([rng.uniform(0.7, 0.92)] * 2)], teeth)
    holes = [_circle(rng.uniform(0.1, 0.4))]
    if rng.random() < 0.5:
        holes += _bolt_circle(rng, 0.58, rng.uniform(0.05, 0.12))
    return [_circle(corners=4 * teeth) * radii[:, None]], holes


def _ring(rng: Generator) -> Outline:
    return [_circle()], [_circle(rng.uniform(0.3, 0.9), *rng.uniform(-0.08, 0.08, 2))]


def _flange(rng: Generator) -> Outline:
    holes = _bolt_circle(rng, rng.uniform(0.6, 0.8), rng.uniform(0.05, 0.14))
    return [_circle()], [_circle(rng.uniform(0.1, 0.4)), *holes]


def _impeller(rng: Generator) -> Outline:
    """A wheel with curved windows between its blades."""
    blades, inner, outer = int(rng.integers(4, 9)), rng.uniform(0.25, 0.4), rng.uniform(0.75, 0.92)
    turn, width = rng.uniform(-0.9, 0.9), rng.uniform(0.5, 0.85) * 2 * np.pi / blades
    radii = np.linspace(inner, outer, 8)
    bend = turn * (radii - inner)
    windows = []
    for start in np.arange(blades) * 2 * np.pi / blades:
        angles = np.concatenate([start + bend, (start + bend + width)[::-1]])
        lengths = np.concatenate([radii, radii[::-1]])
        windows.append(np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1))
    return [_circle()], [*windows, _circle(inner * rng.uniform(0.2, 0.6))]


def _screw(rng: Generator) -> Outline:
    head, shaft, neck = rng.uniform(0.3, 0.55), rng.uniform(0.12, 0.28), rng.uniform(-0.75, -0.55)
    turns = int(rng.integers(8, 24))
    heights = np.linspace(neck + rng.uniform(0.05, 0.6), 0.85, 2 * turns)
    widths = shaft * np.tile([1, rng.uniform(0.65, 0.9)], turns)
    thread = list(zip(widths, heights, strict=True))
    return [_mirrored_outline([(head, -1), (head, neck), (shaft, neck), *thread, (0.02, 1)])], []


def _profile(rng: Generator) -> Outline:
    """A turned part: bottle, vase, spindle, pawn."""
    steps = int(rng.integers(3, 9))
    heights, widths = np.linspace(-1, 1, steps), rng.uniform(0.12, 0.6, steps)
    if rng.random() < 0.5:
        heights, widths = np.repeat(heights, 2)[1:-1], np.repeat(widths, 2)[:-2]
    outline = _mirrored_outline(list(zip(widths, heights, strict=True)))
    return [_rounded(outline, int(rng.integers(0, 3)))], []


def _plate(rng: Generator) -> Outline:
    height = rng.uniform(0.35, 1)
    inset = rng.uniform(0.1, 0.25)
    corners = _rectangle(-1 + inset, -height + inset, 1 - inset, height - inset)
    radius = rng.uniform(0.04, 0.12)
    holes = [_circle(radius, x, y, 16) for x, y in corners] if rng.random() < 0.7 else []
    if rng.random() < 0.4:
        holes.append(_rectangle(-0.4, -0.3 * height, 0.4 * rng.random(), 0.3 * height))
    return [_rounded(_rectangle(-1, -height, 1, height), int(rng.integers(0, 3)))], holes


def _bracket(rng: Generator) -> Outline:
    thick = rng.uniform(0.15, 0.45)
    arms = [
        _rectangle(-1, -1, -1 + 2 * thick, 1),
        _rectangle(-1, 1 - 2 * thick, 1, 1),
        _rectangle(1 - 2 * thick, -1, 1, 1),
    ]
    arms += [_rectangle(-1, -thick, 1, thick), _rectangle(-thick, -1, thick, 1)]
    chosen = [(0, 1), (0, 1, 2), (3, 4), (0, 3), (0, 2, 3)][rng.integers(5)]
    return [arms[arm] for arm in chosen], [_circle(thick * 0.4, -1 + thick, 1 - thick, 16)]


def _blob(rng: Generator) -> Outline:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radii = np.full(48, 0.75)
    for wave in range(2, int(rng.integers(4, 9))):
        radii += rng.uniform(0, 0.3) / wave * np.cos(wave * angles + rng.uniform(0, 6.3))
    return [_circle(corners=48) * radii[:, None] * (1, rng.uniform(0.4, 1))], []


def _nut(rng: Generator) -> Outline:
    return [_circle(corners=int(rng.choice([4, 6, 6, 8])))], [_circle(rng.uniform(0.35, 0.65))]


def _capsule(rng: Generator) -> Outline:
    half = rng.uniform(0.15, 0.5)
    return [_circle(half, -1 + half), _circle(half, 1 - half), _rectangle(-1 + half, -half, 1 - half, half)], []


def _spanner(rng: Generator) -> Outline:
    jaw, grip = rng.uniform(0.25, 0.42), rng.uniform(0.08, 0.18)
    solid = [_circle(jaw, -0.7), _circle(jaw * 0.8, 0.75), _rectangle(-0.7, -grip, 0.75, grip)]
    return solid, [_rectangle(-1.2, -jaw * 0.5, -0.7, jaw * 0.5), _circle(jaw * 0.45, 0.75, corners=6)]


def _star(rng: Generator) -> Outline:
    tips = int(rng.integers(3, 10))
    radii = np.tile([1, rng.uniform(0.3, 0.8)], tips)
    return [_rounded(_circle(corners=2 * tips) * radii[:, None], int(rng.integers(0, 3)))], []


def _top(rng: Generator) -> Outline:
    """Shirt, pullover or vest: a torso, two sleeves of any length, a neckline."""
    shoulder, waist, hem = rng.uniform(0.42, 0.6), rng.uniform(0.36, 0.58), rng.uniform(0.7, 1)
    neck, depth = rng.uniform(0.12, 0.25), rng.uniform(0.03, 0.45)
    length, spread = rng.uniform(0, 1.5), rng.uniform(0.05, 0.7)
    cuff = rng.uniform(0.1, 0.22)
    end = np.array([shoulder + length * np.sin(spread), -0.8 + length * np.cos(spread)])
    across = cuff * np.array([np.cos(spread), -np.sin(spread)])
    sleeve = [tuple(end + across), tuple(end - across)] if length > 0.25 else []
    right = [(0, -0.95 + depth), (neck, -1), (shoulder, -0.85), *sleeve, (waist, -0.4), (waist, hem)]
    return [_rounded(_mirrored_outline(right), int(rng.integers(0, 3)))], []


def _trousers(rng: Generator) -> Outline:
    waist, hip, crotch = rng.uniform(0.25, 0.42), rng.uniform(0.32, 0.5), rng.uniform(-0.55, -0.3)
    foot, hem, apart = rng.uniform(0.09, 0.28), rng.uniform(-0.1, 1), rng.uniform(0.02, 0.3)
    right = [(waist, -1), (hip, crotch), (apart + 2 * foot, hem), (apart, hem), (0.01, crotch)]
    return [_rounded(_mirrored_outline(right), int(rng.integers(0, 2)))], []


def _skirt(rng: Generator) -> Outline:
    waist, hem = rng.uniform(0.2, 0.4), rng.uniform(0.3, 0.9)
    right = [(waist, -0.8), (waist * 1.25, -0.45), (hem, rng.uniform(0.1, 0.9))]
    return [_rounded(_mirrored_outline(right), int(rng.integers(0, 2)))], []


def _shoe(rng: Generator) -> Outline:
    """A shoe seen from its side, from sandal to boot, with a sole and perhaps a heel."""
    shaft, toe, heel = rng.uniform(-1, -0.1), rng.uniform(0.08, 0.35), rng.uniform(0, 0.4)
    ground, back = 0.5, rng.uniform(-0.95, -0.85)
    opening = rng.uniform(-0.45, -0.1)
    upper = [(back, shaft), (opening, shaft + rng.uniform(-0.05, 0.2)), (opening + 0.15, ground - toe - 0.25)]
    upper += [(0.55, ground - toe), (0.95, ground - 0.6 * toe), (1, ground), (-0.05, ground - heel * 0.5)]
    upper += [(back, ground - heel)]
    solid = [_rounded(upper, 2)]
    if heel > 0.1:
        solid.append(_rectangle(back + 0.02, ground - heel - 0.1, back + rng.uniform(0.08, 0.5), ground))
    elif rng.random() < 0.7:
        solid.append(_rounded(_rectangle(back, ground - 0.12, 1, ground + rng.uniform(0, 0.1)), 1))
    straps = rng.random() < 0.2
    return solid, [_rounded(_rectangle(opening + 0.25, ground - 0.25, 0.5, ground - 0.1), 1)] if straps else []


PART_SHAPES: dict[str, Callable[[Generator], Outline]] = {
    "ellipse": _ellipse,
    "polygon": _polygon,
    "gear": _gear,
    "ring": _ring,
    "flange": _flange,
    "impeller": _impeller,
    "screw": _screw,
    "profile": _profile,
    "plate": _plate,
    "bracket": _bracket,
    "blob": _blob,
    "nut": _nut,
    "capsule": _capsule,
    "spanner": _spanner,
    "star": _star,
}
GARMENTS: dict[str, Callable[[Generator], Outline]] = {
    "top": _top,
    "trousers": _trousers,
    "skirt": _skirt,
    "shoe": _shoe,
}


def placed(outline: Outline, *, centre: tuple[float, float], size: float, angle: float) -> Outline:
    """The outline turned by an angle in radians, with size pixels for its half width, around a pixel (x, y)."""
    turn = size * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    solids, holes = outline
    return [points @ turn + centre for points in solids], [points @ turn + centre for points in holes]


def stencil(outline: Outline, side: int) -> Image.Image:
    """The mask of an outline given in pixels, with soft edges, as an eight-bit grey picture."""
    canvas = Image.new("L", (2 * side, 2 * side))
    pen = ImageDraw.Draw(canvas)
    for level, polygons in zip((255, 0), outline, strict=True):
        for points in polygons:
            pen.polygon((2 * points).ravel().tolist(), fill=level)
    return canvas.reduce(2)


def filled(outline: Outline, side: int) -> Grey:
    """The same mask as numbers: (side, side), 0 to 1."""
    return np.asarray(stencil(outline, side), dtype=np.float32) / np.float32(255)


def draw_part_shape(rng: Generator) -> Outline:
    kinds = tuple(PART_SHAPES)
    return PART_SHAPES[kinds[rng.integers(len(kinds))]](rng)


def draw_garment(rng: Generator) -> Outline:
    kinds = tuple(GARMENTS)
    return GARMENTS[kinds[rng.choice(len(kinds), p=(0.35, 0.22, 0.08, 0.35))]](rng)
