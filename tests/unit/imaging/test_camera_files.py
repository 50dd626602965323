"""Photos as cameras and their tools write them: alpha that was never set, depths below 16 bits, TIFFs cut short."""

import io
import struct
import zlib
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from ensemble.imaging.photos import open_photo
from ensemble.values.errors import PhotoError

WIDTH, HEIGHT = 40, 36
COLOURS = np.random.default_rng(0).integers(30, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def bmp(alpha: np.ndarray) -> bytes:
    """A bitmap of 32 bits with a V5 header and a mask for alpha."""
    pixels = np.dstack([COLOURS[..., ::-1], alpha])[::-1].tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000).ljust(84, b"\0")
    head = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 32, 3, len(pixels), 2835, 2835, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels), 0, 0, 138) + head + pixels


def tiff(content: bytes, tags: Mapping[int, tuple[int, ...]], places: int = 273) -> bytes:
    """A TIFF; offsets count from the beginning of the content, -1 is the beginning of the file."""
    start = 8 + 2 + 12 * len(tags) + 4
    room = sum(4 * len(values) for values in tags.values() if len(values) > 1)
    body, beside = b"", b""
    for tag, values in sorted(tags.items()):
        numbers = [value + start + room if tag == places and value >= 0 else max(value, 0) for value in values]
        if len(numbers) == 1:
            body += struct.pack("<HHII", tag, 4, 1, numbers[0])
        else:
            body += struct.pack("<HHII", tag, 4, len(numbers), start + len(beside))
            beside += struct.pack(f"<{len(numbers)}I", *numbers)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4) + beside + content


def rgba_tiff(extra: int | None) -> bytes:
    """Four channels, alpha 0; the fourth declared as it is called, or not at all."""
    content = np.dstack([COLOURS, np.zeros((HEIGHT, WIDTH), np.uint8)]).tobytes()
    tags = {256: (WIDTH,), 257: (HEIGHT,), 258: (8,) * 4, 259: (1,), 262: (2,), 273: (0,), 277: (4,), 278: (HEIGHT,)}
    tags |= {279: (len(content),)} | ({} if extra is None else {338: (extra,)})
    return tiff(content, tags)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def see_through(alpha: int) -> Image.Image:
    return Image.fromarray(np.dstack([COLOURS, np.full((HEIGHT, WIDTH), alpha, np.uint8)]))


