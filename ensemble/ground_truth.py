"""Masks beside photos: which mask in `ground_truth/` belongs to which photo, and whether it fits."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.errors import DataError, PhotoError
from ensemble.masks import look_at
from ensemble.photos import PHOTO_ENDINGS, read_bytes, refuse_damaged, sentences, upright_size

GROUND_TRUTH = "ground_truth"
SUFFIX = "_mask"


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The masks below one folder, by their place (`crack`, `test/defective`) and the stem of their photo."""

    masks: Mapping[tuple[str, str], Path]
    unreadable: tuple[Path, ...]

    @classmethod
    def below(cls, folder: Path, among: Container[Path] | None = None) -> "GroundTruth":
        """Every mask in `folder/ground_truth`; NAME_mask.png goes before NAME.png, broken files are kept apart.

        Where `among` is given, no other files are opened.
        """
        masks: dict[tuple[str, str], Path] = {}
        unreadable = []
        root = folder / GROUND_TRUTH
        there = root.is_dir() and (among is None or root in among)
        for path in sorted(root.rglob("*")) if there else ():
            if among is not None and path not in among:
                continue
            if path.name.startswith(".") or path.suffix.lower() not in PHOTO_ENDINGS or not path.is_file():
                continue
            place = path.parent.relative_to(root).as_posix()
            if not _is_whole(path):
                unreadable.append(path)
            elif path.stem.endswith(SUFFIX):
                masks[place, path.stem.removesuffix(SUFFIX)] = path
            else:
                masks.setdefault((place, path.stem), path)
        return cls(masks, tuple(unreadable))

    def of(self, part: str, inner: Path, *, last: bool) -> Path | None:
        """The mask of the photo `part/inner`; masks that name no part belong to the `last` one, as in MVTec AD."""
        place = inner.parent.as_posix()
        known = self.masks.get((f"{part}/{place}", inner.stem)) if part else None
        return known or (self.masks.get((place, inner.stem)) if last else None)


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


def _is_whole(path: Path) -> bool:
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
