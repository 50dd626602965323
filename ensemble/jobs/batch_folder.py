"""The folder of one batch: its files until they are judged, and a SQLite book of what was asked and what came of each.

Verdicts are inspections of the history, by their ids; the folder itself holds only those that the history does not.
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ensemble.disk.files import is_full, now, why_not_written
from ensemble.disk.locks import is_held, locked_alone, locked_or_refused
from ensemble.jobs.processes import born, lives
from ensemble.policies import Policy, PolicyBook, from_json
from ensemble.records.values import Source
from ensemble.values.errors import JobError
from ensemble.values.language import as_stored, restored
from ensemble.values.results import Classes

BATCHES, BATCH_BOOK, STAGED_FILES = "batches", "batch.sqlite", "files"
BATCH_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
BATCH_PATIENCE = 20.0  # seconds to wait for another writer
BatchState = Literal["queued", "running", "stopped", "done", "broken"]

_BATCH_TABLES = """
CREATE TABLE batch (
    request TEXT NOT NULL, state TEXT NOT NULL, total INTEGER NOT NULL, asked TEXT NOT NULL, started TEXT, ended TEXT,
    pid INTEGER, born REAL, seconds REAL NOT NULL DEFAULT 0, seconds_left REAL, error TEXT NOT NULL DEFAULT '',
    stop_asked TEXT
);
CREATE TABLE sources (number INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE files (
    place INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, label TEXT NOT NULL, disputed INTEGER NOT NULL,
    inspection TEXT NOT NULL, first INTEGER, error TEXT NOT NULL, stored TEXT NOT NULL, evidence TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a batch is asked for: the product's folder and its name, who decides, and for whom; paths as text.

    `policy` is the policy itself, as JSON: one that is changed meanwhile changes no batch. `fingerprint` tells whether
    the product has changed since.
    """

    models: str
    product: str
    policy: str
    policy_state: int | None
    trial: bool
    demo: bool
    classes: tuple[str, ...]
    defect: str | None
    fingerprint: str = ""
    source: Source = "batch"
    who: str = ""
    zone: str = ""
    trace: Mapping[str, str] = field(default_factory=dict)

    def decides(self) -> Policy:
        """The policy as it was when the batch began."""
        (policy,) = from_json(self.policy).policies
        return replace(policy, state=self.policy_state, trial=self.trial)

    def kinds(self) -> Classes:
        """The classes that its parts may have."""
        return Classes(self.classes, self.defect)

    @staticmethod
    def told(policy: Policy) -> dict[str, Any]:
        """The fields that say who decides."""
        text = PolicyBook((policy,), policy.name).to_json()
        return {"policy": text, "policy_state": policy.state, "trial": policy.trial}


@dataclass(frozen=True, slots=True)
class BatchFile:
    """What came of one file of a batch, by its place among all.

    `inspection` is the id of its verdict in the history; where that does not hold it, it is `stored` here, as JSON.
    `evidence` names photo, small copy and heat map in the batch's own folder, where the history has none. `first` is
    the place of the first file with the same bytes, whose verdict it has. `error` says why it could not be read.
    """

    place: int
    name: str
    sha256: str = ""
    label: str = ""
    disputed: bool = False
    inspection: str = ""
    first: int | None = None
    error: str = ""
    stored: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchJob:
    """One batch: what was asked, when (UTC), how far it is, and what became of it.

    `title` is the name of its first file, `sources` how many there are; `own` is whether verdicts are in its own folder
    alone. `seconds` are those that it was at work.
    """

    id: str
    request: BatchRequest
    state: BatchState
    total: int
    done: int
    asked: str
    started: str | None
    ended: str | None
    pid: int | None
    born: float | None
    seconds: float
    seconds_left: float | None
    error: str
    stop_asked: str | None
    title: str = ""
    sources: int = 0
    own: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it waits or is at work."""
        return self.state in ("queued", "running")

    @property
    def may_go_on(self) -> bool:
        """Whether it has ended before its end, so that it can be resumed."""
        return self.state in ("stopped", "broken")


class BatchFolder:
    """The folder of a batch; a JobError where it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """What the batch is found by, in the history too."""
        return self.folder.name

    @property
    def log_path(self) -> Path:
        """Where its process writes what it says."""
        return self.folder / "log.txt"

    @cached_property
    def request(self) -> BatchRequest:
        """What was asked for; it never changes."""
        return self.job().request

    def alone(self) -> contextlib.AbstractContextManager[object]:
        """Nobody else starts this batch or looks whether it is alive meanwhile."""
        return locked_or_refused(self.folder / ".lock", self.folder, JobError)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[bool]:
        """This process judges the batch for as long as the block runs; False where it is no longer waited for."""
        with contextlib.ExitStack() as held:
            with self.alone():
                is_ours = self.job().state == "queued" and held.enter_context(locked_alone(self._at_work))
                if is_ours:
                    self.write(pid=os.getpid())
            yield is_ours

    def is_under_way(self, job: BatchJob) -> bool:
        """Whether the process of the batch lives; to be asked within `alone`."""
        try:
            return is_held(self._at_work) or (job.state == "queued" and lives(job.pid, job.born))
        except OSError as error:
            raise self._unwritten(error) from error

    @property
    def _at_work(self) -> Path:
        return self.folder / ".at_work"

    def make(self, request: BatchRequest, names: Sequence[str], total: int) -> None:
        """Make the book of a new batch, with the names of its files."""
        with self._open() as book, book:
            book.executescript(_BATCH_TABLES)
            pid = os.getpid()  # whoever lays it out stands for it until its own process does
            row = (json.dumps(asdict(request), ensure_ascii=False), "queued", total, now(), pid, born(pid))
            book.execute("INSERT INTO batch (request, state, total, asked, pid, born) VALUES (?, ?, ?, ?, ?, ?)", row)
            book.executemany("INSERT INTO sources VALUES (?, ?)", enumerate(names))

    def job(self) -> BatchJob:
        """The batch as it stands in its book."""
        with self._open() as book:
            row = book.execute("SELECT * FROM batch").fetchone()
            (done,) = book.execute("SELECT count(*) FROM files").fetchone()
            title, sources = book.execute("SELECT name, count(*) FROM sources").fetchone()
            own = book.execute("SELECT 1 FROM files WHERE stored != '' LIMIT 1").fetchone() is not None
        if row is None:
            raise JobError("{folder} holds no batch. Remove it.", folder=self.folder)
        values = dict(row)
        asked = json.loads(values.pop("request"))
        known = {each.name for each in fields(BatchRequest)}
        request = BatchRequest(**{name: value for name, value in asked.items() if name in known})
        values["request"] = replace(request, classes=tuple(request.classes))
        values["error"] = restored(values["error"])
        return BatchJob(id=self.id, done=done, title=title or "", sources=sources, own=own, **values)

    def sources(self) -> Iterator[tuple[str, Path]]:
        """The files that were brought, in their order: what each is called and where its bytes lie."""
        with self._open() as book:
            found = book.execute("SELECT number, name FROM sources ORDER BY number").fetchall()
        for number, name in found:
            yield name, self.staged_path(number)

    def staged_path(self, number: int) -> Path:
        """Where the bytes of a file lie until all are judged."""
        return self.folder / STAGED_FILES / f"{number:06}"

    def write(self, **values: Any) -> None:
        """Change fields of the batch."""
        with self._open() as book, book:
            _change_batch(book, values)

    def add(self, files: Iterable[BatchFile], **values: Any) -> None:
        """Put down what came of files, and fields of the batch, in one transaction; a place is put down once."""
        rows = [
            (
                *(each.place, each.name, each.sha256, each.label, int(each.disputed), each.inspection, each.first),
                *(as_stored(each.error), each.stored, json.dumps(dict(each.evidence)) if each.evidence else ""),
            )
            for each in files
        ]
        with self._open() as book, book:
            book.executemany("INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            _change_batch(book, values)

    def files(self, places: Sequence[int] | None = None) -> dict[int, BatchFile]:
        """What came of these files, or of all, by their places in order."""
        chosen = "" if places is None else f" WHERE place IN ({','.join('?' * len(places))})"
        with self._open() as book:
            found = book.execute(f"SELECT * FROM files{chosen} ORDER BY place", places or ()).fetchall()
        return {row["place"]: _as_file(row) for row in found}

    def lines(self) -> list[tuple[Any, ...]]:
        """Of each file its place, its name, its label (empty where it was refused), a dispute, and a repetition."""
        wanted = """SELECT a.place, a.name, coalesce(b.label, a.label), coalesce(b.disputed, a.disputed), a.first
            FROM files a LEFT JOIN files b ON b.place = a.first ORDER BY a.place"""
        with self._open() as book:
            found = book.execute(wanted).fetchall()
        return [
            (place, name, label, bool(disputed), first is not None) for place, name, label, disputed, first in found
        ]

    def judged(self) -> dict[str, tuple[int, str]]:
        """The place and the name of photos that have a verdict, by their digests."""
        with self._open() as book:
            found = book.execute("SELECT sha256, place, name FROM files WHERE label != ''").fetchall()
        return {digest: (place, name) for digest, place, name in found}

    def inspected(self) -> set[str]:
        """The ids of all its verdicts in the history, as far as they were put down."""
        with self._open() as book:
            return {called for (called,) in book.execute("SELECT inspection FROM files WHERE inspection != ''")}

    def counts(self) -> dict[str, int]:
        """How many files have which label, by the policy that it began with; those that were refused have none."""
        found: dict[str, int] = {}
        for _place, _name, label, _disputed, _repeated in self.lines():
            found[label] = found.get(label, 0) + 1
        return found

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / BATCH_BOOK
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=BATCH_PATIENCE)) as book:
                book.row_factory = sqlite3.Row
                book.execute("PRAGMA synchronous = FULL")
                yield book
        except sqlite3.Error as error:
            if is_full(error, self.folder):
                raise self._unwritten(error) from error
            raise JobError(
                "{path} cannot be used ({problem}). Check its permissions and the space.", path=path, problem=error
            ) from error

    def _unwritten(self, error: Exception) -> JobError:
        why = why_not_written(error, self.folder)
        return JobError("{folder} cannot be written: {problem}", folder=self.folder, problem=why)


def _change_batch(book: sqlite3.Connection, values: dict[str, Any]) -> None:
    if values:
        values |= {"error": as_stored(values["error"])} if "error" in values else {}
        book.execute(f"UPDATE batch SET {', '.join(f'{name} = ?' for name in values)}", tuple(values.values()))


def _as_file(row: sqlite3.Row) -> BatchFile:
    values = dict(row)
    values |= {"disputed": bool(row["disputed"]), "error": restored(row["error"])}
    return BatchFile(**values | {"evidence": json.loads(row["evidence"]) if row["evidence"] else {}})
