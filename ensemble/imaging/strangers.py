"""What bytes are that are no photo, by how they begin, and what to do with them."""

import re

from ensemble.values.language import Message

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
    (
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
    (rb"%PDF|%!PS", Message("{photo} is a PDF or PostScript document and not a photo: choose a JPEG or PNG.")),
    (
        rb"PK\x03\x04|PK\x05\x06|7z\xbc\xaf|Rar!|\x1f\x8b",
        Message("{photo} is an archive and not a photo: choose a JPEG or PNG."),
    ),
    (rb"MZ|\x7fELF|#!|\xcf\xfa\xed\xfe", Message("{photo} is a program and not a photo: choose a JPEG or PNG.")),
)


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
