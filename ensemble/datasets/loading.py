"""Photos to learn from and to measure on: a folder in any layout that `importers` reads, or a collection."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path

from sklearn.model_selection import train_test_split

from ensemble.datasets.collection import CONTRADICTION, SPLITS, UNSPLIT, Collection, is_collection
from ensemble.datasets.collection.contents import file_of
from ensemble.datasets.notes import (
    all_teach,
    empty_masks,
    mixed_seeds,
    refuse_misfits,
    shared_photos,
    two_labels,
    unmasked,
    unmeasured,
)
from ensemble.disk.names import any_path_below
from ensemble.imaging.photos import file_digest
from ensemble.importers import FoundPhoto, mapping_note
from ensemble.importers.mask_files import contradictions
from ensemble.importers.sources import PhotoSource, read_source, under_two_labels
from ensemble.members.good_parts import FEWEST_GOOD
from ensemble.policies.cases import Case, Evidence
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import OK_NOK, Classes
from ensemble.values.samples import Dataset, Sample, captured_parts
from ensemble.values.vocabulary import CALIBRATION, TEST, TRAIN, WHOLE, classes_by_name, is_bad, is_good, same_name

TEST_SHARE = 0.3
GOOD_MARKED = Message("It counts as good all the same: look whether its folder is right.")
ONE_CLASS = Message("No defects in the photos: thresholds from good parts only.")


def parse_classes(text: str) -> dict[str, str]:
    """`FOLDER=CLASS,FOLDER=CLASS` or `FOLDER,FOLDER` -> which folder holds which class."""
    pairs = [entry.strip().partition("=") for entry in text.split(",") if entry.strip()]
    folders = {folder.strip(): (name.strip() if equals else folder.strip()) for folder, equals, name in pairs}
    if len(set(folders.values())) < 2 or not all([*folders, *folders.values()]):
        raise DataError(
            "--classes names at least two classes, as in bottomwear,shoes,topwear or "
            "iO=non_defective,niO=defective. Got {value!r}.",
            value=text,
        )
    return folders


def find_dataset(folder: Path, folders: Mapping[str, str] | None = None, seed: int = 0) -> Dataset:
    """Find the photos of every class below a folder; a DataError says what was expected and what is there.

    A collection gives its photos by their splits. Elsewhere a folder is read as an import reads it, and `folders` maps
    its class names to classes, by default what their names mean. Photos of a validation part teach nobody: they are
    the calibration photos. Without a test part three photos in ten of each class are held out, chosen by the seed.
    """
    if is_collection(folder):
        return _from_collection(Collection(folder))
    source = read_source(folder, folders)
    classes = _folder_classes(source, folders)
    told = {kind: label for kind, label in source.meaning.items() if kind != label}
    notes = [mapping_note(told)] if told else []
    notes += source.notes
    parts = _samples(source, source.meaning, classes, notes)
    train, test = (*parts[TRAIN], *parts[WHOLE]), parts[TEST]
    if not test and _all_must_teach(train, classes):
        notes.append(all_teach(len(train)))
    elif not test:
        train, test = _hold_out(train, folder, seed)
        notes.append(
            Message(
                "No test part: {held} of {photos} photos are set aside for the test.",
                held=len(test),
                photos=len(train) + len(test),
            )
        )
    everything = (*train, *parts[CALIBRATION], *test)
    return Dataset(classes, train, test, source.meaning, (*notes, *unmasked(everything, classes)), parts[CALIBRATION])


def check_training_data(dataset: Dataset, folder: Path) -> tuple[str, ...]:
    """What must be said before training starts; a DataError where training would be pointless."""
    classes, counts = dataset.classes, Counter(sample.label for sample in dataset.train)
    if not dataset.train:
        raise DataError(
            "{folder} holds no photos to learn from. Expected photos in {folder}/train/CLASS.", folder=folder
        )
    if classes.good is not None and not counts[classes.good]:
        raise DataError(
            "{folder} holds no photos of good parts to learn from, only {counts} of defective ones. "
            "Add photos of good parts in {folder}/train/good.",
            folder=folder,
            counts=counts.total(),
        )
    missing = [name for name in classes.names if not counts[name]]
    if missing and classes.defect is None:
        raise DataError(
            "The train part of {folder} has photos of {counts} only; {missing} has none. Add photos of every class.",
            folder=folder,
            counts=", ".join(sorted(counts)),
            missing=", ".join(missing),
        )
    everything = (*dataset.train, *dataset.calibration, *dataset.test)
    refuse_misfits(everything)
    unseen = not any(sample.label == classes.defect for sample in everything)
    alone = (ONE_CLASS,) if classes.defect is not None and unseen else unmeasured(dataset.test, classes)
    empty = empty_masks((*dataset.train, *dataset.calibration, *dataset.test), classes)
    return (*alone, *empty, *shared_photos(dataset))


def evaluation_part(
    folder: Path, folders: Mapping[str, str], classes: Classes, seeds: Sequence[int] = ()
) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """The photos to measure a trained product on, with notes; folder names mean what they meant in training.

    Where the names are others, the known names for good and bad parts count, and beside good parts every other folder
    is a kind of defect; a DataError where none of that fits. Without a test part the photos are those that training by
    the first of `seeds` has held out.
    """
    if is_collection(folder):
        return _take_test_part(Collection(folder), classes)
    source = read_source(folder)
    part = TEST if source.kinds(TEST) else CALIBRATION if not source.kinds(TRAIN, WHOLE) else ""
    listing = source.kinds(part) if part else source.kinds()
    known, notes = _known_classes(source, listing, folders, classes)
    if strange := sorted({known[name] for name in listing} - set(classes.names)):
        raise DataError(
            "{folder} holds {strange}; this product knows {names}. Rename the folders.",
            folder=folder,
            strange=", ".join(strange),
            names=", ".join(classes.names),
        )
    if not part:
        dataset = find_dataset(folder, {name: known[name] for name in listing}, next(iter(seeds), 0))
        refuse_misfits(dataset.test)
        if not dataset.test:
            raise DataError("{folder} holds no photos to measure on. {notes}", folder=folder, notes=dataset.notes[-1])
        return dataset.test, (*dataset.notes, *empty_masks(dataset.test, classes), *mixed_seeds(seeds))
    notes += source.notes
    samples = _samples(source, known, classes, notes)[part]
    refuse_misfits(samples)
    unknown = (*unmasked(samples, classes), *empty_masks(samples, classes))
    return samples, (*notes, *unknown, *unmeasured(samples, classes))


def _from_collection(collection: Collection) -> Dataset:
    photos = [photo for photo in collection.photos() if not photo.dropped]
    classes = collection.classes()
    if classes is None:
        if not photos:
            raise DataError(
                "The collection {collection} holds no photos. Import photos of every class first.",
                collection=collection.name,
            )
        raise DataError(
            "The collection {collection} holds photos of {label} only. Import photos of every class first.",
            collection=collection.name,
            label=photos[0].label,
        )
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
        notes.append(
            Message(
                "Not used: {waiting} of {photos} photos have no split. Split them first.",
                waiting=waiting,
                photos=len(photos),
            )
        )
    if doubts := len({finding.sha256 for finding in collection.findings() if finding.kind == CONTRADICTION}):
        notes.append(
            Message(
                "Not used: {count} photo has two labels. Decide under Data, Check.",
                "Not used: {count} photos have two labels. Decide under Data, Check.",
                count=doubts,
            )
        )
    train, calibration, test = (tuple(split[name]) for name in SPLITS)
    if not test and not waiting and not calibration and _all_must_teach(train, classes):
        notes.append(all_teach(len(train)))
    elif not test:
        raise DataError(
            "The collection {collection} has no test photos. Split its photos first.", collection=collection.name
        )
    return Dataset(classes, train, test, {name: name for name in classes.names}, tuple(notes), calibration)


def _take_test_part(collection: Collection, classes: Classes) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    dataset = _from_collection(collection)
    if strange := sorted({sample.label for sample in dataset.test} - set(classes.names)):
        raise DataError(
            "The collection {collection} holds {strange}; this product knows {names}. Train it on "
            "this collection first.",
            collection=collection.name,
            strange=", ".join(strange),
            names=", ".join(classes.names),
        )
    empty = empty_masks(dataset.test, classes)
    return dataset.test, (*dataset.notes, *empty, *unmeasured(dataset.test, classes))


def _known_classes(
    source: PhotoSource, names: Sequence[str], folders: Mapping[str, str], classes: Classes
) -> tuple[dict[str, str], list[str]]:
    """What each folder means to a trained product, and a note where that had to be concluded from its neighbours."""
    labels = {name: name for name in classes.names} | dict(folders)
    spelled = {same_name(name): label for name, label in labels.items()}
    everything = source.kinds()
    known = {name: spelled[same_name(name)] for name in everything if same_name(name) in spelled}
    if set(names) <= set(known):
        return known, []
    if classes.good is not None and classes.defect is not None:
        by_name = {name: classes.good for name in everything if is_good(name)}
        known = by_name | {name: classes.defect for name in everything if is_bad(name)} | known
        types = {name: classes.defect for name in names if name not in known}
        if any(known.get(name) == classes.good for name in everything):
            return known | types, [mapping_note(types)] if types else []
        if not types:
            return known, []
    return {name: label or name for name, label in classes_by_name(names).items()}, []


def part_numbers(samples: Sequence[Sample]) -> list[int]:
    """For each photo the number of the very part that it shows: as the sample names it, else as its file name tells."""
    by_file = captured_parts([sample.path for sample in samples])
    keys: list[tuple[bool, str | int, str]] = [  # those that are named come last
        (True, sample.category, sample.part) if sample.part else (False, number, "")
        for sample, number in zip(samples, by_file, strict=True)
    ]
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    return [place[key] for key in keys]


def digest(samples: Iterable[Sample]) -> str:
    """One SHA-256 over labels and bytes of all photos, whatever their order and names: which data a model has seen."""
    lines = sorted(f"{sample.label} {file_digest(sample.path)}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digests(samples: Iterable[Sample]) -> tuple[str, ...]:
    """The SHA-256 of every photo, in order of themselves."""
    return tuple(sorted({file_digest(sample.path) for sample in samples}))


def _folder_classes(source: PhotoSource, table: Mapping[str, str] | None) -> Classes:
    names = tuple(dict.fromkeys((table or {}).values()))
    try:
        return source.classes() if set(names) <= set(OK_NOK.names) else Classes(names)
    except ValueError as error:
        raise DataError("These folders cannot be the classes of a product. {error}", error=error) from error


def _samples(
    source: PhotoSource, meaning: Mapping[str, str], classes: Classes, notes: list[str]
) -> dict[str, tuple[Sample, ...]]:
    """The photos of each part that mean a class; of those that stand under two labels none, which is noted."""
    found: dict[str, list[Sample]] = {part: [] for part in (TRAIN, CALIBRATION, TEST, WHOLE)}
    for entry in source.entries:
        if (label := meaning.get(entry.kind)) is not None:
            found[entry.split].append(_sample(entry, label, classes))
    marked = [(each.mask, True) for each in source.entries if each.mask and meaning.get(each.kind) == classes.good]
    notes += contradictions(marked, GOOD_MARKED)
    before = {sample.label for samples in found.values() for sample in samples}
    groups = under_two_labels((sample.path, sample.label) for samples in found.values() for sample in samples)
    undecided = {path for group in groups for path in group}
    if groups:
        note = two_labels(len(undecided), groups[0])
        left = {sample.label for samples in found.values() for sample in samples if sample.path not in undecided}
        if before - left:
            raise DataError(
                "{note} Nothing is left of {before} in {folder}.",
                note=note,
                before=", ".join(sorted(before - left)),
                folder=source.folder,
            )
        notes.append(note)
    return {part: tuple(each for each in samples if each.path not in undecided) for part, samples in found.items()}


def _sample(entry: FoundPhoto, label: str, classes: Classes) -> Sample:
    if label == classes.good:
        return Sample(entry.path, label, category=entry.category, part=entry.part)
    kind = "/".join(filter(None, (entry.category, entry.defect or entry.kind))) if label == classes.defect else ""
    return Sample(entry.path, label, kind, entry.mask, entry.category, entry.part)


def _hold_out(samples: tuple[Sample, ...], folder: Path, seed: int) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    counts = Counter(sample.label for sample in samples)
    if not samples or min(counts.values()) < 2 or len(samples) * TEST_SHARE <= len(counts) - 1:  # one of each at least
        raise DataError(
            "{folder} holds too few photos to hold some out: {counts}. Add photos of every class.",
            folder=folder,
            counts=dict(counts),
        )
    labels = [sample.label for sample in samples]
    train, test = train_test_split(list(samples), test_size=TEST_SHARE, stratify=labels, random_state=seed)
    return tuple(train), tuple(test)


def _all_must_teach(samples: Sequence[Sample], classes: Classes) -> bool:
    """Whether there are good parts alone, and so few that holding some out would leave too few to learn from."""
    good = sum(sample.label == classes.good for sample in samples)
    return 0 < good == len(samples) and good - ceil(TEST_SHARE * good) < FEWEST_GOOD


def photo_path(product: Path, evidence: Evidence, case: Case) -> Path:
    """Where a case's photo should lie; a DataError where its name leads out of the folder that its evidence names."""
    folder = product / evidence.folder
    return file_of(folder, case.photo) if is_collection(folder) else any_path_below(folder, case.photo, DataError)
