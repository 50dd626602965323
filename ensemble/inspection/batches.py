"""Many files, one verdict each: a bad one is named, a repeated one is judged once, and no decoded photo is kept."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import MAX_PIXELS, Photo, open_photo
from ensemble.importers.archives import ZipEntry, inner_paths, read_archive
from ensemble.importers.staging import Upload
from ensemble.inspection.exports import as_csv, heading
from ensemble.policies import Policy
from ensemble.records.recording import Inspected
from ensemble.values.errors import ArchiveError, PhotoError
from ensemble.values.results import SCORE_FIELDS, AnomalyMap, Verdict
from ensemble.values.safe_names import shown

INSPECTED_AT_ONCE = 8  # photos at a time: enough to share a backbone's pass, few enough for a progress bar that moves
TILE_SIDE = 320  # pixels of a small copy: those of a tile on a screen of twice the density
Inspect = Callable[[Sequence[Photo]], Sequence[Verdict]]
KeepVerdicts = Callable[[Sequence[Inspected]], Sequence[Verdict]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One file of a batch with its verdict, or with the sentence that refuses it.

    `repeats` names the first photo of the batch that has the very same bytes; `thumbnail` is a small JPEG. `data`, the
    file's bytes, and the heat may be let go: of thousands of photos they would fill the memory.
    """

    name: str
    verdict: Verdict | None = None
    error: str = ""
    repeats: str = ""
    thumbnail: bytes = field(default=b"", repr=False)
    data: bytes = field(default=b"", repr=False)
    anomaly_map: AnomalyMap | None = field(default=None, repr=False)

    @property
    def disputed(self) -> bool:
        """Whether the members who voted do not all say the same."""
        return self.verdict is not None and len({vote.label for vote in self.verdict.votes}) > 1

    @property
    def nbytes(self) -> int:
        """What the photo itself takes of the memory, which may be let go."""
        return len(self.data) + (0 if self.anomaly_map is None else self.anomaly_map.values.nbytes)

    def without_photo(self) -> "Judged":
        """The same without what can be let go."""
        return replace(self, data=b"", anomaly_map=None)


_Opened = tuple[ZipEntry, Photo | str]  # a file, and its photo or the sentence that refuses it


def batch_entries(files: Iterable[Upload]) -> Iterator[ZipEntry]:
    """Files as entries, read one at a time; of a zip what is in it, and a zip that is refused as the one bad entry."""
    for name, read in files:
        label = shown(name)
        if not _is_zip(name):
            yield ZipEntry(label, read())
            continue
        try:
            for entry in read_archive(read()):
                yield ZipEntry(f"{label}/{entry.name}", entry.data, entry.problem)
        except ArchiveError as error:
            yield ZipEntry(label, problem=error.message)


def count(files: Iterable[Upload]) -> int:
    """How many entries `entries` will give, for a progress bar."""
    return sum(_count_in(read()) if _is_zip(name) else 1 for name, read in files)


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _count_in(data: bytes) -> int:
    try:
        return len(inner_paths(data))
    except ArchiveError:
        return 1


def judge(entries: Iterable[ZipEntry], inspect: Inspect, keep: KeepVerdicts | None = None) -> Iterator[Judged]:
    """Give every entry its verdict or its refusal, in order; at most one chunk of full pictures is in memory.

    `keep` puts the verdicts of a chunk into the history and gives them back.
    """
    known: dict[str, Judged] = {}
    for chunk in _chunks(entries):
        photos = {photo.sha256: photo for _, photo in chunk if isinstance(photo, Photo)}
        fresh = {digest: photo for digest, photo in photos.items() if digest not in known}
        verdicts = dict(zip(fresh, inspect(list(fresh.values())) if fresh else (), strict=True))
        if keep is not None:
            named = {photo.sha256: (photo, entry) for entry, photo in reversed(chunk) if isinstance(photo, Photo)}
            kept = keep([_as_inspected(*named[digest], verdict) for digest, verdict in verdicts.items()])
            verdicts = dict(zip(verdicts, kept, strict=True))
        for entry, photo in chunk:
            if isinstance(photo, str):
                yield Judged(entry.name, error=photo)
                continue
            anomaly_map = verdicts[photo.sha256].anomaly_map if photo.sha256 in verdicts else None
            if photo.sha256 in known:
                row = _repeat(known[photo.sha256], entry.name)
            else:
                verdict = replace(_without_anomaly_map(verdicts[photo.sha256]), photo=entry.name)
                row = Judged(entry.name, verdict, thumbnail=thumbnail(photo.picture, TILE_SIDE))
                known[photo.sha256] = row
            yield replace(row, data=entry.data or b"", anomaly_map=anomaly_map)


def _as_inspected(photo: Photo, entry: ZipEntry, verdict: Verdict) -> Inspected:
    return Inspected(photo, entry.data or b"", replace(verdict, photo=entry.name))


def _without_anomaly_map(verdict: Verdict) -> Verdict:
    """The verdict with its regions and no maps: of thousands of photos they would fill the memory."""
    return replace(verdict, anomaly_map=None, votes=tuple(replace(vote, anomaly_map=None) for vote in verdict.votes))


def _repeat(first: Judged, name: str) -> Judged:
    verdict = None if first.verdict is None else replace(first.verdict, photo=name)
    return replace(first, name=name, verdict=verdict, repeats=first.name)


def _chunks(entries: Iterable[ZipEntry]) -> Iterator[list[_Opened]]:
    chunk: list[_Opened] = []
    pixels = 0
    for entry in entries:
        photo = _opened_upload(entry)
        chunk.append((entry, photo))
        if isinstance(photo, Photo):
            pixels += photo.picture.width * photo.picture.height
        if len(chunk) == INSPECTED_AT_ONCE or pixels > MAX_PIXELS:
            yield chunk
            chunk, pixels = [], 0
    if chunk:
        yield chunk


def _opened_upload(entry: ZipEntry) -> Photo | str:
    if entry.data is None:
        return entry.problem or ""
    try:
        return open_photo(entry.data, entry.name)
    except PhotoError as error:
        return error.message


def decided_by(policy: Policy, rows: Iterable[Judged]) -> list[Judged]:
    """The same votes under another policy: no model runs again."""
    return [replace(row, verdict=policy.revise(row.verdict)) if row.verdict else row for row in rows]


def batch_csv(rows: Sequence[Judged], *, demo: bool) -> bytes:
    """A batch as CSV: one line a file, one column a member with its vote and its score, regions as JSON.

    Its columns are called in the reader's language.
    """
    members = list(dict.fromkeys(vote.member for row in rows if row.verdict for vote in row.verdict.votes))
    first = ("photo", "sha256", "verdict", "confidence", *SCORE_FIELDS, "reason")
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
    cells = [_batch_cells(row) | {"demo": "DEMO" if demo else ""} for row in rows]
    return as_csv((*first, *members, *last), cells, heading)


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
        "model_version": verdict.origin.version,
        "policy_state": verdict.policy_state,
        "trial": "TRIAL" if verdict.trial else "",
    }
