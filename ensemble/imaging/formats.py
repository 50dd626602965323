"""What bytes are, by how they begin: the decoders that read photos, and what is said of everything else."""

import io
import re
from collections.abc import Callable

from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ensemble.values.language import Message

# White space and comments between the numbers of a header, which has less than PNM_HEADER bytes in all.
_GAP = rb"(?:[ \t\r\n\v\f]|#[^\r\n]{0,500}[\r\n]){1,40}"
_SIZE = _GAP + rb"(\d{1,6})" + _GAP + rb"(\d{1,6})"
PNM_HEADER = 65_536
BITMAP, PIXMAP = rb"P(4)" + _SIZE + rb"[ \t\r\n\v\f]", rb"P([56])" + _SIZE + _GAP + rb"(\d{1,5})[ \t\r\n\v\f]"
# What a PNM of one or two bytes a value is, by its kind: mode and raw mode of Pillow.
_PNM_MODES = {
    (b"4", 1): ("1", "1;I"),
    (b"5", 1): ("L", "L"),
    (b"5", 2): ("I;16B", "I;16B"),
    (b"6", 1): ("RGB", "RGB"),
    (b"6", 2): ("RGB", "RGB;16B"),
}


class PnmImageFile(ImageFile.ImageFile):
    """A binary PBM, PGM or PPM. `most` is the value that its header calls white.

    Pillow's own class reads a header byte by byte, and values of any depth pixel by pixel: minutes for a large photo.
    """

    format, format_description = "PPM", "Portable any map"

    def _open(self) -> None:
        head = self.fp.read(PNM_HEADER) if self.fp is not None else b""
        found = re.match(BITMAP, head) or re.match(PIXMAP, head)
        if found is None or self.fp is None:
            raise SyntaxError("no header of a PNM")
        kind, width, height = found[1], int(found[2]), int(found[3])
        self.most = 1 if kind == b"4" else int(found[4])
        if not 0 < self.most < 65_536:
            raise ValueError("white must be from 1 to 65535")
        each = 1 if self.most < 256 else 2
        self._mode, rawmode = _PNM_MODES[kind, each]
        self._size = width, height
        row = -(-width // 8) if kind == b"4" else width * each * (3 if kind == b"6" else 1)
        self.fp.seek(found.end() + row * height)
        self.is_animated = bool(re.match(rb"\s*P[1-7]\s", self.fp.read(16)))  # another picture behind the first
        self.tile = [ImageFile._Tile("raw", (0, 0, width, height), found.end(), (rawmode, 0, 1))]


# The classes are called directly, because Pillow's own opener would bring every decoder, take a phone's JPEG for a set
# of pictures, and answer a huge header with a process-wide warning instead of an error.
DECODERS: tuple[tuple[bytes, Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    (rb"\xff\xd8\xff", JpegImageFile),
    (rb"\x89PNG\r\n\x1a\n", PngImageFile),
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", BmpImageFile),
    (rb"RIFF.{4}WEBP", WebPImageFile),
    (rb"II[*+]\0|MM\0[*+]", TiffImageFile),
    (rb"GIF8[79]a", GifImageFile),
    (BITMAP, PnmImageFile),
    (PIXMAP, PnmImageFile),
)

STRANGERS: tuple[tuple[bytes, Message], ...] = (
    (
        rb".{4}ftypavi[fs]",
        Message("{photo} is an AVIF picture, which is not read here: save it as JPEG or PNG and choose that file."),
    ),
    (
        rb".{4}ftyp(hei|hev|mif1|msf1|mif2)",
        Message("{photo} is a HEIC picture, which is not read here: save it as JPEG or PNG and choose that file."),
    ),
    (
        rb".{4}ftypcrx|FUJIFILMCCD|IIRO|IIU\0",
        Message("{photo} is a camera raw file, which is not read here: save it as JPEG or PNG and choose that file."),
    ),
    (
        rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ",
        Message("{photo} is a video: take one picture out of it, save it as JPEG or PNG and choose that file."),
    ),
    (  # its decoder takes 0.9 GB for a file of 811 bytes (7000 × 7000), and more a pixel where precincts are small
        rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
        Message("{photo} is a JPEG 2000 picture, which is not read here: save it as JPEG or PNG and choose that file."),
    ),
    (
        rb"\xff\x0a|\0\0\0\x0cJXL ",
        Message("{photo} is a JPEG XL picture, which is not read here: save it as JPEG or PNG and choose that file."),
    ),
    (
        rb"8BPS",
        Message(
            "{photo} is a Photoshop document, which is not read here: save it as JPEG or PNG and choose that file."
        ),
    ),
    (
        rb"P[1-3]\s{1,20}[#\d]",
        Message("{photo} is a PBM, PGM or PPM written as text, which is not read here: save it as PNG or binary PGM."),
    ),
    (rb"%PDF|%!PS", Message("{photo} is a PDF or PostScript document and not a photo: choose a JPEG or PNG.")),
    (
        rb"PK\x03\x04|PK\x05\x06|7z\xbc\xaf|Rar!|\x1f\x8b",
        Message("{photo} is an archive and not a photo: choose a JPEG or PNG."),
    ),
    (rb"MZ|\x7fELF|#!|\xcf\xfa\xed\xfe", Message("{photo} is a program and not a photo: choose a JPEG or PNG.")),
)


def may_be_deep(head: bytes) -> bool:
    """Whether a file that begins so may have more than 8 bits a channel."""
    return head.startswith((b"II", b"MM", b"P5", b"P6")) or (head.startswith(b"\x89PNG") and head[24:25] == b"\x10")


def stranger(data: bytes) -> Message:
    """The sentence that refuses bytes which no decoder takes; the name stands in its place {photo}."""
    for magic, reason in STRANGERS:
        if re.match(magic, data, re.DOTALL):
            return reason
    return _markup(data) or Message("{photo} is not an image that can be read here: choose a JPEG or PNG.")


def _markup(data: bytes) -> Message | None:
    head = data[:65_536].replace(b"\0", b"").lower()  # UTF-16 reads as ASCII without its zeros
    if not re.match(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<", head):
        return None
    if b"<html" in head or b"<!doctype html" in head:
        return Message("{photo} is a web page and not a photo: choose a JPEG or PNG.")
    if re.search(rb"<([a-z0-9_]+:)?svg[\s>]", head):
        return Message("{photo} is an SVG drawing and not a photo: save it as JPEG or PNG and choose that file.")
    return None
