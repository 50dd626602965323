"""Files of any depth and colour model to plain RGB: 16 bits, floats, CMYK, and what a TIFF says of its layout."""

import io
import re
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ensemble.imaging.formats import PnmImageFile
from ensemble.values.errors import RefusalError
from ensemble.values.language import Message

_DEEP_COLOUR = re.compile(r"(RGB|RGBA|RGBX);16([BLN])")


@dataclass(frozen=True, slots=True)
class Coloured:
    """An RGB picture, what a person should know of how it came about, and why it may not be judged.

    `brightest` is the largest value of a file that does not say how bright white is; None for all others.
    """

    picture: Image.Image
    notes: tuple[str, ...] = ()
    doubt: str = ""
    brightest: int | None = None


def rawmode_of(image: ImageFile.ImageFile) -> str:
    """How the file's bytes are laid out, as Pillow calls it; to be asked before loading."""
    arguments = image.tile[0].args if image.tile else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else image.mode


def as_rgb(image: ImageFile.ImageFile, rawmode: str, data: bytes, white_level: int | None = None) -> Coloured:
    """The RGB picture of a loaded image; a RefusalError where its white is unknown or nothing of it can be seen.

    `white_level` is the depth of 16 bits that declare no other.
    """
    if image.mode == "F":
        return _floating(image, white_level)
    if image.mode in ("I", "LAB"):
        raise RefusalError(
            "{photo} holds 32-bit, signed or Lab values, whose white is unknown: save it as JPEG or PNG."
        )
    if isinstance(image, PnmImageFile) and image.mode != "1" and not _is_depth(image.most):
        return Coloured(_by_white(image, rawmode, data, image.most))
    if image.mode.startswith("I;16"):
        return _deep_grey(image, data, white_level)
    _rescale_transparency(image, rawmode)
    found = _deep_colour(image, rawmode, data, white_level) if "16" in rawmode else Coloured(image)
    deep = found.picture
    if not deep.has_transparency_data:
        return replace(found, picture=deep.convert("RGB"))
    layer = deep.convert("RGBA")
    alpha = layer.getchannel("A")
    if not alpha.getextrema()[1]:
        if isinstance(image, BmpImageFile | TiffImageFile) and "RGBa" not in rawmode:
            return replace(found, picture=layer.convert("RGB"))  # the camera left alpha unset, and nobody looks at it
        raise RefusalError(
            "{photo} is transparent all over, so that there is nothing to see: save it without transparency."
        )
    picture = Image.new("RGB", image.size, "white")
    picture.paste(layer, mask=alpha)
    return replace(found, picture=picture)


def _floating(image: ImageFile.ImageFile, white_level: int | None) -> Coloured:
    """Numbers from 0 to 1, or, where one goes beyond and the white level is known, counts of the camera."""
    values = np.asarray(image)  # (H, W)
    low, high = float(values.min()), float(values.max())  # not a number where one is none
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RefusalError(
            "{photo} holds values that are no numbers (NaN or infinite): correct them, or save it as JPEG or PNG."
        )
    counts = high > 1
    if low < 0 or (counts and white_level is None):
        raise RefusalError(
            "{photo} holds numbers from {low:.6g} to {high:.6g}, and a photo of floating-point numbers has them from 0 "
            "to 1: divide them by its white, or save it as JPEG or PNG.",
            low=low,
            high=high,
        )
    white = 2.0**white_level if counts and white_level else 1.0
    grey = np.minimum(values * np.float32(256 / white), 255).astype(np.uint8)
    if isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0:
        grey = 255 - grey
    picture = Image.fromarray(grey).convert("RGB")
    if white_level is None or not counts:
        return Coloured(picture)
    return Coloured(picture, doubt=past(high, white_level), brightest=int(high))


def _is_depth(most: int) -> bool:
    """Whether the value that a PNM calls white is the largest of some bits that are read as such."""
    return most >= 255 and most & (most + 1) == 0


def _by_white(image: PnmImageFile, rawmode: str, data: bytes, white: int) -> Image.Image:
    """A PNM whose white is any number; a RefusalError where a value goes beyond it."""
    high = np.asarray(image)
    low = _low_bytes(image, rawmode, data) if rawmode.endswith(";16B") and high.ndim == 3 else None
    values = high if low is None else _joined_planes(high, low)
    if int(values.max(initial=0)) > white:
        raise RefusalError(
            "{photo} is damaged: it holds values above {white}, which its header calls white. Copy or save it again.",
            white=white,
        )
    shares = np.rint(np.arange(white + 1) * (255 / white)).astype(np.uint8)
    return Image.fromarray(shares[values]).convert("RGB")


