"""Small and faithful copies of a photo for the eye; members never see them."""

import io
from collections.abc import Sequence

from PIL import Image
from PIL.PngImagePlugin import PngInfo

THUMBNAIL_SIDE = 128
EVIDENCE_SIDE = 1400
DRAWN_SIDE = 1000  # so wide that lines drawn on it look fine


def thumbnail(picture: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG of a few kilobytes, at most `side` pixels wide and high."""
    return _encoded(_reduced(picture, side), "JPEG", quality=82)


def evidence(picture: Image.Image, side: int = EVIDENCE_SIDE) -> bytes:
    """A PNG, free of compression marks that could pass for a defect, at most `side` pixels wide and high."""
    return png(_reduced(picture, side))


def canvas(picture: Image.Image, side: int = EVIDENCE_SIDE) -> Image.Image:
    """A copy to draw on, at most `side` pixels wide and high; each pixel of a small photo becomes a whole square."""
    times = DRAWN_SIDE // max(picture.size)
    if times < 2:
        return _reduced(picture, side)
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def png(picture: Image.Image, meaning: str = "") -> bytes:
    """A PNG of the picture as it is; `meaning` goes into the file, for whoever finds it later."""
    notes = PngInfo()
    if meaning:
        notes.add_text("Description", meaning)
    return _encoded(picture, "PNG", compress_level=1, pnginfo=notes)


def contact_sheet(rows: Sequence[Sequence[Image.Image]], side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG of rows of pictures, each drawn into a square of `side` pixels."""
    sheet = Image.new("RGB", (side * max(map(len, rows)), side * len(rows)), "white")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            sheet.paste(_reduced(picture, side - 2), (side * column, side * row))
    return _encoded(sheet, "JPEG", quality=82)


def _reduced(picture: Image.Image, side: int) -> Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _encoded(picture: Image.Image, kind: str, **options: int | PngInfo) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
