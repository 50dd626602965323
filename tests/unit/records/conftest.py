"""A history of its own for each test, once in SQLite and once in PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ensemble.records.database import Database
from ensemble.records.recording import Recorder
from tests.conftest import TEMPLATE

NewDatabase = Callable[[str], Database]


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