NEVER_SET = {
    "bmp": bmp(np.zeros((HEIGHT, WIDTH), np.uint8)),
    "tiff, nothing said": rgba_tiff(None),
    "tiff, unspecified": rgba_tiff(0),
    "tiff, unassociated": rgba_tiff(2),
    "tiff, packed": saved(see_through(0), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", list(NEVER_SET))
def test_alpha_that_was_never_set_leaves_the_colours(kind: str) -> None:
    assert (np.asarray(open_photo(NEVER_SET[kind]).picture) == COLOURS).all()


GREY_ALPHA = Image.merge("LA", [Image.fromarray(COLOURS[..., 0]), Image.new("L", (WIDTH, HEIGHT), 0)])
PALETTE = Image.new("P", (WIDTH, HEIGHT), 3)
NOTHING_TO_SEE = {
    "png": saved(see_through(0), "PNG"),
    "webp": saved(see_through(0), "WEBP", lossless=True, exact=True),
    "png, grey": saved(GREY_ALPHA, "PNG"),
    "png, palette": saved(Image.fromarray(COLOURS).quantize(4), "PNG", transparency=bytes(4)),
    "gif": saved(PALETTE, "GIF", transparency=3),
    "tiff, premultiplied": rgba_tiff(1),
}


@pytest.mark.parametrize("kind", list(NOTHING_TO_SEE))
def test_what_other_programs_show_as_nothing_is_refused(kind: str) -> None:
    with pytest.raises(PhotoError, match="is transparent all over, so that there is nothing to see"):
        open_photo(NOTHING_TO_SEE[kind])


@pytest.mark.parametrize("data", [saved(see_through(128), "PNG"), bmp(np.full((HEIGHT, WIDTH), 128, np.uint8))])
def test_what_is_half_transparent_lies_over_white(data: bytes) -> None:
    expected = COLOURS * (128 / 255) + 255 * (127 / 255)
    assert np.abs(np.asarray(open_photo(data).picture) - expected).max() <= 1


def grey_tiff(values: np.ndarray, extra: Mapping[int, tuple[int, ...]]) -> bytes:
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    tags = {256: (width,), 257: (height,), 258: (16,) * samples, 259: (1,), 262: (2 if samples == 3 else 1,)}
    content = values.astype("<u2").tobytes()
    return tiff(content, tags | {273: (0,), 277: (samples,), 278: (height,), 279: (len(content),), **extra})


def png(values: np.ndarray, bits: int | None) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[samples]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    said = chunk(b"sBIT", bytes([bits] * samples)) if bits else b""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + head + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ramp(bits: int, samples: int = 1) -> np.ndarray:
    grey = np.linspace(0, 2**bits - 1, 64).astype(np.uint16)[None].repeat(32, 0)
    return grey if samples == 1 else np.stack([grey, grey[:, ::-1], grey], axis=-1)[..., [0, 1, 2, 2][:samples]]


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_a_declared_depth_is_read(bits: int, samples: int) -> None:
    values = ramp(bits, samples)
    expected = np.broadcast_to((values >> (bits - 8)).reshape(32, 64, -1), (32, 64, 3))
    count = (2**bits - 1,) * samples
    shifted = values << (16 - bits) | (values >> max(0, 2 * bits - 16))
    for data in (
        grey_tiff(values, {281: count}),
        grey_tiff(values, {341: count}),
        png(values, bits),
        png(values << (16 - bits), bits),
        *([png(shifted, bits)] if bits > 8 else []),
    ):
        photo = open_photo(data)
        assert (np.asarray(photo.picture) == expected).all() and photo.notes == ()


@pytest.mark.parametrize("extra", [{}, {281: (3000,)}, {281: (255,)}], ids=["nothing", "no depth", "contradicted"])
def test_nothing_is_scaled_by_its_content(extra: Mapping[int, tuple[int, ...]]) -> None:
    values = np.full((32, 64), 3000, np.uint16)
    assert np.asarray(open_photo(grey_tiff(values, extra)).picture).max() == 3000 >> 8


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("bits", "times"), [(8, 256), (10, 64), (12, 16), (14, 4), (16, 0)])
def test_a_photo_far_too_dark_for_its_depth_has_a_note(bits: int, times: int, samples: int) -> None:
    for data in (grey_tiff(ramp(bits, samples), {}), png(ramp(bits, samples), None)):
        notes = open_photo(data).notes
        assert bool(notes) == bool(times)
        assert all(f"{2**bits - 1} of 65535: it looks like {bits} bits" in note for note in notes)
        assert all(f"taken {times} times too dark" in note for note in notes)


def test_eight_bits_and_a_black_photo_have_no_note() -> None:
    assert open_photo(saved(Image.new("L", (40, 40), 3), "PNG")).notes == ()
    assert open_photo(png(np.zeros((32, 64), np.uint16), None)).notes == ()


PLANES = COLOURS.transpose(2, 0, 1)
AREA, ROW = WIDTH * HEIGHT, WIDTH
BASE = {256: (WIDTH,), 257: (HEIGHT,), 258: (8, 8, 8), 259: (1,), 262: (2,), 277: (3,), 284: (2,)}


def planes(offsets: tuple[int, ...], rows: int = HEIGHT, sizes: tuple[int, ...] | None = None) -> bytes:
    sizes = sizes if sizes is not None else (rows * ROW,) * len(offsets)
    return tiff(PLANES.tobytes(), BASE | {273: offsets, 278: (rows,), 279: sizes})


def tiles(count: int, sizes: tuple[int, ...] | None = None) -> bytes:
    """Grey, 16 × 16, three across and three down."""
    content = bytes(range(256)) * count
    tags = {256: (WIDTH,), 257: (HEIGHT,), 258: (8,), 259: (1,), 262: (1,), 277: (1,), 322: (16,), 323: (16,)}
    offsets = tuple(256 * number for number in range(count))
    return tiff(content, tags | {324: offsets, 325: sizes or (256,) * count}, places=324)


def packed_strips(count: int, sizes: tuple[int, ...] | None = None, first: int = 0) -> bytes:
    """Grey, deflated, three strips of 12 rows."""
    strips = [zlib.compress(COLOURS[12 * number : 12 * number + 12, :, 0].tobytes()) for number in range(3)]
    offsets = [sum(map(len, strips[:number])) for number in range(count)]
    offsets[0] = first
    tags = {256: (WIDTH,), 257: (HEIGHT,), 258: (8,), 259: (8,), 262: (1,), 277: (1,), 278: (12,)}
    real = tuple(map(len, strips[:count]))
    return tiff(b"".join(strips), tags | {273: tuple(offsets), 279: sizes or real})


WHOLE = {
    "planes": (planes((0, AREA, 2 * AREA)), COLOURS),
    "planes of several strips": (planes(tuple(12 * ROW * number for number in range(9)), rows=12), COLOURS),
    "planes without sizes that are right": (planes((0, AREA, 2 * AREA), sizes=(0, 0, 0)), COLOURS),
    "packed strips": (packed_strips(3), COLOURS[..., :1].repeat(3, axis=2)),
}


@pytest.mark.parametrize("kind", list(WHOLE))
def test_a_whole_tiff_is_read(kind: str) -> None:
    data, expected = WHOLE[kind]
    assert (np.asarray(open_photo(data).picture) == expected).all()


def test_whole_tiles_are_read() -> None:
    assert open_photo(tiles(9)).picture.size == (WIDTH, HEIGHT)


PARTS = {
    "one plane": planes((0,)),
    "two planes": planes((0, AREA)),
    "a plane twice": planes((0, AREA, AREA)),
    "planes that overlap": planes((0, AREA, AREA + ROW)),
    "a plane behind the end": planes((0, AREA, 2 * AREA + 1)),
    "a plane far behind the end": planes((0, AREA, 100 * AREA)),
    "a plane that is nowhere": planes((0, -1, 2 * AREA)),
    "a strip of the last plane": planes(tuple(12 * ROW * number for number in range(8)), rows=12),
    "sizes of two planes": planes((0, AREA, 2 * AREA))[:-AREA],
    "tiles": tiles(8),
    "no tiles but one": tiles(1),
    "packed, two strips": packed_strips(2),
    "packed, without bytes": packed_strips(3, sizes=(0, 0, 0)),
    "packed, one without bytes": packed_strips(3, sizes=(300, 0, 300)),
    "packed, behind the end": packed_strips(3, first=1_000_000),
}


@pytest.mark.parametrize("kind", list(PARTS))
def test_a_tiff_that_lacks_a_part_is_refused(kind: str) -> None:
    with pytest.raises(PhotoError, match="is damaged or cut short"):
        open_photo(PARTS[kind])
