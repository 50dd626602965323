"""The workbench: photos in, what is odd about them, splits; one and the same for screens, notebooks, command line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ensemble.datasets import splits
from ensemble.datasets.collection import Added, CollectedPhoto, Collection, Correction, Finding
from ensemble.datasets.collection.values import SPLIT_WORDS
from ensemble.datasets.white_level import WhiteLevel
from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import read_photo
from ensemble.importers import Problem, Understood, understand
from ensemble.importers.staging import Upload, staged
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message, listed, paragraph
from ensemble.values.training import Progress

FIRST = 3  # problems that are told where nothing came through
PICTURES, PICTURE_SIDE = 3, 320  # of each kind in a preview; pixels


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is to be read: the layout by name, and for metadata the field and the table of its values."""

    layout: str | None = None
    field: str = ""
    table: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What was understood of a source before anything is copied: counts, problems and a few small pictures.

    `counts` by kind and split, `pictures` by kind, JPEG bytes.
    """

    layout: str
    meaning: Mapping[str, str | None]
    counts: Mapping[tuple[str, str], int]
    masks: int
    parts: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    pictures: Mapping[str, tuple[bytes, ...]]

    def photos(self) -> int:
        """How many photos there are."""
        return sum(self.counts.values())

    def of_kind(self, kind: str) -> int:
        """How many photos of a kind there are."""
        return sum(number for (name, _), number in self.counts.items() if name == kind)


def preview_source(source: Path | Iterable[Upload], below: Path, reading: Reading = Reading()) -> Preview:
    """Look at a source without bringing anything in; a DataError says what was expected and what is there."""
    with opened(source, below, reading) as found:
        return Preview(
            found.layout,
            dict(found.meaning),
            dict(Counter((entry.kind, entry.split) for entry in found.entries)),
            sum(entry.is_marked for entry in found.entries),
            len({(entry.category, entry.part) for entry in found.entries if entry.part}),
            found.problems,
            found.notes,
            {kind: tuple(islice(_thumbnails(found, kind), PICTURES)) for kind in found.meaning},
        )


def _thumbnails(found: Understood, kind: str) -> Iterator[bytes]:
    white = WhiteLevel()
    for entry in (entry for entry in found.entries if entry.kind == kind):
        with suppress(PhotoError):  # it is named when it is to come in
            photo = read_photo(entry.path)
            white.add(photo)
            yield thumbnail(photo.seen(white.view).picture, PICTURE_SIDE)


@contextmanager
def opened(source: Path | Iterable[Upload], below: Path, reading: Reading = Reading()) -> Iterator[Understood]:
    """What is understood of a folder, of a zip file, or of uploaded files; its photos can be read inside the block.

    Uploads and zips are laid out in a temporary folder `below`, which is gone afterwards. A DataError says what was
    expected and what is there.
    """
    if isinstance(source, Path) and not source.is_file():
        yield understand(source, layout=reading.layout, field=reading.field, table=reading.table)
        return
    files = [(source.name, source.read_bytes)] if isinstance(source, Path) else source
    with staged(files, below) as laid_out:
        if laid_out.problems and not any(laid_out.folder.iterdir()):
            raise DataError(paragraph(*(problem.reason for problem in laid_out.problems[:FIRST])))
        try:
            found = understand(laid_out.folder, layout=reading.layout, field=reading.field, table=reading.table)
        except DataError as error:
            raise DataError(laid_out.said(error.message)) from error
        notes = tuple(map(laid_out.said, found.notes))
        yield replace(found, notes=notes, problems=(*laid_out.problems, *found.problems))


def bring_into(
    understood: Understood,
    collection: Collection,
    *,
    origin: str,
    meaning: Mapping[str, str | None] | None = None,
    split: str | None = None,
    author: str = "",
    progress: Progress = lambda _stage, _done: None,
) -> Added:
    """Bring understood photos into a collection; files that were refused before count among those refused."""
    added = collection.add(
        understood.entries,
        understood.meaning if meaning is None else meaning,
        origin=origin,
        split=split,
        author=author,
        progress=lambda done, total: progress(Message("Importing"), done / total),
    )
    return replace(added, refused=(*understood.problems, *added.refused))


def look_through(
    collection: Collection,
    *,
    seed: int = 0,
    label_errors: bool = True,
    progress: Progress = lambda _stage, _done: None,
) -> tuple[Finding, ...]:
    """Look for what is odd about the photos that take part, and keep it until somebody decides."""
    classes, photos = collection.classes(), taking_part(collection.photos())
    if classes is None:
        raise DataError(
            "The collection {collection} holds photos of fewer than two classes. Import photos of every class first.",
            collection=collection.name,
        )
    from ensemble.datasets.cleaning import find_issues  # its libraries take seconds to import

    looked = [replace(photo.sample, part=photo.part and f"{photo.category}/{photo.part}") for photo in photos]
    issues = find_issues(looked, classes=classes, seed=seed, label_errors=label_errors, progress=progress)
    collection.keep_findings(issues)
    return collection.findings()


def split_anew(
    collection: Collection,
    shares: Mapping[str, int] = splits.USUAL_SHARES,
    *,
    seed: int = 0,
    copies_together: bool = True,
    author: str = "",
) -> Correction | None:
    """Deal all photos out into splits; photos of one part stay together, and so do copies that were found."""
    photos = taking_part(collection.photos())
    together = collection.copies() if copies_together else []
    assignment = splits.assign([photo.sample for photo in photos], shares, seed, together)
    named = listed(
        Message("{split} {share:.0%}", split=SPLIT_WORDS[name], share=share / 100) for name, share in shares.items()
    )
    reason = Message(
        "{shares}, seed {seed}, {copies}",
        shares=named,
        seed=seed,
        copies=_about_copies(collection, together, wanted=copies_together),
    )
    return collection.split(assignment, reason=reason, author=author)


def _about_copies(collection: Collection, together: Sequence[Iterable[str]], *, wanted: bool) -> str:
    """What a split has done about copies, for its line in the history."""
    if not wanted:
        return Message("duplicates not kept together")
    if not collection.looked_at():
        return Message("duplicates not checked")
    return Message("duplicates together") if together else Message("no duplicates")


def torn(collection: Collection) -> list[list[str]]:
    """Photos that belong together and lie in different splits, group by group."""
    photos = taking_part(collection.photos())
    split_of = {photo.sha256: photo.split for photo in photos}
    return splits.crossing([photo.sample for photo in photos], split_of, collection.copies())


def taking_part(photos: Iterable[CollectedPhoto]) -> list[CollectedPhoto]:
    """The photos that were not dropped."""
    return [photo for photo in photos if not photo.dropped]
