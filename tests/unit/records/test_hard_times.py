"""Hard times for the history: killed processes, full and read-only disks, no database, wrong clocks, newer records."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from ensemble.disk import files
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records import chain, recording
from ensemble.records.database import FILE, Database
from ensemble.records.history import Filters, history_count, inspection_called
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.values.errors import RecordsError
from tests.support.kept import inspected
from tests.support.postgres import running_server

pytestmark = pytest.mark.slow(12)

ROUNDS = 4  # with each database; `python -m tests.support.killed FOLDER --rounds 200` is the long run
POLICY, SCREEN = SHIPPED_POLICIES[0], Occasion("screen", "Ann")


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """SQLite, whatever the others are tried with."""
    made = Database(tmp_path / "records")
    yield Recorder(made)
    made.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no fork and no SIGKILL there")
@pytest.mark.both_databases
def test_a_process_that_is_killed_loses_no_verdict_that_it_has_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.killed", str(tmp_path / "records"), "--rounds", str(ROUNDS)]
    ended = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True, check=False, timeout=300)
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["problem"], found["rounds"]) == (0, "", ROUNDS), ended.stderr
    assert found["kept"] >= found["told"] > 0


@contextmanager
def full_disk_for_files(patch: pytest.MonkeyPatch, _folder: Path) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(files, "write_durably", fail)
    yield


@contextmanager
def full_disk_for_the_database(patch: pytest.MonkeyPatch, _folder: Path) -> Iterator[None]:
    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("INSERT", {}, error)

    patch.setattr(recording, "append", fail)
    yield


@contextmanager
def largest_file(_patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """No file may grow: what the kernel itself says of a full disk, to the database and to files."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / FILE).stat().st_size // 8, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def no_folder(_patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Something else lies where the history was."""
    folder.rename(folder.with_name("away"))
    folder.write_text("in the way")
    yield
    folder.unlink()
    folder.with_name("away").rename(folder)


