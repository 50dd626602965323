"""Masks on disk: whether they can be read and fit their photos, by their headers alone."""

from collections.abc import Iterable
from pathlib import Path

from ensemble.errors import DataError, PhotoError
from ensemble.masks import look_at
from ensemble.photos import read_bytes, refuse_damaged, sentences, upright_size

GROUND_TRUTH = "ground_truth"


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


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of an upright picture by its header; None where it is none, which its reader will say."""
    try:
        with sentences(path.name):
            return upright_size(read_bytes(path))
    except PhotoError:
        return None
