"""Light on the part and on the bench: lamps, the anisotropic shine of turned metal, soft shadows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from ensemble.drawing.surface import (
    BORE_RADIUS,
    HUB_RADIUS,
    SUPERSAMPLING,
    THICKNESS,
    FloatField,
    Hole,
    Surface,
    inside,
    smooth,
)

Colours = NDArray[np.floating]  # (S, S, 3), linear light
CAMERA_HEIGHT = 7.5


@dataclass(frozen=True, slots=True)
class Lamp:
    """A soft lamp; its place is in radii of the disc, the spreads are those of its reflection."""

    x: float
    y: float
    z: float
    power: float
    along: float  # spread along the grooves: narrow, it makes the bow tie
    across: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Light:
    """The room: lamps, an all-round glow that is stronger on one side, and the colour of the bench."""

    lamps: tuple[Lamp, ...]
    glow: float
    glow_x: float
    glow_y: float
    bench: tuple[float, float, float]
    shadow_width: float


def draw_light(rng: np.random.Generator) -> Light:
    """The light of one shot: an inspection bench whose two lamps and room drift a little from shot to shot."""
    warm = rng.normal(0, 0.015)
    glow = math.radians(200) + rng.normal(0, 0.3)
    grey, cast = 0.17 * math.exp(rng.normal(0, 0.06)), rng.normal(0, 0.008)
    return Light(
        lamps=(
            _lamp(rng, math.radians(232), 1.0, 0.02 + warm),
            _lamp(rng, math.radians(338), 0.32, warm - 0.03),
        ),
        glow=rng.uniform(0.118, 0.132),
        glow_x=0.7 * math.cos(glow),
        glow_y=0.7 * math.sin(glow),
        bench=(grey * (1 + cast), grey, grey * (1.03 - cast)),
        shadow_width=rng.uniform(0.07, 0.1),
    )


def _lamp(rng: np.random.Generator, azimuth: float, power: float, warm: float) -> Lamp:
    azimuth += rng.normal(0, math.radians(2.5))
    height = 3.9 * math.exp(rng.normal(0, 0.03))
    reach = 0.82 * height * math.exp(rng.normal(0, 0.03))
    return Lamp(
        x=reach * math.cos(azimuth),
        y=reach * math.sin(azimuth),
        z=height,
        power=power * math.exp(rng.normal(0, 0.04)),
        along=rng.uniform(0.095, 0.105),
        across=rng.uniform(0.5, 0.52),
        colour=(1 + warm, 1.0, 1 - warm),
    )


def metal(surface: Surface, light: Light) -> Colours:
    """Light that the top of the part sends to the camera."""
    steep = 1 / np.sqrt(1 + surface.slope_x**2 + surface.slope_y**2)
    normal = (-surface.slope_x * steep, -surface.slope_y * steep, steep)
    glow = 1 + light.glow_x * normal[0] + light.glow_y * normal[1]
    glow *= np.float32(light.glow) * (np.float32(0.35) + np.float32(0.65) * normal[2])
    colours = np.repeat(glow[:, :, None], 3, axis=2)
    for lamp in light.lamps:
        shine = _shine(surface, normal, lamp) * _hub_shadow(surface, lamp)
        for channel in range(3):
            colours[:, :, channel] += shine * np.float32(lamp.power * lamp.colour[channel])
    if surface.tint is not None:
        colours *= surface.tint
    colours *= surface.tone[:, :, None]
    return colours


def _shine(surface: Surface, normal: tuple[FloatField, FloatField, FloatField], lamp: Lamp) -> FloatField:
    """Ward's anisotropic reflection, with a duller round one where the metal is rough."""
    to_x, to_y = np.float32(lamp.x) - surface.x, np.float32(lamp.y) - surface.y
    to_z = np.float32(lamp.z)
    far = 1 / np.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
    to_x, to_y, up = to_x * far, to_y * far, to_z * far
    facing = np.maximum(to_x * normal[0] + to_y * normal[1] + up * normal[2], 0)
    half_x = to_x - surface.x * np.float32(1 / CAMERA_HEIGHT)
    half_y = to_y - surface.y * np.float32(1 / CAMERA_HEIGHT)
    half_z = up + 1
    height = half_x * normal[0] + half_y * normal[1] + half_z * normal[2]
    half_x, half_y, half_z = (part / height for part in (half_x, half_y, half_z))
    # the grooves run in the surface: lift their flat direction onto it
    rise = surface.groove_x * surface.slope_x + surface.groove_y * surface.slope_y
    along = surface.groove_x * half_x + surface.groove_y * half_y + rise * half_z
    along *= along / (1 + rise * rise)
    total = half_x * half_x + half_y * half_y + half_z * half_z - 1
    across = np.maximum(total - along, 0)
    polished = np.exp(-along * np.float32(lamp.along**-2) - across * np.float32(lamp.across**-2))
    # real grooves scatter some light far to the sides, torn metal nearly all of it
    wide = np.exp(-total * np.float32(1 / 0.26))
    shine = polished + np.float32(0.09) * wide
    if surface.rough.any():
        shine += surface.rough * (np.float32(0.55) * wide - shine)
    return shine * np.sqrt(facing) + np.float32(0.06) * facing


