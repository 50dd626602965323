"""The one door for photos: bytes in, an upright RGB picture out, or one sentence why not.

What a file is gets decided by its content, never by its ending.

| what comes | answer |
|---|---|
| JPEG, PNG, BMP, WEBP, TIFF, GIF, binary PBM, PGM and PPM under any ending | the picture |
| a phone's JPEG with further pictures behind the first (MPO) | the first picture |
| EXIF orientation 1 to 8 (JPEG, PNG, WEBP, TIFF) | turned upright; broken EXIF counts as upright |
| 1-bit, grey, palette, RGB | RGB |
| alpha, a transparent palette entry or colour | laid over white |
| alpha 0 everywhere | BMP and TIFF: its colours, as alpha was never set; elsewhere refused: there is nothing to see |
| 9 to 16 bits a channel | scaled by the depth that the file declares, never by the content: dark stays dark |
| 16 bits without a word of less | by the white level of its product; a photo that goes past it is named |
| the same without a white level, and far too dark | taken as it is, with a note |
| PGM and PPM | scaled by the value that their header calls white |
| floating point (TIFF) | from 0 to 1, or by the white level; anything else is refused |
| CMYK, also Adobe's inverted | RGB by the plain formula; colour profiles are not applied |
| empty, cut short, damaged, not an image, disguised | refused |
| SVG, HEIC, HEIF, AVIF, JPEG 2000, JPEG XL, camera raw | refused: save it as JPEG or PNG |
| animation, several pages | refused: save the one that is meant |
| 32-bit or signed whole numbers, Lab colours | refused: what counts as white is unknown |
| built to exhaust the machine: see `bombs` | refused |
| 30 MB and more, over 50 megapixels, under 32 pixels on a side | refused |

Masks and all other pictures that are read from a file come through the same door, see `masks`.

A PNG whose checksums do not fit is refused. The other formats carry none: a flipped bit in them may stay unseen.
"""

import hashlib
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ensemble.imaging.colours import as_rgb, is_complete, rawmode_of
from ensemble.imaging.formats import DECODERS, stranger
from ensemble.values.bombs import BombError, MeteredBytes, refuse_bomb
from ensemble.values.errors import PhotoError, RefusalError
from ensemble.values.safe_names import safe_name
from ensemble.values.view import AS_IT_IS, View

# Broken EXIF is answered here; once for the process, because warnings.catch_warnings does not hold between threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_STATE = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns")  # of a file, as it is
MAX_KEPT_BYTES = 256_000_000  # some thousand photos of a camera at the line; what lies beyond is read again
MAX_PHOTO_BYTES = 30_000_000  # a photo must be smaller than this
MAX_PIXELS = 50_000_000
MIN_SIDE = 32

PHOTO_ENDINGS: tuple[str, ...] = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
)


def is_photo(path: Path) -> bool:
    """Whether a file may be a photo, by its ending and its size on disk."""
    return path.suffix.lower() in PHOTO_ENDINGS and 0 < path.stat().st_size < MAX_PHOTO_BYTES


@dataclass(frozen=True, slots=True)
class Photo:
    """One upright RGB picture with the name it came under (a label, never a path) and the SHA-256 of its bytes.

    `notes` are sentences on what a person should know of how it was read, `doubt` why no verdict but REVIEW may rest on
    it. Where its file does not say how bright white is, `brightest` is its largest value, `white_level` the depth by
    which it was read, if by any, and `data` the file.
    """

    name: str
    sha256: str
    picture: Image.Image = field(compare=False, repr=False)
    notes: tuple[str, ...] = ()
    doubt: str = ""
    brightest: int | None = None
    white_level: int | None = None
    data: bytes = field(default=b"", compare=False, repr=False)

    def seen(self, view: View) -> "Photo":
        """The photo as a product looks at it; itself where that changes nothing."""
        if self.brightest is None or self.white_level == view.white_level:
            return self
        return open_photo(self.data, self.name, view)