@contextmanager
def no_database(_patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """The file is gone and cannot be made again."""
    (folder / FILE).rename(folder / "away")
    (folder / FILE).mkdir()
    yield
    (folder / FILE).rmdir()
    (folder / "away").rename(folder / FILE)


@contextmanager
def broken_database(_patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    kept = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b"no database" * 1000)
    yield
    (folder / FILE).write_bytes(kept)


@contextmanager
def newer_quorum(_patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    with sqlite3.connect(folder / FILE) as connection:
        before = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    yield
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", before)


HARD: dict[str, tuple[Callable[..., object], str]] = {
    "full disk, files": (full_disk_for_files, "is full. Make room on it, then do this again."),
    "full disk, database": (full_disk_for_the_database, "is full. Make room on it, then do this again."),
    "no file may grow": (largest_file, "cannot be used (disk I/O error). Check its disk and permissions"),
    "no folder": (no_folder, "cannot be written"),
    "no database": (no_database, "cannot be used (unable to open database file). Check its disk and permissions"),
    "broken database": (broken_database, "cannot be used (file is not a database). Check its disk and permissions"),
    "newer Quorum": (newer_quorum, "was written by a newer Quorum (format 9999"),
}


@pytest.mark.parametrize("kind", HARD)
def test_a_verdict_that_cannot_be_kept_says_so_in_one_sentence(
    kind: str, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardship, said = HARD[kind]
    if kind == "no file may grow":
        pytest.importorskip("resource")
    folder = recorder.database.folder
    (before,) = recorder.keep([inspected(1)], POLICY, SCREEN)
    change_settings(folder, "plate", Keeping(required=True))
    recorder.database.close()
    with monkeypatch.context() as patch, hardship(patch, folder):  # type: ignore[attr-defined]
        (verdict,) = recorder.keep([inspected(2)], POLICY, SCREEN)
        assert verdict.id == "" and verdict.label == inspected(2).verdict.label
        assert verdict.not_kept.startswith("Not kept: ") and said in verdict.not_kept
        assert "\n" not in verdict.not_kept and len(verdict.not_kept) < 600
        assert verdict.as_json()["not_kept"] == verdict.not_kept
        if kind != "no folder":  # there nobody knows what the settings ask for
            with pytest.raises(RecordsError, match="The inspection is refused, because it cannot be kept"):
                recorder.keep([inspected(2, product="plate")], POLICY, SCREEN)
        recorder.database.close()
    assert inspection_called(recorder.database, before.id).stored["photo"] == "part_0001.png"
    recorder.keep([inspected(3)], POLICY, SCREEN)
    assert (verify_history(recorder.database).entries, verify_history(recorder.database).problem) == (2, "")


def test_a_server_that_ends_and_comes_back_has_lost_nothing_that_was_told(tmp_path: Path) -> None:
    with running_server() as server:
        recorder = Recorder(Database(tmp_path / "records", server.new_url()))
        (before,) = recorder.keep([inspected(1)], POLICY, SCREEN)
        server.stop()
        (lost,) = recorder.keep([inspected(2)], POLICY, SCREEN)
        assert (lost.id, lost.label) == ("", inspected(2).verdict.label)
        assert lost.not_kept.startswith("Not kept: ") and "\n" not in lost.not_kept and len(lost.not_kept) < 600
        with pytest.raises(RecordsError, match="Check that it runs"):
            history_count(recorder.database, Filters())
        server.start()
        (after,) = recorder.keep([inspected(3)], POLICY, SCREEN)
        assert before.id and after.id and history_count(recorder.database, Filters()) == 2
        assert (verify_history(recorder.database).entries, verify_history(recorder.database).problem) == (2, "")
        recorder.database.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_fills_up_loses_nothing_that_was_told_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_300_000))
    recorder = Recorder(Database(small_disk / "records"))
    told: list[str] = []
    for number in range(400):
        (verdict,) = recorder.keep([inspected(number)], POLICY, SCREEN)
        assert verdict.label == inspected(number).verdict.label
        if verdict.not_kept:
            break
        told.append(verdict.id)
    assert told and "is full. Make room on it, then do this again." in verdict.not_kept, verdict.not_kept
    assert [inspection_called(recorder.database, called).id for called in told] == told
    ballast.unlink()
    (verdict,) = recorder.keep([inspected(401)], POLICY, SCREEN)
    assert verdict.id and history_count(recorder.database, Filters()) == len(told) + 1
    assert verify_history(recorder.database).problem == ""
    recorder.database.close()


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Root may write anywhere: for the length of a block it is nobody."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_a_read_only_folder_is_told() -> None:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)  # whoever it is may go in, as not below the folders of tests
        recorder = Recorder(Database(Path(parent) / "records"))
        recorder.keep([inspected(1)], POLICY, SCREEN)
        recorder.database.close()
        for path in (recorder.database.folder, recorder.database.folder / "objects"):
            path.chmod(0o555)
        with as_an_ordinary_user():
            (verdict,) = recorder.keep([inspected(2)], POLICY, SCREEN)
        recorder.database.close()
        for path in (recorder.database.folder, recorder.database.folder / "objects"):
            path.chmod(0o755)
        assert "Permission denied. Check the permissions of" in verdict.not_kept
        assert verdict.label == inspected(2).verdict.label


def test_a_read_only_disk_is_told(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_durably", fail)
        (verdict,) = recorder.keep([inspected(1)], POLICY, SCREEN)
    assert "Read-only file system. Check the permissions of" in verdict.not_kept
    assert history_count(recorder.database, Filters()) == 0


def test_a_head_that_cannot_be_written_loses_nothing_that_is_kept(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise files.StoreError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(chain, "write_atomically", fail)
        (verdict,) = recorder.keep([inspected(1)], POLICY, SCREEN)
    assert verdict.id and not verdict.not_kept and "lags behind. The disk is full." in caplog.text
    assert verify_history(recorder.database).problem == ""


def test_a_clock_that_was_set_back_changes_no_order(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder.keep([inspected(1)], POLICY, SCREEN)
    monkeypatch.setattr(chain, "now", lambda _precision: "2020-01-01T00:00:00.000+00:00")
    earlier = inspected(2, time="2026-11-20T07:00:00+00:00")
    recorder.keep([earlier], POLICY, SCREEN)
    found = verify_history(recorder.database)
    assert (found.entries, found.problem) == (2, "")
    assert history_count(recorder.database, Filters(until="2026-11-20T07:30:00+00:00")) == 1


def test_an_entry_of_a_newer_quorum_does_not_stop_the_check(recorder: Recorder) -> None:
    recorder.keep([inspected(1)], POLICY, SCREEN)
    with recorder.database.writing() as connection:
        chain.append(connection, "something newer", {"whatever": [1, 2]})
        assert connection.execute(text("SELECT COUNT(*) FROM entries")).scalar_one() == 2
    recorder.keep([inspected(2)], POLICY, SCREEN)
    assert (verify_history(recorder.database).entries, verify_history(recorder.database).problem) == (3, "")
