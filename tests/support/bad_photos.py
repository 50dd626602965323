"""Files that people and attackers send: BAD ones are refused by every edge, ODD ones give the right picture.

Both tables map a case's name to a function that builds it, so that a test can be parametrised over the names:
`BAD["empty"]()` is a `Bad(file, data, says)`, where `says` is part of the expected sentence, in small letters;
`ODD["cmyk_jpeg"]()` is an `Odd(file, data, label, size, corners, within)`, where `corners` are the colours at the top
left, top right, bottom left and bottom right, each channel allowed to be off by `within`.
"""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from PIL import Image

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
BLACK, GREY, WHITE = (0, 0, 0), (128, 128, 128), (255, 255, 255)
Colour = tuple[int, int, int]
Corners = tuple[Colour, Colour, Colour, Colour]
QUARTERS: Corners = (RED, GREEN, BLUE, YELLOW)
GREYS: Corners = ((76, 76, 76), (150, 150, 150), (29, 29, 29), (226, 226, 226))  # ITU-R 601 of QUARTERS
SIZE = (64, 48)


class Bad(NamedTuple):
    file: str
    data: bytes
    says: str


class Odd(NamedTuple):
    file: str
    data: bytes
    label: str
    size: tuple[int, int] = SIZE
    corners: Corners = QUARTERS
    within: int = 0


def quarters(size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw red, green, blue and yellow quarters, in reading order."""
    width, height = size
    picture = Image.new("RGB", size, RED)
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(YELLOW, (width // 2, height // 2, width, height))
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def jpeg(picture: Image.Image | None = None, **options: Any) -> bytes:
    return encoded(picture or quarters(), "JPEG", quality=95, subsampling=0, **options)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(size: tuple[int, int], depth: int, colour: int, pixels: bytes, extra: bytes = b"") -> bytes:
    """Write a PNG by hand; `pixels` holds the filtered rows, `extra` goes before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(pixels, 9)) if pixels else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + body + chunk(b"IEND", b"")


def tiff(
    size: tuple[int, int], bits: int, photometric: int, pixels: bytes, tags: dict[int, int] | None = None
) -> bytes:
    """Write a little-endian, uncompressed, single-channel TIFF by hand."""
    entries = {256: size[0], 257: size[1], 258: bits, 259: 1, 262: photometric, 277: 1, 278: size[1], 279: len(pixels)}
    entries |= tags or {}
    start = 8 + 2 + 12 * (len(entries) + 1) + 4
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in sorted((entries | {273: start}).items()))
    return b"II*\0" + struct.pack("<IH", 8, len(entries) + 1) + directory + bytes(4) + pixels


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def rows(left: bytes, right: bytes, height: int = SIZE[1]) -> bytes:
    """Repeat one unfiltered PNG row, given as the bytes of its left and of its right half."""
    return (b"\0" + left + right) * height


def _alpha(mode: str) -> Image.Image:
    """Draw quarters whose right half is wholly transparent and whose lower left is half transparent."""
    picture = quarters().convert(mode)
    mask = Image.new("L", SIZE, 255)
    mask.paste(0, (SIZE[0] // 2, 0, *SIZE))
    mask.paste(128, (0, SIZE[1] // 2, SIZE[0] // 2, SIZE[1]))
    picture.putalpha(mask)
    return picture


OVER_WHITE: Corners = (RED, WHITE, (127, 127, 255), WHITE)


# ---------------------------------------------------------------------------------------------------- refused


def _threshold(kind: str, keep: float = 0.6) -> bytes:
    noisy = Image.effect_noise((96, 96), 60).convert("RGB")
    data = encoded(noisy, kind)
    return data[: int(len(data) * keep)]


def _zeroed(kind: str) -> bytes:
    """Keep the length and lose the second half, as a broken download or a worn memory card does."""
    data = _threshold(kind, keep=1)
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


def _flipped_png() -> bytes:
    data = bytearray(encoded(quarters(), "PNG"))
    data[data.index(b"IDAT") + 12] ^= 1
    return bytes(data)


def _frames(kind: str) -> bytes:
    pages = [Image.new("RGB", SIZE, colour) for colour in (GREEN, BLUE)]
    return encoded(quarters(), kind, save_all=True, append_images=pages)


def _heavy_jpeg() -> bytes:
    data = jpeg()
    return data + bytes(30_000_000 - len(data))


def _huge_png() -> bytes:
    return png((10_000, 10_000), 1, 0, bytes(10_000 * 1_251))


def _huge_jpeg() -> bytes:
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 10_000, 10_000)
    return bytes(data)


def _huge_gif() -> bytes:
    data = bytearray(encoded(quarters(), "GIF"))
    data[6:10] = struct.pack("<HH", 10_000, 10_000)
    return bytes(data)


def _huge_bmp() -> bytes:
    data = bytearray(encoded(quarters(), "BMP"))
    data[18:26] = struct.pack("<ii", 10_000, 10_000)
    return bytes(data)


def _huge_webp() -> bytes:
    data = bytearray(encoded(quarters(), "WEBP", lossless=True))
    data[21:25] = struct.pack("<I", 9_999 | 9_999 << 14)  # behind VP8L's signature: 14 bits a side, less one
    return bytes(data)


def _text_bomb_png() -> bytes:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000), 9))
    return png((64, 64), 8, 0, bytes(65 * 64), bomb)