def _hub_shadow(surface: Surface, lamp: Lamp) -> FloatField:
    """The raised hub keeps a crescent of the flange behind it from the lamp."""
    reach = math.hypot(lamp.x, lamp.y)
    behind = -(surface.cos * np.float32(lamp.x / reach) + surface.sin * np.float32(lamp.y / reach))
    length = np.float32(0.055 * reach / lamp.z) * np.maximum(behind, 0) + np.float32(1e-3)
    shade = np.clip(1 - (surface.radius - np.float32(HUB_RADIUS)) / length, 0, 1)
    shade *= surface.radius > HUB_RADIUS - 0.006
    return 1 - np.float32(0.6) * shade


def bench(rng: np.random.Generator, surface: Surface, light: Light) -> Colours:
    """The matte bench with the soft shadow of the part."""
    size = len(surface.x)
    grain = rng.standard_normal((size // 2, size // 2), dtype=np.float32)
    fine = gaussian_filter(grain, 0.6) * 1.6 + gaussian_filter(grain, 2.5) * 3.0
    cloud = rng.standard_normal((6, 6), dtype=np.float32)
    weave = np.repeat(np.repeat(fine, 2, axis=0), 2, axis=1) * np.float32(0.03)
    weave += stretched(cloud, (size, size)) * np.float32(0.045)
    lit = np.full((size, size), 0.26, np.float32) * _contact_shade(surface)
    weights = np.array([lamp.power for lamp in light.lamps], np.float32)
    for lamp, weight in zip(light.lamps, 0.8 * weights / weights.sum(), strict=True):
        lit += np.float32(weight) * (1 - _shadow(surface, lamp, light.shadow_width)) * _fall_off(surface, lamp)
    lit *= 1 + weave
    return lit[:, :, None] * np.array(light.bench, np.float32)


def _contact_shade(surface: Surface) -> FloatField:
    gap = np.maximum(surface.radius - 1, 0)
    open_air = 1 - np.float32(0.7) * np.exp(-gap * np.float32(1 / 0.11))
    through_bore = np.float32(0.42) * (1 - (surface.radius / np.float32(BORE_RADIUS * 1.15)) ** 2)
    return np.where(surface.radius < BORE_RADIUS, np.maximum(through_bore, 0.02), open_air)


def stretched(coarse: FloatField, shape: tuple[int, ...]) -> FloatField:
    """A coarse field drawn out smoothly to (rows, columns)."""
    wide = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(wide, np.float32)


def _fall_off(surface: Surface, lamp: Lamp) -> FloatField:
    """Nearer the lamp is brighter; 1 at the middle of the part."""
    away = (surface.x - np.float32(lamp.x)) ** 2 + (surface.y - np.float32(lamp.y)) ** 2
    middle = lamp.x**2 + lamp.y**2 + lamp.z**2
    return np.float32(middle) / (away + np.float32(lamp.z**2))


def _shadow(surface: Surface, lamp: Lamp, width: float) -> FloatField:
    dx, dy = -lamp.x / lamp.z * THICKNESS, -lamp.y / lamp.z * THICKNESS  # thrown by the height of the disc
    distance = np.sqrt((surface.x - np.float32(dx)) ** 2 + (surface.y - np.float32(dy)) ** 2)
    disc = 1 - smooth(distance, 1 - width, 1 + width)
    bore = 1 - smooth(distance, BORE_RADIUS - 0.6 * width, BORE_RADIUS + 0.6 * width)
    return disc * (1 - bore)


def depths(colours: Colours, surface: Surface, light: Light) -> None:
    """Darken the holes of a bench picture and draw their walls, and the outer wall the lean shows."""
    for hole in [Hole(0.0, 0.0, BORE_RADIUS, 0.0), *surface.holes]:
        _hole_depth(colours, surface, light, hole)
    _outer_wall(colours, surface, light)


def _sunk(pose_lean: tuple[float, float], hole: Hole, depth: float) -> tuple[float, float, float]:
    """Centre and radius on the picture of the hole's rim, seen at a depth below the face."""
    shrink = 1 - depth / CAMERA_HEIGHT
    return hole.x * shrink + pose_lean[0] * depth, hole.y * shrink + pose_lean[1] * depth, hole.radius * shrink


def _hole_depth(colours: Colours, surface: Surface, light: Light, hole: Hole) -> None:
    at = surface.window(hole.x, hole.y, hole.radius + 2 * surface.pixel)
    lean = (surface.pose.lean_x, surface.pose.lean_y)
    depth = THICKNESS if hole.floor is None else hole.floor
    x, y, radius = _sunk(lean, hole, depth)
    below = np.hypot(surface.x[at] - np.float32(x), surface.y[at] - np.float32(y)) - np.float32(radius)
    dx, dy = surface.x[at] - np.float32(hole.x), surface.y[at] - np.float32(hole.y)
    distance = np.hypot(dx, dy) + np.float32(1e-6)
    opening = inside(distance - hole.radius - surface.pixel, surface.pixel)
    wall = _wall_light(light, -dx / distance, -dy / distance)
    if hole.floor is not None:  # drilled metal, a dull cone in the shade of its own wall
        shade = np.float32(1.05) - np.float32(0.5) * smooth(distance, 0.3 * hole.radius, hole.radius)
        floor = (np.float32(0.45) * light.glow + np.float32(0.46) * wall) * shade
        ground = floor[:, :, None] * np.ones(3, np.float32)
    else:
        ground = colours[at] * np.float32(1 if hole.radius == BORE_RADIUS else 0.16)
    # light reaches the upper part of a wall more than its foot
    sunken = np.clip(below / np.float32(max(hole.radius - radius + 0.035, 0.01)), 0, 1)
    wall *= np.float32(0.45) + np.float32(0.55) * sunken
    wall_share = 1 - inside(below, surface.pixel)
    inner = ground + wall_share[:, :, None] * (wall[:, :, None] - ground)
    colours[at] += opening[:, :, None] * (inner - colours[at])


def _wall_light(light: Light, normal_x: FloatField, normal_y: FloatField) -> FloatField:
    total = np.full(normal_x.shape, 0.3 * light.glow, np.float32)
    for lamp in light.lamps:
        reach = math.hypot(lamp.x, lamp.y)
        facing = normal_x * np.float32(lamp.x / reach) + normal_y * np.float32(lamp.y / reach)
        total += np.float32(0.30 * lamp.power) * np.maximum(facing, 0) ** 2
    return total


def _outer_wall(colours: Colours, surface: Surface, light: Light) -> None:
    x, y, radius = _sunk((surface.pose.lean_x, surface.pose.lean_y), Hole(0, 0, 1, 0), THICKNESS)
    foot = np.hypot(surface.x - np.float32(x), surface.y - np.float32(y)) - np.float32(radius)
    share = inside(foot, surface.pixel) * (surface.radius > 0.9)
    seen = np.nonzero(share)
    wall = _wall_light(light, surface.cos[seen], surface.sin[seen])
    wall *= np.clip(-foot[seen] * np.float32(18), 0.25, 1)
    colours[seen] += share[seen][:, None] * (wall[:, None] - colours[seen])


CURVE = 4096


@dataclass(frozen=True, slots=True)
class Camera:
    """Settings of one shot; blur is in pixels, noise in shares of full scale."""

    exposure: float
    blur: float
    noise: float
    vignette: float
    balance: tuple[float, float, float]
    noise_seed: int


def draw_camera(rng: np.random.Generator) -> Camera:
    tilt = rng.normal(0, 0.008, 2)
    return Camera(
        exposure=float(1.12 * np.exp(rng.normal(0, 0.06))),
        blur=float(rng.uniform(0.38, 0.46)),
        noise=float(rng.uniform(0.5, 0.75)),
        vignette=float(rng.uniform(0.12, 0.18)),
        balance=(float(1 + tilt[0]), 1.0, float(1 + tilt[1])),
        noise_seed=int(rng.integers(2**32)),
    )


def average_down(picture: NDArray[np.floating]) -> NDArray[np.floating]:
    """Subpixels to pixels: (2h, 2w) or (2h, 2w, C) to (h, w) or (h, w, C)."""
    rows = picture[0::SUPERSAMPLING] + picture[1::SUPERSAMPLING]
    return (rows[:, 0::SUPERSAMPLING] + rows[:, 1::SUPERSAMPLING]) * np.float32(1 / SUPERSAMPLING**2)


def photograph(colours: NDArray[np.floating], camera: Camera) -> Image.Image:
    """Linear light (S, S, 3) in subpixels to an RGB photo."""
    picture = average_down(colours)
    for axis in (0, 1):
        picture = gaussian_filter1d(picture, camera.blur, axis=axis, truncate=3)
    side = len(picture)
    line = (np.arange(side, dtype=np.float32) - (side - 1) / 2) * np.float32(2 / side)
    distance = line[:, None] ** 2 + line[None, :] ** 2
    gain = camera.exposure * (1 - np.float32(camera.vignette / 2) * distance)
    picture = picture * gain[:, :, None] * np.array(camera.balance, np.float32)
    picture += _sensor_noise(picture, camera)
    index = np.clip(picture * np.float32(CURVE / 2), 0, CURVE - 1).astype(np.int32)
    return Image.fromarray(_tone_curve()[index])


def _sensor_noise(picture: NDArray[np.floating], camera: Camera) -> NDArray[np.floating]:
    """Shot noise grows with the root of the light; colour filters share some of it between pixels."""
    grain = np.random.default_rng(camera.noise_seed).standard_normal(picture.shape, dtype=np.float32)
    shared = gaussian_filter1d(gaussian_filter1d(grain, 0.55, axis=0, truncate=2), 0.55, axis=1, truncate=2)
    grey = shared.mean(axis=2, keepdims=True) * np.float32(1.7)
    strength = np.sqrt(np.float32(1.2e-5) + np.float32(3.2e-4) * np.maximum(picture, 0))
    return (np.float32(0.55) * shared + grey) * strength * np.float32(camera.noise)


def _tone_curve() -> NDArray[np.uint8]:
    """Linear light 0..2 to grey values: sRGB gamma with a soft shoulder instead of hard clipping."""
    light = np.arange(CURVE, dtype=np.float64) * 2 / CURVE
    knee = 0.6
    over = np.maximum(light - knee, 0)
    light = np.minimum(light, knee) + (1 - knee) * (1 - np.exp(-over / (1 - knee)))
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve).astype(np.uint8)
