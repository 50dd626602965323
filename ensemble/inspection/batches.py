"""Many files, one verdict each: a bad one is named, a repeated one is judged once, and no decoded photo is kept."""

import io
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from ensemble.imaging.photos import MAX_PIXELS, Photo, open_photo, read_photo_bytes
from ensemble.importers.archives import ZipEntry, inner_paths, read_archive
from ensemble.inspection.ahead import PixelRoom, declared_pixels, decoded_ahead, one_ahead
from ensemble.inspection.exports import as_csv, heading
from ensemble.records.recording import Inspected
from ensemble.values.errors import ArchiveError, PhotoError
from ensemble.values.results import RESIDUAL, SCORE_FIELDS, AnomalyMap, Verdict
from ensemble.values.safe_names import shown
from ensemble.values.view import AS_IT_IS, View

INSPECTED_AT_ONCE = 8  # photos at a time: enough to share a backbone's pass, few enough for a progress bar that moves
Inspect = Callable[[Sequence[Photo]], Sequence[Verdict]]
KeepVerdicts = Callable[[Sequence[Inspected]], Sequence[Verdict]]
Named = tuple[str, Path]  # what a file is called, and where its bytes lie


@dataclass(frozen=True, slots=True)
class Judged:
    """One file of a batch with its verdict, or with the sentence that refuses it.

    `place` is its place among all files. `repeats` names the first photo of the batch that has the very same bytes, and
    `first` is that one's place: it is judged once. `thumbnail` is a small JPEG, `data` the file's bytes.
    """

    name: str
    verdict: Verdict | None = None
    error: str = ""
    repeats: str = ""
    thumbnail: bytes = field(default=b"", repr=False)
    data: bytes = field(default=b"", repr=False)
    anomaly_map: AnomalyMap | None = field(default=None, repr=False)
    place: int = 0
    first: int | None = None

    @property
    def disputed(self) -> bool:
        """Whether the members who voted do not all say the same."""
        return self.verdict is not None and len({vote.label for vote in self.verdict.votes}) > 1


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file at its place, its photo or the sentence that refuses it, and how much room that takes."""

    place: int
    entry: ZipEntry
    photo: Photo | str
    pixels: int


def batch_entries(files: Iterable[Named]) -> Iterator[ZipEntry]:
    """Files as entries, read one at a time; of a zip what is in it, and a zip that is refused as the one bad entry."""
    for name, path in files:
        label = shown(name)
        try:
            if not is_zip(name):
                yield ZipEntry(label, read_photo_bytes(path))
                continue
            for entry in read_archive(path):
                yield ZipEntry(f"{label}/{entry.name}", entry.data, entry.problem)
        except (ArchiveError, PhotoError) as error:
            yield ZipEntry(label, problem=error.message)


def count(files: Iterable[Named]) -> int:
    """How many entries `batch_entries` will give, for a progress bar."""
    return sum(_count_in(path) if is_zip(name) else 1 for name, path in files)


def is_zip(name: str) -> bool:
    """Whether a file is opened as a zip, by its name."""
    return name.lower().endswith(".zip")


def _count_in(path: Path) -> int:
    try:
        return len(inner_paths(path))
    except ArchiveError:
        return 1


def judge(
    entries: Iterable[tuple[int, ZipEntry]],
    inspect: Inspect,
    keep: KeepVerdicts | None = None,
    known: dict[str, tuple[int, str]] | None = None,
    view: View = AS_IT_IS,
) -> Generator[list[Judged], None, None]:
    """Give every entry at its place a verdict or a refusal, a chunk at a time.

    Photos are decoded ahead in threads, as `view` says, and a chunk is inspected in another while the last one is kept;
    no more full pictures are in memory than `PixelRoom` has room for. `keep` puts the verdicts of a chunk into the
    history and gives them back. `known` has the place and the name of the photos that were judged before, by their
    digests: a photo of the same bytes comes without a verdict of its own.
    """
    known, room = {} if known is None else known, PixelRoom(2 * MAX_PIXELS)
    decode = partial(_opened_upload, view=view)
    opened = decoded_ahead(entries, decode, lambda each: declared_pixels(each[1].data), room)
    inspected = one_ahead(_inspected_chunks(_chunks(opened), inspect, dict(known)))
    try:
        for chunk, judged in inspected:
            kept = keep(judged) if keep is not None and judged else [each.verdict for each in judged]
            named = {each.place: (each, verdict) for each, verdict in zip(judged, kept, strict=True)}
            known |= {
                each.verdict.sha256: (each.place, each.verdict.photo) for each in judged if each.place is not None
            }
            yield [_judged_row(each, named.get(each.place), known) for each in chunk]
            room.give_back(sum(each.pixels for each in chunk))
            del chunk, judged, kept, named
    finally:
        room.lift()
        inspected.close()


def _inspected_chunks(
    chunks: Iterable[list[_Opened]], inspect: Inspect, known: dict[str, tuple[int, str]]
) -> Iterator[tuple[list[_Opened], list[Inspected]]]:
    """Each chunk with the verdicts on those of its photos that came nowhere before."""
    seen = set(known)
    for chunk in chunks:
        fresh: dict[str, tuple[Photo, _Opened]] = {}
        for each in chunk:
            if isinstance(each.photo, Photo) and each.photo.sha256 not in seen:
                fresh.setdefault(each.photo.sha256, (each.photo, each))
        verdicts = inspect([photo for photo, _ in fresh.values()]) if fresh else ()
        seen |= set(fresh)
        yield (
            chunk,
            [
                Inspected(photo, each.entry.data or b"", replace(verdict, photo=each.entry.name), place=each.place)
                for (photo, each), verdict in zip(fresh.values(), verdicts, strict=True)
            ],
        )


def _judged_row(opened: _Opened, judged: tuple[Inspected, Verdict] | None, known: dict[str, tuple[int, str]]) -> Judged:
    name, place = opened.entry.name, opened.place
    if isinstance(opened.photo, str):
        return Judged(name, error=opened.photo, place=place)
    if judged is None:
        first, first_name = known[opened.photo.sha256]
        return Judged(name, repeats=first_name, place=place, first=first)
    found, verdict = judged
    return Judged(name, _without_anomaly_map(verdict), data=found.data, anomaly_map=verdict.anomaly_map, place=place)


def _without_anomaly_map(verdict: Verdict) -> Verdict:
    """The verdict with its regions and no maps: of thousands of photos they would fill the memory."""
    return replace(verdict, anomaly_map=None, votes=tuple(replace(vote, anomaly_map=None) for vote in verdict.votes))


def _chunks(opened: Iterable[_Opened]) -> Iterator[list[_Opened]]:
    chunk: list[_Opened] = []
    for each in opened:
        chunk.append(each)
        if len(chunk) == INSPECTED_AT_ONCE or sum(each.pixels for each in chunk) > MAX_PIXELS:
            yield chunk
            chunk = []
        del each
    if chunk:
        yield chunk


def _opened_upload(placed: tuple[int, ZipEntry], pixels: int, view: View) -> _Opened:
    place, entry = placed
    photo: Photo | str = entry.problem or ""
    if entry.data is not None:
        try:
            photo = open_photo(entry.data, entry.name, view)
        except PhotoError as error:
            photo = error.message
    return _Opened(place, entry, photo, pixels)


@dataclass(frozen=True, slots=True)
class PartOfFile:
    """What a table says beside a file of the part that it shows."""

    part: str
    view: str
    part_verdict: str
    part_reason: str


PartsOfFiles = Mapping[int, PartOfFile]  # by the places of files
NO_PARTS: PartsOfFiles = MappingProxyType({})
PART_COLUMNS = tuple(each.name for each in fields(PartOfFile))


def batch_table(
    rows: Iterable[Judged], *, demo: bool, parts: PartsOfFiles = NO_PARTS
) -> tuple[tuple[str, ...], list[dict[str, object]]]:
    """A batch as columns and one line a file: a column a member with its vote and its score, regions as JSON.

    Where files show parts of several views, each line says the verdict on its part too.
    """
    members: dict[str, None] = {}
    lines = []
    for row in rows:
        members |= dict.fromkeys(vote.member for vote in row.verdict.votes) if row.verdict else {}
        beside = asdict(parts[row.place]) if row.place in parts else {}
        lines.append(_batch_cells(row) | beside | {"demo": "DEMO" if demo else ""})
    first = ("photo", "sha256", "verdict", *(PART_COLUMNS if parts else ()), "confidence", *SCORE_FIELDS, "reason")
    last = (
        "regions",
        "same_as",
        "error",
        "policy",
        "demo",
        "word",
        "time",
        "product",
        "model_version",
        "policy_state",
        "trial",
    )
    aligned = (RESIDUAL,) if any(RESIDUAL in line for line in lines) else ()
    return (*first, *members, *last, *aligned), lines


def batch_csv(rows: Iterable[Judged], *, demo: bool, parts: PartsOfFiles = NO_PARTS) -> bytes:
    """A batch as CSV, its columns called in the reader's language."""
    return as_csv(*batch_table(rows, demo=demo, parts=parts), heading)


