"""Pictures for a network to learn from: drawn by rule, full of edges, textures, light and defects."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ensemble.drawing.blemishes import with_blemish
from ensemble.drawing.shapes import draw_garment, draw_part_shape, filled, placed, stencil
from ensemble.drawing.textures import Colour, Grey, draw_colour, draw_sheet, smooth_noise
from ensemble.imaging.photos import open_own

PRINTED_SIGNS = "ABCDEFGHKLMNPRSTUVXYZabdefghkmnqrt0123456789#&%@?+=/<>"


def _as_image(picture: Colour) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))


def _as_floats(image: Image.Image) -> Colour:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _soft(mask: Grey, radius: float) -> Grey:
    image = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _slope(height: Grey, angle: float) -> Grey:
    """How much each pixel of a relief faces a light from the angle."""
    down, across = np.gradient(height)
    return (across * np.cos(angle) + down * np.sin(angle)).astype(np.float32)


def _dead_leaves(rng: Generator, side: int) -> Colour:
    """Shapes of all sizes that hide one another, as things do in the world."""
    sheets = [_as_image(draw_sheet(rng, side)) for _ in range(4)]
    picture = sheets[0].copy()
    for _ in range(int(rng.integers(8, 50))):
        size = side * min(0.045 / rng.uniform(0.1, 1) ** 1.1, 0.5)
        shape, centre = draw_part_shape(rng), tuple(rng.uniform(0, side, 2))
        mask = stencil(placed(shape, centre=centre, size=size, angle=rng.uniform(0, 2 * np.pi)), side)
        if rng.random() < 0.4:
            plain = tuple(int(level * 255) for level in draw_colour(rng))
            picture.paste(plain, (0, 0, side, side), mask)
        else:
            picture.paste(sheets[rng.integers(4)], mask=mask)
    return _as_floats(picture)


def _ground(rng: Generator, side: int) -> Colour:
    """What an object lies on: plain paper of any grey, a gradient, or a texture."""
    if rng.random() < 0.4:
        return draw_sheet(rng, side)
    colour = draw_colour(rng) if rng.random() < 0.5 else np.full(3, rng.random(), dtype=np.float32)
    cloud = np.float32(rng.uniform(0, 0.08)) * smooth_noise(rng, side, 3)
    return np.clip(colour + cloud[..., None], 0, 1)


def _lit(rng: Generator, sheet: Colour, mask: Grey, light: float) -> Colour:
    """The sheet shaded as a rounded or bevelled body with the mask's outline, with gloss on some."""
    radius = len(mask) * float(np.exp(rng.uniform(np.log(0.008), np.log(0.1))))
    relief = _soft(mask, radius) + np.float32(rng.uniform(0, 0.5)) * _soft(mask, radius / 3)
    if rng.random() < 0.5:
        relief = relief + np.float32(rng.uniform(0, 0.1)) * smooth_noise(rng, len(mask), int(rng.integers(3, 9)))
    if rng.random() < 0.3:
        relief = relief + np.float32(rng.uniform(0, 0.4)) * sheet.mean(axis=2)
    shade = np.float32(radius * rng.uniform(0.3, 2.2)) * _slope(relief, light)
    shade = np.clip(shade, -0.85, 1)[..., None]
    lit = sheet * (1 + shade)
    if rng.random() < 0.35:
        lit = lit + np.float32(rng.uniform(0.3, 1)) * np.clip(shade - np.float32(rng.uniform(0.1, 0.4)), 0, 1)
    return lit


def _laid(rng: Generator, ground: Colour, body: Colour, mask: Grey, light: float, *, darkness: float) -> Colour:
    """The body on the ground, with the shadow that falls away from the light."""
    side = len(mask)
    length = side * rng.uniform(0, 0.08)
    shift = (round(-length * np.sin(light)), round(-length * np.cos(light)))
    shadow = _soft(np.roll(mask, shift, axis=(0, 1)), side * rng.uniform(0.005, 0.06))
    shaded = ground * (1 - np.float32(darkness) * shadow[..., None])
    return shaded + mask[..., None] * (body - shaded)


