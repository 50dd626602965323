"""The folder of one batch: its files until they are judged, and a SQLite book of what was asked and what came of each.

Verdicts are inspections of the history, by their ids; the folder itself holds only those that the history does not.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ensemble.jobs.job_folder import FolderJob, JobFolder
from ensemble.policies import Policy, PolicyBook, from_json
from ensemble.records.values import Source
from ensemble.values.language import Message, as_stored, restored
from ensemble.values.results import Classes

BATCHES, BATCH_BOOK, STAGED_FILES = "batches", "batch.sqlite", "files"

_BATCH_TABLES = """
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
class BatchJob(FolderJob):
    """One batch: also what was asked, and its files.

    `title` is the name of its first file, `sources` how many there are; `own` is whether verdicts are in its own folder
    alone.
    """

    request: BatchRequest
    title: str = ""
    sources: int = 0
    own: bool = False


class BatchFolder(JobFolder):
    """The folder of a batch; a JobError where it cannot be read or written."""

    book, table, done_table = BATCH_BOOK, "batch", "files"
    worker = "ensemble.jobs.batch_worker"

    @cached_property
    def request(self) -> BatchRequest:
        """What was asked for; it never changes."""
        return self.job().request

    def was_ended(self, job: FolderJob) -> str:
        """What is said of a batch whose process was ended before its end."""
        return Message(
            "Its process was ended after {done} of {total} files. Resume it: nothing is judged twice.",
            done=job.done,
            total=job.total,
        )

    def broke_off(self, job: FolderJob, why: str) -> str:
        """What is said of a batch that could not go on."""
        return Message(
            "It broke off after {done} of {total} files; what was judged stays. {why}",
            done=job.done,
            total=job.total,
            why=why,
        )

    def tidy(self) -> None:
        """Remove the files that were brought, once all are judged."""
        shutil.rmtree(self.folder / STAGED_FILES, ignore_errors=True)

    def make(self, request: BatchRequest, names: Sequence[str], total: int) -> None:
        """Make the book of a new batch, with the names of its files."""
        with self._open() as book, book:
            self._lay_out(book, _BATCH_TABLES, json.dumps(asdict(request), ensure_ascii=False), total)
            book.executemany("INSERT INTO sources VALUES (?, ?)", enumerate(names))

    def job(self) -> BatchJob:
        """The batch as it stands in its book."""
        with self._open() as book:
            values = self._values(book)
            title, sources = book.execute("SELECT name, count(*) FROM sources").fetchone()
            own = book.execute("SELECT 1 FROM files WHERE stored != '' LIMIT 1").fetchone() is not None
        asked = json.loads(values.pop("request"))
        known = {each.name for each in fields(BatchRequest)}
        request = BatchRequest(**{name: value for name, value in asked.items() if name in known})
        request = replace(request, classes=tuple(request.classes))
        return BatchJob(request=request, title=title or "", sources=sources, own=own, **values)

    def sources(self) -> Iterator[tuple[str, Path]]:
        """The files that were brought, in their order: what each is called and where its bytes lie."""
        with self._open() as book:
            found = book.execute("SELECT number, name FROM sources ORDER BY number").fetchall()
        for number, name in found:
            yield name, self.staged_path(number)

    def staged_path(self, number: int) -> Path:
        """Where the bytes of a file lie until all are judged."""
        return self.folder / STAGED_FILES / f"{number:06}"

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
            self._change(book, values)

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


def _as_file(row: sqlite3.Row) -> BatchFile:
    values = dict(row)
    values |= {"disputed": bool(row["disputed"]), "error": restored(row["error"])}
    return BatchFile(**values | {"evidence": json.loads(row["evidence"]) if row["evidence"] else {}})
