"""A history in one zip: the rows of all tables as they were at one moment, the files that they need, the settings.

Rows are JSON lines, so that a backup of SQLite can be restored into PostgreSQL, and the other way round.
"""

import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select, text, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ensemble.disk.files import digest_of, now, parsed, whole_or_none, write_atomically
from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.records.chain import HEAD_FILE, Head, head_of
from ensemble.records.database import NEWEST, Database
from ensemble.records.objects import Objects
from ensemble.records.settings import SETTINGS, all_settings
from ensemble.records.tables import entries, metadata, objects
from ensemble.records.uses import BODIES, no_file_goes, remove_unneeded
from ensemble.records.verifying import verify_history
from ensemble.values.errors import MISSHAPEN, RecordsError, StoreError, brief

FACTS_FILE, ROWS_ENDING = "backup.json", ".jsonl"
BACKUP_FORMAT = 1
ROWS_AT_ONCE = 1000
MAX_LINE = 100_000_000  # bytes of one row
MAX_FACTS = 1_000_000_000  # bytes of the facts and of the settings
_FILE = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})")


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What a backup holds: of which migration, its newest entry, and the files that were missing or damaged already."""

    format: int
    migration: str
    at: str
    head: Head
    files: int
    missing: tuple[str, ...] = ()


_FACTS = TypeAdapter(BackupFacts)


def back_up(database: Database, path: Path) -> BackupFacts:
    """Write the whole history into one file while inspections go on; a RecordsError where it cannot be written."""
    try:
        with no_file_goes(database) as is_mine, whole_or_none(path) as beside:
            if not is_mine:
                raise RecordsError("Another backup or removal runs. Wait for its end, then do this again.")
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
                facts = _write_history(database, archive)
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
    except StoreError as error:
        raise RecordsError(error.message) from error
    return facts


def _write_history(database: Database, archive: zipfile.ZipFile) -> BackupFacts:
    files, missing, count = Objects(database.folder), [], 0
    with database.reading() as connection:
        migration = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        head = head_of(connection)
        for table in metadata.sorted_tables:
            with archive.open(table.name + ROWS_ENDING, "w", force_zip64=True) as stream:
                stream.write((json.dumps([column.name for column in table.columns]) + "\n").encode())
                for row in _rows_in_order(connection, table):
                    stream.write((json.dumps(list(row), ensure_ascii=False) + "\n").encode())
        needed = select(objects.c.digest).where(objects.c.uses > 0, objects.c.digest != BODIES).distinct()
        for digest in _streamed(connection, needed.order_by(objects.c.digest)).scalars():
            try:
                data = files.get(digest)
            except RecordsError:
                data = None
            if data is None:
                missing.append(digest)
                continue
            archive.writestr(zipfile.ZipInfo(f"objects/{digest[:2]}/{digest}"), data)  # stored: no photo gets smaller
            count += 1
    if (settings := database.folder / SETTINGS).is_file():
        archive.write(settings, SETTINGS)
    facts = BackupFacts(BACKUP_FORMAT, migration, now(), head, count, tuple(missing))
    archive.writestr(FACTS_FILE, json.dumps(asdict(facts), indent=2))
    return facts


def _rows_in_order(connection: Connection, table: Table) -> Any:
    return _streamed(connection, select(table).order_by(*table.primary_key.columns))


def _streamed(connection: Connection, wanted: Any) -> Any:
    return connection.execute(wanted, execution_options={"yield_per": ROWS_AT_ONCE})


def restore_backup(database: Database, path: Path, *, replace: bool = False) -> BackupFacts:
    """Put a backup in the place of an empty history, or of any with `replace`: the whole of it, or nothing.

    It is looked through before anything is changed: its chain, its digests, and that it holds every file.
    """
    _refuse_to_overwrite(database, replace=replace)
    database.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=database.folder, prefix=".restored-") as scratch,
        _opened_backup(path) as archive,
    ):
        facts = _facts_in(archive, path)
        staged = Database(Path(scratch), f"sqlite:///{scratch}/staged.sqlite")
        try:
            _stage_rows(archive, staged, facts)
            found = verify_history(staged, facts.head)
            if found.problem or found.entries != facts.head.number:
                problem = found.problem or f"{found.entries} entries of {facts.head.number}"
                raise ValueError(f"entry {found.number}: {problem}")
            _put_files(archive, staged, Objects(database.folder), facts)
            settings = (Path(scratch) / SETTINGS).read_bytes() if (Path(scratch) / SETTINGS).is_file() else None
            _take_over(staged, database, replace=replace)
        finally:
            staged.close()
    if settings is not None:
        write_atomically(database.folder / SETTINGS, settings)
    remove_unneeded(database, Objects(database.folder))
    return facts


def _refuse_to_overwrite(database: Database, *, replace: bool) -> None:
    with database.reading() as connection:
        there = connection.execute(select(func.count()).select_from(entries)).scalar_one()
    if there and not replace:
        raise RecordsError(
            "{where} holds a history of {count} entries already. Back it up, then restore with --replace.",
            where=database.where,
            count=there,
        )


@contextmanager
def _opened_backup(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip; a RecordsError for whatever is wrong with it, even where it was made to do harm."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        raise RecordsError(
            "{path} cannot be restored ({problem}). Check the path, its permissions and the room on the disk.",
            path=path,
            problem=error.strerror or str(error),
        ) from error
    except (*MISSHAPEN, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RecordsError(
            "{path} is no whole backup of a history ({problem}). Nothing was changed. Choose another backup.",
            path=path,
            problem=brief(error),
        ) from error


def _facts_in(archive: zipfile.ZipFile, path: Path) -> BackupFacts:
    names = archive.namelist()
    strange = [name for name in names if not _FILE.fullmatch(name) and name not in (FACTS_FILE, SETTINGS)]
    strange = [name for name in strange if not re.fullmatch(rf"[a-z_]+\{ROWS_ENDING}", name)]
    if strange or len(set(names)) < len(names):
        raise ValueError(f"it holds {strange[0]!r}" if strange else "it holds a name twice")
    facts = _FACTS.validate_python(parsed(_read(archive, FACTS_FILE, MAX_FACTS).decode()))
    if facts.format != BACKUP_FORMAT or facts.migration > NEWEST:
        raise RecordsError("{path} was written by a newer Quorum. Update Quorum.", path=path)
    return facts


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} is too large")
    return data


def _stage_rows(archive: zipfile.ZipFile, staged: Database, facts: BackupFacts) -> None:
    """Put the rows into a database of their own and bring its tables up to date; the settings are looked at beside."""
    if SETTINGS in archive.namelist():
        (staged.folder / SETTINGS).write_bytes(_read(archive, SETTINGS, MAX_FACTS))
        all_settings(staged.folder)
    with staged.as_of(facts.migration) as connection:
        known = MetaData()
        known.reflect(connection, only=lambda name, _: name != "alembic_version")
        for table in known.sorted_tables:
            with archive.open(table.name + ROWS_ENDING) as stream:
                names = json.loads(stream.readline(MAX_LINE))
                if sorted(names) != sorted(column.name for column in table.columns):
                    raise ValueError(f"{table.name} has other columns")
                while some := [
                    dict(zip(names, json.loads(line), strict=True)) for line in islice(_raw_rows(stream), ROWS_AT_ONCE)
                ]:
                    _insert_strange(connection, table, some)


def _raw_rows(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE):
        yield line


def _insert_strange(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that may be of any kind; a ValueError where they are none of this table."""
    try:
        connection.execute(insert(table), rows)
    except OperationalError:  # the disk, and not the rows
        raise
    except SQLAlchemyError as error:
        raise ValueError(f"{table.name}: {getattr(error, 'orig', error)}") from error


