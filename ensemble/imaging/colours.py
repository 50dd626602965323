"""From decoded pixels of any mode to RGB: depths, transparency, inks."""

import io
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ensemble.imaging.depths import DEEP, as_8_bits, darkness, declared_depth

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_DEEP_COLOUR = re.compile(r"(RGB|RGBA|RGBX);16([BLN])")


class ColourError(Exception):
    """Pixels that are no picture; the end of a sentence that begins with the photo's name."""


@dataclass(frozen=True, slots=True)
class Coloured:
    """An RGB picture, and what a person should know of how it came about."""

    picture: Image.Image
    notes: tuple[str, ...] = ()


def rawmode_of(image: ImageFile.ImageFile) -> str:
    """How the file's bytes are laid out, as Pillow calls it; to be asked before loading."""
    arguments = image.tile[0].args if image.tile else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else image.mode


def as_rgb(image: ImageFile.ImageFile, rawmode: str, data: bytes) -> Coloured:
    """The RGB picture of a loaded image; a ColourError where its white is unknown or nothing of it can be seen."""
    if image.mode in ("I", "F", "LAB"):
        raise ColourError("holds 32-bit, signed or Lab values, whose white is unknown: save it as JPEG or PNG")
    if image.mode.startswith("I;16"):
        return _deep_grey(image, data)
    _rescale_transparency(image, rawmode)
    deep, notes = _deep_colour(image, rawmode, data) if "16" in rawmode else (image, ())
    if not deep.has_transparency_data:
        return Coloured(deep.convert("RGB"), notes)
    layer = deep.convert("RGBA")
    alpha = layer.getchannel("A")
    if not alpha.getextrema()[1]:
        if isinstance(image, BmpImageFile | TiffImageFile) and "RGBa" not in rawmode:
            return Coloured(layer.convert("RGB"), notes)  # the camera has left alpha unset, and nobody looks at it
        raise ColourError("is transparent all over, so that there is nothing to see: save it without transparency")
    picture = Image.new("RGB", image.size, "white")
    picture.paste(layer, mask=alpha)
    return Coloured(picture, notes)


def _rescale_transparency(image: ImageFile.ImageFile, rawmode: str) -> None:
    """Bring a PNG's transparent colour to the 8 bits of its decoded pixels, which Pillow leaves to the caller."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple) and "16" in rawmode:
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif isinstance(colour, int) and rawmode in ("L;2", "L;4"):
        image.info["transparency"] = colour * (85 if rawmode == "L;2" else 17)


def _deep_grey(image: ImageFile.ImageFile, data: bytes) -> Coloured:
    depth, white_is_zero = declared_depth(image, data), False
    if isinstance(image, TiffImageFile):
        depth = min(depth, int(image.tag_v2.get(_BITS_PER_SAMPLE, (DEEP,))[0]))
        white_is_zero = image.tag_v2.get(_PHOTOMETRIC) == 0  # Pillow turns only 8 bits and less
    values = np.asarray(image).astype(np.uint16)  # (H, W), in the machine's byte order
    grey = as_8_bits(values, depth, png=isinstance(image, PngImageFile))
    if white_is_zero:
        grey = 255 - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    note = darkness(int(values.max(initial=0))) if depth == DEEP and not white_is_zero else None
    return Coloured(Image.fromarray(grey).convert("RGB"), (note,) if note else ())


def _deep_colour(image: ImageFile.ImageFile, rawmode: str, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """A picture of 16 bits a channel by its declared depth, and a note where it declares none and is far too dark.

    Pillow has kept the high byte of each value; where more than that counts, the low ones are decoded beside them.
    """
    depth, high = declared_depth(image, data), np.asarray(image)
    colours = high[..., : 1 if image.mode == "LA" else 3]
    brightest = int(colours.max(initial=0))
    if depth == DEEP and brightest < 1 << 6:
        low = _low_bytes(image, rawmode, data)
        note = darkness(brightest * 256 + 255 if low is None else int(_joined(high, low)[..., :3].max(initial=0)))
        return image, (note,) if note else ()
    if depth == DEEP or image.mode not in ("RGB", "RGBA", "LA"):
        return image, ()
    low = _low_bytes(image, rawmode, data)
    values = _joined(high, np.full_like(high, 255) if low is None else low)[..., : colours.shape[-1]]
    scaled = np.concatenate(
        [as_8_bits(values, depth, png=isinstance(image, PngImageFile)), high[..., colours.shape[-1] :]], axis=-1
    )
    found = Image.fromarray(scaled)
    found.info = dict(image.info)
    return found, ()


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
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
