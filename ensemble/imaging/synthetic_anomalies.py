"""Damage drawn onto photos of good parts, to measure how well a member sees what it has never learnt from.

A place copied elsewhere and turned (after Li et al., CutPaste, CVPR 2021), a scar, or a smudge. It stands in for real
defects only where there is no photo of one yet, and never teaches a member anything.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIZES = (0.03, 0.12)  # of the photo's shorter side


def damaged(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A copy of an RGB photo with one small place damaged, chosen by the generator."""
    draw = (_displaced, _scar, _smudge)[int(rng.integers(3))]
    return draw(picture, rng)


def _place(picture: Image.Image, width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
    """A corner such that the patch lies within the photo, drawn towards the middle where the part is."""
    free = (max(0, picture.width - width), max(0, picture.height - height))
    left, top = (round(float(rng.beta(2, 2)) * room) for room in free)
    return left, top


def _lengths(picture: Image.Image, rng: np.random.Generator, stretch: float) -> tuple[int, int]:
    short = min(picture.size)
    side = float(rng.uniform(*SIZES)) * short
    ratio = float(np.exp(rng.uniform(-np.log(stretch), np.log(stretch))))
    return max(2, round(side * ratio**0.5)), max(2, round(side / ratio**0.5))


def _displaced(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = _lengths(picture, rng, 3.0)
    left, top = _place(picture, width, height, rng)
    patch = picture.crop((left, top, left + width, top + height)).convert("RGBA")
    patch = patch.rotate(float(rng.uniform(20, 340)), expand=True, resample=Image.Resampling.BICUBIC)
    copy = picture.copy()
    copy.paste(patch, _place(picture, *patch.size, rng), patch)
    return copy


def _scar(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    length, width = sorted(_lengths(picture, rng, 12.0), reverse=True)
    left, top = _place(picture, length, length, rng)
    angle = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    middle = np.array([left, top]) + length / 2
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).line([*(middle - reach), *(middle + reach)], fill=255, width=max(1, width // 3))
    return _relit(picture, mask.filter(ImageFilter.GaussianBlur(0.7)), rng)


def _smudge(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = _lengths(picture, rng, 2.0)
    left, top = _place(picture, width, height, rng)
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).ellipse([left, top, left + width, top + height], fill=255)
    return _relit(picture, mask.filter(ImageFilter.GaussianBlur(max(1.0, min(width, height) / 6))), rng)


def _relit(picture: Image.Image, mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The photo brighter or darker where the mask is, enough to be seen on any ground."""
    pixels: NDArray[np.float32] = np.asarray(picture, dtype=np.float32)
    cover = np.asarray(mask, dtype=np.float32)[..., None] / 255 * float(rng.uniform(0.5, 1.0))
    level = float((pixels * cover).sum() / max(float(cover.sum()) * 3, 1e-6))
    change = float(rng.uniform(35, 90)) * (1 if level < 90 or (level < 165 and rng.random() < 0.5) else -1)
    return Image.fromarray((pixels + change * cover).clip(0, 255).astype(np.uint8))
