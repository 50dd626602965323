"""A batch whose photos are judged elsewhere: what is told at once, what is sent, and what comes back, each once."""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ensemble.imaging.photos import open_photo
from ensemble.importers.archives import ZipEntry
from ensemble.inspection.batches import INSPECTED_AT_ONCE, Judged, KeepVerdicts, batch_entries, is_zip
from ensemble.jobs.batch_folder import STAGED_FILES, BatchFolder
from ensemble.records.recording import Inspected
from ensemble.values.errors import JobError, PhotoError
from ensemble.values.results import Verdict


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo that is judged elsewhere: its place, its name, its digest, and where its bytes lie on this machine."""

    place: int
    name: str
    sha256: str
    path: Path


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """What comes back of one photo: its verdict with the heat map and a small copy, or the sentence that refuses it."""

    place: int
    verdict: Verdict | None = None
    small: bytes = field(default=b"", repr=False)
    error: str = ""


class SpreadBatch:
    """What is left of a batch, and where its answers are put together; an answer that comes twice counts once.

    `told` are files that nobody needs to judge: those that cannot be read, and repetitions of a photo judged before.
    `chunks` are the others, as many at a time as are judged together here, so that a backbone sees the same batches.
    """

    def __init__(self, folder: BatchFolder, done: Container[int]) -> None:
        self.told: list[Judged] = []
        self.chunks: list[list[SentPhoto]] = []
        self._known = folder.judged()  # the place and the name of photos that have a verdict, by their digests
        self._open: dict[int, SentPhoto] = {}
        self._repeated: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._lay_out(folder, done)

    def _lay_out(self, folder: BatchFolder, done: Container[int]) -> None:
        sent: dict[str, int] = {}
        for number, (place, entry, path) in enumerate(_entries_left(folder, done)):
            if number % INSPECTED_AT_ONCE == 0:
                self.chunks.append([])
            if entry.data is None:
                self.told.append(Judged(entry.name, error=entry.problem or "", place=place))
                continue
            digest = sha256(entry.data).hexdigest()
            if digest in self._known:
                self.told.append(self._repetition(place, entry.name, digest))
            elif digest in sent:
                self._repeated[digest].append((place, entry.name))
            else:
                sent[digest] = place
                self._open[place] = SentPhoto(place, entry.name, digest, path or _put_aside(folder, place, entry.data))
                self.chunks[-1].append(self._open[place])
        self.chunks = [chunk for chunk in self.chunks if chunk]

    def rows(self, answers: Sequence[RemoteAnswer], keep: KeepVerdicts) -> list[Judged]:
        """The files that these answers settle, with repetitions; their verdicts are kept in one transaction."""
        fresh = [(self._open.pop(answer.place), answer) for answer in answers if answer.place in self._open]
        judged = [
            Inspected(None, photo.path.read_bytes(), answer.verdict, place=photo.place, small=answer.small)
            for photo, answer in fresh
            if answer.verdict is not None
        ]
        kept = {each.place: verdict for each, verdict in zip(judged, keep(judged) if judged else (), strict=True)}
        rows = []
        for photo, answer in fresh:
            verdict = kept.get(photo.place)
            rows.append(Judged(photo.name, verdict, answer.error, place=photo.place))
            if verdict is not None:
                self._known[photo.sha256] = photo.place, photo.name
            for place, name in self._repeated.pop(photo.sha256, ()):
                refused = Judged(name, error=_refusal(photo, name, answer.error), place=place)
                rows.append(refused if verdict is None else self._repetition(place, name, photo.sha256))
        return rows

    def check_whole(self) -> None:
        """Raise a JobError where photos were sent and no answer has come."""
        if self._open:
            raise JobError("Not every photo came back with an answer. Resume it: nothing is judged twice.")

    def _repetition(self, place: int, name: str, digest: str) -> Judged:
        first, first_name = self._known[digest]
        return Judged(name, repeats=first_name, place=place, first=first)


def _entries_left(folder: BatchFolder, done: Container[int]) -> Iterator[tuple[int, ZipEntry, Path | None]]:
    """Of each file that is left its place, its bytes, and where these lie as they are; nowhere if they are in a zip."""
    place = 0
    for name, path in folder.sources():
        zipped = is_zip(name)
        if not zipped and place in done:  # it need not be read
            place += 1
            continue
        for entry in batch_entries([(name, path)]):
            if place not in done:
                yield place, entry, None if zipped else path
            place += 1


def _put_aside(folder: BatchFolder, place: int, data: bytes) -> Path:
    """A file out of a zip for itself, so that any of them can be read again; it goes with those that were brought."""
    path = folder.folder / STAGED_FILES / f"entry-{place:06}"
    path.write_bytes(data)
    return path


def _refusal(photo: SentPhoto, name: str, error: str) -> str:
    """Why the very same bytes cannot be read, under another name."""
    try:
        open_photo(photo.path.read_bytes(), name)
    except PhotoError as refused:
        return refused.message
    return error
