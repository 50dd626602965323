"""The one door for photos: bytes in, an upright RGB picture out, or one sentence why not.

What a file is gets decided by its content, never by its ending.

| what comes | answer |
|---|---|
| JPEG, PNG, BMP, WEBP, TIFF, GIF under any ending | the picture |
| a phone's JPEG with further pictures behind the first (MPO) | the first picture |
| EXIF orientation 1 to 8 (JPEG, PNG, WEBP, TIFF) | turned upright; broken EXIF counts as upright |
| 1-bit, grey, palette, RGB | RGB |
| alpha, a transparent palette entry or colour | laid over white |
| 9 to 16 bits a channel | scaled by the bit depth, never by the content: dark stays dark |
| CMYK, also Adobe's inverted | RGB by the plain formula; colour profiles are not applied |
| empty, cut short, damaged, not an image, disguised | refused |
| SVG, HEIC, HEIF, AVIF, JPEG 2000, JPEG XL, camera raw | refused: save it as JPEG or PNG |
| animation, several pages | refused: save the one that is meant |
| 32-bit or signed numbers, Lab colours | refused: what counts as white is unknown |
| built to exhaust the machine: see `bombs` | refused |
| 30 MB and more, over 50 megapixels, under 32 pixels on a side | refused |

A PNG whose checksums do not fit is refused. The other formats carry none: a flipped bit in them may stay unseen.
"""

import hashlib
import io
import re
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ensemble.bombs import BombError, MeteredBytes, refuse_bomb
from ensemble.errors import PhotoError
from ensemble.names import safe_name

# Broken EXIF is answered here; once for the process, because warnings.catch_warnings does not hold between threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

MAX_BYTES = 30_000_000  # a photo must be smaller than this
MAX_PIXELS = 50_000_000
MIN_SIDE = 32

PHOTO_ENDINGS: tuple[str, ...] = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")