def _rescale_transparency(image: ImageFile.ImageFile, rawmode: str) -> None:
    """Bring a PNG's transparent colour to the 8 bits of its decoded pixels, which Pillow leaves to the caller."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple) and "16" in rawmode:
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif isinstance(colour, int) and rawmode in ("L;2", "L;4"):
        image.info["transparency"] = colour * (85 if rawmode == "L;2" else 17)


def _deep_grey(image: ImageFile.ImageFile, data: bytes, white_level: int | None) -> Coloured:
    depth, white_is_zero = declared_depth(image, data), False
    if isinstance(image, TiffImageFile):
        depth = min(depth, int(image.tag_v2.get(_BITS, (DEEP,))[0]))
        white_is_zero = image.tag_v2.get(_PHOTOMETRIC) == 0  # Pillow turns only 8 bits and less
    values = np.asarray(image).astype(np.uint16)  # (H, W), in the machine's byte order
    known = white_level if depth == DEEP and white_level != DEEP else None
    grey = scaled(values, known) if known else as_8_bits(values, depth, png=isinstance(image, PngImageFile))
    if white_is_zero:
        grey = 255 - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    picture, brightest = Image.fromarray(grey).convert("RGB"), int(values.max(initial=0))
    if known:
        return Coloured(picture, doubt=past(brightest, known), brightest=brightest)
    note = darkness(brightest) if depth == DEEP and not white_is_zero else None
    return Coloured(picture, (note,) if note else (), brightest=brightest if depth == DEEP else None)


def _deep_colour(image: ImageFile.ImageFile, rawmode: str, data: bytes, white_level: int | None) -> Coloured:
    """A picture of 16 bits a channel by its depth, and a note where nothing tells that and it is far too dark.

    Pillow has kept the high byte of each value; where more than that counts, the low ones are decoded beside them.
    """
    depth, high = declared_depth(image, data), np.asarray(image)
    colours = high[..., : 1 if image.mode == "LA" else 3]
    brightest = int(colours.max(initial=0))
    readable = image.mode in ("RGB", "RGBA", "LA")
    known = white_level if depth == DEEP and readable and white_level != DEEP else None
    if depth == DEEP and brightest < 1 << 6 and not known:
        low = _low_bytes(image, rawmode, data)
        most = brightest * 256 + 255 if low is None else int(_joined_planes(high, low)[..., :3].max(initial=0))
        note = darkness(most)
        return Coloured(image, (note,) if note else (), brightest=most if readable else None)
    if not readable or (depth == DEEP and not known):
        return Coloured(image, brightest=brightest * 256 + 255 if readable else None)
    low = _low_bytes(image, rawmode, data)
    values = _joined_planes(high, np.full_like(high, 255) if low is None else low)[..., : colours.shape[-1]]
    plain = scaled(values, known) if known else as_8_bits(values, depth, png=isinstance(image, PngImageFile))
    found = Image.fromarray(np.concatenate([plain, high[..., colours.shape[-1] :]], axis=-1))
    found.info = dict(image.info)
    most = int(values.max(initial=0))
    return Coloured(found, doubt=past(most, known), brightest=most) if known else Coloured(found)


def _joined_planes(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return (high.astype(np.uint16) << 8 | low).astype(np.uint16)


def _low_bytes(image: ImageFile.ImageFile, rawmode: str, data: bytes) -> NDArray[np.uint8] | None:
    """The low byte of each value (H, W, C): the file decoded as if its bytes lay the other way round."""
    found = _DEEP_COLOUR.fullmatch(rawmode)
    if found is None:
        return None
    native = "L" if sys.byteorder == "little" else "B"
    order = native if found[2] == "N" else found[2]
    other = f"{found[1]};16{'B' if order == 'L' else 'L'}"
    again = type(image)(io.BytesIO(data))
    again.tile = [tile._replace(args=_with_rawmode(tile.args, other)) for tile in again.tile]
    again.load()
    return np.asarray(again)


def _with_rawmode(arguments: tuple[Any, ...] | str | None, rawmode: str) -> tuple[Any, ...] | str:
    return (rawmode, *arguments[1:]) if isinstance(arguments, tuple) else rawmode


DEEP = 16
USUAL_DEPTHS = (8, 10, 12, 14)
_MAX_SAMPLE, _S_MAX_SAMPLE = 281, 341


def declared_depth(image: ImageFile.ImageFile, data: bytes) -> int:
    """The bits of a channel that a file of 16 declares to be in use; 16 where it declares nothing."""
    if isinstance(image, TiffImageFile):
        for tag in (_MAX_SAMPLE, _S_MAX_SAMPLE):
            found = image.tag_v2.get(tag)
            numbers = set(found if isinstance(found, tuple) else (found,))
            for depth in range(8, DEEP):
                if numbers == {2**depth - 1}:
                    return depth
    if isinstance(image, PngImageFile):
        return _significant_bits(data) or DEEP
    return image.most.bit_length() if isinstance(image, PnmImageFile) else DEEP


def _significant_bits(data: bytes) -> int | None:
    """What the chunk sBIT of a PNG says of its colours, alpha left out."""
    place, alpha = 8, data[25:26] in (b"\4", b"\6")
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + min(length, 4)]
        if kind == b"sBIT" and content:
            bits = max(content[:-1] if alpha and len(content) > 1 else content)
            return bits if 8 <= bits < DEEP else None
        if kind in (b"IDAT", b"IEND"):
            return None
        place += length + 12
    return None


def as_8_bits(values: NDArray[np.uint16], depth: int, *, png: bool = False) -> NDArray[np.uint8]:
    """Values of `depth` bits in 16 -> 8 bits; where they contradict the depth, all 16 count."""
    fits = int(values.max(initial=0)) < 1 << depth
    shifted = png and depth < DEEP and _are_shifted_up(values, depth)
    if not fits or shifted:
        depth = DEEP
    return scaled(values, depth)


def scaled(values: NDArray[np.uint16], depth: int) -> NDArray[np.uint8]:
    """Values of `depth` bits in 16 -> 8 bits; what lies beyond is white."""
    return np.minimum(values >> (depth - 8), 255).astype(np.uint8)


def past(brightest: float, white_level: int) -> str:
    """Why a photo goes past the white level of its product, to go on after a colon; empty where it does not."""
    white = (1 << white_level) - 1
    if brightest <= white:
        return ""
    return Message(
        "it is brighter than the white level of {bits} bits ({brightest:.0f}, and white is {white})",
        bits=white_level,
        brightest=brightest,
        white=white,
    )


def _are_shifted_up(values: NDArray[np.uint16], depth: int) -> bool:
    """Whether the bits below the significant ones are zeros, or repeat the highest ones."""
    spare = DEEP - depth
    low = values & ((1 << spare) - 1)
    return not low.any() or bool((low == values >> depth).all())


def darkness(brightest: int) -> str | None:
    """A sentence for a photo of 16 bits that declares no depth and whose brightest value needs far fewer."""
    bits = next((bits for bits in USUAL_DEPTHS if brightest < 1 << bits), DEEP)
    if bits == DEEP or not brightest:
        return None
    return Message(
        "Its brightest value is {brightest} of 65535: it looks like {bits} bits in a file of 16 and is taken {times} "
        "times too dark. Declare its depth (TIFF: MaxSampleValue {most}, PNG: sBIT {bits}), or save 8 bits.",
        brightest=brightest,
        bits=bits,
        times=1 << (DEEP - bits),
        most=(1 << bits) - 1,
    )


_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_SIZES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_RAW, _OLD_JPEG, _YCBCR = 1, 6, 6


def is_complete(image: TiffImageFile, length: int) -> bool:
    """Whether every strip or tile that the picture needs lies in the file of `length` bytes, and none lies in another
    plane's place."""
    tags = image.tag_v2
    if tags.get(_COMPRESSION, _RAW) == _OLD_JPEG:  # one stream for all, wherever the strips point to
        return True
    tiled = _TILE_OFFSETS in tags
    offsets = _tag_numbers(tags.get(_TILE_OFFSETS if tiled else _STRIP_OFFSETS))
    needed = _strip_places(tags, tiled=tiled)
    sizes = _needed_sizes(tags, needed, tiled=tiled) or _tag_numbers(tags.get(_TILE_SIZES if tiled else _STRIP_SIZES))
    if len(offsets) < len(needed) or len(sizes) < len(needed):
        return False
    spans = sorted(list(zip(offsets, sizes, strict=False))[: len(needed)])
    if any(start <= 0 or size <= 0 or start + size > length for start, size in spans):
        return False
    return _planes(tags) == 1 or all(start + size <= after for (start, size), (after, _) in pairwise(spans))


