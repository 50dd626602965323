"""Products to settle the photo guard on, none of whose photos it is tested with: drawn ones, and parts of other sets.

Each has clean photos with the number of the part that they show, and some of them spoilt in many ways, with the
instruction that is right for each way. Only what is measured of a photo is kept, never the photo.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photo_guard import WAYS, Spoil, blurred, exposed
from ensemble.datasets.loading import find_dataset, part_numbers
from ensemble.drawing.blemishes import with_blemish
from ensemble.drawing.shapes import PART_SHAPES, Outline, filled, placed
from ensemble.drawing.strips import draw_strip
from ensemble.drawing.textures import draw_colour, draw_texture, smooth_noise
from ensemble.imaging import out_of_distribution as guard
from ensemble.imaging.photo_statistics import PhotoStatistics, measure_photo
from ensemble.imaging.photos import read_photo

SIDE = 192  # pixels of what is drawn
GOOD, DEFECTIVE, SPOILT = 160, 80, 40  # drawn photos, and those of a product that are spoilt; the first two are most
PIECES = 3  # a side, that the photos of a set are cut into which has too few
FEW = 100  # photos of a set that has too few
LAMP, FOCUS, PLACE, UNDER = (str(each) for each in (guard.LAMP, guard.FOCUS, guard.AS_USUAL, guard.UNDER))
WHITE_BALANCE, GAIN = str(guard.COLOURS.values["todo"]), str(guard.GRAINY.values["todo"])
TRIES, VISIBLE, SMALLEST = (
    6,
    0.05,
    0.002,
)  # blemishes to choose from; a change of grey, and the share of the photo changed
SHAPES = ("gear", "flange", "bracket", "screw", "plate", "nut")
MATERIALS = ("weave", "brushed", "wood", "fractal", "knit")
FRESH_SHAPES, FRESH_MATERIALS = ("ring", "impeller", "spanner", "star"), ("grating", "plaid", "cells")  # to test on


@dataclass(frozen=True, slots=True)
class Shot:
    """One clean photo: how it is opened, which part it shows, whether that is a good one."""

    opened: Callable[[], Image.Image]
    part: int
    good: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of a product: its clean photos, and by the place of some of these what was spoilt of them."""

    name: str
    parts: tuple[int, ...]
    good: tuple[bool, ...]
    clean: tuple[PhotoStatistics, ...]
    spoilt: Mapping[str, Mapping[int, PhotoStatistics]]
    size: tuple[int, int]


def tinted(red: float, green: float, blue: float) -> Spoil:
    """Another white balance: each colour so many times as strong."""
    table = [min(255, round(share * value)) for share in (red, green, blue) for value in range(256)]
    return lambda picture: picture.point(table)


def grained(deviation: float) -> Spoil:
    """Noise of each pixel, in shares of white, the same for each photo of a size."""

    def spoil(picture: Image.Image) -> Image.Image:
        pixels = np.asarray(picture, np.float32)
        noise = np.random.default_rng(0).normal(0, 255 * deviation, (*pixels.shape[:2], 1))
        return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))

    return spoil


def covered(share: float, grey: int) -> Spoil:
    """Its left part under a sheet of one grey."""

    def spoil(picture: Image.Image) -> Image.Image:
        found = picture.copy()
        found.paste((grey, grey, grey), (0, 0, round(share * picture.width), picture.height))
        return found

    return spoil


def grey_card(picture: Image.Image) -> Image.Image:
    """A card of middle grey under a lamp that lights one side more."""
    width, height = picture.size
    row = np.linspace(112, 136, width)[None, :, None] + np.random.default_rng(0).normal(0, 1.5, (height, width, 1))
    return Image.fromarray(np.repeat(row, 3, axis=2).clip(0, 255).astype(np.uint8))


