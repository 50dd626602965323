"""Masks: grey pictures beside photos, white where a part is damaged; half grey and above counts as damaged."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy import ndimage

from ensemble.errors import DataError

HALF = 127  # soft edges and JPEG noise below this are no damage
Boxes = list[tuple[int, int, int, int]]


def read_mask(path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A mask as a grey picture (L); a DataError where it cannot be read or its (width, height) is not `size`."""
    try:
        with Image.open(path) as opened:
            opened.load()
            mask = _grey(opened)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The mask {path} cannot be read ({error}). Export it again as a grey PNG.") from error
    if size is not None and mask.size != size:
        raise DataError(
            f"The mask {path} has {mask.width} × {mask.height} pixels and its photo {size[0]} × {size[1]}. "
            "Export the mask at the size of the photo."
        )
    return mask


def _grey(opened: Image.Image) -> Image.Image:
    if opened.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(opened).clip(0, 65535) // 257).astype(np.uint8))
    return opened.convert("RGB").convert("L") if opened.mode in {"P", "1"} else opened.convert("L")


def damaged_pixels(mask: Image.Image) -> NDArray[np.bool_]:
    """(height, width), true where a mask says that the part is damaged."""
    return np.asarray(mask) > HALF


def boxes(damage: NDArray[np.bool_]) -> Boxes:
    """Left, top, right, bottom in pixels of each connected region, the right and bottom ones exclusive.

    Pixels that touch at a corner belong to one region.
    """
    labels, _ = ndimage.label(damage, structure=np.ones((3, 3)))
    return [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in ndimage.find_objects(labels)]
