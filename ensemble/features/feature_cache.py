"""Features once computed, kept by photo and all that their numbers depend on: retraining computes new photos alone.

One SQLite file, bounded, safe to delete at any moment. Whatever happens to it costs time and never a wrong number: each
row carries a checksum over its bytes and its key, and a file that cannot be read is thrown away.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import platform
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch

from ensemble.disk.files import folder_of_setting, why_not_written
from ensemble.features.graphs import TORCH
from ensemble.features.photo_batch import FILL, Input, batches, input_key
from ensemble.features.preprocessing import POOLINGS, Preprocessing
from ensemble.values.language import Message

CACHE_FILE = "features.db"
CACHE_FORMAT = 1
MOST_BYTES = 2_000_000_000
EVICTION_SHARE = 0.9  # of the bound is what eviction leaves, so that it is not called for every row
LARGEST_ROW = 65_536  # bytes a row: pooled features and small pixels; whole maps would fill the disk and save little
CACHE_PATIENCE = 10  # seconds to wait for another process that writes
DAY = 86_400
ASKED_AT_ONCE = 500  # photos in one query
_CACHE_TABLES = (
    "CREATE TABLE inputs (number INTEGER PRIMARY KEY, name TEXT UNIQUE, type TEXT, shape TEXT)",
    "CREATE TABLE rows (photo BLOB, input INTEGER, checksum INTEGER, seconds REAL, used INTEGER, data BLOB, "
    "UNIQUE (photo, input))",
    "CREATE INDEX by_age ON rows (used)",
    f"PRAGMA user_version = {CACHE_FORMAT}",
)
_COLUMNS = "photo, checksum, seconds, used, data"

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class KeptRow:
    """A photo's row of one input, and the seconds that computing it took."""

    row: np.ndarray
    seconds: float


def is_kept(source: Input) -> bool:
    """Whether rows of an input are worth keeping: pooled features and small pixels, no maps."""
    if isinstance(source, Preprocessing):
        return 3 * source.pixels <= LARGEST_ROW
    return source.spec.pooling in POOLINGS


def name_of(source: Input) -> str:
    """A digest over all that the numbers of an input depend on, beside the photo's bytes."""
    found: dict[str, Any] = {"format": CACHE_FORMAT, "pillow": PIL.__version__, "numpy": np.__version__}
    if isinstance(source, Preprocessing):
        size = source.side if source.aspect == 1 else source.size
        found |= {"pixels": [size, source.interpolation, source.pad]}
    else:
        found |= {"backbone": source.spec.as_json(), "torch": torch.__version__, "together": FILL}
        # what decides in which order a processor adds numbers up, and with it their last bits
        found |= {"threads": torch.get_num_threads(), **_circumstances()}
        found |= {} if source.runtime.name == TORCH else {"runtime": source.runtime.name}
        found |= {"calibration": source.runtime.calibration} if source.runtime.calibration else {}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


@cache
def _circumstances() -> dict[str, str]:
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {"torchvision": importlib.metadata.version("torchvision"), "processor": processor}


