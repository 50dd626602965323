"""Folders of photos to learn from and to measure on: one folder a class, in `train/` and `test/` or without them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.model_selection import train_test_split

from ensemble.errors import DataError
from ensemble.photos import MAX_BYTES, PHOTO_ENDINGS
from ensemble.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes

GOOD_NAMES = frozenset(
    (
        *("non_defective", "nondefective", "not_defective", "non_defect", "no_defect", "nodefect", "defect_free"),
        *("ok", "okay", "ok_front", "io", "good", "normal", "pass", "passed", "fine", "free", "mt_free", "clean"),
        *("undamaged", "negative"),
    )
)
BAD_NAMES = frozenset(
    (
        *("defective", "defect", "def", "def_front", "nok", "not_ok", "nio", "ng", "bad", "anomaly", "anomalous"),
        *("abnormal", "fail", "failed", "faulty", "damaged", "broken", "reject", "rejected", "positive"),
    )
)
PARTS = ("train", "test")
HELD_OUT = 0.3


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo's file and the class it belongs to; where they are known, its kind of defect and the mask of it."""

    path: Path
    label: str
    defect: str = ""
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder holds: classes, both parts, which folder names mean which class, and what a person should know."""

    classes: Classes
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    folders: Mapping[str, str]
    notes: tuple[str, ...]


def parse_classes(text: str) -> dict[str, str]:
    """`FOLDER=CLASS,FOLDER=CLASS` or `FOLDER,FOLDER` -> which folder holds which class."""
    pairs = [entry.strip().partition("=") for entry in text.split(",") if entry.strip()]
    folders = {folder.strip(): (name.strip() if equals else folder.strip()) for folder, equals, name in pairs}
    if len(set(folders.values())) < 2 or not all([*folders, *folders.values()]):
        raise DataError(
            f"--classes names at least two classes, as in bottomwear,shoes,topwear or iO=non_defective,niO=defective. "
            f"Got {text!r}."
        )
    return folders


def find_dataset(folder: Path, folders: Mapping[str, str] | None = None, seed: int = 0) -> Dataset:
    """Find the photos of every class below a folder; a DataError says what was expected and what is there.

    `folders` maps folder names to classes; without it two folders with known names for good and bad parts become
    non_defective and defective, and any others are classes by their own names. Without `test/` three photos in ten
    of each class are held out, chosen by the seed.
    """
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist. Name a folder with one folder of photos a class.")
    found = {part: _listing(folder / part) for part in PARTS if (folder / part).is_dir()}
    if not found:
        found = {"": _listing(folder)}
    mapping = dict(folders) if folders else _meaning(folder, sorted({name for part in found.values() for name in part}))
    notes = [_mapping_note(mapping)] if any(name != label for name, label in mapping.items()) else []
    parts = {part: _samples(listing, mapping, folder / part, notes) for part, listing in found.items()}
    classes = _classes(mapping)
    if parts.get("test"):
        train, test = parts.get("train", ()), parts["test"]
    else:
        train, test = _hold_out(parts.get("train") or parts.get("") or (), folder, seed)
        notes.append(
            f"There is no test part: {len(test)} of {len(train) + len(test)} photos are held out to measure on."
        )
    return Dataset(classes, train, test, mapping, tuple(notes))


def check(dataset: Dataset, folder: Path) -> tuple[str, ...]:
    """What must be said before training starts; a DataError where training would be pointless."""
    if not dataset.train:
        raise DataError(f"{folder} holds no photos to learn from. Expected photos in {folder}/train/CLASS.")
    for part, samples in (("train", dataset.train), ("test", dataset.test)):
        counts = Counter(sample.label for sample in samples)
        missing = [name for name in dataset.classes.names if not counts[name]]
        if samples and missing:
            raise DataError(
                f"The {part} part of {folder} has photos of {', '.join(sorted(counts))} only; {', '.join(missing)} has "
                "none. Add photos of every class."
            )
        few = [f"{name} ({counts[name]})" for name in dataset.classes.names if counts[name] < 5]
        if part == "train" and few:
            raise DataError(f"At least 5 photos of each class are needed to learn from. Too few: {', '.join(few)}.")
    return _duplicates(dataset)


def evaluation_part(
    folder: Path, folders: Mapping[str, str], classes: Classes, seeds: Sequence[int] = ()
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """The photos to measure a trained product on, with notes; folder names mean what they meant in training.

    Where the names are others, the known names for good and bad parts count; a DataError where neither fits. Without
    `test/` the photos are those that training by the first of `seeds` has held out.
    """
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist. Name a folder with one folder of photos a class.")
    place = next((folder / part for part in ("test", "train") if (folder / part).is_dir()), folder)
    names = sorted(_listing(place))
    own = {name: name for name in classes.names}
    meaning = {**own, **folders}
    if not set(names) <= set(meaning):
        meaning = _meaning(place, names)
    if strange := sorted({meaning[name] for name in names} - set(classes.names)):
        raise DataError(
            f"{place} holds {', '.join(strange)}; this product knows {', '.join(classes.names)}. Rename the folders."
        )
    if not (folder / "test").is_dir():
        dataset = find_dataset(folder, {name: meaning[name] for name in names}, next(iter(seeds), 0))
        return dataset.test, (*dataset.notes, *_mixed_seeds_notes(seeds))
    notes: list[str] = []
    samples = _samples(_listing(place), meaning, place, notes)
    if not samples:
        raise DataError(f"{place} holds no photos to measure on. Expected {place}/CLASS/PHOTO.")
    return samples, tuple(notes)


def _mixed_seeds_notes(seeds: Sequence[int]) -> tuple[str, ...]:
    if len(seeds) < 2:
        return ()
    return (
        f"The members were trained with the seeds {', '.join(map(str, seeds))}, so some have learnt from photos that "
        "are held out here: the measured quality is flattered. Train them with one seed, or put photos into test/.",
    )


def digest(samples: Iterable[Sample]) -> str:
    """One SHA-256 over labels and bytes of all photos, whatever their order and names: which data a model has seen."""
    lines = sorted(f"{sample.label} {_file_digest(sample.path)}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listing(folder: Path) -> dict[str, list[Path]]:
    """Class folders with the files below them, hidden ones left out."""
    return {
        child.name: sorted(path for path in child.rglob("*") if path.is_file() and not path.name.startswith("."))
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".") and child.name != "ground_truth"
    }


def _meaning(folder: Path, names: Sequence[str]) -> dict[str, str]:
    if not names:
        raise DataError(
            f"{folder} holds no class folders. Expected train/CLASS/PHOTO and test/CLASS/PHOTO, "
            "such as train/ok and train/nok."
        )
    good = [name for name in names if name.lower().replace("-", "_").replace(" ", "_") in GOOD_NAMES]
    bad = [name for name in names if name.lower().replace("-", "_").replace(" ", "_") in BAD_NAMES]
    if len(names) == 1:
        raise DataError(f"{folder} holds one class only, {names[0]}. Learning needs photos of at least two classes.")
    if len(names) == 2 and (len(good) == 1 or len(bad) == 1) and good != bad:
        fine = good[0] if good else next(name for name in names if name not in bad)
        return {name: NON_DEFECTIVE if name == fine else DEFECTIVE for name in names}
    return {name: name for name in names}


def _mapping_note(mapping: Mapping[str, str]) -> str:
    return "Taken as " + ", ".join(f"{folder} = {label}" for folder, label in mapping.items()) + "."


def _classes(mapping: Mapping[str, str]) -> Classes:
    names = tuple(dict.fromkeys(mapping.values()))
    try:
        return OK_NOK if set(names) == set(OK_NOK.names) else Classes(names)
    except ValueError as error:
        raise DataError(f"These folders cannot be the classes of a product. {error}") from error


def _samples(
    listing: Mapping[str, list[Path]], mapping: Mapping[str, str], folder: Path, notes: list[str]
) -> tuple[Sample, ...]:
    if unknown := sorted(set(listing) - set(mapping)):
        raise DataError(
            f"{folder} holds the folders {', '.join(unknown)}, which are none of the classes "
            f"{', '.join(mapping)}. Rename them, or say what they are with --classes."
        )
    samples, strange = [], []
    for name, paths in listing.items():
        for path in paths:
            if path.suffix.lower() in PHOTO_ENDINGS and 0 < path.stat().st_size < MAX_BYTES:
                samples.append(Sample(path, mapping[name]))
            else:
                strange.append(path.name)
    if strange:
        notes.append(f"{len(strange)} files in {folder} are no photos and are left out, such as {strange[0]}.")
    return tuple(samples)


def _hold_out(samples: tuple[Sample, ...], folder: Path, seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    counts = Counter(sample.label for sample in samples)
    if not samples or min(counts.values()) < 2 or len(samples) * HELD_OUT <= len(counts) - 1:  # one of each at least
        raise DataError(f"{folder} holds too few photos to hold some out: {dict(counts)}. Add photos of every class.")
    labels = [sample.label for sample in samples]
    train, test = train_test_split(list(samples), test_size=HELD_OUT, stratify=labels, random_state=seed)
    return tuple(train), tuple(test)


def _duplicates(dataset: Dataset) -> tuple[str, ...]:
    first: dict[str, tuple[str, Sample]] = {}
    across, conflicts = [], []
    for part, samples in (("train", dataset.train), ("test", dataset.test)):
        for sample in samples:
            known, twin = first.setdefault(_file_digest(sample.path), (part, sample))
            if known != part:
                across.append(sample.path.name)
            if twin.label != sample.label:
                conflicts.append(f"{twin.path.name} ({twin.label}) and {sample.path.name} ({sample.label})")
    notes = []
    if across:
        notes.append(
            f"{len(across)} photos of the test part are also in the training part, such as {across[0]}: the measured "
            "quality is flattered. Remove them from one part."
        )
    if conflicts:
        notes.append(f"{len(conflicts)} photos stand in two classes, such as {conflicts[0]}. Keep each in one.")
    return tuple(notes)


def batches(samples: Sequence[Sample], size: int = 32) -> Iterator[Sequence[Sample]]:
    """The samples in slices of at most `size`."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]
