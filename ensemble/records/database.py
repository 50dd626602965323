"""The database of the history: SQLite as it comes, PostgreSQL where QUORUM_DATABASE names one; one writer at a time."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from ensemble.disk.files import is_full, why_not_written
from ensemble.disk.home import HOME
from ensemble.disk.locks import locked
from ensemble.records.chain import head_of
from ensemble.values.errors import RecordsError, StoreError

DATABASE_SETTING, RECORDS_SETTING = "QUORUM_DATABASE", "QUORUM_RECORDS"
FILE, LOCK = "history.sqlite", ".history.lock"
NEWEST = "0003"  # the migration that this Quorum works with
PATIENCE = 30.0  # seconds to wait for another writer
WRITERS = 7_316_021_005  # the number of PostgreSQL's advisory lock for writers of the history
_database_log = logging.getLogger(__name__)


def records_folder() -> Path:
    """Where the history and its photos lie: QUORUM_RECORDS, or `data/records` of the home."""
    return Path(os.environ.get(RECORDS_SETTING) or HOME / "data" / "records")


class Database:
    """The history's database; its tables are made or brought up to date when it is used first."""

    def __init__(self, folder: Path | None = None, url: str = "") -> None:
        self.folder = folder or records_folder()
        self.url = url or os.environ.get(DATABASE_SETTING, "")
        self._engine: Engine | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the file in the records' folder, and not a server."""
        return not self.url or self.url.startswith("sqlite")

    @property
    def where(self) -> str:
        """What a person calls it, without a password."""
        return str(self.folder / FILE) if not self.url else self._new_engine().url.render_as_string()

    @property
    def path(self) -> Path:
        """The file of a SQLite history."""
        return self.folder / FILE

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the history; a RecordsError says why there is none."""
        with self._errors(), self._ready().connect() as opened:
            # SQLite's reader sees one state by itself, PostgreSQL's would see another one with each statement.
            yield opened if self.is_sqlite else opened.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction of the one writer: all of it is kept when the block ends, or nothing."""
        with self._errors(), self._alone(), self._ready().connect() as opened:
            connection = opened.execution_options(writing=True)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITERS})
                yield connection
                head = head_of(connection)
            try:
                head.write(self.folder)  # afterwards: it may lag behind the chain, and is never ahead of it
            except StoreError as error:  # what was kept is kept
                _database_log.warning("The newest head of the history lags behind. %s", error)

    @contextmanager
    def as_of(self, migration: str) -> Iterator[Connection]:
        """One transaction in new tables as an earlier migration made them; the next use brings them up to date."""
        engine = self._new_engine()
        with self._errors(), engine.connect() as opened:
            migrate(engine, self.folder, migration)
            connection = opened.execution_options(writing=True)
            with connection.begin():
                yield connection
        engine.dispose()

    def close(self) -> None:
        """Let go of the connections that wait for the next use."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _alone(self) -> Any:
        if not self.is_sqlite:
            return nullcontext()
        self.folder.mkdir(parents=True, exist_ok=True)
        return locked(self.folder / LOCK)

    def _ready(self) -> Engine:
        if self._engine is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            engine = self._new_engine()
            with locked(self.folder / f"{LOCK}.tables"):
                _bring_up_to_date(engine, self.where, self.folder)
            self._engine = engine
        return self._engine

    def _new_engine(self) -> Engine:
        try:
            if not self.is_sqlite:
                return create_engine(self.url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=True)
            engine = create_engine(self.url or f"sqlite:///{self.path}", connect_args={"timeout": PATIENCE})
        except (ArgumentError, ImportError) as error:
            raise RecordsError(
                "{setting} names no database that can be used ({problem}). Expected postgresql://USER@HOST/NAME, "
                "with psycopg installed, or nothing.",
                setting=DATABASE_SETTING,
                problem=type(error).__name__,
            ) from error
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._refusal(error.orig or error) from error
        except SQLAlchemyError as error:
            raise self._refusal(error) from error
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: BaseException) -> RecordsError:
        if isinstance(error, Exception) and (isinstance(error, OSError) or is_full(error, self.folder)):
            why = why_not_written(error, self.folder)
            return RecordsError("The history in {folder} cannot be written: {problem}", folder=self.folder, problem=why)
        said = " ".join(str(error).split())
        if self.is_sqlite:
            return RecordsError(
                "{file} cannot be used ({problem}). Check its disk and permissions, or restore it from a backup.",
                file=self.path,
                problem=said,
            )
        return RecordsError(
            "The history's database {where} cannot be used ({problem}). Check that it runs, and {setting}.",
            where=self.where,
            problem=said,
            setting=DATABASE_SETTING,
        )


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own: `_begin_sqlite` does
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    is_writer = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _bring_up_to_date(engine: Engine, where: str, folder: Path) -> None:
    """Make the tables, or change those of before; a RecordsError where a newer Quorum has written them."""
    with engine.connect() as connection:
        found = None
        if inspect(connection).has_table("alembic_version"):
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found == NEWEST:
        return
    if found is not None and found > NEWEST:
        raise RecordsError(
            "{where} was written by a newer Quorum (format {found}, this one knows {newest}). Update Quorum.",
            where=where,
            found=found,
            newest=NEWEST,
        )
    migrate(engine, folder)


def migrate(engine: Engine, folder: Path, to: str = "head") -> None:
    """Make or change the tables as one migration after the other says, all of it or nothing."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with engine.connect() as opened:
        connection = opened.execution_options(writing=True)
        with connection.begin():
            config.attributes |= {"connection": connection, "folder": folder}
            command.upgrade(config, to)