class FeatureCache:
    """Rows of inputs by the SHA-256 of photos; without a folder it keeps nothing. Not to be shared between threads."""

    def __init__(self, folder: Path | None, *, most_bytes: int = MOST_BYTES, notify: Notify = lambda _: None) -> None:
        self.path = (folder or Path()) / CACHE_FILE
        self.most_bytes = most_bytes
        self.notify = notify
        self._entries: dict[str, _Entry] = {}
        self._database: sqlite3.Connection | None = None
        if folder:
            with self._trying():
                self._connect()

    @classmethod
    def of_setting(cls, notify: Notify = lambda _: None) -> "FeatureCache":
        """The cache that this machine's setting names."""
        return cls(folder_of_setting(), notify=notify)

    def __bool__(self) -> bool:
        return self._database is not None

    def __enter__(self) -> "FeatureCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; nothing is kept and nothing found any more."""
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
        self._database = None
        self._entries.clear()

    def knows(self, sources: Sequence[Input], digests: Sequence[str]) -> set[str]:
        """The photos whose rows of all these inputs are there; whether they are whole turns out when they are found."""
        found: set[str] = set()
        if self._database is None or not sources:
            return found
        with self._trying():
            entries = [self._entry(self._database, source) for source in sources]
            numbers = sorted({entry.number for entry in entries if entry is not None})
            if None in entries:
                return found
            for some in batches(digests, ASKED_AT_ONCE):
                query = f"SELECT photo FROM rows WHERE input IN ({_marks(numbers)}) AND photo IN ({_marks(some)})"
                values = [*numbers, *map(bytes.fromhex, some), len(numbers)]
                found |= {
                    row[0].hex()
                    for row in self._database.execute(f"{query} GROUP BY photo HAVING count(*) = ?", values)
                }
        return found

    def find(self, source: Input, digests: Sequence[str]) -> dict[str, KeptRow]:
        """What is kept of photos, by their SHA-256; rows that do not hold what was written are left out."""
        found: dict[str, KeptRow] = {}
        if self._database is None:
            return found
        with self._trying():
            entry, long_unused = self._entry(self._database, source), []
            if entry is None:
                return found
            now = int(time.time())
            for some in batches(digests, ASKED_AT_ONCE):
                query = f"SELECT {_COLUMNS} FROM rows WHERE input = ? AND photo IN ({_marks(some)})"
                rows = self._database.execute(query, [entry.number, *map(bytes.fromhex, some)])
                for photo, checksum, seconds, used, data in rows:
                    if checksum == _checksum(source, photo, data):
                        found[photo.hex()] = KeptRow(entry.row(data), seconds)
                    if used < now - DAY:
                        long_unused.append((now, photo, entry.number))
            if long_unused:  # once a day at most: finding should not write
                with self._database:
                    self._database.executemany("UPDATE rows SET used = ? WHERE photo = ? AND input = ?", long_unused)
        return found

    def keep(self, source: Input, rows: Mapping[str, np.ndarray], seconds: float) -> None:
        """Keep rows by the SHA-256 of their photos, with the seconds that each took; the longest unused make room."""
        if self._database is None or not rows:
            return
        now = int(time.time())
        with self._trying():
            with self._database:
                number = self._entered(self._database, source, next(iter(rows.values()))).number
                entries = []
                for digest, row in rows.items():
                    photo, data = bytes.fromhex(digest), row.tobytes()
                    entries.append((photo, number, _checksum(source, photo, data), seconds, now, data))
                self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)", entries)
            self._make_room(self._database)

    def _make_room(self, database: sqlite3.Connection) -> None:
        if _bytes(database) <= self.most_bytes:
            return
        oldest = "DELETE FROM rows WHERE rowid IN (SELECT rowid FROM rows ORDER BY used, rowid LIMIT 32)"
        with database:
            while _bytes(database) > EVICTION_SHARE * self.most_bytes and database.execute(oldest).rowcount:
                pass
        database.executescript("PRAGMA incremental_vacuum")  # execute would stop after its first page

    def _entry(self, database: sqlite3.Connection, source: Input) -> "_Entry | None":
        """How the file calls an input; None where it does not know it."""
        name = name_of(source)
        if name not in self._entries:
            query = "SELECT number, type, shape FROM inputs WHERE name = ?"
            for number, kind, shape in database.execute(query, (name,)):
                self._entries[name] = _Entry(number, kind, tuple(json.loads(shape)))
        return self._entries.get(name)

    def _entered(self, database: sqlite3.Connection, source: Input, row: np.ndarray) -> "_Entry":
        """The same, entered by a row of it where it is new."""
        values = (name_of(source), row.dtype.str, json.dumps(row.shape))
        database.execute("INSERT OR IGNORE INTO inputs (name, type, shape) VALUES (?, ?, ?)", values)
        found = self._entry(database, source)
        if found is None or (found.type, found.shape) != (row.dtype.str, row.shape):
            raise sqlite3.DatabaseError(f"its rows of {source} are no longer what they were")
        return found

    def _connect(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = self._database = sqlite3.connect(self.path, timeout=CACHE_PATIENCE)
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA synchronous = OFF")  # what a power cut breaks is thrown away, and only time is lost
        with database:
            database.execute("BEGIN IMMEDIATE")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, CACHE_FORMAT):
                raise sqlite3.DatabaseError(f"its format is {version}, expected {CACHE_FORMAT}")
            for statement in () if version else _CACHE_TABLES:
                database.execute(statement)

    @contextlib.contextmanager
    def _trying(self) -> Iterator[None]:
        """Whatever becomes of the file, go on: with a new one where it is gone or damaged, else without."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            if self.path.exists() or not self.path.parent.is_dir():
                self._say_unusable(error)
            else:  # somebody has deleted it meanwhile, which is everybody's right
                self._start_anew()
        except (sqlite3.DatabaseError, ValueError, TypeError, AttributeError) as error:  # not what was written
            self.close()
            self.notify(
                Message(
                    "The kept features in {file} are damaged ({problem}) and thrown away: all are computed again.",
                    file=self.path,
                    problem=error,
                )
            )
            self._start_anew()

    def _start_anew(self) -> None:
        try:
            for ending in ("", "-journal"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            self._connect()
        except (sqlite3.Error, OSError) as error:
            self.close()
            self._say_unusable(error)

    def _say_unusable(self, error: Exception) -> None:
        why = why_not_written(error, self.path.parent)
        self.notify(
            Message(
                "Features cannot be kept: {reason} Until then all are computed, which only takes longer.", reason=why
            )
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """How the file calls an input, and what one of its rows is made of."""

    number: int
    type: str
    shape: tuple[int, ...]

    def row(self, data: bytes) -> np.ndarray:
        return np.frombuffer(data, dtype=np.dtype(self.type)).reshape(self.shape)


def _bytes(database: sqlite3.Connection) -> int:
    """What rows take of the file, pages that are free again left out."""
    names = ("page_size", "page_count", "freelist_count")
    size, pages, free = (int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return size * (pages - free)


def _checksum(source: Input, photo: bytes, data: bytes) -> int:
    """Over the key too: a row that has come to stand under another key is no row of it."""
    return zlib.crc32(data, zlib.crc32(photo, zlib.crc32(str(input_key(source)).encode())))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


NOTHING_KEPT = FeatureCache(None)