def open_photo(data: bytes, name: str = "photo", view: View = AS_IT_IS) -> Photo:
    """Decode a file's bytes by the table above; raises PhotoError, one sentence for an operator."""
    label = safe_name(name)
    with sentences(label):
        image, rawmode = decode_photo(data)
        found = as_rgb(image, rawmode, data, view.white_level)
        picture = upright(image, found.picture)
        picture.info.clear()  # a second reader must not turn the picture once more
    rests_on = (None, None, b"") if found.brightest is None else (found.brightest, view.white_level, data)
    return Photo(label, hashlib.sha256(data).hexdigest(), picture, found.notes, found.doubt, *rests_on)


@contextmanager
def sentences(label: str) -> Iterator[None]:
    """Whatever decoding raises as a PhotoError: one sentence that begins with the file's name."""
    try:
        yield
    except RefusalError as refusal:
        raise refusal.of(label) from None
    except BombError as bomb:
        raise PhotoError(
            "{photo} would take too long to decode ({bomb}): save it again as JPEG or PNG.", photo=label, bomb=bomb
        ) from None
    except MemoryError:
        raise PhotoError(
            "{photo} does not fit into this machine's free memory: make it smaller.", photo=label
        ) from None
    except Exception as error:  # broad on purpose: on hostile bytes decoders raise whatever they stumble over
        raise PhotoError(
            "{photo} is damaged or cut short and cannot be decoded to its end: copy or save it again.", photo=label
        ) from error


def open_own(data: bytes) -> Image.Image:
    """An RGB picture that this program has encoded itself, of any size within the limits; a PhotoError otherwise."""
    with sentences("A picture of its own"):
        image, _ = decode_photo(data, smallest=1)
        return image.convert("RGB")


def read_photo(path: Path, view: View = AS_IT_IS) -> Photo:
    """Open a photo from disk; raises PhotoError, also where the file is missing, too large or no plain file."""
    return open_photo(read_photo_bytes(path), str(path), view)