def _tag_numbers(value: Any) -> Sequence[int]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _planes(tags: Any) -> int:
    return int(tags.get(_SAMPLES, 1)) if tags.get(_PLANAR, 1) == 2 else 1


def _strip_places(tags: Any, *, tiled: bool) -> list[tuple[int, int]]:
    """Width and rows of each strip or tile that the picture needs, plane by plane."""
    width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
    if tiled:
        across, down = max(1, int(tags[_TILE_WIDTH])), max(1, int(tags[_TILE_HEIGHT]))
        return [(across, down)] * (-(-width // across) * -(-height // down) * _planes(tags))
    rows = max(1, min(height, int(tags.get(_ROWS, height))))
    strips = [(width, min(rows, height - top)) for top in range(0, height, rows)]
    return strips * _planes(tags)


def _needed_sizes(tags: Any, places: Sequence[tuple[int, int]], *, tiled: bool) -> list[int]:
    """The bytes of each strip or tile where nothing is compressed; nothing where they cannot be told."""
    if tags.get(_COMPRESSION, _RAW) != _RAW or tags.get(_PHOTOMETRIC) == _YCBCR:
        return []
    bits = _tag_numbers(tags.get(_BITS, (1,)))
    samples = int(tags.get(_SAMPLES, 1))
    each = list(bits) if len(bits) >= samples else [bits[0]] * samples
    if _planes(tags) == 1:
        return [-(-width * sum(each[:samples]) // 8) * rows for width, rows in places]
    apart = len(places) // samples
    return [-(-width * each[number // apart] // 8) * rows for number, (width, rows) in enumerate(places)]