def _put_files(archive: zipfile.ZipFile, staged: Database, files: Objects, facts: BackupFacts) -> None:
    """Keep the files that the rows need; what nothing needs any more goes later. A ValueError where one is missing."""
    there, missing = set(archive.namelist()), set(facts.missing)
    with staged.reading() as connection:
        needed = select(objects.c.digest).where(objects.c.uses > 0, objects.c.digest != BODIES).distinct()
        for digest in _streamed(connection, needed).scalars():
            name = f"objects/{digest[:2]}/{digest}"
            if digest in missing and name not in there:
                continue
            if not _FILE.fullmatch(name) or name not in there:
                raise ValueError(f"the file {digest!r} is missing")
            data = _read(archive, name, MAX_PHOTO_BYTES)
            if digest_of(data) != digest:
                raise ValueError(f"{name} holds other bytes")
            files.put(data)


def _take_over(staged: Database, database: Database, *, replace: bool) -> None:
    """Put the rows in the place of those that are there, in one transaction; files of before are then not needed."""
    with staged.reading() as source, database.writing() as target:
        if head_of(target).number and not replace:
            raise RecordsError("Inspections were kept meanwhile. Restore with --replace, or stop them.")
        for table in reversed(metadata.sorted_tables):
            target.execute(update(table).values(uses=0) if table is objects else delete(table))
        for table in metadata.sorted_tables:
            rows = _rows_in_order(source, table)
            for some in rows.mappings().partitions(ROWS_AT_ONCE):
                values = [dict(row) for row in some]
                if table is objects:
                    _clear(target, values)
                target.execute(insert(table), values)
        (database.folder / HEAD_FILE).unlink(missing_ok=True)  # the new one is written when all of this is kept


def _clear(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        same = (objects.c.digest == row["digest"]) & (objects.c.product == row["product"])
        connection.execute(delete(objects).where(same))