def read_photo_bytes(path: Path) -> bytes:
    """The bytes of a photo's file, not decoded; a PhotoError where it is missing, too large or no plain file."""
    label = safe_name(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError("{photo} is a folder and not a photo: choose a file in it.", photo=label)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device could wait for ever
            raise PhotoError("{photo} is not a plain file: choose a JPEG or PNG.", photo=label)
        if status.st_size >= MAX_PHOTO_BYTES:
            raise too_heavy(status.st_size).of(label)
        return _read_files.bytes_of(path)
    except FileNotFoundError:
        raise PhotoError("{photo} is not there: check the path.", photo=label) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoError(
            "{photo} cannot be read ({reason}): check the path and its permissions.", photo=label, reason=reason
        ) from error


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; an OSError where it cannot be read."""
    return _read_files.digest_of(path)


@contextmanager
def files_read_once() -> Iterator[None]:
    """Read each file once while the block runs, as long as it stays as it is; no more than `MAX_KEPT_BYTES` in all."""
    outermost, _read_files.keeps = not _read_files.keeps, True
    try:
        yield
    finally:
        if outermost:
            _read_files.forget()


class _ReadFiles:
    """What was read of files, by path, size and times of change."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.keeps, self.size = False, 0
        self.contents: dict[tuple[Path, tuple[int, ...]], bytes] = {}
        self.digests: dict[tuple[Path, tuple[int, ...]], str] = {}

    def bytes_of(self, path: Path) -> bytes:
        key = path, _STATE(path.stat())
        if (data := self.contents.get(key)) is None:
            data = path.read_bytes()
            if self.keeps and self.size + len(data) <= MAX_KEPT_BYTES:
                self.contents[key] = data
                self.size += len(data)
        return data

    def digest_of(self, path: Path) -> str:
        key = path, _STATE(path.stat())
        if (digest := self.digests.get(key)) is None:
            if path.stat().st_size < MAX_PHOTO_BYTES:
                digest = hashlib.sha256(self.bytes_of(path)).hexdigest()
            else:  # no photo, whatever it is
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            if self.keeps:
                self.digests[key] = digest
        return digest


_read_files = _ReadFiles()


def decode_photo(data: bytes, smallest: int = MIN_SIDE) -> tuple[ImageFile.ImageFile, str]:
    """Decode bytes within the limits above, as they are stored, and say how their values were laid out.

    To be called inside `sentences`; nothing is decoded before the header is judged.
    """
    image = open_header(data)
    _check_photo_header(image, smallest)
    _refuse_filled_up(image, data)
    rawmode = rawmode_of(image)  # the tiles are gone after loading
    image.load()
    return image, rawmode


def upright(image: ImageFile.ImageFile, picture: Image.Image) -> Image.Image:
    """A picture turned as the file that it comes from says."""
    turned = isinstance(image, TiffImageFile)  # Pillow turns it while loading it
    turn = None if turned else EXIF_TURNS.get(_orientation(image))
    return picture if turn is None else picture.transpose(turn)


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height of the upright picture, by its header; to be called inside `sentences`."""
    image = open_header(data, checked=False)
    _check_photo_header(image, smallest=1)
    width, height = image.size
    if isinstance(image, TiffImageFile):  # its size is told as it is turned
        return width, height
    if isinstance(image, PngImageFile) and not any(mark in data for mark in PNG_EXIF):  # else it would be decoded
        return width, height
    return (height, width) if _orientation(image) in QUARTER_TURNS else (width, height)


def open_header(data: bytes, *, checked: bool = True) -> ImageFile.ImageFile:
    """A picture of which nothing is decoded, a PNG's checksums `checked`; to be called inside `sentences`."""
    if not data:
        raise RefusalError("{photo} is empty (0 bytes): choose another file.")
    if len(data) >= MAX_PHOTO_BYTES:
        raise too_heavy(len(data))
    for magic, decoder in DECODERS:
        if re.match(magic, data, re.DOTALL):
            if decoder is PngImageFile and checked:
                PngImageFile(MeteredBytes(data)).verify()  # the checksums; loading alone ignores those of the pixels
            refuse_bomb(data)
            return decoder(MeteredBytes(data))
    raise RefusalError(stranger(data))


def too_heavy(size: int) -> RefusalError:
    """What refuses a file of so many bytes."""
    return RefusalError(
        "{photo} is too large ({size:.1f} MB, it must stay under {limit} MB): save it smaller.",
        size=size / 1e6,
        limit=MAX_PHOTO_BYTES // 1_000_000,
    )


def _check_photo_header(image: ImageFile.ImageFile, smallest: int) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise RefusalError(
            "{photo} is too large ({width} × {height} pixels, {size:.1f} megapixels, the limit is {limit}): "
            "save it smaller.",
            width=width,
            height=height,
            size=width * height / 1e6,
            limit=MAX_PIXELS // 1_000_000,
        )
    if min(width, height) < smallest:
        raise RefusalError(
            "{photo} is too small ({width} × {height} pixels, at least {smallest} × {smallest} are needed): "
            "take a larger photo.",
            width=width,
            height=height,
            smallest=smallest,
        )
    if isinstance(image, TiffImageFile) and _is_raw(image):
        raise RefusalError(
            "{photo} is a camera raw file or begins with a thumbnail, which is not judged: "
            "save it as JPEG or PNG and choose that file."
        )
    if getattr(image, "is_animated", False):
        raise RefusalError(
            "{photo} holds more than one picture (an animation or several pages): save the one you mean."
        )


def _is_raw(image: TiffImageFile) -> bool:
    new_subfile_type, dng_version = 254, 50706
    return bool(int(image.tag_v2.get(new_subfile_type, 0)) & 1) or dng_version in image.tag_v2


def _refuse_filled_up(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse what decoders would silently fill up: a JPEG with zeros for its end, a TIFF with strips missing."""
    whole = True
    if isinstance(image, JpegImageFile) and image.fp is not None:
        whole = data.find(b"\xff\xd9", image.fp.tell()) >= 0  # the end mark, sought behind the header and its thumbnail
    if isinstance(image, TiffImageFile):
        boxes = {tile.extents for tile in image.tile if tile.extents}  # several planes share a box
        area = sum((right - left) * (low - top) for left, top, right, low in boxes)
        whole = area >= image.width * image.height and is_complete(image, len(data))
    if not whole:
        raise RefusalError(
            "{photo} is damaged or cut short and holds only a part of its picture: copy or save it again."
        )


ORIENTATION = 0x0112
PNG_EXIF = (b"eXIf", b"Raw profile type exif")  # may stand behind the pixels
QUARTER_TURNS = (5, 6, 7, 8)  # orientations that swap width and height
EXIF_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _orientation(image: ImageFile.ImageFile) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a broken EXIF block, in whatever way, must not cost a good picture
        return 1
