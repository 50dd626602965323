"""Whether a TIFF holds all of its picture: a strip or tile for each place and plane, with bytes behind every one.

Decoders fill up with black what is missing, and photos that were cut short would pass for whole ones.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from PIL.TiffImagePlugin import TiffImageFile

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS, _STRIP_SIZES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_RAW, _OLD_JPEG, _YCBCR = 1, 6, 6


def is_whole(image: TiffImageFile, length: int) -> bool:
    """Whether every strip or tile that the picture needs lies in the file of `length` bytes, and none lies in another
    plane's place."""
    tags = image.tag_v2
    if tags.get(_COMPRESSION, _RAW) == _OLD_JPEG:  # one stream for all, wherever the strips point to
        return True
    tiled = _TILE_OFFSETS in tags
    offsets = _numbers(tags.get(_TILE_OFFSETS if tiled else _STRIP_OFFSETS))
    needed = _places(tags, tiled=tiled)
    sizes = _needed_sizes(tags, needed, tiled=tiled) or _numbers(tags.get(_TILE_SIZES if tiled else _STRIP_SIZES))
    if len(offsets) < len(needed) or len(sizes) < len(needed):
        return False
    spans = sorted(list(zip(offsets, sizes, strict=False))[: len(needed)])
    if any(start <= 0 or size <= 0 or start + size > length for start, size in spans):
        return False
    return _planes(tags) == 1 or all(start + size <= after for (start, size), (after, _) in pairwise(spans))


def _numbers(value: Any) -> Sequence[int]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _planes(tags: Any) -> int:
    return int(tags.get(_SAMPLES, 1)) if tags.get(_PLANAR, 1) == 2 else 1


def _places(tags: Any, *, tiled: bool) -> list[tuple[int, int]]:
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
    bits = _numbers(tags.get(_BITS, (1,)))
    samples = int(tags.get(_SAMPLES, 1))
    each = list(bits) if len(bits) >= samples else [bits[0]] * samples
    if _planes(tags) == 1:
        return [-(-width * sum(each[:samples]) // 8) * rows for width, rows in places]
    apart = len(places) // samples
    return [-(-width * each[number // apart] // 8) * rows for number, (width, rows) in enumerate(places)]
