"""How deep the values of a photo really are: what its file declares, and a word where it declares nothing and is dark.

Cameras write 10, 12 or 14 bits into files of 16. What the file says of that is believed as long as its values agree:
TIFF by MaxSampleValue or SMaxSampleValue of 1023, 4095, …; PNG by sBIT, for values that were shifted up, as the
standard has it, and for those that were not. Nothing is ever scaled by the brightest value that a photo has.
"""

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

DEEP = 16
USUAL_DEPTHS = (8, 10, 12, 14)
_MAX_SAMPLE, _S_MAX_SAMPLE = 281, 341


def declared_depth(image: ImageFile.ImageFile, data: bytes) -> int:
    """The bits of a channel that a file of 16 declares to be in use; 16 where it declares nothing."""
    if isinstance(image, TiffImageFile):
        for tag in (_MAX_SAMPLE, _S_MAX_SAMPLE):
            found = image.tag_v2.get(tag)
            numbers = set(found if isinstance(found, tuple) else (found,))
            for depth in range(8, DEEP):
                if numbers == {2**depth - 1}:
                    return depth
    if isinstance(image, PngImageFile):
        return _significant_bits(data) or DEEP
    return DEEP


def _significant_bits(data: bytes) -> int | None:
    """What the chunk sBIT of a PNG says of its colours, alpha left out."""
    place, alpha = 8, data[25:26] in (b"\4", b"\6")
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + min(length, 4)]
        if kind == b"sBIT" and content:
            bits = max(content[:-1] if alpha and len(content) > 1 else content)
            return bits if 8 <= bits < DEEP else None
        if kind in (b"IDAT", b"IEND"):
            return None
        place += length + 12
    return None


def as_8_bits(values: NDArray[np.uint16], depth: int, *, png: bool = False) -> NDArray[np.uint8]:
    """Values of `depth` bits in 16 -> 8 bits; where they contradict the depth, all 16 count."""
    fits = int(values.max(initial=0)) < 1 << depth
    shifted = png and depth < DEEP and _are_shifted_up(values, depth)
    if not fits or shifted:
        depth = DEEP
    return np.minimum(values >> (depth - 8), 255).astype(np.uint8)


def _are_shifted_up(values: NDArray[np.uint16], depth: int) -> bool:
    """Whether the bits below the significant ones are zeros, or repeat the highest ones."""
    spare = DEEP - depth
    low = values & ((1 << spare) - 1)
    return not low.any() or bool((low == values >> depth).all())


def darkness(brightest: int) -> str | None:
    """A sentence for a photo of 16 bits that declares no depth and whose brightest value needs far fewer."""
    bits = next((bits for bits in USUAL_DEPTHS if brightest < 1 << bits), DEEP)
    if bits == DEEP or not brightest:
        return None
    return (
        f"Its brightest value is {brightest} of 65535: it looks like {bits} bits in a file of 16 and is taken "
        f"{1 << (DEEP - bits)} times too dark. Declare its depth (TIFF: MaxSampleValue {(1 << bits) - 1}, PNG: sBIT "
        f"{bits}), or save 8 bits."
    )