# What is right to be said of each way; of a part that lies otherwise nothing is asked where it looks the same so.
RIGHT: Mapping[str, str] = {
    **{name: LAMP for name in WAYS if "stop" in name},
    **{name: FOCUS for name in WAYS if "blurred" in name},
    **{name: PLACE for name in WAYS if "turned" in name or "shifted" in name},
    "darker by 1/2 stop": LAMP,
    "brighter by 1/2 stop": LAMP,
    "darker by 3 stops": LAMP,
    "brighter by 3 stops": LAMP,
    "blurred (5 %)": FOCUS,
    "too warm": WHITE_BALANCE,
    "too cold": WHITE_BALANCE,
    "grainy": GAIN,
    "half covered, dark": UNDER,
    "half covered, light": UNDER,
    "grey card": UNDER,
    "another part": UNDER,
}
MORE_WAYS: Mapping[str, Spoil] = {
    "darker by 1/2 stop": exposed(-0.5),
    "brighter by 1/2 stop": exposed(0.5),
    "darker by 3 stops": exposed(-3),
    "brighter by 3 stops": exposed(3),
    "blurred (5 %)": blurred(0.05),
    "too warm": tinted(1.1, 1.0, 0.7),
    "too cold": tinted(0.75, 1.0, 1.1),
    "grainy": grained(0.06),
    "half covered, dark": covered(0.5, 25),
    "half covered, light": covered(0.5, 215),
    "grey card": grey_card,
}


def drawn_part(number: int, seed: int, shape: str, *, defect: bool) -> Image.Image:
    """One part of a drawn product: the seed fixes its outline, colours and how it lies; light and place vary."""
    design, rng = np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1, number))
    outline, body, ground = PART_SHAPES[shape](design), draw_colour(design), draw_colour(design)
    if abs(float(body.mean() - ground.mean())) < 0.15:  # else nobody could see it
        ground = np.clip(ground + (0.35 if body.mean() < 0.5 else -0.35), 0.05, 0.95)
    turn = rng.uniform(0, 2 * np.pi) if design.random() < 0.3 else design.uniform(0, 2 * np.pi) + rng.normal(0, 0.03)
    mask = _mask(outline, rng, float(turn))
    face = 0.75 + 0.35 * draw_texture(rng, SIDE, str(design.choice(["grain", "brushed", "speckle"])))
    picture = ground * (0.9 + 0.15 * draw_texture(rng, SIDE, "fractal"))[..., None]
    sheet = (body * face[..., None]).astype(np.float32)
    if defect:
        sheet = _blemished(rng, sheet, mask)
    return _photographed(rng, picture + mask[..., None] * (sheet - picture))


def _mask(outline: Outline, rng: Generator, turn: float) -> NDArray[np.float32]:
    across, down = SIDE / 2 + rng.normal(0, 0.01 * SIDE, 2)
    return filled(placed(outline, centre=(float(across), float(down)), size=0.38 * SIDE, angle=turn), SIDE)


def drawn_material(number: int, seed: int, kind: str, *, defect: bool) -> Image.Image:
    """One piece of a drawn material that fills the photo: its two colours are fixed by the seed."""
    design, rng = np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1, number))
    first, second = draw_colour(design), draw_colour(design)
    second = first + design.uniform(0.3, 0.8) * (second - first)
    picture = (first + draw_texture(rng, SIDE, kind)[..., None] * (second - first)).astype(np.float32)
    return _photographed(rng, _blemished(rng, picture, np.ones((SIDE, SIDE), np.float32)) if defect else picture)


def _blemished(rng: Generator, picture: NDArray[np.float32], where: NDArray[np.float32]) -> NDArray[np.float32]:
    """With one defect as small as they are on parts: the smallest of some that can be seen."""
    drawn = [with_blemish(rng, picture, where=where) for _ in range(TRIES)]
    shares = [float((np.abs(each - picture).max(axis=2) > VISIBLE).mean()) for each in drawn]
    return drawn[min(range(TRIES), key=lambda place: (shares[place] < SMALLEST, abs(shares[place] - SMALLEST)))]


def _photographed(rng: Generator, picture: NDArray[np.floating]) -> Image.Image:
    """Under a lamp that varies by a few per cent, by a camera with noise."""
    light = np.exp(rng.normal(0, 0.03)) * (1 + 0.03 * smooth_noise(rng, SIDE, 3))[..., None]
    noise = rng.normal(0, 0.01, picture.shape)
    return Image.fromarray((255 * (picture * light + noise)).clip(0, 255).astype(np.uint8))


