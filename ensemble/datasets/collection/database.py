"""The SQLite file of a collection: its tables, and one way in."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ensemble.disk.files import is_full, why_not_written
from ensemble.disk.locks import locked
from ensemble.values.errors import DataError
from ensemble.values.safe_names import clean_parts

FILE, LOCK = "collection.db", ".lock"
COLLECTION_FORMAT = 1
WRITER_PATIENCE = 30.0  # seconds to wait for another writer
SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE photos (
    sha256 TEXT PRIMARY KEY, file TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, split TEXT NOT NULL,
    defect TEXT NOT NULL, category TEXT NOT NULL, part TEXT NOT NULL, mask TEXT NOT NULL, dropped INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, added_at TEXT NOT NULL, origin TEXT NOT NULL
) STRICT;
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, author TEXT NOT NULL, action TEXT NOT NULL,
    reason TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE findings (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, sha256 TEXT NOT NULL, others TEXT NOT NULL, score REAL NOT NULL,
    sentence TEXT NOT NULL, suggestion TEXT NOT NULL
) STRICT;
CREATE TABLE kept (key TEXT PRIMARY KEY) STRICT;
CREATE TABLE mistakes (
    sha256 TEXT PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, verdict TEXT NOT NULL, at TEXT NOT NULL,
    author TEXT NOT NULL
) STRICT;
"""


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection to read by, closed afterwards; a DataError where the file is not there, none of ours or damaged."""
    if not is_collection(folder):
        raise DataError("{folder} holds no collection. Import photos into it first.", folder=folder)
    with _errors(folder), _connected(folder) as connection:
        yield connection


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """One transaction: all that is done in it is there afterwards, or nothing; writers take turns, of other processes
    too."""
    with _errors(folder), locked(folder / LOCK), _connected(folder) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


@contextmanager
def _connected(folder: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / FILE, timeout=WRITER_PATIENCE, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA cache_spill = OFF")  # a long import must not lock readers out before it commits
        connection.execute("PRAGMA synchronous = FULL")  # a decision that was shown as written survives a power cut
        _prepare(connection, folder)
        yield connection
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, folder: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        with connection:  # `executescript` would end the transaction that two first visitors need
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {COLLECTION_FORMAT}")
    elif version != COLLECTION_FORMAT:
        raise DataError(
            "{file} has the format {version}; this Quorum reads {expected}. Import the photos anew.",
            file=folder / FILE,
            version=version,
            expected=COLLECTION_FORMAT,
        )


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_full(error, folder):
            raise DataError(
                "{folder} is as it was: {error}", folder=folder, error=why_not_written(error, folder)
            ) from error
        raise DataError(
            "{file} cannot be used ({problem}). Restore it from a copy, or move it away and import the photos in "
            "{photos} anew.",
            file=folder / FILE,
            problem=error,
            photos=folder / "photos",
        ) from error
    except OSError as error:
        if _is_elsewhere(error, folder):
            raise DataError(
                "{file} cannot be read ({problem}). Check that it is there, and its permissions.",
                file=error.filename,
                problem=error.strerror,
            ) from error
        raise DataError(
            "{file} cannot be written: {error}", file=error.filename or folder, error=why_not_written(error, folder)
        ) from error


def _is_elsewhere(error: OSError, folder: Path) -> bool:
    """Whether an error is of a file that lies outside the collection, which only reads there."""
    if not isinstance(error.filename, str) or is_full(error, folder):
        return False
    file = Path(error.filename)
    return not (file.absolute().is_relative_to(folder.absolute()) or file.resolve().is_relative_to(folder.resolve()))


def is_collection(folder: Path) -> bool:
    """Whether a folder holds a collection."""
    return (folder / FILE).is_file()


def collections(root: Path) -> dict[str, Path]:
    """The collections right below a folder, by name."""
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and is_collection(path)}


def folder_name(name: str) -> str:
    """What the folder of a collection is called that goes by a name; empty where nothing of the name can be kept."""
    return (clean_parts(name) or [""])[-1]


def find_collection(root: Path, name: str) -> Path | None:
    """The collection right below a folder that goes by a name; None where there is none."""
    known = collections(root)
    return known.get(name) or known.get(folder_name(name))
