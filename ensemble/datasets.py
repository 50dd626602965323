"""Folders of photos to learn from and to measure on: one folder a class, in `train/` and `test/` or without them.

Which layouts there are stands in `layouts`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sklearn.model_selection import train_test_split

from ensemble import captures
from ensemble.collection import SPLITS, UNSPLIT, Collection, is_collection
from ensemble.errors import DataError
from ensemble.ground_truth import GROUND_TRUTH, contradictions, refuse_misfit
from ensemble.layouts import TEST, TRAIN, WHOLE, Found, Layout, is_bad, is_good, meaning, read_layout
from ensemble.photos import is_photo
from ensemble.results import NON_DEFECTIVE, OK_NOK, Classes

Thing = TypeVar("Thing")
HELD_OUT = 0.3
GOOD_MARKED = "It counts as good all the same: look whether its folder is right."
GOOD_ALONE = "No defect has been seen: thresholds rest on good parts alone."


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo's file and the class it belongs to; where they are known, its kind of defect and the mask of it.

    `category` is the one that the photo comes from, where a product spans several; `part` names the very part that it
    shows, where that is known better than by its file name.
    """

    path: Path
    label: str
    defect: str = ""
    mask: Path | None = None
    category: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder holds: classes, its parts, which folder names mean which class, and what a person should know.

    `calibration` photos are there to choose cuts on and nothing learns from them; without any, training holds some out.
    """

    classes: Classes
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    folders: Mapping[str, str]
    notes: tuple[str, ...]
    calibration: tuple[Sample, ...] = ()


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

    A collection gives its photos by their splits. Elsewhere `folders` maps folder names to classes; without it known
    names for good and bad parts become non_defective and defective, every `test/TYPE` beside a lone `train/good` is
    defective, and any others are classes by their own names. Without `test/` three photos in ten of each class are held
    out, chosen by the seed.
    """
    if is_collection(folder):
        return _from_collection(Collection(folder))
    layout = _layout(folder)
    mapping = dict(folders) if folders else meaning(folder, layout)
    classes = _classes(mapping)
    notes = [_mapping_note(mapping)] if any(name != label for name, label in mapping.items()) else []
    notes += layout.notes
    parts = {part: _samples(listing, mapping, classes, folder / part, notes) for part, listing in layout.parts.items()}
    if parts.get(TEST):
        train, test = parts.get(TRAIN, ()), parts[TEST]
    else:
        train, test = _hold_out(parts.get(TRAIN) or parts.get(WHOLE) or (), folder, seed)
        notes.append(
            f"There is no test part: {len(test)} of {len(train) + len(test)} photos are held out to measure on."
        )
    return Dataset(classes, train, test, mapping, (*notes, *_unmasked((*train, *test), layout, classes)))


def check(dataset: Dataset, folder: Path) -> tuple[str, ...]:
    """What must be said before training starts; a DataError where training would be pointless."""
    classes, counts = dataset.classes, Counter(sample.label for sample in dataset.train)
    if not dataset.train:
        raise DataError(f"{folder} holds no photos to learn from. Expected photos in {folder}/train/CLASS.")
    if classes.good is not None and not counts[classes.good]:
        raise DataError(
            f"{folder} holds no photos of good parts to learn from, only {counts.total()} of defective ones. "
            f"Add photos of good parts in {folder}/train/good."
        )
    missing = [name for name in classes.names if not counts[name]]
    if missing and classes.defect is None:
        raise DataError(
            f"The train part of {folder} has photos of {', '.join(sorted(counts))} only; {', '.join(missing)} has "
            "none. Add photos of every class."
        )
    refuse_misfits((*dataset.train, *dataset.test))
    unseen = not any(sample.label == classes.defect for sample in (*dataset.train, *dataset.test))
    alone = (GOOD_ALONE,) if classes.defect is not None and unseen else _unmeasured(dataset.test, classes)
    empty = empty_masks((*dataset.train, *dataset.calibration, *dataset.test), classes)
    return (*alone, *empty, *_duplicates(dataset))


def empty_masks(samples: Iterable[Sample], classes: Classes) -> tuple[str, ...]:
    """Notes on masks of defective photos that mark nothing, or all of the border; they are decoded."""
    if classes.good is None:
        return ()
    masks = [(sample.mask, False) for sample in samples if sample.mask is not None and sample.label != classes.good]
    return contradictions(masks, "Where the defects are is not known there: mend the masks.")


def refuse_misfits(samples: Iterable[Sample]) -> None:
    """A DataError at the first mask that has another size than its photo; only headers are read."""
    for sample in samples:
        if sample.mask is not None:
            refuse_misfit(sample.mask, sample.path)