# The classes are called directly, because Image.open would bring every decoder of Pillow, take a phone's JPEG
# for a set of pictures, and answer a huge header with a process-wide warning instead of an error.
DECODERS: tuple[tuple[bytes, Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    (rb"\xff\xd8\xff", JpegImageFile),
    (rb"\x89PNG\r\n\x1a\n", PngImageFile),
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", BmpImageFile),
    (rb"RIFF.{4}WEBP", WebPImageFile),
    (rb"II[*+]\0|MM\0[*+]", TiffImageFile),
    (rb"GIF8[79]a", GifImageFile),
)

SAVE_AS = "save it as JPEG or PNG and choose that file"
STRANGERS: tuple[tuple[bytes, str], ...] = (
    (rb".{4}ftypavi[fs]", f"is an AVIF picture, which is not read here: {SAVE_AS}"),
    (rb".{4}ftyp(hei|hev|mif1|msf1|mif2)", f"is a HEIC picture, which is not read here: {SAVE_AS}"),
    (rb".{4}ftypcrx|FUJIFILMCCD|IIRO|IIU\0", f"is a camera raw file, which is not read here: {SAVE_AS}"),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", f"is a video: take one picture out of it, {SAVE_AS}"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", f"is a JPEG 2000 picture, which is not read here: {SAVE_AS}"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", f"is a JPEG XL picture, which is not read here: {SAVE_AS}"),
    (rb"8BPS", f"is a Photoshop document, which is not read here: {SAVE_AS}"),
    (rb"%PDF|%!PS", "is a PDF or PostScript document and not a photo: choose a JPEG or PNG"),
    (rb"PK\x03\x04|PK\x05\x06|7z\xbc\xaf|Rar!|\x1f\x8b", "is an archive and not a photo: choose a JPEG or PNG"),
    (rb"MZ|\x7fELF|#!|\xcf\xfa\xed\xfe", "is a program and not a photo: choose a JPEG or PNG"),
)


def is_photo(path: Path) -> bool:
    """Whether a file may be a photo, by its ending and its size on disk."""
    return path.suffix.lower() in PHOTO_ENDINGS and 0 < path.stat().st_size < MAX_BYTES


class _RefusalError(Exception):
    """The end of a sentence that begins with the photo's name."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One upright RGB picture with the name it came under (a label, never a path) and the SHA-256 of its bytes."""

    name: str
    sha256: str
    picture: Image.Image = field(compare=False, repr=False)


def open_photo(data: bytes, name: str = "photo") -> Photo:
    """Decode a file's bytes by the table above; raises PhotoError, one sentence for an operator."""
    label = safe_name(name)
    try:
        picture = _upright_rgb(data)
    except _RefusalError as refusal:
        raise PhotoError(f"{label} {refusal}.") from None
    except BombError as bomb:
        raise PhotoError(f"{label} would take too long to decode ({bomb}): save it again as JPEG or PNG.") from None
    except MemoryError:
        raise PhotoError(f"{label} does not fit into this machine's free memory: make it smaller.") from None
    except Exception as error:  # broad on purpose: on hostile bytes decoders raise whatever they stumble over
        reason = "is damaged or cut short and cannot be decoded to its end: copy or save it again"
        raise PhotoError(f"{label} {reason}.") from error
    return Photo(label, hashlib.sha256(data).hexdigest(), picture)


def read_photo(path: Path) -> Photo:
    """Open a photo from disk; raises PhotoError, also where the file is missing, too large or no plain file."""
    return open_photo(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The bytes of a photo's file, not decoded; a PhotoError where it is missing, too large or no plain file."""
    label = safe_name(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError(f"{label} is a folder and not a photo: choose a file in it.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device could wait for ever
            raise PhotoError(f"{label} is not a plain file: choose a JPEG or PNG.")
        if status.st_size >= MAX_BYTES:
            raise PhotoError(f"{label} {_too_heavy(status.st_size)}.")
        return path.read_bytes()
    except FileNotFoundError:
        raise PhotoError(f"{label} is not there: check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoError(f"{label} cannot be read ({reason}): check the path and its permissions.") from error


def _upright_rgb(data: bytes) -> Image.Image:
    image = _opened(data)
    _check_header(image)
    _check_whole(image, data)
    rawmode = _rawmode(image)  # the tiles are gone after loading
    image.load()
    picture = _rgb(image, rawmode)
    turn = None if isinstance(image, TiffImageFile) else _turn(image)  # Pillow turns a TIFF while loading it
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info.clear()  # a second reader must not turn the picture once more
    return picture


def _opened(data: bytes) -> ImageFile.ImageFile:
    if not data:
        raise _RefusalError("is empty (0 bytes): choose another file")
    if len(data) >= MAX_BYTES:
        raise _RefusalError(_too_heavy(len(data)))
    for magic, decoder in DECODERS:
        if re.match(magic, data, re.DOTALL):
            if decoder is PngImageFile:
                PngImageFile(MeteredBytes(data)).verify()  # the checksums; loading alone ignores those of the pixels
            refuse_bomb(data)
            return decoder(MeteredBytes(data))
    for magic, reason in STRANGERS:
        if re.match(magic, data, re.DOTALL):
            raise _RefusalError(reason)
    raise _RefusalError(_text_kind(data) or "is not an image that can be read here: choose a JPEG or PNG")


def _too_heavy(size: int) -> str:
    return f"is too large ({size / 1e6:.1f} MB, it must stay under {MAX_BYTES // 1_000_000} MB): save it smaller"


def _text_kind(data: bytes) -> str | None:
    head = data[:65_536].replace(b"\0", b"").lower()  # UTF-16 reads as ASCII without its zeros
    if not re.match(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<", head):
        return None
    if b"<html" in head or b"<!doctype html" in head:
        return "is a web page and not a photo: choose a JPEG or PNG"
    if re.search(rb"<([a-z0-9_]+:)?svg[\s>]", head):
        return f"is an SVG drawing and not a photo: {SAVE_AS}"
    return None


def _check_header(image: ImageFile.ImageFile) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        size = f"{width} × {height} pixels, {width * height / 1e6:.1f} megapixels"
        raise _RefusalError(f"is too large ({size}, the limit is {MAX_PIXELS // 1_000_000}): save it smaller")
    if min(width, height) < MIN_SIDE:
        size = f"{width} × {height} pixels, at least {MIN_SIDE} × {MIN_SIDE} are needed"
        raise _RefusalError(f"is too small ({size}): take a larger photo")
    if isinstance(image, TiffImageFile) and _is_raw(image):
        raise _RefusalError(f"is a camera raw file or begins with a thumbnail, which is not judged: {SAVE_AS}")
    if getattr(image, "is_animated", False):
        raise _RefusalError("holds more than one picture (an animation or several pages): save the one you mean")


def _is_raw(image: TiffImageFile) -> bool:
    new_subfile_type, dng_version = 254, 50706
    return bool(int(image.tag_v2.get(new_subfile_type, 0)) & 1) or dng_version in image.tag_v2


def _check_whole(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse what decoders would silently fill up: a JPEG with zeros for its end, a TIFF with strips missing."""
    whole = True
    if isinstance(image, JpegImageFile) and image.fp is not None:
        whole = data.find(b"\xff\xd9", image.fp.tell()) >= 0  # the end mark, sought behind the header and its thumbnail
    if isinstance(image, TiffImageFile):
        boxes = {tile.extents for tile in image.tile if tile.extents}  # several planes share a box
        area = sum((right - left) * (low - top) for left, top, right, low in boxes)
        whole = area >= image.width * image.height
    if not whole:
        raise _RefusalError("is damaged or cut short and holds only a part of its picture: copy or save it again")


def _rawmode(image: ImageFile.ImageFile) -> str:
    arguments = image.tile[0].args if image.tile else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else image.mode


def _rgb(image: ImageFile.ImageFile, rawmode: str) -> Image.Image:
    if image.mode in ("I", "F", "LAB"):
        raise _RefusalError(f"holds 32-bit, signed or Lab values, whose white is unknown: {SAVE_AS}")
    if image.mode.startswith("I;16"):
        return _deep_grey(image)
    _rescale_transparency(image, rawmode)
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    picture = Image.new("RGB", image.size, "white")
    picture.paste(layer, mask=layer.getchannel("A"))
    return picture


def _rescale_transparency(image: ImageFile.ImageFile, rawmode: str) -> None:
    """Bring a PNG's transparent colour to the 8 bits of its decoded pixels, which Pillow leaves to the caller."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple) and "16" in rawmode:
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif isinstance(colour, int) and rawmode in ("L;2", "L;4"):
        image.info["transparency"] = colour * (85 if rawmode == "L;2" else 17)


def _deep_grey(image: ImageFile.ImageFile) -> Image.Image:
    depth, white_is_zero = 16, False
    if isinstance(image, TiffImageFile):
        bits_per_sample, photometric = 258, 262
        depth = int(image.tag_v2.get(bits_per_sample, (16,))[0])
        white_is_zero = image.tag_v2.get(photometric) == 0  # Pillow turns only 8 bits and less
    values = np.asarray(image).astype(np.uint16)  # (H, W), in the machine's byte order
    grey = np.minimum(values >> (depth - 8), 255).astype(np.uint8)
    if white_is_zero:
        grey = 255 - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turn(image: ImageFile.ImageFile) -> Image.Transpose | None:
    orientation = 0x0112
    try:
        return TURNS.get(image.getexif().get(orientation, 1))
    except Exception:  # noqa: BLE001 - a broken EXIF block, in whatever way, must not cost a good picture
        return None
