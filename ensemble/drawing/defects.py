"""Damage done to a drawn part: each defect bends slopes, grooves and tones, and marks what it touched."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ensemble.drawing.light import stretched
from ensemble.drawing.shapes import Points
from ensemble.drawing.surface import BORE_RADIUS, HUB_RADIUS, FloatField, Hole, Surface, inside, smooth

RIM = 0.96  # the flat of the flange ends here


def scratch(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """A drawn furrow or a few side by side; its grooves shine where those of the lathe do not."""
    length = rng.uniform(0.5, 0.7) if hard else rng.uniform(0.7, 1.1)
    width = rng.uniform(0.0075, 0.0095) if hard else rng.uniform(0.0115, 0.015)
    depth = rng.uniform(0.34, 0.44) if hard else rng.uniform(0.55, 0.75)
    middle = _place_on_face(surface, rng, 0.08)
    # across the tool marks rather than along them: a furrow along a groove is a turning mark
    course = math.atan2(middle[1], middle[0]) + rng.uniform(-1.0, 1.0)
    bend = rng.normal(0, 0.08 * length)
    ahead, aside = np.array([math.cos(course), math.sin(course)]), np.array([-math.sin(course), math.cos(course)])
    step = np.linspace(-0.5, 0.5, 13)
    path = middle + np.outer(step * length, ahead) + np.outer(bend * (1 - 4 * step**2), aside)
    _furrow(surface, path, width, depth, 0.35 if hard else 0.55)
    for _ in range(0 if hard else rng.integers(2, 5)):
        start, stop = sorted(rng.choice(13, 2, replace=False))
        beside = path[start : stop + 1] + aside * rng.uniform(0.02, 0.05) * rng.choice([-1, 1])
        _furrow(surface, beside, 0.7 * width, 0.7 * depth, 0.4)


def dent(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """A blow: a shallow oval bowl with a raised lip, the tool marks run on through it."""
    reach = rng.uniform(0.075, 0.095) if hard else rng.uniform(0.10, 0.15)
    depth = rng.uniform(0.36, 0.46) if hard else rng.uniform(0.5, 0.75)
    x, y = _place_on_face(surface, rng, reach)
    squeeze, turn = rng.uniform(0.7, 1.0), rng.uniform(0, math.pi)
    at = surface.window(x, y, 1.4 * reach)
    dx, dy = surface.x[at] - np.float32(x), surface.y[at] - np.float32(y)
    u = (dx * np.float32(math.cos(turn)) + dy * np.float32(math.sin(turn))) / np.float32(reach)
    v = (dy * np.float32(math.cos(turn)) - dx * np.float32(math.sin(turn))) / np.float32(reach * squeeze)
    distance = np.sqrt(u * u + v * v) + np.float32(1e-6)
    bowl = np.where(distance < 1, 2.6 * distance * (1 - distance * distance), 0)
    lip = -0.3 * np.exp(-(((distance - 1.06) / 0.09) ** 2))
    rise = np.float32(depth) * (bowl + lip).astype(np.float32)
    along, aside = rise * u / distance, rise * v / distance
    surface.slope_x[at] += along * np.float32(math.cos(turn)) - aside * np.float32(math.sin(turn))
    surface.slope_y[at] += along * np.float32(math.sin(turn)) + aside * np.float32(math.cos(turn))
    struck = inside((distance - 0.9) * np.float32(reach), 4 * surface.pixel)
    surface.rough[at] = np.maximum(surface.rough[at], (0.2 if hard else 0.4) * struck)
    surface.tone[at] *= 1 - np.float32(0.06 if hard else 0.16) * struck
    _mark_damage(surface, at, inside((distance - 1.18) * np.float32(reach * squeeze), surface.pixel))


def crack(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """A jagged dark line that starts at an edge, where the stress is, and thins out."""
    length = rng.uniform(0.28, 0.38) if hard else rng.uniform(0.45, 0.75)
    width = rng.uniform(0.006, 0.0075) if hard else rng.uniform(0.009, 0.013)
    start, course = _crack_start(surface, rng)
    path = _jagged(rng, start, course, length)
    _cleft(surface, path, width)
    for _ in range(0 if hard else rng.integers(1, 4)):
        fork = int(rng.integers(len(path) // 4, 3 * len(path) // 4))
        aside = course + rng.uniform(0.5, 0.9) * rng.choice([-1, 1])
        _cleft(surface, _jagged(rng, path[fork], aside, length * rng.uniform(0.25, 0.45)), 0.7 * width)


def stain(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """Dried coolant, oil or rust: an uneven film, darker along its drying edge."""
    reach = rng.uniform(0.14, 0.18) if hard else rng.uniform(0.18, 0.28)
    strength = rng.uniform(0.58, 0.72) if hard else rng.uniform(0.8, 1.0)
    colour = np.array(STAIN_COLOURS[rng.integers(len(STAIN_COLOURS))], np.float32)
    x, y = _place_on_face(surface, rng, 0.05)
    at = surface.window(x, y, 1.7 * reach)
    dx, dy = surface.x[at] - np.float32(x), surface.y[at] - np.float32(y)
    edge = np.sqrt(dx * dx + dy * dy) / np.float32(reach)
    turn = np.arctan2(dy, dx)
    for wave in range(1, 5):
        edge += np.float32(rng.normal(0, 0.2 / wave)) * np.cos(wave * turn + np.float32(rng.uniform(0, 6.28)))
    edge += np.float32(0.09) * _blotches(rng, 9, edge.shape) + np.float32(0.035) * _blotches(rng, 24, edge.shape)
    cover = 1 - smooth(edge, 0.86, 1.08)
    rim = np.exp(-(((edge - 0.88) / np.float32(0.11)) ** 2))
    blotch = _blotches(rng, 5, edge.shape) + np.float32(0.6) * _blotches(rng, 14, edge.shape)
    film = cover * np.clip(0.6 + 0.2 * blotch + rng.uniform(0, 0.3) * rim, 0.1, 1) * np.float32(strength)
    on_top = surface.solid[at]
    film *= on_top
    surface.tint = np.ones((*surface.x.shape, 3), np.float32)
    surface.tint[at] = 1 - film[:, :, None] * (1 - colour)
    surface.rough[at] = np.maximum(surface.rough[at], np.float32(0.6) * film)
    _mark_damage(surface, at, smooth(film, 0.12 * strength, 0.26 * strength))


def burr(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """A ragged lip of torn metal on the outer rim, in the bore or in a bolt hole."""
    place = rng.integers(3)
    hole = Hole(0.0, 0.0, 1.0, 0.03)
    side = 1.0  # the lip grows outwards from the rim, inwards into a hole
    if place == 1:
        hole, side = Hole(0.0, 0.0, BORE_RADIUS, 0.026), -1.0
    elif place == 2:
        hole, side = surface.holes[rng.integers(len(surface.holes))], -1.0
    height = rng.uniform(0.03, 0.038) if hard else rng.uniform(0.042, 0.06)
    span = (rng.uniform(0.16, 0.22) if hard else rng.uniform(0.28, 0.45)) / hole.radius
    span = min(span, 2.0)
    middle = rng.uniform(0, 2 * math.pi)
    at = surface.window(hole.x, hole.y, hole.radius + 2 * height)
    dx, dy = surface.x[at] - np.float32(hole.x), surface.y[at] - np.float32(hole.y)
    distance = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
    turn = np.remainder(np.arctan2(dy, dx) - np.float32(middle) + np.float32(math.pi), 2 * math.pi) - math.pi
    share = turn / np.float32(span)
    teeth, lean = _teeth(rng, share)
    reach = np.float32(height) * teeth
    beyond = (distance - np.float32(hole.radius)) * np.float32(side)
    lip = inside(beyond - reach, surface.pixel) * inside(-beyond - 0.5 * reach, surface.pixel) * (reach > 0)
    # torn metal stands up and turns its facets every way
    tilt = np.float32(side) * (np.float32(0.3) + np.float32(0.3) * lean)
    surface.slope_x[at] += lip * (tilt * dx / distance - surface.slope_x[at])
    surface.slope_y[at] += lip * (tilt * dy / distance - surface.slope_y[at])
    surface.rough[at] += lip * (np.float32(0.7) - surface.rough[at])
    surface.tone[at] += lip * (np.float32(0.9) + np.float32(0.14) * lean - surface.tone[at])
    surface.solid[at] = np.maximum(surface.solid[at], lip)
    _mark_damage(surface, at, lip)


def missing_hole(surface: Surface, rng: np.random.Generator, hard: bool) -> None:
    """A bolt hole that was never drilled or, hard to see, not drilled through; call it before drilling."""
    place = int(rng.integers(len(surface.holes)))
    hole = surface.holes[place]
    at = surface.window(hole.x, hole.y, hole.radius + hole.chamfer)
    distance = np.hypot(surface.x[at] - np.float32(hole.x), surface.y[at] - np.float32(hole.y))
    if hard:
        surface.holes[place] = replace(hole, floor=float(rng.uniform(0.07, 0.12)))
        _mark_damage(surface, at, inside(distance - hole.radius, surface.pixel))
    else:
        del surface.holes[place]
        _mark_damage(surface, at, inside(distance - hole.radius - hole.chamfer, surface.pixel))


BEFORE_DRILLING: dict[str, Callable[[Surface, np.random.Generator, bool], None]] = {"missing_hole": missing_hole}
AFTER_DRILLING: dict[str, Callable[[Surface, np.random.Generator, bool], None]] = {
    "scratch": scratch,
    "dent": dent,
    "crack": crack,
    "stain": stain,
    "burr": burr,
}
STAIN_COLOURS = ((0.34, 0.15, 0.05), (0.10, 0.09, 0.08), (0.16, 0.20, 0.28), (0.40, 0.28, 0.12))


def _mark_damage(surface: Surface, at: tuple[slice, slice], share: FloatField) -> None:
    surface.damage[at] = np.maximum(surface.damage[at], share)


def _place_on_face(surface: Surface, rng: np.random.Generator, margin: float) -> Points:
    """A point on the flat of hub or flange, clear of steps, groove and holes by the margin."""
    for _ in range(200):
        radius, turn = math.sqrt(rng.uniform(0.3**2, RIM**2)), rng.uniform(0, 2 * math.pi)
        x, y = radius * math.cos(turn), radius * math.sin(turn)
        clear = all(math.hypot(x - hole.x, y - hole.y) > hole.radius + hole.chamfer + margin for hole in surface.holes)
        steps = min(abs(radius - edge) for edge in (0.296, HUB_RADIUS, RIM))
        if clear and steps > min(margin, 0.07):
            return np.array([x, y])
    turn = surface.pose.angle + math.pi / 6
    return 0.6 * np.array([math.cos(turn), math.sin(turn)])


def _furrow(surface: Surface, path: Points, width: float, depth: float, torn: float) -> None:
    at, distance, across_x, across_y = _along(surface, path, 3 * width + 2 * surface.pixel)
    q = distance / np.float32(width)
    ends = [np.hypot(surface.x[at] - np.float32(x), surface.y[at] - np.float32(y)) for x, y in path[[0, -1]]]
    cut = np.maximum(np.exp(-q * q) - np.float32(0.02), 0) * smooth(np.minimum(*ends), 0.0, 6 * width)
    wall = np.float32(depth * 2) * q * cut
    surface.slope_x[at] += wall * across_x
    surface.slope_y[at] += wall * across_y
    # tool marks have no front or back: turn them the short way round
    along_x, along_y = -across_y, across_x
    same = np.sign(along_x * surface.groove_x[at] + along_y * surface.groove_y[at])
    groove_x = surface.groove_x[at] * (1 - cut) + cut * same * along_x
    groove_y = surface.groove_y[at] * (1 - cut) + cut * same * along_y
    norm = np.sqrt(groove_x * groove_x + groove_y * groove_y) + np.float32(1e-6)
    norm = np.where(cut > 0, norm, 1)
    surface.groove_x[at], surface.groove_y[at] = groove_x / norm, groove_y / norm
    surface.rough[at] = np.maximum(surface.rough[at], np.float32(torn) * cut)
    _mark_damage(surface, at, inside(np.abs(distance) - 1.3 * width, surface.pixel) * (cut > 0.02) * surface.solid[at])


def _cleft(surface: Surface, path: Points, width: float) -> None:
    at, distance, across_x, across_y = _along(surface, path, 4 * width + 2 * surface.pixel)
    start, end = (np.hypot(surface.x[at] - np.float32(x), surface.y[at] - np.float32(y)) for x, y in path[[0, -1]])
    thin = np.float32(width) * (np.float32(0.45) + np.float32(0.55) * end / (start + end + np.float32(1e-6)))
    gap = inside(np.abs(distance) - thin, surface.pixel) * surface.solid[at]
    lip = np.exp(-(((distance - thin - np.float32(0.005)) / np.float32(0.004)) ** 2)) * surface.solid[at]
    surface.slope_x[at] += np.float32(0.16) * lip * across_x
    surface.slope_y[at] += np.float32(0.16) * lip * across_y
    surface.tone[at] *= 1 - np.float32(0.92) * gap
    mark = inside(np.abs(distance) - thin - surface.pixel, surface.pixel)
    _mark_damage(surface, at, mark * surface.solid[at])


def _along(
    surface: Surface, path: Points, reach: float
) -> tuple[tuple[slice, slice], FloatField, FloatField, FloatField]:
    """Window around a polyline, signed distance to it, and the unit direction across it."""
    middle, spread = (path.max(0) + path.min(0)) / 2, (path.max(0) - path.min(0)) / 2
    at = surface.window(float(middle[0]), float(middle[1]), float(spread.max()) + reach)
    x, y = surface.x[at], surface.y[at]
    near = np.full(x.shape, 9.0, np.float32)
    across_x, across_y = np.zeros_like(near), np.zeros_like(near)
    for (ax, ay), (bx, by) in zip(path[:-1].tolist(), path[1:].tolist(), strict=True):
        length = math.hypot(bx - ax, by - ay)
        ux, uy = (bx - ax) / length, (by - ay) / length
        dx, dy = x - np.float32(ax), y - np.float32(ay)
        run = np.clip(dx * np.float32(ux) + dy * np.float32(uy), 0, np.float32(length))
        distance = np.hypot(dx - run * np.float32(ux), dy - run * np.float32(uy))
        nearer = distance < np.abs(near)
        side = np.where(dy * np.float32(ux) - dx * np.float32(uy) < 0, np.float32(-1), np.float32(1))
        near = np.where(nearer, distance * side, near)
        across_x[nearer], across_y[nearer] = -uy, ux
    return at, near, across_x, across_y


def _jagged(rng: np.random.Generator, start: Points, course: float, length: float) -> Points:
    steps = max(5, round(length / 0.022))
    turns = course + np.cumsum(rng.normal(0, 0.12, steps)) + rng.normal(0, 0.45, steps)
    strides = length / steps * rng.uniform(0.6, 1.4, steps)
    moves = strides[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.concatenate([start[None, :], start + np.cumsum(moves, axis=0)])


def _crack_start(surface: Surface, rng: np.random.Generator) -> tuple[Points, float]:
    """A point on the rim, the bore or a bolt hole, and the way into the metal from there."""
    place, turn = rng.integers(3), rng.uniform(0, 2 * math.pi)
    out = np.array([math.cos(turn), math.sin(turn)])
    if place == 0:
        return 0.995 * out, turn + math.pi + rng.uniform(-0.5, 0.5)
    if place == 1:
        return BORE_RADIUS * out, turn + rng.uniform(-0.4, 0.4)
    hole = surface.holes[rng.integers(len(surface.holes))]
    inward = math.atan2(-hole.y, -hole.x) + rng.uniform(-1.2, 1.2)
    out = np.array([math.cos(inward), math.sin(inward)])
    return np.array([hole.x, hole.y]) + hole.radius * out, inward + rng.uniform(-0.3, 0.3)


def _blotches(rng: np.random.Generator, grain: int, shape: tuple[int, ...]) -> FloatField:
    return stretched(rng.standard_normal((grain, grain), dtype=np.float32), shape)


def _teeth(rng: np.random.Generator, share: FloatField) -> tuple[FloatField, FloatField]:
    """Height of a torn lip along its span, 0 to 1, and the facets of its teeth, -1 to 1."""
    count = 26
    knots = np.clip(0.66 + 0.26 * rng.standard_normal(count), 0.3, 1)
    facets = np.clip(0.7 * rng.standard_normal(count), -1, 1)
    line = np.linspace(-1, 1, count)
    flat = share.ravel()
    arch = np.sqrt(np.maximum(1 - share * share, 0))
    teeth = np.interp(flat, line, knots, left=0, right=0).reshape(share.shape) * arch
    lean = np.interp(flat, line, facets, left=0, right=0).reshape(share.shape)
    return teeth.astype(np.float32), lean.astype(np.float32)
