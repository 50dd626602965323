"""A history of its own for each test, once in SQLite and once in PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ensemble.records.database import Database
from ensemble.records.recording import Recorder
from tests.support.postgres import Server, binaries, running_server

TEMPLATE = "history"  # a database with the tables and nothing in them
NewDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a process; `make test` installs what it needs."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: run `make postgres`")
    with running_server() as server:
        made = Database(tmp_path_factory.mktemp("template"), server.new_url(name=TEMPLATE))
        with made.reading():
            pass
        made.close()
        yield server


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Histories without an entry, each in a folder of this name."""
    opened: list[Database] = []

    def make(name: str) -> Database:
        url = f"sqlite:///{tmp_path}/{name}/history.sqlite"
        if request.param == "PostgreSQL":
            url = request.getfixturevalue("postgres").new_url(TEMPLATE)
        opened.append(Database(tmp_path / name, url))
        return opened[-1]

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def database(new_database: NewDatabase) -> Database:
    return new_database("records")


@pytest.fixture
def recorder(database: Database) -> Recorder:
    return Recorder(database)
