"""Masks on disk: whether they can be read, are masks, and fit their photos."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ensemble.imaging.masks import look_at
from ensemble.imaging.photos import load, read_bytes, refuse_damaged, sentences, upright_size
from ensemble.values.errors import DataError, PhotoError

GROUND_TRUTH = "ground_truth"
ONE_CHANNEL = ("1", "L", "P", "LA", "PA", "I", "F")  # or I;16 and its kin
GREY = 16  # of 255: the channels of a grey picture differ by less, also after a JPEG
COLOURED = 0.05  # of the pixels of a colour photo differ by more
NUMBERED = 256  # colours that a palette holds
FLAT, SHARE = 16, 0.9  # so many coarse shades hold so much of a mask, which has soft edges and noise beside
LOOKED_AT = 128  # rows and columns of a picture that are enough to tell


def misfit(mask: Path, photo: Path) -> str | None:
    """How a mask's size differs from its photo's, by their headers alone; None where it does not."""
    size, wanted = size_of(mask), size_of(photo)
    if size is None or wanted is None or size == wanted:
        return None
    return f"has {size[0]} × {size[1]} pixels and its photo {photo.name} {wanted[0]} × {wanted[1]}"


def contradiction(mask: Path, *, good: bool) -> str:
    """How what a mask marks contradicts its photo's being good or defective; nothing where it cannot be read."""
    try:
        return look_at(mask).reason(good=good)
    except DataError:  # its reader will say
        return ""


def contradictions(masks: Iterable[tuple[Path, bool]], what: str) -> tuple[str, ...]:
    """A note for each way in which masks contradict their photos, each with whether its photo is good."""
    found: dict[str, list[Path]] = {}
    for mask, good in masks:
        if reason := contradiction(mask, good=good):
            found.setdefault(reason, []).append(mask)
    return tuple(
        f"{_where(paths[0])} {reason}{f' ({len(paths)} masks in all do so)' if len(paths) > 1 else ''}. {what}"
        for reason, paths in found.items()
    )


def _where(mask: Path) -> str:
    return f"The mask {mask.parent.name}/{mask.name}"


def refuse_misfit(mask: Path, photo: Path) -> None:
    """A DataError where a mask has another size than its photo."""
    if reason := misfit(mask, photo):
        raise DataError(f"The mask {mask} {reason}. Export the mask at the size of the photo.")


def is_whole(path: Path) -> bool:
    """Whether a mask can be read."""
    try:
        with sentences(path.name):
            refuse_damaged(read_bytes(path))
    except PhotoError:
        return False
    return True


def is_colour_photo(path: Path) -> bool:
    """Whether a picture shows a scene in many colours, as no mask does; False where it cannot be read."""
    try:
        with sentences(path.name):
            image, _ = load(read_bytes(path), smallest=1)
    except PhotoError:
        return False
    if image.mode in ONE_CHANNEL or image.mode.startswith("I;"):
        return False
    pixels = np.asarray(image.convert("RGB"))
    rows, columns = (-(-side // LOOKED_AT) for side in pixels.shape[:2])
    colours = pixels[::rows, ::columns].reshape(-1, 3)
    if (np.ptp(colours, axis=1) >= GREY).mean() < COLOURED or len(np.unique(colours, axis=0)) <= NUMBERED:
        return False
    _, counts = np.unique(colours >> 4, axis=0, return_counts=True)
    return bool(np.sort(counts)[-FLAT:].sum() < SHARE * len(colours))


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of an upright picture by its header; None where it is none, which its reader will say."""
    try:
        with sentences(path.name):
            return upright_size(read_bytes(path))
    except PhotoError:
        return None