def _profile_bomb_png() -> bytes:
    bomb = chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(20_000_000), 9))
    return png((64, 64), 8, 0, bytes(65 * 64), bomb)


def _scan_bomb_jpeg() -> bytes:
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 150 + data[-2:]


def _strip_bomb_tiff() -> bytes:
    data = bytearray(tiff(SIZE, 8, 1, bytes(64 * 48)))
    at = data.index(struct.pack("<HH", 273, 4))
    data[at + 4 : at + 8] = struct.pack("<I", 1_900_000)
    return bytes(data)


def _ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + brand + b"mif1" + bytes(200)


def _bad(file: str, says: str, build: Callable[[], bytes]) -> Callable[[], Bad]:
    return lambda: Bad(file, build(), says)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>'
PROLOG = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn by hand -->\n<!DOCTYPE svg>\n'
ZIP = b"PK\x03\x04" + bytes(60)

BAD: dict[str, Callable[[], Bad]] = {
    "empty": _bad("empty.jpg", "is empty", lambda: b""),
    "one_byte": _bad("one.jpg", "is not an image", lambda: b"\xff"),
    "white_space": _bad("space.jpg", "is not an image", lambda: b" \n" * 50),
    "text": _bad("notes.txt", "is not an image", lambda: b"part 7 looks fine to me\n" * 9),
    "text_like_bmp": _bad("BMW.bmp", "is not an image", lambda: b"BMW wheels and their photos, a list\n" * 9),
    "zeros": _bad("zeros.png", "is not an image", lambda: bytes(4_000)),
    "cut_jpeg": _bad("cut.jpg", "damaged or cut short", lambda: _threshold("JPEG")),
    "cut_png": _bad("cut.png", "damaged or cut short", lambda: _threshold("PNG")),
    "cut_gif": _bad("cut.gif", "damaged or cut short", lambda: _threshold("GIF")),
    "cut_bmp": _bad("cut.bmp", "damaged or cut short", lambda: _threshold("BMP")),
    "cut_webp": _bad("cut.webp", "damaged or cut short", lambda: _threshold("WEBP")),
    "cut_tiff": _bad("cut.tif", "damaged or cut short", lambda: _threshold("TIFF")),
    "zeroed_jpeg": _bad("zeroed.jpg", "damaged or cut short", lambda: _zeroed("JPEG")),
    "zeroed_png": _bad("zeroed.png", "damaged or cut short", lambda: _zeroed("PNG")),
    "head_of_jpeg": _bad("head.jpg", "damaged or cut short", lambda: jpeg()[:20]),
    "head_of_png": _bad("head.png", "damaged or cut short", lambda: encoded(quarters(), "PNG")[:8]),
    "flipped_png": _bad("flipped.png", "damaged or cut short", _flipped_png),
    "png_without_pixels": _bad("nothing.png", "damaged or cut short", lambda: png(SIZE, 8, 0, b"")),
    "html_as_jpg": _bad("page.jpg", "is a web page", lambda: b"<!DOCTYPE html><html><body>404</body></html>"),
    "html_with_svg": _bad("page.svg", "is a web page", lambda: b"<html><body>" + SVG + b"</body></html>"),
    "pdf_as_jpg": _bad("drawing.jpg", "is a pdf", lambda: b"%PDF-1.7\n" + bytes(99)),
    "postscript_as_jpg": _bad("drawing.jpg", "postscript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(99)),
    "exe_as_jpg": _bad("holiday.jpg", "is a program", lambda: b"MZ\x90\0" + bytes(99)),
    "elf_as_png": _bad("tool.png", "is a program", lambda: b"\x7fELF\x02\x01\x01" + bytes(99)),
    "script_as_png": _bad("run.png", "is a program", lambda: b"#!/bin/sh\necho hello\n"),
    "zip_as_jpg": _bad("photos.jpg", "is an archive", lambda: ZIP),
    "mp4_as_jpg": _bad("clip.jpg", "is a video", lambda: _ftyp(b"isom")),
    "svg": _bad("part.svg", "is an svg", lambda: SVG),
    "svg_as_png": _bad("part.png", "is an svg", lambda: SVG),
    "svg_with_prolog": _bad("part.svg", "is an svg", lambda: PROLOG + SVG),
    "svg_with_bom": _bad("part.svg", "is an svg", lambda: b"\xef\xbb\xbf" + PROLOG + SVG),
    "svg_after_white_space": _bad("part.svg", "is an svg", lambda: b"\n\t  " + SVG),
    "svg_in_utf16": _bad("part.svg", "is an svg", lambda: (PROLOG + SVG).decode().encode("utf-16")),
    "svg_with_prefix": _bad("part.svg", "is an svg", lambda: b'<a:svg xmlns:a="http://www.w3.org/2000/svg"/>'),
    "svg_behind_long_comment": _bad("part.svg", "is an svg", lambda: b"<!--" + b"x" * 50_000 + b"-->" + SVG),
    "heic": _bad("IMG_0001.HEIC", "is a heic picture", lambda: _ftyp(b"heic")),
    "heic_as_jpg": _bad("IMG_0001.jpg", "is a heic picture", lambda: _ftyp(b"heix")),
    "heif": _bad("IMG_0002.heif", "is a heic picture", lambda: _ftyp(b"mif1")),
    "avif": _bad("part.avif", "is an avif picture", lambda: encoded(quarters(), "AVIF")),
    "jpeg_2000": _bad("part.jp2", "is a jpeg 2000 picture", lambda: encoded(quarters(), "JPEG2000")),
    "jpeg_xl": _bad("part.jxl", "is a jpeg xl picture", lambda: b"\xff\x0a" + bytes(99)),
    "photoshop": _bad("part.psd", "is a photoshop document", lambda: b"8BPS\0\x01" + bytes(99)),
    "icon": _bad("part.ico", "is not an image that can be read", lambda: encoded(quarters(), "ICO")),
    "ppm_as_text": _bad("part.ppm", "written as text", lambda: b"P3\n64 48\n255\n" + b"7 " * 64 * 48 * 3),
    "text_like_pgm": _bad("P5.pgm", "is not an image", lambda: b"P5 wheels and their photos, a list\n" * 9),
    "pgm_without_white": _bad("part.pgm", "damaged or cut short", lambda: b"P5\n64 48\n0\n" + bytes(64 * 48)),
    "pgm_of_three_bytes": _bad("part.pgm", "damaged or cut short", lambda: b"P5\n64 48\n65536\n" + bytes(64 * 144)),
    "pgm_past_its_white": _bad("part.pgm", "above 100", lambda: b"P5\n64 48\n100\n" + b"\x65" * 64 * 48),
    "short_ppm": _bad("part.ppm", "damaged or cut short", lambda: encoded(quarters(), "PPM")[:-1]),
    "two_pgms": _bad("two.pgm", "more than one picture", lambda: 2 * encoded(quarters().convert("L"), "PPM")),
    "huge_pgm": _bad("huge.pgm", "100.0 megapixels", lambda: b"P5 10000 10000 255\n" + bytes(999)),
    "comment_bomb_pgm": _bad("bomb.pgm", "is not an image", lambda: b"P5\n" + b"#\n" * 9_000_000 + b"64 48 255\n"),
    "space_bomb_pgm": _bad("bomb.pgm", "is not an image", lambda: b"P5" + b" " * 20_000_000),
    "camera_raw": _bad("part.dng", "camera raw", lambda: tiff(SIZE, 8, 1, bytes(64 * 48), {254: 1, 50706: 1025})),
    "heavy_jpeg": _bad("heavy.jpg", "30 mb", _heavy_jpeg),
    "heavy_zeros": _bad("heavy.png", "30 mb", lambda: bytes(30_000_000)),
    "huge_png": _bad("huge.png", "100.0 megapixels", _huge_png),
    "huge_jpeg": _bad("huge.jpg", "100.0 megapixels", _huge_jpeg),
    "huge_gif": _bad("huge.gif", "100.0 megapixels", _huge_gif),
    "huge_bmp": _bad("huge.bmp", "100.0 megapixels", _huge_bmp),
    "huge_webp": _bad("huge.webp", "100.0 megapixels", _huge_webp),
    "huge_tiff": _bad("huge.tif", "100.0 megapixels", lambda: tiff((10_000, 10_000), 8, 1, bytes(999))),
    "vast_png": _bad("vast.png", "1600.0 megapixels", lambda: png((40_000, 40_000), 1, 0, bytes(999))),
    "one_pixel": _bad("dot.png", "is too small", lambda: encoded(quarters((1, 1)), "PNG")),
    "too_narrow": _bad("narrow.png", "31 × 400", lambda: encoded(quarters((31, 400)), "PNG")),
    "too_low": _bad("low.jpg", "400 × 31", lambda: jpeg(quarters((400, 31)))),
    "whole_32_bit_tiff": _bad("whole.tif", "32-bit", lambda: encoded(Image.new("I", SIZE, 70_000), "TIFF")),
    "float_counts_tiff": _bad("float.tif", "from 4095 to 4095", lambda: encoded(Image.new("F", SIZE, 4095), "TIFF")),
    "float_below_tiff": _bad("float.tif", "from -0.5 to -0.5", lambda: encoded(Image.new("F", SIZE, -0.5), "TIFF")),
    "float_nan_tiff": _bad("nan.tif", "no numbers", lambda: encoded(Image.new("F", SIZE, float("nan")), "TIFF")),
    "float_inf_tiff": _bad("inf.tif", "no numbers", lambda: encoded(Image.new("F", SIZE, float("inf")), "TIFF")),
    "signed_tiff": _bad("signed.tif", "signed", lambda: tiff(SIZE, 16, 1, bytes(64 * 48 * 2), {339: 2})),
    "lab_tiff": _bad("lab.tif", "lab values", lambda: encoded(Image.new("LAB", SIZE), "TIFF")),
    "animated_gif": _bad("move.gif", "more than one picture", lambda: _frames("GIF")),
    "animated_png": _bad("move.png", "more than one picture", lambda: _frames("PNG")),
    "animated_webp": _bad("move.webp", "more than one picture", lambda: _frames("WEBP")),
    "paged_tiff": _bad("pages.tif", "more than one picture", lambda: _frames("TIFF")),
    "text_bomb_png": _bad("bomb.png", "damaged or cut short", _text_bomb_png),
    "profile_bomb_png": _bad("bomb.png", "damaged or cut short", _profile_bomb_png),
    "scan_bomb_jpeg": _bad("bomb.jpg", "more than 100 scans", _scan_bomb_jpeg),
    "half_covered_tiff": _bad("half.tif", "only a part", lambda: tiff((64, 96), 8, 1, bytes(64 * 48), {278: 48})),
    "strip_bomb_tiff": _bad("bomb.tif", "1,900,000 numbers", _strip_bomb_tiff),
}


# --------------------------------------------------------------------------------------------------- accepted


def _turned(orientation: int, kind: str) -> bytes:
    """Store the quarters as a camera held that way would: the reverse of what the orientation asks for."""
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    picture = quarters() if stored is None else quarters().transpose(stored)
    options: dict[str, Any] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    return encoded(picture, kind, exif=exif(orientation), **options)


def _phone_jpeg() -> bytes:
    second = Image.new("RGB", SIZE, BLACK)
    return encoded(quarters(), "MPO", save_all=True, append_images=[second], quality=95, subsampling=0)


def _cmyk_jpeg() -> bytes:
    return encoded(quarters().convert("CMYK"), "JPEG", quality=100, subsampling=0)


def _palette_alpha(kind: str) -> bytes:
    picture = quarters().quantize(4)
    return encoded(picture, kind, transparency=picture.getpixel((SIZE[0] - 1, 0)))


def _grey_16_row(left: int, right: int, order: str = "<") -> bytes:
    half = SIZE[0] // 2
    return struct.pack(f"{order}{SIZE[0]}H", *[left] * half, *[right] * half)


def _grey_16(mode: str, kind: str) -> bytes:
    row = _grey_16_row(0, 128 * 257, ">" if mode.endswith("B") else "<")
    return encoded(Image.frombytes(mode, SIZE, row * SIZE[1]), kind)


ONE_FRAME = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(
    b"fcTL", struct.pack(">5I2H2B", 0, *SIZE, 0, 0, 1, 10, 0, 0)
)
GREY_12_ROW = bytes(48) + b"\x80\x08\x00" * 16  # two pixels in three bytes: 0, 0 and 0x800, 0x800
BROKEN_EXIF = exif(6).tobytes()[:16] + b"\xff" * 12


def _floats(left: float, photometric: int) -> bytes:
    """A TIFF of floating-point numbers, the right half of them 0.5."""
    return tiff(SIZE, 32, photometric, struct.pack("<64f", *[left] * 32, *[0.5] * 32) * SIZE[1], {339: 3})


def _two(left: Colour, right: Colour) -> Corners:
    return (left, right, left, right)


def _odd(file: str, build: Callable[[], bytes], label: str | None = None, **expected: Any) -> Callable[[], Odd]:
    return lambda: Odd(file, build(), label or file, **expected)


DEEP_LEFT, DEEP_RIGHT = struct.pack(">3H", 0xFF00, 300, 0), struct.pack(">3H", 0, 0, 0xFF00)
JPEG_COLOURS: dict[str, Any] = {"within": 6}
HALVES: dict[str, Any] = {"corners": _two(BLACK, GREY)}
TOP_RIGHT_CLEAR: dict[str, Any] = {"corners": (RED, WHITE, BLUE, YELLOW)}
LONG = "x" * 296 + ".jpg"  # 300 characters

ODD: dict[str, Callable[[], Odd]] = {
    "jpeg": _odd("part.jpg", jpeg, **JPEG_COLOURS),
    "progressive_jpeg": _odd("part.jpeg", lambda: jpeg(progressive=True), **JPEG_COLOURS),
    "png": _odd("part.png", lambda: encoded(quarters(), "PNG")),
    "bmp": _odd("part.bmp", lambda: encoded(quarters(), "BMP")),
    "webp": _odd("part.webp", lambda: encoded(quarters(), "WEBP", lossless=True)),
    "tiff": _odd("part.tif", lambda: encoded(quarters(), "TIFF")),
    "deflated_tiff": _odd("part.tiff", lambda: encoded(quarters(), "TIFF", compression="tiff_deflate")),
    "ppm": _odd("part.ppm", lambda: encoded(quarters(), "PPM")),
    "pgm": _odd("part.pgm", lambda: encoded(quarters().convert("L"), "PPM"), corners=GREYS),
    "pgm_as_png": _odd("part.png", lambda: encoded(quarters().convert("L"), "PPM"), corners=GREYS),
    "pgm_with_a_comment": _odd(
        "part.pgm", lambda: b"P5 # a camera\n#\n64\t48\r\n#7\n 255\n" + (bytes(32) + b"\x80" * 32) * 48, **HALVES
    ),
    "pgm_of_few_greys": _odd("part.pgm", lambda: b"P5 64 48 2\n" + (bytes(32) + b"\1" * 32) * 48, **HALVES),
    "pgm_of_any_white": _odd("part.pgm", lambda: b"P5 64 48 1000\n" + (bytes(64) + b"\1\xf6" * 32) * 48, **HALVES),
    "ppm_of_any_white": _odd("part.ppm", lambda: b"P6 64 48 1000\n" + (bytes(192) + b"\1\xf6" * 96) * 48, **HALVES),
    "pgm_12_bit": _odd("part.pgm", lambda: b"P5 64 48 4095\n" + (bytes(64) + b"\x08\x07" * 32) * 48, **HALVES),
    "ppm_12_bit": _odd("part.ppm", lambda: b"P6 64 48 4095\n" + (bytes(192) + b"\x08\x07" * 96) * 48, **HALVES),
    "pgm_16_bit": _odd("part.pgm", lambda: b"P5 64 48 65535\n" + (bytes(64) + b"\x80\x07" * 32) * 48, **HALVES),
    "pbm": _odd("part.pbm", lambda: b"P4 64 48\n" + (b"\xff" * 4 + bytes(4)) * 48, corners=_two(BLACK, WHITE)),
    "float_tiff": _odd("float.tif", lambda: _floats(0.0, 1), **HALVES),
    "float_white_is_zero_tiff": _odd("float.tif", lambda: _floats(1.0, 0), corners=_two(BLACK, (127, 127, 127))),
    "gif": _odd("part.gif", lambda: encoded(quarters(), "GIF")),
    "phone_jpeg": _odd("part.jpg", _phone_jpeg, **JPEG_COLOURS),
    "png_as_jpg": _odd("part.jpg", lambda: encoded(quarters(), "PNG")),
    "jpeg_as_png": _odd("part.png", jpeg, **JPEG_COLOURS),
    "jpeg_as_txt": _odd("part.txt", jpeg, **JPEG_COLOURS),
    "jpeg_without_ending": _odd("part", jpeg, **JPEG_COLOURS),
    "jpeg_with_a_tail": _odd("part.jpg", lambda: jpeg() + b"tail" * 999, **JPEG_COLOURS),
    "smallest": _odd(
        "tiny.png",
        lambda: png((32, 32), 8, 2, rows(bytes(RED) * 16, bytes(BLUE) * 16, 32)),
        size=(32, 32),
        corners=_two(RED, BLUE),
    ),
    "grey_jpeg": _odd("grey.jpg", lambda: jpeg(quarters().convert("L")), corners=GREYS, within=3),
    "grey_png": _odd("grey.png", lambda: encoded(quarters().convert("L"), "PNG"), corners=GREYS),
    "one_bit_png": _odd("bit.png", lambda: png(SIZE, 1, 0, rows(b"\0" * 4, b"\xff" * 4)), corners=_two(BLACK, WHITE)),
    "one_bit_tiff": _odd(
        "bit.tif", lambda: tiff(SIZE, 1, 1, (b"\0" * 4 + b"\xff" * 4) * SIZE[1]), corners=_two(BLACK, WHITE)
    ),
    "white_is_zero_tiff": _odd(
        "negative.tif", lambda: tiff(SIZE, 8, 0, (b"\xff" * 32 + b"\x7f" * 32) * SIZE[1]), **HALVES
    ),
    "palette_png": _odd("palette.png", lambda: encoded(quarters().quantize(4), "PNG")),
    "palette_alpha_png": _odd("palette.png", lambda: _palette_alpha("PNG"), **TOP_RIGHT_CLEAR),
    "palette_alpha_gif": _odd("palette.gif", lambda: _palette_alpha("GIF"), **TOP_RIGHT_CLEAR),
    "alpha_png": _odd("alpha.png", lambda: encoded(_alpha("RGB"), "PNG"), corners=OVER_WHITE, within=1),
    "alpha_tiff": _odd("alpha.tif", lambda: encoded(_alpha("RGB"), "TIFF"), corners=OVER_WHITE, within=1),
    "alpha_webp": _odd(
        "alpha.webp", lambda: encoded(_alpha("RGB"), "WEBP", lossless=True), corners=OVER_WHITE, within=1
    ),
    "grey_alpha_png": _odd(
        "alpha.png",
        lambda: encoded(_alpha("L"), "PNG"),
        corners=((76, 76, 76), WHITE, (142, 142, 142), WHITE),
        within=1,
    ),
    "key_colour_png": _odd(
        "key.png",
        lambda: png(SIZE, 8, 2, rows(bytes(RED) * 32, bytes(GREEN) * 32), chunk(b"tRNS", b"\0\0\0\xff\0\0")),
        corners=_two(RED, WHITE),
    ),
    "key_colour_16_bit_png": _odd(
        "key.png",
        lambda: png(SIZE, 16, 2, rows(DEEP_LEFT * 32, DEEP_RIGHT * 32), chunk(b"tRNS", DEEP_LEFT)),
        corners=_two(WHITE, BLUE),
    ),
    "key_grey_2_bit_png": _odd(
        "key.png",
        lambda: png(SIZE, 2, 0, rows(b"\x55" * 8, b"\xaa" * 8), chunk(b"tRNS", b"\0\x01")),
        corners=_two(WHITE, (170, 170, 170)),
    ),
    "key_grey_16_bit_png": _odd(
        "key.png",
        lambda: png(SIZE, 16, 0, rows(b"\x12\x34" * 32, b"\x80\x80" * 32), chunk(b"tRNS", b"\x12\x34")),
        corners=_two(WHITE, GREY),
    ),
    "grey_16_bit_png": _odd("deep.png", lambda: _grey_16("I;16", "PNG"), **HALVES),
    "grey_16_bit_tiff": _odd("deep.tif", lambda: _grey_16("I;16", "TIFF"), **HALVES),
    "grey_16_bit_big_endian_tiff": _odd("deep.tif", lambda: _grey_16("I;16B", "TIFF"), **HALVES),
    "grey_16_bit_white_is_zero_tiff": _odd(
        "deep.tif", lambda: tiff(SIZE, 16, 0, _grey_16_row(0xFFFF, 0x7FFF) * SIZE[1]), **HALVES
    ),
    "grey_16_bit_dark": _odd(
        "dark.tif",
        lambda: tiff(SIZE, 16, 1, _grey_16_row(0, 4095) * SIZE[1]),
        corners=_two(BLACK, (15, 15, 15)),
    ),
    "grey_12_bit_tiff": _odd("deep.tif", lambda: tiff(SIZE, 12, 1, GREY_12_ROW * SIZE[1]), **HALVES),
    "rgb_16_bit_png": _odd(
        "deep.png",
        lambda: png(SIZE, 16, 2, rows(DEEP_LEFT * 32, DEEP_RIGHT * 32)),
        corners=_two((255, 1, 0), BLUE),
    ),
    "cmyk_jpeg": _odd("print.jpg", _cmyk_jpeg, **JPEG_COLOURS),
    "cmyk_tiff": _odd("print.tif", lambda: encoded(quarters().convert("CMYK"), "TIFF")),
    "one_frame_png": _odd(
        "still.png",
        lambda: png(SIZE, 8, 2, rows(bytes(RED) * 32, bytes(BLUE) * 32), ONE_FRAME),
        corners=_two(RED, BLUE),
    ),
    **{f"orientation_{n}_jpeg": _odd(f"turn{n}.jpg", partial(_turned, n, "JPEG"), within=6) for n in range(1, 9)},
    **{f"orientation_{n}_png": _odd(f"turn{n}.png", partial(_turned, n, "PNG")) for n in range(1, 9)},
    **{f"orientation_{n}_webp": _odd(f"turn{n}.webp", partial(_turned, n, "WEBP")) for n in range(1, 9)},
    **{f"orientation_{n}_tiff": _odd(f"turn{n}.tif", partial(_turned, n, "TIFF")) for n in range(1, 9)},
    "orientation_0": _odd("turn.jpg", lambda: jpeg(exif=exif(0)), **JPEG_COLOURS),
    "orientation_9": _odd("turn.jpg", lambda: jpeg(exif=exif(9)), **JPEG_COLOURS),
    "broken_exif_jpeg": _odd("turn.jpg", lambda: jpeg(exif=BROKEN_EXIF), **JPEG_COLOURS),
    "broken_exif_png": _odd("turn.png", lambda: encoded(quarters(), "PNG", exif=BROKEN_EXIF)),
    "senseless_exif_jpeg": _odd("turn.jpg", lambda: jpeg(exif=b"Exif\0\0no such thing"), **JPEG_COLOURS),
    "name_climbing": _odd("../../etc/part.jpg", jpeg, "part.jpg", **JPEG_COLOURS),
    "name_of_windows": _odd("C:\\photos\\part.jpg", jpeg, "part.jpg", **JPEG_COLOURS),
    "name_of_300": _odd(LONG, jpeg, "x" * 116 + ".jpg", **JPEG_COLOURS),
    "name_with_controls": _odd("pa\r\nrt\x1b[31m.jpg", jpeg, "part[31m.jpg", **JPEG_COLOURS),
    "name_turned_round": _odd("part\u202egpj.exe", jpeg, "partgpj.exe", **JPEG_COLOURS),
    "name_of_dots": _odd("..", jpeg, "photo", **JPEG_COLOURS),
    "name_with_umlauts": _odd("Türgriff 7 – Rückseite.jpg", jpeg, **JPEG_COLOURS),
    "name_with_markup": _odd("<b>part</b>.jpg", jpeg, "b>.jpg", **JPEG_COLOURS),
}
