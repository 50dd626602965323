"""From photos and their masks to the folder that YOLO detectors learn from."""

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonpath
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.imaging.masks import damaged_pixels, read_mask
from ensemble.imaging.photos import read_photo
from ensemble.members.detector_training import (
    ANY_DEFECT,
    HOLD,
    LEARN,
    data_text,
    held_out_places,
    label_text,
    make_folders,
    write_label,
)
from ensemble.values.errors import DataError
from ensemble.values.results import NON_DEFECTIVE
from ensemble.values.safe_names import clean_name
from ensemble.values.samples import Sample


@dataclass(frozen=True, slots=True)
class YoloExport:
    """What has been written: the data YAML, photos by part, boxes by class, and the photos that were left out, those
    without a mask and those whose mask marks nothing."""

    data: Path
    photos: Mapping[str, int]
    boxes: Mapping[str, int]
    left_out: tuple[Path, ...]
    unmarked: tuple[Path, ...] = ()


def write_labels(
    samples: Sequence[Sample],
    destination: Path,
    *,
    held_out: Sequence[Sample] | None = None,
    one_class: bool = False,
    good: str = NON_DEFECTIVE,
    seed: int = 0,
) -> YoloExport:
    """Copy photos to `images/train|val`, write `labels/train|val` and `data.yaml`; all of it or nothing.

    A class is a kind of defect, or with `one_class` any damage. `held_out` are the photos to measure on, by default a
    fifth of each kind, drawn by the seed. Photos that are not good and whose mask is missing or marks nothing are left
    out: their damage would pass for background. A DataError where the destination is in use, no mask marks anything, or
    a mask cannot be read or has another size than its photo; a PhotoError where a photo with a mask cannot be opened.
    """
    refuse_in_use(destination)
    learn, hold = hold_out(samples, seed) if held_out is None else (samples, held_out)
    everything = [(part, sample) for part, chosen in ((LEARN, learn), (HOLD, hold)) for sample in chosen]
    bare = [sample.path for _, sample in everything if not sample.mask and sample.label != good]
    masked = [sample for _, sample in everything if sample.mask and sample.label != good]
    unmarked = [sample.path for sample in masked if not _damage(sample).any()]
    known = [(part, sample) for part, sample in everything if sample.path not in {*bare, *unmarked}]
    names = sorted({_class_of(sample, one_class) for sample in masked if sample.path not in unmarked})
    if not names:
        raise _nothing_to_point_at(len(unmarked))
    files = _file_names([sample.path for _, sample in known])
    counts: Counter[str] = Counter()
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=f".{destination.name}.") as temporary:
        folder = make_folders(Path(temporary) / "labels")
        for (part, sample), file in zip(known, files, strict=True):
            name = _class_of(sample, one_class)
            text = label_text(_damage(sample), names.index(name)) if sample.mask and sample.label != good else ""
            counts[name] += text.count("\n")
            shutil.copyfile(sample.path, folder / "images" / part / file)
            write_label(folder, part, file, text)
        (folder / "data.yaml").write_text(data_text(names), encoding="utf-8")
        if destination.exists():
            destination.rmdir()
        folder.rename(destination)
    photos = Counter(part for part, _ in known)
    boxes_of = {name: counts[name] for name in names}
    return YoloExport(destination / "data.yaml", dict(photos), boxes_of, tuple(bare), tuple(unmarked))


def refuse_in_use(destination: Path) -> None:
    """A DataError unless nothing lies there, or an empty folder."""
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise DataError("{destination} is in use. Name a new folder.", destination=destination)


def _nothing_to_point_at(unmarked: int) -> DataError:
    if not unmarked:
        return DataError(
            "None of these photos has a mask, so there is nothing to point at. Add masks in ground_truth/."
        )
    return DataError(
        "None of these photos has a mask that marks anything ({unmarked} mark nothing), so there is nothing to point "
        "at. Add masks in ground_truth/.",
        unmarked=unmarked,
    )


def hold_out(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    """Photos to learn from and to measure on: a fifth of each kind in each folder, one at least where there are two."""
    by_kind: dict[tuple[Path, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        by_kind[sample.path.parent, sample.defect].append(sample)
    learn: list[Sample] = []
    hold: list[Sample] = []
    random = np.random.default_rng(seed)
    for kind in sorted(by_kind):
        held = held_out_places(len(by_kind[kind]), random)
        for place, sample in enumerate(by_kind[kind]):
            (hold if place in held else learn).append(sample)
    return learn, hold


def _damage(sample: Sample) -> NDArray[np.bool_]:
    if sample.mask is None:
        raise DataError("{path} has no mask.", path=sample.path)
    return damaged_pixels(read_mask(sample.mask, read_photo(sample.path).picture.size))


def _class_of(sample: Sample, one_class: bool) -> str:
    return ANY_DEFECT if one_class or not sample.defect else sample.defect


def _file_names(paths: Sequence[Path]) -> list[str]:
    """A name for each photo that tells where it comes from, unlike all others even without its ending."""
    whole = [path.resolve() for path in paths]
    root = commonpath([path.parent for path in whole])
    return unlike_names("__".join(path.relative_to(root).parts) for path in whole)


def unlike_names(wished: Iterable[str]) -> list[str]:
    """Names as wished where they can be kept, each unlike all others even without its ending."""
    taken: set[str] = set()
    names = []
    for wish in wished:
        stem = wanted = Path(clean_name(wish) or "photo").stem
        number = 2
        while stem.casefold() in taken:
            stem, number = f"{wanted}_{number}", number + 1
        taken.add(stem.casefold())
        names.append(stem + Path(wish).suffix.lower())
    return names
