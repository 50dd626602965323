"""The folder of a job that can be stopped and resumed: a SQLite book of what was asked, how far it is, and who works.

Each kind of job is a subclass, which adds tables of what came of it.
"""

import contextlib
import os
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from ensemble.disk.files import is_full, now, why_not_written
from ensemble.disk.locks import is_held, locked_alone, locked_or_refused
from ensemble.jobs.processes import born, lives
from ensemble.values.errors import JobError
from ensemble.values.language import as_stored, restored

JOB_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")  # what `new_job_name` gives
BOOK_PATIENCE = 20.0  # seconds to wait for another writer
FolderState = Literal["queued", "running", "stopped", "done", "broken"]

_JOB_COLUMNS = """
    request TEXT NOT NULL, state TEXT NOT NULL, total INTEGER NOT NULL, asked TEXT NOT NULL, started TEXT, ended TEXT,
    pid INTEGER, born REAL, seconds REAL NOT NULL DEFAULT 0, seconds_left REAL, error TEXT NOT NULL DEFAULT '',
    stop_asked TEXT
"""


@dataclass(frozen=True, slots=True)
class FolderJob:
    """One job: when it was asked (UTC), how far it is, and what became of it.

    `seconds` are those that it was at work.
    """

    id: str
    state: FolderState
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

    @property
    def is_open(self) -> bool:
        """Whether it waits or is at work."""
        return self.state in ("queued", "running")

    @property
    def may_go_on(self) -> bool:
        """Whether it has ended before its end, so that it can be resumed."""
        return self.state in ("stopped", "broken")


class JobFolder(ABC):
    """The folder of a job; a JobError where it cannot be read or written."""

    book: ClassVar[str]  # the file of its book
    table: ClassVar[str]  # where that tells of the job
    done_table: ClassVar[str]  # where that has a row for each thing that is done
    worker: ClassVar[str]  # the module that is its process

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """What the job is found by."""
        return self.folder.name

    @property
    def log_path(self) -> Path:
        """Where its process writes what it says."""
        return self.folder / "log.txt"

    @abstractmethod
    def job(self) -> FolderJob:
        """The job as it stands in its book."""
        ...

    @abstractmethod
    def was_ended(self, job: FolderJob) -> str:
        """What is said of one whose process was ended before its end."""
        ...

    @abstractmethod
    def broke_off(self, job: FolderJob, why: str) -> str:
        """What is said of one that could not go on."""
        ...

    @abstractmethod
    def tidy(self) -> None:
        """Remove what is not needed once all is done."""
        ...

    def alone(self) -> contextlib.AbstractContextManager[object]:
        """Nobody else starts this job or looks whether it is alive meanwhile."""
        return locked_or_refused(self.folder / ".lock", self.folder, JobError)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[bool]:
        """This process does the job for as long as the block runs; False where it is no longer waited for."""
        with contextlib.ExitStack() as held:
            with self.alone():
                is_ours = self.job().state == "queued" and held.enter_context(locked_alone(self._at_work))
                if is_ours:
                    self.write(pid=os.getpid())
            yield is_ours

    def is_under_way(self, job: FolderJob) -> bool:
        """Whether the process of the job lives; to be asked within `alone`."""
        try:
            return is_held(self._at_work) or (job.state == "queued" and lives(job.pid, job.born))
        except OSError as error:
            raise self._unwritten(error) from error

    @property
    def _at_work(self) -> Path:
        return self.folder / ".at_work"

    def write(self, **values: Any) -> None:
        """Change fields of the job."""
        with self._open() as book, book:
            self._change(book, values)

    def _lay_out(self, book: sqlite3.Connection, tables: str, request: str, total: int) -> None:
        """Make the tables of a new job that waits, within a transaction."""
        book.executescript(f"CREATE TABLE {self.table} ({_JOB_COLUMNS});\n{tables}")
        pid = os.getpid()  # whoever lays it out stands for it until its own process does
        names = "request, state, total, asked, pid, born"
        row = (request, "queued", total, now(), pid, born(pid))
        book.execute(f"INSERT INTO {self.table} ({names}) VALUES (?, ?, ?, ?, ?, ?)", row)

    def _values(self, book: sqlite3.Connection) -> dict[str, Any]:
        """The fields of the job, and how much of it is done."""
        row = book.execute(f"SELECT * FROM {self.table}").fetchone()
        if row is None:
            raise JobError("{folder} holds no job. Remove it.", folder=self.folder)
        (done,) = book.execute(f"SELECT count(*) FROM {self.done_table}").fetchone()
        return {**dict(row), "id": self.id, "done": done, "error": restored(row["error"])}

    def _change(self, book: sqlite3.Connection, values: Mapping[str, Any]) -> None:
        if values:
            stored = {**values, **({"error": as_stored(values["error"])} if "error" in values else {})}
            changes = ", ".join(f"{name} = ?" for name in stored)
            book.execute(f"UPDATE {self.table} SET {changes}", tuple(stored.values()))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / self.book
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=BOOK_PATIENCE)) as book:
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