def evaluation_part(
    folder: Path, folders: Mapping[str, str], classes: Classes, seeds: Sequence[int] = ()
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """The photos to measure a trained product on, with notes; folder names mean what they meant in training.

    Where the names are others, the known names for good and bad parts count, and beside good parts every other folder
    is a kind of defect; a DataError where none of that fits. Without `test/` the photos are those that training by the
    first of `seeds` has held out.
    """
    if is_collection(folder):
        return _test_part(Collection(folder), classes)
    layout = _layout(folder)
    part = next(name for name in (TEST, TRAIN, WHOLE) if name in layout.parts or name == WHOLE)
    listing = layout.parts.get(part, {})
    known, notes = _known(folder / part, layout, sorted(listing), folders, classes)
    if strange := sorted({known[name] for name in listing} - set(classes.names)):
        raise DataError(
            f"{folder / part} holds {', '.join(strange)}; this product knows {', '.join(classes.names)}. "
            "Rename the folders."
        )
    if part != TEST:
        dataset = find_dataset(folder, {name: known[name] for name in listing}, next(iter(seeds), 0))
        refuse_misfits(dataset.test)
        return dataset.test, (*dataset.notes, *empty_masks(dataset.test, classes), *_mixed_seeds_notes(seeds))
    notes += layout.notes
    samples = _samples(listing, known, classes, folder / part, notes)
    if not samples:
        raise DataError(f"{folder / part} holds no photos to measure on. Expected {folder / part}/CLASS/PHOTO.")
    refuse_misfits(samples)
    unknown = (*_unmasked(samples, layout, classes), *empty_masks(samples, classes))
    return samples, (*notes, *unknown, *_unmeasured(samples, classes))


def _from_collection(collection: Collection) -> Dataset:
    photos = [photo for photo in collection.photos() if not photo.dropped]
    classes = collection.classes()
    if classes is None:
        held = f"photos of {photos[0].label} only" if photos else "no photos"
        raise DataError(f"The collection {collection.name} holds {held}. Import photos of every class first.")
    split: dict[str, list[Sample]] = {name: [] for name in (*SPLITS, UNSPLIT)}
    groups = collection.groups()
    for photo in photos:
        kind = photo.defect if photo.label == classes.defect else ""
        mask = None if photo.label == classes.good else photo.mask
        part = f"group {groups[photo.sha256]}"  # copies count as one part too, wherever photos are held out
        split[photo.split].append(Sample(photo.path, photo.label, kind, mask, photo.category, part))
    marked = [(photo.mask, True) for photo in photos if photo.mask is not None and photo.label == classes.good]
    notes = list(contradictions(marked, GOOD_MARKED))
    if waiting := len(split[UNSPLIT]):
        notes.append(f"{waiting} of {len(photos)} photos have no split yet and take part in nothing. Split them first.")
    train, calibration, test = (tuple(split[name]) for name in SPLITS)
    if not test:
        raise DataError(
            f"The collection {collection.name} has no test photos, so nobody would know how good its members are. "
            "Split its photos first."
        )
    return Dataset(classes, train, test, {name: name for name in classes.names}, tuple(notes), calibration)


def _test_part(collection: Collection, classes: Classes) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    dataset = _from_collection(collection)
    if strange := sorted({sample.label for sample in dataset.test} - set(classes.names)):
        raise DataError(
            f"The collection {collection.name} holds {', '.join(strange)}; this product knows "
            f"{', '.join(classes.names)}. Train it on this collection first."
        )
    empty = empty_masks(dataset.test, classes)
    return dataset.test, (*dataset.notes, *empty, *_unmeasured(dataset.test, classes))


def _layout(folder: Path) -> Layout:
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist. Name a folder with one folder of photos a class.")
    return read_layout(folder)


def _known(
    place: Path, layout: Layout, names: Sequence[str], folders: Mapping[str, str], classes: Classes
) -> tuple[dict[str, str], list[str]]:
    """What each folder means to a trained product, and a note where that had to be concluded from its neighbours."""
    known = {name: name for name in classes.names} | dict(folders)
    if set(names) <= set(known):
        return known, []
    if classes.good is not None and classes.defect is not None:
        by_name = {name: classes.good for name in layout.names() if is_good(name)}
        known = by_name | {name: classes.defect for name in layout.names() if is_bad(name)} | known
        types = {name: classes.defect for name in names if name not in known}
        if any(known.get(name) == classes.good for name in layout.names()):
            return known | types, [_mapping_note(types)] if types else []
        if not types:
            return known, []
    return meaning(place, Layout({WHOLE: dict.fromkeys(names, ())}, False, ())), []


def _mixed_seeds_notes(seeds: Sequence[int]) -> tuple[str, ...]:
    if len(seeds) < 2:
        return ()
    return (
        f"The members were trained with the seeds {', '.join(map(str, seeds))}, so some have learnt from photos that "
        "are held out here: the measured quality is flattered. Train them with one seed, or put photos into test/.",
    )


def part_numbers(samples: Sequence[Sample]) -> list[int]:
    """For each photo the number of the very part that it shows: as the sample names it, else as its file name tells."""
    by_file = captures.parts([sample.path for sample in samples])
    keys: list[tuple[str, str] | int] = [
        (sample.category, sample.part) if sample.part else number
        for sample, number in zip(samples, by_file, strict=True)
    ]
    place = {key: number for number, key in enumerate(dict.fromkeys(sorted(keys, key=_named_last)))}
    return [place[key] for key in keys]


def _named_last(key: tuple[str, str] | int) -> tuple[bool, tuple[str, str] | int]:
    return isinstance(key, tuple), key


def digest(samples: Iterable[Sample]) -> str:
    """One SHA-256 over labels and bytes of all photos, whatever their order and names: which data a model has seen."""
    lines = sorted(f"{sample.label} {_file_digest(sample.path)}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digests(samples: Iterable[Sample]) -> tuple[str, ...]:
    """The SHA-256 of every photo, in order of themselves."""
    return tuple(sorted({_file_digest(sample.path) for sample in samples}))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mapping_note(mapping: Mapping[str, str]) -> str:
    return "Taken as " + ", ".join(f"{folder} = {label}" for folder, label in mapping.items()) + "."


def _classes(mapping: Mapping[str, str]) -> Classes:
    names = tuple(dict.fromkeys(mapping.values()))
    try:
        return OK_NOK if NON_DEFECTIVE in names and set(names) <= set(OK_NOK.names) else Classes(names)
    except ValueError as error:
        raise DataError(f"These folders cannot be the classes of a product. {error}") from error


def _samples(
    listing: Mapping[str, Sequence[Found]],
    mapping: Mapping[str, str],
    classes: Classes,
    folder: Path,
    notes: list[str],
) -> tuple[Sample, ...]:
    if unknown := sorted(set(listing) - set(mapping)):
        raise DataError(
            f"{folder} holds the folders {', '.join(unknown)}, which are none of the classes "
            f"{', '.join(mapping)}. Rename them, or say what they are with --classes."
        )
    samples, strange, marked = [], [], []
    for name, found in listing.items():
        label = mapping[name]
        for entry in found:
            if not is_photo(entry.path):
                strange.append(entry.path.name)
            elif label == classes.good:
                samples.append(Sample(entry.path, label, category=entry.category))
                marked += [(entry.mask, True)] if entry.mask else []
            else:
                kind = entry.kind if label == classes.defect else ""
                samples.append(Sample(entry.path, label, kind, entry.mask, entry.category))
    notes += contradictions(marked, GOOD_MARKED)
    if strange:
        notes.append(f"{len(strange)} files in {folder} are no photos and are left out, such as {strange[0]}.")
    return tuple(samples)


def _unmasked(samples: Sequence[Sample], layout: Layout, classes: Classes) -> tuple[str, ...]:
    """A note where some defective photos have a mask and others have none."""
    damaged = [sample for sample in samples if sample.label != classes.good]
    bare = [sample.path for sample in damaged if sample.mask is None]
    if not layout.has_masks or not bare or classes.defect is None:
        return ()
    example = f"{bare[0].parent.name}/{bare[0].name}"
    return (
        f"{len(bare)} of {len(damaged)} defective photos have no mask in {GROUND_TRUTH}/, such as {example}: where "
        "their defects are is not known.",
    )


def _unmeasured(samples: Sequence[Sample], classes: Classes) -> tuple[str, ...]:
    """A note for the classes that a test part has no photos of."""
    seen = {sample.label for sample in samples}
    missing = [name for name in classes.names if name not in seen]
    if not missing:
        return ()
    rate = {classes.defect: "escapes", classes.good: "overkill"}.get(missing[0]) if classes.defect else None
    lost = f"{rate} cannot be measured" if rate else "nothing is measured of them"
    return (f"The test part has no photos of {', '.join(missing)}: {lost}.",)


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


def batches(things: Sequence[Thing], size: int = 32) -> Iterator[Sequence[Thing]]:
    """Samples, or whatever stands for them, in slices of at most `size`."""
    for start in range(0, len(things), size):
        yield things[start : start + size]
