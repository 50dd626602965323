"""Small and faithful copies of a photo for the eye; members never see them."""

import io
from collections.abc import Sequence

from PIL import Image

THUMBNAIL_SIDE = 128
EVIDENCE_SIDE = 1400


def thumbnail(picture: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """A JPEG of a few kilobytes, at most `side` pixels wide and high."""
    return _encoded(_reduced(picture, side), "JPEG", quality=82)


def evidence(picture: Image.Image, side: int = EVIDENCE_SIDE) -> bytes:
    """A PNG, free of compression marks that could pass for a defect, at most `side` pixels wide and high."""
    return _encoded(_reduced(picture, side), "PNG", compress_level=1)


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


def _encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