def batch_parquet(rows: Iterable[Judged], *, demo: bool, parts: PartsOfFiles = NO_PARTS) -> bytes:
    """The same columns and lines as Parquet, every cell a text."""
    import pandas as pd

    columns, lines = batch_table(rows, demo=demo, parts=parts)
    stream = io.BytesIO()
    texts = [{name: str(line.get(name) if line.get(name) is not None else "") for name in columns} for line in lines]
    pd.DataFrame(texts, columns=list(columns), dtype="str").to_parquet(stream, index=False)
    return stream.getvalue()


def _batch_cells(row: Judged) -> dict[str, object]:
    if row.verdict is None:
        return {"photo": row.name, "error": row.error}
    verdict, stored = row.verdict, row.verdict.as_json()
    votes: dict[str, object] = {vote.member: f"{vote.label} {vote.score:.4f}" for vote in verdict.votes}
    return votes | {
        "photo": row.name,
        "sha256": verdict.sha256,
        "verdict": verdict.label,
        "confidence": "" if verdict.confidence is None else f"{verdict.confidence:.4f}",
        **{name: "" if stored[name] is None else stored[name] for name in SCORE_FIELDS},
        "reason": verdict.reason,
        "regions": json.dumps([region.as_json(verdict.size) for region in verdict.regions], ensure_ascii=False),
        "same_as": row.repeats,
        "policy": verdict.policy,
        "word": verdict.word,
        "time": verdict.origin.time,
        "product": verdict.origin.product,
        **({} if verdict.residual is None else {RESIDUAL: verdict.residual}),
        "model_version": verdict.origin.version,
        "policy_state": verdict.policy_state,
        "trial": "TRIAL" if verdict.trial else "",
    }
