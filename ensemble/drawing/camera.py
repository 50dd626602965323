"""The camera: lens blur, vignette, exposure, sensor noise and the tone curve of a small machine camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from ensemble.drawing.surface import SUPERSAMPLING

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
