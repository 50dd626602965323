"""The machined face as a field of slopes, grooves and tones, before any light falls on it."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

FloatField = NDArray[np.floating]

SUPERSAMPLING = 2
BORE_RADIUS = 0.27
HUB_RADIUS = 0.47
BOLT_CIRCLE = 0.715
BOLT_HOLES = 6
THICKNESS = 0.24
TABLE = 2048  # entries of a table over the radius, which runs from 0 to TABLE_RADIUS
TABLE_RADIUS = 1.25

# (inner radius, outer radius, rise per unit of radius); lengths here and below are in radii of the disc
PROFILE = (
    (BORE_RADIUS, 0.296, 0.55),
    (0.452, HUB_RADIUS, -1.1),
    (0.892, 0.902, -0.55),
    (0.902, 0.912, 0.55),
    (0.962, 1.10, -0.5),
)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the part lies in the picture; the lean is the camera's, in units of depth."""

    centre_x: float
    centre_y: float
    radius: float  # subpixels
    angle: float
    lean_x: float
    lean_y: float


@dataclass(frozen=True, slots=True)
class Hole:
    """A round hole in the face; a blind one ends on a metal floor at the given depth."""

    x: float
    y: float
    radius: float
    chamfer: float
    floor: float | None = None


@dataclass(slots=True)
class Surface:
    """All that light needs to know of the part; every field is (S, S) over subpixels."""

    pose: Pose
    x: FloatField
    y: FloatField
    radius: FloatField
    sin: FloatField
    cos: FloatField
    slope_x: FloatField
    slope_y: FloatField
    groove_x: FloatField  # unit direction of the tool marks
    groove_y: FloatField
    tone: FloatField
    rough: FloatField  # 0 where the turned grooves shine, 1 where the metal is torn or dull
    solid: FloatField
    damage: FloatField
    holes: list[Hole]
    tint: FloatField | None = None  # (S, S, 3) where something colours the metal

    @property
    def pixel(self) -> float:
        """Width of one subpixel in radii of the disc."""
        return 1 / self.pose.radius

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns around a point, cut off at the border of the picture."""
        size = len(self.x)
        column = self.pose.centre_x + x * self.pose.radius
        row = self.pose.centre_y + y * self.pose.radius
        span = reach * self.pose.radius + 2
        low = (max(0, int(row - span)), max(0, int(column - span)))
        high = (min(size, math.ceil(row + span)), min(size, math.ceil(column + span)))
        return slice(low[0], max(low[0], high[0])), slice(low[1], max(low[1], high[1]))

    def cut_out(self, at: tuple[slice, slice]) -> "Surface":
        """The same fields over a part of the picture, as views."""
        grids = ((each.name, getattr(self, each.name)) for each in fields(self))
        views: dict[str, Any] = {name: grid[at] for name, grid in grids if isinstance(grid, np.ndarray)}
        return replace(self, **views)

    def drill(self) -> None:
        """Cut the holes: no metal inside, a chamfer with its own tool marks around."""
        for hole in self.holes:
            at = self.window(hole.x, hole.y, hole.radius + hole.chamfer)
            dx, dy = self.x[at] - np.float32(hole.x), self.y[at] - np.float32(hole.y)
            distance = np.sqrt(dx * dx + dy * dy) + np.float32(1e-6)
            dx, dy = dx / distance, dy / distance
            chamfer = inside(distance - hole.radius - hole.chamfer, self.pixel)
            self.slope_x[at] += chamfer * (np.float32(0.55) * dx - self.slope_x[at])
            self.slope_y[at] += chamfer * (np.float32(0.55) * dy - self.slope_y[at])
            self.groove_x[at] += chamfer * (-dy - self.groove_x[at])
            self.groove_y[at] += chamfer * (dx - self.groove_y[at])
            self.solid[at] *= 1 - inside(distance - hole.radius, self.pixel)


def inside(distance: FloatField, pixel: float) -> FloatField:
    """Share of each subpixel where a signed distance is below zero: 1 well inside, 0 well outside."""
    return np.clip(0.5 - distance * np.float32(1 / pixel), 0, 1).astype(np.float32, copy=False)


def smooth(value: FloatField, low: float, high: float) -> FloatField:
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32, copy=False)


def turned_face(rng: np.random.Generator, pose: Pose, size: int) -> Surface:
    """The disc as it leaves the lathe, bored but not yet drilled; fields are (size, size)."""
    line = np.arange(size, dtype=np.float32) + np.float32(0.5)
    row = (line - np.float32(pose.centre_x)) / np.float32(pose.radius)
    column = (line - np.float32(pose.centre_y)) / np.float32(pose.radius)
    x = np.ascontiguousarray(np.broadcast_to(row[None, :], (size, size)))
    y = np.ascontiguousarray(np.broadcast_to(column[:, None], (size, size)))
    radius = np.sqrt(x * x + y * y) + np.float32(1e-6)
    cos, sin = x / radius, y / radius
    ring = np.minimum(radius * np.float32(TABLE / TABLE_RADIUS), TABLE - 1).astype(np.int32)

    rise = (_profile_table() + _ring_table(rng))[ring]
    fibre, sway = _tool_marks(rng, radius, x, y)
    tone = _tone_table(rng)[ring] * (1 + fibre * np.float32(0.08))
    sway *= np.float32(0.022)  # a groove never follows its circle exactly
    turns = pose.angle + np.arange(BOLT_HOLES) * (2 * math.pi / BOLT_HOLES)
    bolts = [(float(BOLT_CIRCLE * np.cos(turn)), float(BOLT_CIRCLE * np.sin(turn))) for turn in turns]
    pixel = 1 / pose.radius
    solid = inside(radius - 1, pixel) * (1 - inside(radius - BORE_RADIUS, pixel))
    return Surface(
        pose=pose,
        x=x,
        y=y,
        radius=radius,
        sin=sin,
        cos=cos,
        slope_x=rise * cos - sway * sin,
        slope_y=rise * sin + sway * cos,
        groove_x=-sin,
        groove_y=cos.copy(),
        tone=tone.astype(np.float32),
        rough=np.zeros((size, size), np.float32),
        solid=solid,
        damage=np.zeros((size, size), np.float32),
        holes=[Hole(x, y, 0.088, 0.022) for x, y in bolts],
    )


def _table_radii() -> FloatField:
    return ((np.arange(TABLE) + 0.5) * TABLE_RADIUS / TABLE).astype(np.float32)


def _profile_table() -> FloatField:
    radii = _table_radii()
    rise = np.zeros(TABLE, np.float32)
    for low, high, slope in PROFILE:
        rise[(radii >= low) & (radii < high)] = slope
    return uniform_filter1d(rise, 5)


def _ring_table(rng: np.random.Generator) -> FloatField:
    """Slopes of the turning marks: fine feed lines, a slow wave of the slide, a few deeper rings."""
    radii = _table_radii()
    noise = rng.standard_normal((3, TABLE)).astype(np.float32)
    fine = uniform_filter1d(noise[0], 4) * 2.0
    middle = uniform_filter1d(noise[1], 14) * 3.7
    slow = uniform_filter1d(noise[2], 120) * 11.0
    feed = np.sin(2 * np.pi * radii / rng.uniform(0.02, 0.026) + rng.uniform(0, 6.28))
    rise = 0.04 * fine + 0.03 * middle + 0.012 * slow
    rise += 0.015 * feed
    for _ in range(rng.poisson(2)):
        place, depth = rng.uniform(0.32, 0.95), rng.normal(0, 0.05)
        rise += depth * np.exp(-(((radii - place) / rng.uniform(0.003, 0.008)) ** 2))
    return rise.astype(np.float32)


def _tone_table(rng: np.random.Generator) -> FloatField:
    """Brightness of the metal by radius, with the shade that gathers at the foot of the hub."""
    radii = _table_radii()
    noise = rng.standard_normal((2, TABLE)).astype(np.float32)
    tone = 1 + 0.06 * uniform_filter1d(noise[0], 10) + 0.18 * uniform_filter1d(noise[1], 90)
    tone[radii < HUB_RADIUS] *= rng.uniform(0.96, 1.03)  # the hub is turned in a cut of its own
    foot = np.where(radii >= HUB_RADIUS - 0.008, np.exp(-(radii - HUB_RADIUS) / 0.022), 0)
    groove = np.exp(-(((radii - 0.902) / 0.007) ** 2))
    return (tone * (1 - 0.45 * np.minimum(foot, 1) - 0.4 * groove)).astype(np.float32)


def _tool_marks(
    rng: np.random.Generator, radius: FloatField, x: FloatField, y: FloatField
) -> tuple[FloatField, FloatField]:
    """Two streaky fields, about unit spread: short arcs along the turning direction."""
    rings, turns, end = 320, 768, 1.06  # no metal lies beyond the end
    noise = rng.standard_normal((2, rings, turns), dtype=np.float32)
    streaks = uniform_filter1d(noise, 54, axis=2, mode="wrap") * 5.2
    streaks += uniform_filter1d(noise[::-1], 13, axis=2, mode="wrap") * 1.7
    ring = np.minimum(radius * np.float32(rings / end), rings - 1).astype(np.int32)
    turn = ((np.arctan2(y, x) + np.float32(np.pi)) * np.float32(turns / (2 * np.pi))).astype(np.int32)
    place = ring * turns + np.minimum(turn, turns - 1)
    return streaks[0].ravel()[place], streaks[1].ravel()[place]