def _objects(rng: Generator, side: int) -> Colour:
    """One to four lit parts with their shadows; a quarter of the pictures show a defect."""
    picture, light = _ground(rng, side), rng.uniform(0, 2 * np.pi)
    count = int(rng.choice([1, 1, 1, 2, 3, 4]))
    for _ in range(count):
        size = side * rng.uniform(0.25, 0.5) / count**0.4
        centre = tuple(side * rng.uniform(0.5 - 0.13 * count**0.8, 0.5 + 0.13 * count**0.8, 2))
        mask = filled(placed(draw_part_shape(rng), centre=centre, size=size, angle=rng.uniform(0, 6.3)), side)
        body = _lit(rng, draw_sheet(rng, side), mask, light)
        if rng.random() < 0.5:
            inner = filled(
                placed(draw_part_shape(rng), centre=centre, size=size * rng.uniform(0.2, 0.7), angle=0), side
            )
            other = draw_sheet(rng, side) if rng.random() < 0.5 else body * np.float32(rng.uniform(0.6, 1.3))
            body = body + inner[..., None] * (_lit(rng, other, inner, light) - body)
        if rng.random() < 0.25:
            body = with_blemish(rng, body, where=mask)
        picture = _laid(rng, picture, body, mask, light, darkness=rng.uniform(0.1, 0.9))
    return picture


def _trimmed_garment(rng: Generator, body: Colour, mask: Grey, centre: tuple[float, float], size: float) -> Colour:
    """Seams, a placket, a print, a hem: what turns a patch of cloth into a garment."""
    side, (x, y) = len(mask), centre
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(0, 6))):
        kind, level = rng.integers(4), rng.uniform(-1, 1) * size
        if kind == 0:
            pen.line((x + 0.2 * level, y - size, x + 0.2 * level, y + size), fill=255, width=1)
        elif kind == 1:
            pen.line((x - size, y + level, x + size, y + level), fill=255, width=int(rng.integers(1, 8)))
        elif kind == 2:
            corner = (x + 0.5 * level, y + 0.4 * level)
            pen.rectangle((*corner, corner[0] + 0.2 * size, corner[1] + 0.25 * size), outline=255)
        else:
            font = ImageFont.load_default(size=max(6, int(size * rng.uniform(0.1, 0.5))))
            pen.text((x - 0.3 * size, y - 0.4 * size), "".join(rng.choice(list(PRINTED_SIGNS), 4)), fill=255, font=font)
    trim = np.asarray(canvas, dtype=np.float32)[..., None] / 255 * np.float32(rng.uniform(0.2, 1))
    return body + trim * mask[..., None] * (draw_colour(rng) - body)


def _garments(rng: Generator, side: int) -> Colour:
    """Clothes and shoes as shops show them: upright, on white or nearly white."""
    paper = np.float32(1 - rng.choice([0.0, rng.uniform(0, 0.1), rng.uniform(0, 0.5)]))
    picture, light = np.full((side, side, 3), paper, dtype=np.float32), rng.uniform(0, 2 * np.pi)
    outline, pair = draw_garment(rng), rng.random() < 0.2
    for step in range(1 + pair):
        size = side * rng.uniform(0.3, 0.48)
        centre = (side * (0.5 + rng.normal(0, 0.03)), side * (0.5 + rng.normal(0, 0.03) + 0.16 * (step - 0.5) * pair))
        solids, holes = outline
        stretch = np.array([rng.choice([-1, 1]) * rng.uniform(0.8, 1.15), 1])
        cut = ([points * stretch for points in solids], [points * stretch for points in holes])
        mask = filled(placed(cut, centre=centre, size=size, angle=rng.normal(0, 0.12)), side)
        cloth = draw_sheet(rng, side)
        folds = smooth_noise(rng, side, int(rng.integers(3, 9)), int(rng.integers(3, 14)))
        cloth = cloth * (1 + np.float32(rng.uniform(0, 6)) * _slope(folds, light)[..., None] / np.float32(10))
        body = _trimmed_garment(rng, _lit(rng, cloth, mask, light), mask, centre, size)
        picture = _laid(rng, picture, body, mask, light, darkness=rng.uniform(0, 0.35))
    return picture


