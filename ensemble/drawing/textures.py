"""Grey textures of thirteen and more kinds, and the colours to print them in."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from ensemble.drawing.shapes import Grey

Colour = NDArray[np.float32]  # (H, W, 3), 0 to 1


@lru_cache(maxsize=8)
def _grid(side: int) -> tuple[Grey, Grey]:
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    return ys, xs


@lru_cache(maxsize=8)
def _frequencies(side: int) -> tuple[Grey, Grey]:
    down = np.fft.fftfreq(side)[:, None] * side
    across = np.fft.rfftfreq(side)[None, :] * side
    return np.hypot(down, across).astype(np.float32), np.arctan2(down, across).astype(np.float32)


def resized(values: Grey, side: int) -> Grey:
    return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC))


def smooth_noise(rng: Generator, side: int, rows: int, columns: int | None = None) -> Grey:
    """Normal noise of rows × columns cells, interpolated to (side, side)."""
    return resized(rng.standard_normal((rows, columns or rows), dtype=np.float32), side)


def _turned_grid(rng: Generator, side: int) -> tuple[Grey, Grey]:
    """Coordinates turned by any angle and, in half the cases, gently warped."""
    ys, xs = _grid(side)
    angle = rng.uniform(0, np.pi) if rng.random() < 0.7 else rng.choice([0.0, np.pi / 2])
    across = xs * np.float32(np.cos(angle)) + ys * np.float32(np.sin(angle))
    along = ys * np.float32(np.cos(angle)) - xs * np.float32(np.sin(angle))
    if rng.random() < 0.5:
        across = across + np.float32(rng.uniform(0, 0.03)) * smooth_noise(rng, side, int(rng.integers(3, 7)))
    return across, along


def _pitch(rng: Generator) -> np.float32:
    """Repeats over the picture, from coarse to fine."""
    return np.float32(np.exp(rng.uniform(np.log(4), np.log(45))))


def _fractal(rng: Generator, side: int) -> Grey:
    roughness = rng.uniform(0.4, 0.85)
    octaves = [roughness**octave * smooth_noise(rng, side, 2**octave + 1) for octave in range(1, 7)]
    return np.stack(octaves).sum(axis=0)


def _ridged(rng: Generator, side: int) -> Grey:
    first = int(rng.integers(1, 4))
    octaves = [0.6**octave * np.abs(smooth_noise(rng, side, 2**octave + 1)) for octave in range(first, first + 4)]
    return -np.stack(octaves).sum(axis=0)


def _brushed(rng: Generator, side: int) -> Grey:
    wide = int(side * 1.45)
    lines = smooth_noise(rng, wide, wide, int(rng.integers(2, 14)))
    picture = Image.fromarray(lines + 0.5 * smooth_noise(rng, wide, wide // 3, 3))
    margin = (wide - side) // 2
    turned = picture.rotate(rng.uniform(0, 180), Image.Resampling.BILINEAR)
    return np.asarray(turned.crop((margin, margin, margin + side, margin + side)))


def _band_pass(rng: Generator, side: int) -> Grey:
    length, angle = _frequencies(side)
    centre = _pitch(rng)
    kept = np.exp(-(((length - centre) / (centre * np.float32(rng.uniform(0.15, 0.5)))) ** 2))
    if rng.random() < 0.5:
        kept = kept * np.exp(
            np.float32(rng.uniform(2, 8)) * (np.cos(2 * (angle - np.float32(rng.uniform(0, np.pi)))) - 1)
        )
    noise = rng.standard_normal((side, side), dtype=np.float32)
    return np.fft.irfft2(np.fft.rfft2(noise) * kept, s=(side, side)).astype(np.float32)


def _grating(rng: Generator, side: int) -> Grey:
    across, _ = _turned_grid(rng, side)
    wave = np.sin(2 * np.pi * _pitch(rng) * across)
    return np.sign(wave) * np.abs(wave) ** np.float32(rng.choice([0.1, 0.5, 1, 3]))


def _weave(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    pitch = _pitch(rng)
    warp = np.abs(np.sin(np.pi * pitch * across))
    weft = np.abs(np.sin(np.pi * pitch * along))
    step = np.floor(pitch * across) + rng.integers(1, 3) * np.floor(pitch * along)
    over = np.mod(step, rng.integers(2, 5)) < 1
    return np.where(over, warp, np.float32(rng.uniform(0.4, 1)) * weft)


def _worley_noise(rng: Generator, side: int) -> Grey:
    """Worley noise: distances to the nearest and second nearest of some points, or one grey a cell."""
    small = side // 2
    ys, xs = _grid(small)
    points = rng.uniform(-0.55, 0.55, (int(rng.integers(8, 60)), 2)).astype(np.float32)
    squares = (ys[..., None] - points[:, 0]) ** 2 + (xs[..., None] - points[:, 1]) ** 2
    kind = rng.integers(3)
    if kind == 0:
        return resized(rng.random(len(points), dtype=np.float32)[np.argmin(squares, axis=-1)], side)
    nearest = np.sqrt(np.partition(squares, 1, axis=-1)[..., :2])
    values = nearest[..., 0] if kind == 1 else np.minimum(nearest[..., 1] - nearest[..., 0], 0.05)
    return resized(np.ascontiguousarray(values), side)


def _dotted(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    pitch = _pitch(rng) * np.float32(0.6)
    row = np.floor(along * pitch)
    shift = np.float32(rng.choice([0, 0.5])) * np.mod(row, 2)
    distance = np.hypot(np.mod(across * pitch + shift, 1) - 0.5, np.mod(along * pitch, 1) - 0.5)
    return np.clip((np.float32(rng.uniform(0.15, 0.45)) - distance) * 8, -1, 1)


def _checks(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    pitch = _pitch(rng) * np.float32(0.5)
    return np.mod(np.floor(across * pitch) + np.floor(along * pitch), 2)


def _plaid(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    pitch = _pitch(rng) * np.float32(0.25)
    bands = rng.random(12, dtype=np.float32)
    columns = bands[(np.mod(across * pitch, 1) * 12).astype(np.intp) % 12]
    rows = bands[(np.mod(along * pitch, 1) * 12).astype(np.intp) % 12]
    return columns + np.float32(rng.choice([0, 1])) * rows


def _wood(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    noise = smooth_noise(rng, side, 4, 6)
    if rng.random() < 0.5:
        rings = np.hypot(across + np.float32(rng.uniform(-1, 1)), along * np.float32(rng.uniform(0.05, 0.5)))
        return np.sin(2 * np.pi * (_pitch(rng) * rings + np.float32(0.3) * noise))
    return np.sin(_pitch(rng) * across + np.float32(rng.uniform(0.5, 3)) * _fractal(rng, side))


def _speckle(rng: Generator, side: int) -> Grey:
    grains = smooth_noise(rng, side, int(rng.integers(side // 5, side)))
    return np.clip((grains - np.float32(rng.uniform(0, 1.5))) * 3, 0, 1)


def _knit(rng: Generator, side: int) -> Grey:
    across, along = _turned_grid(rng, side)
    pitch = _pitch(rng)
    column = np.abs(np.mod(across * pitch, 1) - 0.5)
    loops = np.sin(2 * np.pi * (along * pitch + np.float32(rng.uniform(0.3, 1.2)) * column))
    return loops - 2 * np.clip(0.15 - column, 0, 1)


def _grain(rng: Generator, side: int) -> Grey:
    """Leather-like: fine cells between dark creases on a cloudy ground."""
    fine = int(rng.integers(side // 10, side // 3))
    creases = np.minimum(np.abs(smooth_noise(rng, side, fine)), 0.6)
    return creases + np.float32(0.15) * smooth_noise(rng, side, 5)


TEXTURES: dict[str, Callable[[Generator, int], Grey]] = {
    "fractal": _fractal,
    "ridged": _ridged,
    "brushed": _brushed,
    "band_pass": _band_pass,
    "grating": _grating,
    "weave": _weave,
    "cells": _worley_noise,
    "dots": _dotted,
    "checks": _checks,
    "plaid": _plaid,
    "wood": _wood,
    "speckle": _speckle,
    "knit": _knit,
    "grain": _grain,
}


def draw_texture(rng: Generator, side: int, kind: str | None = None) -> Grey:
    """A texture of the kind named, or of any, stretched to 0..1: (side, side)."""
    values = TEXTURES[kind or tuple(TEXTURES)[rng.integers(len(TEXTURES))]](rng, side)
    low, high = values.min(), values.max()
    return ((values - low) / max(high - low, 1e-6)).astype(np.float32)


def draw_colour(rng: Generator) -> NDArray[np.float32]:
    """One RGB colour, often close to grey as workshop materials are: (3,)."""
    value = rng.uniform(0.03, 1)
    tint = rng.uniform(0, 0.12) if rng.random() < 0.35 else rng.uniform(0.1, 1)
    return (value * (1 - tint * rng.random(3))).astype(np.float32)


def draw_sheet(rng: Generator, side: int) -> Colour:
    """A printed texture: one to three colours along its greys, from hardly visible to stark."""
    first = draw_colour(rng)
    if rng.random() < 0.15:
        cloud = np.float32(0.05) * smooth_noise(rng, side, 3) + np.float32(0.5)
        return np.clip(first + (cloud - 0.5)[..., None], 0, 1)
    texture = draw_texture(rng, side)
    contrast = np.float32(rng.uniform(0.05, 1))
    second = first + contrast * (draw_colour(rng) - first)
    sheet = first + texture[..., None] * (second - first)
    if rng.random() < 0.25:
        other = draw_texture(rng, side)[..., None]
        sheet = sheet + np.float32(rng.uniform(0.1, 0.7)) * other * (draw_colour(rng) - sheet)
    return np.clip(sheet, 0, 1)
