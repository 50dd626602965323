"""A full disk is named as such, wherever something is written; nobody is sent to look for a fault in a whole file."""

import errno
import sqlite3
from pathlib import Path

import pytest

from ensemble.cli import main as command_line
from ensemble.disk.files import is_full, why_not_written
from ensemble.features.feature_cache import FeatureCache
from ensemble.jobs.ledger import Ledger
from ensemble.values.errors import JobError


def windows_error(number: int) -> OSError:
    error = OSError(errno.EINVAL, "there is not enough space on the disk")
    error.winerror = number  # type: ignore[attr-defined]
    return error


def database_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = code
    return error


ERRORS = {
    "full": (OSError(errno.ENOSPC, "No space left on device"), True),
    "quota": (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
    "windows_full": (windows_error(112), True),
    "windows_handle": (windows_error(39), True),
    "database_full": (database_error(sqlite3.SQLITE_FULL), True),
    "permission": (PermissionError(errno.EACCES, "Permission denied"), False),
    "read_only": (OSError(errno.EROFS, "Read-only file system"), False),
    "database": (database_error(sqlite3.SQLITE_CANTOPEN), False),
    "database_without_a_code": (sqlite3.DatabaseError("file is not a database"), False),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_a_full_disk_says(tmp_path: Path, case: str) -> None:
    error, full = ERRORS[case]
    assert is_full(error, tmp_path / "not" / "there") is full
    said = why_not_written(error, tmp_path)
    assert ("is full. Make room on it" in said) is full and ("Check the permissions" in said) is not full


def test_a_database_that_cannot_be_opened_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 4_096}))
    assert is_full(database_error(sqlite3.SQLITE_CANTOPEN), tmp_path / "new")
    assert not is_full(PermissionError(errno.EACCES, "Permission denied"), tmp_path)


def full_database(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def full(*arguments: object, **settings: object) -> sqlite3.Connection:
        connection = connect(*arguments, **settings)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 1")
        return connection  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", full)


def test_the_book_of_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path)
    ledger.folder.mkdir()
    full_database(monkeypatch)
    with pytest.raises(JobError, match=r"jobs\.db is as it was: the disk that holds .* is full\."):
        ledger.make()


def test_the_cache_of_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    full_database(monkeypatch)
    with FeatureCache(tmp_path, notify=told.append) as cache:
        assert not cache
    assert len(told) == 1 and told[0].startswith("Features cannot be kept: the disk that holds ")
    assert "is full. Make room on it" in told[0] and "damaged" not in told[0]


def test_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/labels/1.txt")

    monkeypatch.setattr(command_line, "commands", full)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2
    assert said == "/data/labels/1.txt cannot be written: the disk that holds /data/labels is full. " + (
        "Make room on it, then do this again."
    )
