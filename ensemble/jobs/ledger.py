"""The book of trainings: one SQLite file, written by their processes and read by everybody.

It keeps SQLite's rollback journal and full synchronisation. A write-ahead log would let readers and the writer work at
once, but there is one short write in half a second here, and it brings shared memory that network folders lack.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ensemble.disk.files import is_full, now, why_not_written
from ensemble.disk.locks import is_held, locked_alone, locked_or_refused
from ensemble.jobs.processes import lives
from ensemble.values.errors import JobError
from ensemble.values.language import as_stored, restored
from ensemble.values.training import TrainingRequest

FOLDER, FILE, LOCK = ".jobs", "jobs.db", ".lock"
JOBS_KEPT = 50  # the newest trainings
LEDGER_PATIENCE = 20.0  # seconds to wait for another writer

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
WORDED = ("stage", "error")  # columns that hold texts for people
OPEN: tuple[JobState, ...] = ("waiting", "running")

_LEDGER_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, settings TEXT NOT NULL, author TEXT NOT NULL, state TEXT NOT NULL,
    pid INTEGER, asked TEXT NOT NULL, started TEXT, ended TEXT, stage TEXT NOT NULL DEFAULT '',
    share REAL NOT NULL DEFAULT 0, seconds_left REAL, curves TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT '', version INTEGER, cancel_asked TEXT, born REAL
);
CREATE TABLE IF NOT EXISTS costs (stage TEXT PRIMARY KEY, seconds_a_photo REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One training: what it was asked, by whom and when (UTC), how far it is, and what became of it.

    `share` of its time is over, 0 to 1; `seconds_left` is None until something is known of it. `curves` are those of
    each member, by name, so far. `version` is the candidate that it has left. `born` is when the process `pid` was
    started, in seconds since 1970.
    """

    id: int
    settings: TrainingRequest
    author: str
    state: JobState
    pid: int | None
    asked: str
    started: str | None
    ended: str | None
    stage: str
    share: float
    seconds_left: float | None
    curves: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    error: str = ""
    version: int | None = None
    cancel_asked: str | None = None
    born: float | None = None

    @property
    def folder(self) -> Path:
        """The product's folder."""
        return Path(self.settings.models)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN


class Ledger:
    """The book below a models folder; a JobError where it cannot be read or written."""

    def __init__(self, root: Path) -> None:
        self.folder = root.resolve() / FOLDER

    def log_path(self, number: int) -> Path:
        """Where the process of a training writes what it says."""
        return self.folder / f"{number}.log"

    def alone(self) -> contextlib.AbstractContextManager[object]:
        """Nobody else starts a training or looks whether one is alive meanwhile."""
        return locked_or_refused(self.folder / LOCK, self.folder, JobError)

    @contextlib.contextmanager
    def under_way(self, number: int) -> Iterator[bool]:
        """This process is that training's for as long as the block runs; False where it is no longer waited for."""
        with contextlib.ExitStack() as held:
            with self.alone():
                is_ours = self.job(number).state == "waiting" and held.enter_context(locked_alone(self._sign(number)))
                if is_ours:
                    self.write(number, state="running", started=now(), pid=os.getpid())
            yield is_ours

    def is_under_way(self, job: Job) -> bool:
        """Whether the process of a training lives; to be asked within `alone`."""
        try:
            is_signed = is_held(self._sign(job.id))
        except OSError as error:
            raise JobError(
                "{folder} cannot be written: {error}", folder=self.folder, error=why_not_written(error, self.folder)
            ) from error
        return is_signed or (job.state == "waiting" and lives(job.pid, job.born))

    def _sign(self, number: int) -> Path:
        return self.folder / f"{number}.lock"

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / FILE
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=LEDGER_PATIENCE, isolation_level=None)) as book:
                book.row_factory = sqlite3.Row
                book.execute("PRAGMA synchronous = FULL")
                yield book
        except sqlite3.Error as error:
            if is_full(error, self.folder):
                raise JobError(
                    "{path} is as it was: {error}", path=path, error=why_not_written(error, self.folder)
                ) from error
            raise JobError(
                "{path} cannot be used ({problem}). Check its permissions and the space; a damaged one may "
                "be moved away when no training runs.",
                path=path,
                problem=error,
            ) from error

    def make(self) -> None:
        """Make the book where there is none."""
        with self._open() as book:
            book.executescript(_LEDGER_TABLES)
            if "born" not in {row["name"] for row in book.execute("PRAGMA table_info(jobs)")}:  # a book of before
                book.execute("ALTER TABLE jobs ADD COLUMN born REAL")

    def jobs(self) -> tuple[Job, ...]:
        """All that are kept, the newest first."""
        with self._open() as book:
            return tuple(_job(row) for row in book.execute("SELECT * FROM jobs ORDER BY id DESC"))

    def job(self, number: int) -> Job:
        """One training; a JobError where there is none of that number."""
        with self._open() as book:
            row = book.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise JobError("There is no training {number} in {folder}.", number=number, folder=self.folder)
        return _job(row)

    def add(self, settings: TrainingRequest, author: str) -> int:
        """A new one that waits for its process; the oldest go, with their logs."""
        with self._open() as book:
            row = (settings.to_json(), author, "waiting", now())
            fresh = "INSERT INTO jobs (settings, author, state, asked) VALUES (?, ?, ?, ?)"
            number = book.execute(fresh, row).lastrowid
            old = book.execute(
                f"SELECT id FROM jobs WHERE state NOT IN {OPEN} ORDER BY id DESC LIMIT -1 OFFSET {JOBS_KEPT - 1}"
            ).fetchall()
            for (each,) in old:
                book.execute("DELETE FROM jobs WHERE id = ?", (each,))
                self.log_path(each).unlink(missing_ok=True)
                self._sign(each).unlink(missing_ok=True)
        assert number is not None
        return number

    def write(self, number: int, **values: Any) -> None:
        """Change fields of one training."""
        if "curves" in values:
            values["curves"] = json.dumps(values["curves"])
        values |= {name: as_stored(values[name]) for name in WORDED if name in values}
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._open() as book:
            book.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*values.values(), number))

    def costs(self) -> dict[str, float]:
        """What stages have taken here, in seconds a photo of the training part."""
        with self._open() as book:
            return {row["stage"]: row["seconds_a_photo"] for row in book.execute("SELECT * FROM costs")}

    def remember_costs(self, costs: Mapping[str, float]) -> None:
        """Keep what stages have taken, for the next one to expect."""
        with self._open() as book:
            book.executemany("REPLACE INTO costs VALUES (?, ?)", costs.items())


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["settings"] = TrainingRequest.from_json(values["settings"])
    values["curves"] = json.loads(values["curves"])
    values |= {name: restored(values[name]) for name in WORDED}
    return Job(**values)
