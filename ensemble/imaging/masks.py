"""Where damage is: masks on disk, and heat maps of members laid together and cut into regions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFile, ImageFilter
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile
from scipy import ndimage

from ensemble.imaging.photos import decode_photo, read_photo_bytes, sentences, upright, upright_size
from ensemble.values.errors import DataError, PhotoError, RefusalError
from ensemble.values.language import Message
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Region, Score

HALF = 127  # of a mask as it is handed out, which holds 0 and 255 alone
SOFT_EDGE_VALUES = 16  # values that a mask of soft edges exceeds
LOW_VALUES = 64  # of 255: numbers of classes and of places lie below, soft edges reach beyond
TOGETHER = 0.5  # of the pixels of a class have a neighbour of it in one direction; those of edges and noise lie apart
Marks = Literal["white", "numbers", "palette", "greys"]  # by what a mask marks damage
Boxes = list[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Which pixels (height, width) are damaged, and how many are neither background nor as bright as the brightest."""

    damage: NDArray[np.bool_]
    soft: int
    mixed: bool  # the file holds more than one value or colour
    marks_by: Marks

    def reason(self, *, good: bool) -> str:
        """The end of a sentence on a mask that contradicts its photo, or nothing."""
        if good:
            return Message("marks damage on a photo of a good part") if self.damage.any() else ""
        if not self.damage.any():
            return Message("marks nothing, and its photo is of a defect")
        if self.damage.all():
            return (
                Message("marks all of its photo, and not in one colour: black must be the background")
                if self.mixed
                else ""
            )
        edges = (self.damage[0], self.damage[-1], self.damage[:, 0], self.damage[:, -1])
        if all(edge.all() for edge in edges):
            return Message(
                "marks the whole border of its photo, as an inverted mask does: black must be the background"
            )
        return ""


def look_at(path: Path, size: tuple[int, int] | None = None) -> Mask:
    """Read a mask; a DataError where it cannot be read or its (width, height) is not `size`."""
    try:
        data = read_photo_bytes(path)
        with sentences("It"):
            found = upright_size(data)
        if size is not None and found != size:  # before anything is decoded
            raise DataError(
                "The mask {mask} has {width} × {height} pixels and its photo {photo_width} × {photo_height}. Export "
                "the mask at the size of the photo.",
                mask=path,
                width=found[0],
                height=found[1],
                photo_width=size[0],
                photo_height=size[1],
            )
        with sentences("It"):
            image, _ = decode_photo(data, smallest=1)
            values = np.asarray(upright(image, Image.fromarray(_background_distance(image))))
    except PhotoError as error:
        raise DataError(
            "The mask {mask} cannot be read. {problem} Export it again as a grey PNG.", mask=path, problem=error
        ) from error
    stored = np.asarray(image)
    return _judged(
        values,
        lossy=isinstance(image, JpegImageFile | WebPImageFile),
        mixed=bool((stored != stored[0, 0]).any()),
        numbered=image.mode == "P",
    )


def marking_notes(masks: Mapping[str, int]) -> tuple[Message, ...]:
    """What a person should know of how so many masks mark damage, counted by their `marks_by`."""
    said: Mapping[Marks, Callable[[int], Message]] = {
        "white": lambda count: Message(
            "{count} mask is black and white: white marks damage.",
            "{count} masks are black and white: white marks damage.",
            count=count,
        ),
        "numbers": lambda count: Message(
            "{count} mask holds numbers, such as 0 and 1: all above 0 mark damage.",
            "{count} masks hold numbers, such as 0 and 1: all above 0 mark damage.",
            count=count,
        ),
        "palette": lambda count: Message(
            "{count} mask has index colours: all but black mark damage.",
            "{count} masks have index colours: all but black mark damage.",
            count=count,
        ),
        "greys": lambda count: Message(
            "{count} mask has soft edges: greys above half of the brightest mark damage.",
            "{count} masks have soft edges: greys above half of the brightest mark damage.",
            count=count,
        ),
    }
    return tuple(note(masks[by]) for by, note in said.items() if masks.get(by))


