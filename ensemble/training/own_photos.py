"""The photos that a product was trained and measured on, where they still lie as they were."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ensemble.datasets.collection import Added, Collection
from ensemble.datasets.loading import find_dataset
from ensemble.imaging.photos import read_photo_bytes
from ensemble.importers import FoundPhoto
from ensemble.store import ModelStore
from ensemble.training.extending import extended_by
from ensemble.values.errors import PhotoError, QuorumError, StoreError
from ensemble.values.language import Message
from ensemble.values.samples import Sample
from ensemble.values.training import Progress

BROUGHT, MISSING = "own_photos", "own_photos_missing"  # facts of a collection


@dataclass(frozen=True, slots=True)
class OwnPhotos:
    """The photos of a product that were found again, by split, and how many were not.

    `folder` is where they lie: a data folder, or the collection that the product was trained on.
    """

    folder: Path
    samples: Mapping[str, tuple[Sample, ...]]
    missing: int

    @property
    def count(self) -> int:
        """How many were found."""
        return sum(map(len, self.samples.values()))

    @property
    def learnt(self) -> tuple[Sample, ...]:
        """Those that the product was trained on, thresholds included."""
        return tuple(sample for split, samples in self.samples.items() if split != "test" for sample in samples)

    def entries(self) -> list[FoundPhoto]:
        """The photos as they come into a collection: each in its split, its class as its kind."""
        return [
            FoundPhoto(
                sample.path,
                self._name(sample.path),
                sample.label,
                split,
                sample.defect if sample.defect != sample.label else "",
                sample.category,
                sample.part,
                sample.mask,
            )
            for split, samples in self.samples.items()
            for sample in samples
        ]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else path.name


def own_photos(store: ModelStore) -> OwnPhotos:
    """Look for the photos of a product where its evidence says; a StoreError where the product kept no evidence.

    Only the very bytes count: a photo that was changed or replaced is missing.
    """
    evidence, manifest = store.evidence(), store.manifest()
    folder = store.folder / evidence.folder
    test = {case.sha256 for case in evidence.test}
    added = {digest for record in manifest.members.values() for digest in extended_by(record)}  # from anywhere
    learnt = set(evidence.learnt) or {case.sha256 for case in evidence.held_out}  # evidence of before does not say
    found: dict[str, tuple[str, Sample]] = {}  # by SHA-256, its split beside it
    try:
        dataset = find_dataset(folder, dict(manifest.folders) or None, next(iter(manifest.seeds()), 0))
    except QuorumError:  # moved, emptied, laid out anew
        return OwnPhotos(folder, {}, len(test | learnt))
    parts = {"test": dataset.test, "calibration": dataset.calibration, "train": dataset.train}
    for split, samples in parts.items():
        for digest, sample in _own_digests(samples):
            if digest in test:
                found.setdefault(digest, ("test", sample))
            elif digest in learnt:
                found.setdefault(digest, ("train" if split == "test" else split, sample))
    by_split = {name: tuple(sample for split, sample in found.values() if split == name) for name in parts}
    return OwnPhotos(folder, by_split, len((test | learnt) - added - found.keys()))


def _own_digests(samples: Iterable[Sample]) -> Iterator[tuple[str, Sample]]:
    for sample in samples:
        try:
            yield hashlib.sha256(read_photo_bytes(sample.path)).hexdigest(), sample
        except PhotoError:
            continue


def bring_along(
    store: ModelStore, collection: Collection, progress: Progress = lambda _stage, _done: None, author: str = ""
) -> Added:
    """Bring the photos of a product into its collection, each in its split, and note there that it was done.

    Photos that are there already stay as they are; those that are missing are counted in a note.
    """
    progress(Message("Searching the photos of the product"), 0.0)
    found = own_photos(store)
    added = collection.add(
        found.entries(),
        {name: name for name in store.manifest().classes.names},
        origin=Message("Own photos of {product}", product=store.product_name()),
        author=author,
        progress=lambda done, total: progress(Message("Importing the photos of the product"), done / total),
    )
    missing = Message("")
    if found.missing:
        missing = Message(
            "Missing: {missing} of the {photos} photos of {product} (moved or changed since its training).",
            missing=found.missing,
            photos=found.count + found.missing,
            product=store.product_name(),
        )
    collection.note(BROUGHT, store.manifest().evidence)
    collection.note(MISSING, missing)
    return replace(added, notes=(*added.notes, *([missing] if missing else [])))


def is_brought(store: ModelStore, collection: Collection) -> bool:
    """Whether a collection has what can be had of a product's photos: it was trained on it, or they were brought."""
    try:
        evidence = store.evidence()
    except StoreError:  # nothing is known of its photos
        return True
    same = (store.folder / evidence.folder).resolve() == collection.folder.resolve()
    return same or bool(collection.noted(BROUGHT))


def missing_photos(collection: Collection) -> str:
    """The sentence that says how many of a product's own photos could not be brought along, if any."""
    return collection.noted(MISSING)
