"""A history of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.records.database import Database
from ensemble.records.recording import Recorder


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "records")
    yield found
    found.close()


@pytest.fixture
def recorder(database: Database) -> Recorder:
    return Recorder(database)