def read_mask(path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A mask as a grey picture (L), 255 where damaged, else 0; a DataError as from `look_at`."""
    return Image.fromarray(look_at(path, size).damage.astype(np.uint8) * 255)


def _judged(values: NDArray[np.uint8] | NDArray[np.uint16], *, lossy: bool, mixed: bool, numbered: bool) -> Mask:
    """The rule above, for values of 8 or 16 bits (height, width)."""
    counts = np.bincount(values.ravel())
    known = np.flatnonzero(counts)
    brightest = int(known[-1])
    low = brightest <= (LOW_VALUES if values.dtype == np.uint8 else LOW_VALUES << 8)
    between = counts[known[(known > 0) & (known < brightest)]]
    few = len(known) <= SOFT_EDGE_VALUES and (
        not between.size or (not _is_noise(known) and _lie_together(values, brightest))
    )
    threshold = 0.0 if not lossy and (low or few) else brightest / 2
    soft = int(between.sum()) if threshold else 0
    white = brightest == np.iinfo(values.dtype).max and not between.size
    marks_by: Marks = "palette" if numbered else "white" if white else "greys" if threshold else "numbers"
    return Mask(values > threshold, soft, mixed, marks_by)


def _is_noise(known: NDArray[np.intp]) -> bool:
    """Whether all values lie near the background or near the brightest one, with some beside either of them."""
    near = int(known[-1]) // 10
    between = known[1:-1] if known[0] == 0 else known[:-1]
    dark, bright = between <= near, between >= known[-1] - near
    return bool((dark | bright).all() and dark.any() and bright.any())


def _lie_together(values: NDArray[np.uint8] | NDArray[np.uint16], brightest: int) -> bool:
    """Whether pixels between background and brightest have neighbours of their own value, as those of classes do."""
    between = (values > 0) & (values < brightest)
    height, width = values.shape
    pairs = 0
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        own = slice(0, height - down), slice(max(0, -across), width - max(0, across))
        other = slice(down, height), slice(max(0, across), width + min(0, across))
        pairs = max(pairs, int(((values[own] == values[other]) & between[own]).sum()))
    return pairs >= TOGETHER * int(between.sum())


def _background_distance(image: ImageFile.ImageFile) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """How far each pixel (height, width) is from the background, which is 0."""
    if image.mode.startswith(("F", "I")):
        values = np.asarray(image)
        return _float_values(values) if image.mode == "F" else values.clip(0, 65535).astype(np.uint16)
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8) * 255
    if image.mode == "P":
        return _palette_values(image)
    if image.mode == "L" and not image.has_transparency_data:
        return np.asarray(image)
    layers = np.asarray(image.convert("RGBA"))
    colours, alpha = layers[..., :3].max(axis=-1), layers[..., 3]
    if not alpha.any():  # it was never set
        return colours
    seen = (colours.astype(np.uint16) * alpha // 255).astype(np.uint8)
    return seen if seen.any() or alpha.all() else alpha


def _float_values(values: NDArray[np.float32]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if not np.isfinite(values).all():
        raise RefusalError(
            "{photo} holds values that are no numbers (NaN or infinite): correct them, or save it as JPEG or PNG."
        )
    if values.max() <= 1:
        return np.rint(values.clip(0, 1) * 255).astype(np.uint8)
    return values.clip(0, 65535).astype(np.uint16)


def _palette_values(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    numbers = np.asarray(image)
    colours = np.zeros(256, dtype=np.uint8)
    palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3).max(axis=-1)
    colours[: len(palette)] = palette
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        colours[transparent] = 0
    elif isinstance(transparent, bytes):
        colours[: len(transparent)][np.frombuffer(transparent, np.uint8) == 0] = 0
    if colours.any() and not colours[np.unique(numbers)].all():
        return colours[numbers]
    return np.where(numbers > 0, 255, 0).astype(np.uint8)


def damaged_pixels(mask: Image.Image) -> NDArray[np.bool_]:
    """(height, width), true where a mask says that the part is damaged."""
    return np.asarray(mask) > HALF


def boxes(damage: NDArray[np.bool_]) -> Boxes:
    """Left, top, right, bottom in pixels of each connected region, the right and bottom ones exclusive.

    Pixels that touch at a corner belong to one region.
    """
    labels, _ = ndimage.label(damage, structure=np.ones((3, 3)))
    return [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in ndimage.find_objects(labels)]


# The finest that a combined map needs to be: a member's own is coarser, a photo's pixels stay its own.
FINEST_GRID = 128
MOST_STITCHED = 1024  # cells a side of a map that was stitched of tiles
HOT = "unlike a good part"


def combine(scores: Sequence[Score]) -> AnomalyMap | None:
    """The mean of the members' heat maps, each by its weight, at the finest of their grids; None without any.

    Members outside the jury, whose weight is 0, show something only where no other does, each as much as the next.
    """
    maps = [(score.anomaly_map.values, score.weight) for score in scores if score.anomaly_map is not None]
    if not maps:
        return None
    maps = [each for each in maps if each[1]] or [(values, 1.0) for values, _ in maps]
    stitched = any(score.anomaly_map.stitched for score in scores if score.anomaly_map is not None)
    most = MOST_STITCHED if stitched else FINEST_GRID
    height = min(most, max(values.shape[0] for values, _ in maps))
    width = min(most, max(values.shape[1] for values, _ in maps))
    total = sum(weight for _, weight in maps)
    mean = sum(weight / total * enlarge(values, (width, height)) for values, weight in maps)
    return AnomalyMap(np.clip(np.asarray(mean, dtype=np.float32), 0.0, 1.0), stitched)


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map (h, w) stretched to (width, height) by bilinear interpolation, as an array (height, width)."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    picture = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def regions(scores: Sequence[Score], anomaly_map: AnomalyMap | None) -> tuple[Region, ...]:
    """What detectors have found, then what is hot in the combined map, each with the highest score first."""
    found = sorted((region for score in scores for region in score.regions), key=lambda region: -region.score)
    return (*found, *(_hot_regions(anomaly_map) if anomaly_map else ()))


def _hot_regions(anomaly_map: AnomalyMap) -> list[Region]:
    """Connected places at or above `MAP_THRESHOLD`, the hottest first; places that touch at a corner are one region."""
    labels, _ = ndimage.label(anomaly_map.values >= MAP_THRESHOLD, structure=np.ones((3, 3)))
    height, width = anomaly_map.values.shape
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[rows, columns] == number
        area = float(inside.sum()) / anomaly_map.values.size
        box = (columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)
        found.append(Region(HOT, box, float(anomaly_map.values[rows, columns][inside].max()), area))
    return sorted(found, key=lambda region: -region.score)


SIZES = (0.03, 0.12)  # of the photo's shorter side


def damaged(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A copy of an RGB photo with one small place damaged, chosen by the generator."""
    draw = (_displaced, _scar, _smudge)[int(rng.integers(3))]
    return draw(picture, rng)


def _patch_corner(picture: Image.Image, width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
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
    left, top = _patch_corner(picture, width, height, rng)
    patch = picture.crop((left, top, left + width, top + height)).convert("RGBA")
    patch = patch.rotate(float(rng.uniform(20, 340)), expand=True, resample=Image.Resampling.BICUBIC)
    copy = picture.copy()
    copy.paste(patch, _patch_corner(picture, *patch.size, rng), patch)
    return copy


def _scar(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    length, width = sorted(_lengths(picture, rng, 12.0), reverse=True)
    left, top = _patch_corner(picture, length, length, rng)
    angle = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    middle = np.array([left, top]) + length / 2
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).line([*(middle - reach), *(middle + reach)], fill=255, width=max(1, width // 3))
    return _relit(picture, mask.filter(ImageFilter.GaussianBlur(0.7)), rng)


def _smudge(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = _lengths(picture, rng, 2.0)
    left, top = _patch_corner(picture, width, height, rng)
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