def _surface(rng: Generator, side: int) -> Colour:
    """A sheet of material under uneven light, with no to three defects."""
    picture = draw_sheet(rng, side)
    if rng.random() < 0.4:
        relief = picture.mean(axis=2) + np.float32(0.2) * smooth_noise(rng, side, 6)
        shade = np.float32(rng.uniform(0, 4)) * _slope(relief, rng.uniform(0, 6.3))
        picture = picture * (1 + np.clip(shade, -0.7, 0.7)[..., None])
    for _ in range(int(rng.choice([0, 1, 1, 1, 2, 3]))):
        picture = with_blemish(rng, picture)
    return picture


def _strokes(rng: Generator, side: int) -> Colour:
    """Lines, arcs, boxes and signs in any colours, as on labels, dials and drawings."""
    image = _as_image(_ground(rng, side))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 40))):
        ink = tuple(int(level * 255) for level in draw_colour(rng))
        width, kind = int(rng.integers(1, 7)), rng.integers(5)
        ends = rng.uniform(-0.1, 1.1, 4) * side
        box = (*np.minimum(ends[:2], ends[2:]), *np.maximum(ends[:2], ends[2:]))
        if kind == 0:
            pen.line(tuple(ends), fill=ink, width=width)
        elif kind == 1:
            start, end = rng.uniform(0, 360, 2)
            pen.arc(box, start, end, fill=ink, width=width)
        elif kind == 2:
            pen.rectangle(box, outline=ink, width=width)
        elif kind == 3:
            pen.ellipse(box, outline=ink, width=width)
        else:
            text = "".join(rng.choice(list(PRINTED_SIGNS), int(rng.integers(1, 9))))
            pen.text(tuple(ends[:2]), text, fill=ink, font=ImageFont.load_default(size=int(rng.integers(8, 60))))
    return _as_floats(image)


FAMILIES: dict[str, Callable[[Generator, int], Colour]] = {
    "dead_leaves": _dead_leaves,
    "objects": _objects,
    "garments": _garments,
    "surface": _surface,
    "strokes": _strokes,
    "texture": draw_sheet,
}
DRAWING_SHARES = (0.2, 0.28, 0.15, 0.24, 0.07, 0.06)


def _toned(rng: Generator, picture: Colour) -> Colour:
    """Grey, gamma, contrast and vignette, as cameras and lamps differ."""
    picture = np.clip(picture, 0, 1)
    if rng.random() < 0.3:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.5:
        picture = picture ** np.float32(np.exp(rng.uniform(-0.7, 0.7)))
    if rng.random() < 0.5:
        middle = np.float32(rng.uniform(0.2, 0.8))
        picture = middle + np.float32(rng.uniform(0.3, 1.3)) * (picture - middle)
    if rng.random() < 0.25:
        line = np.linspace(-1, 1, len(picture), dtype=np.float32)
        far = (line[:, None] - rng.uniform(-0.7, 0.7)) ** 2 + (line[None] - rng.uniform(-0.7, 0.7)) ** 2
        picture = picture * (1 - np.float32(rng.uniform(0, 0.3)) * far[..., None]).astype(np.float32)
    return picture


def _photographed(rng: Generator, picture: Colour) -> NDArray[np.uint8]:
    """Blur, sensor noise and JPEG."""
    side = len(picture)
    image = _as_image(picture)
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 2)))
    if rng.random() < 0.5:
        channels = int(rng.choice([1, 3]))
        noise = rng.standard_normal((side, side, channels), dtype=np.float32) * np.float32(rng.uniform(1, 18))
        image = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.35:
        stream = BytesIO()
        image.save(stream, "JPEG", quality=int(rng.integers(20, 96)))
        image = open_own(stream.getvalue())
    return np.array(image)


def draw_lesson(rng: Generator, side: int, *, family: str | None = None) -> NDArray[np.uint8]:
    """One picture of the family named, or of any by its share: (side, side, 3) RGB, the same for the same seed."""
    if family is None:
        family = tuple(FAMILIES)[rng.choice(len(DRAWING_SHARES), p=DRAWING_SHARES)]
    return _photographed(rng, _toned(rng, FAMILIES[family](rng, side)))


def draw_lessons(seed: int, first: int, count: int, side: int) -> NDArray[np.uint8]:
    """Pictures number `first` and following of the series that belongs to the seed: (count, side, side, 3)."""
    series = range(first, first + count)
    return np.stack([draw_lesson(np.random.default_rng((seed, number)), side) for number in series])