def drawn_strip(number: int, seed: int, *, defect: bool) -> Image.Image:
    """One strip of rolled metal."""
    strip, _mask_of_it = draw_strip(np.random.default_rng((seed, number)), scratched=defect, size=(160, 400))
    return strip.convert("RGB")


def drawn_products(seed: int, *, fresh: bool = False) -> Iterator[tuple[str, list[Shot]]]:
    """Products that are drawn, of parts, of materials, of strips; or fresh ones, that nothing is settled on."""
    shapes, materials = (FRESH_SHAPES, FRESH_MATERIALS) if fresh else (SHAPES, MATERIALS)
    kinds = [(f"drawn {shape}", partial(drawn_part, shape=shape)) for shape in shapes]
    kinds += [(f"drawn {kind}", partial(drawn_material, kind=kind)) for kind in materials]
    kinds += [] if fresh else [("drawn strips", partial(drawn_strip))]
    for place, (name, draw) in enumerate(kinds, 100 * seed + 50 * fresh):
        yield (
            name,
            [
                Shot(partial(draw, number, place, defect=number >= GOOD), number, number < GOOD)
                for number in range(GOOD + DEFECTIVE)
            ],
        )


def photographed_products(folder: Path, *, whole: bool, seed: int) -> Iterator[tuple[str, list[Shot]]]:
    """The product of a data set, or one of each class where none is a defect: of its training part alone, unless
    `whole`; the photos of a small set are cut into pieces, and all pieces of one are of one part."""
    dataset = find_dataset(folder, None, seed)
    samples = [*dataset.train, *(dataset.test if whole else ())]
    names = [folder.name] if dataset.classes.defect else list(dataset.classes.names)
    for name in names:
        chosen = [each for each in samples if dataset.classes.defect or each.label == name]
        good = [not dataset.classes.defect or each.label == dataset.classes.good for each in chosen]
        shots = [
            Shot(partial(_opened, each.path), part, fine)
            for each, part, fine in zip(chosen, part_numbers(chosen), good, strict=True)
        ]
        yield name, [piece for shot in shots for piece in _pieces(shot)] if len(shots) < FEW else shots


def _opened(path: Path) -> Image.Image:
    return read_photo(path).picture


def _pieces(shot: Shot) -> list[Shot]:
    def cut(across: int, down: int) -> Image.Image:
        picture = shot.opened()
        width, height = picture.width // PIECES, picture.height // PIECES
        return picture.crop((across * width, down * height, (across + 1) * width, (down + 1) * height))

    places = [(across, down) for down in range(PIECES) for across in range(PIECES)]
    return [Shot(partial(cut, *place), shot.part, shot.good) for place in places]


def measure_product(name: str, shots: Sequence[Shot], seed: int) -> Measured:
    """Measure some clean photos of a product, and some of these spoilt in each way."""
    rng = random.Random(seed)
    chosen: list[Shot] = []
    for good, most in ((True, GOOD), (False, DEFECTIVE)):
        some = [each for each in shots if each.good == good]
        chosen += rng.sample(some, min(most, len(some)))
    ways = {name: way for name, way in {**WAYS, **MORE_WAYS}.items() if name in RIGHT}
    spoil = set(rng.sample(range(len(chosen)), min(SPOILT, len(chosen))))
    clean: list[PhotoStatistics] = []
    spoilt: dict[str, dict[int, PhotoStatistics]] = {name: {} for name in ways}
    size = (0, 0)
    for place, shot in enumerate(chosen):
        picture = shot.opened()
        clean.append(measure_photo(picture))
        size = picture.size
        for way, change in ways.items() if place in spoil else ():
            spoilt[way][place] = measure_photo(change(picture))
    return Measured(
        name, tuple(each.part for each in chosen), tuple(each.good for each in chosen), tuple(clean), spoilt, size
    )
