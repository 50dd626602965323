"""A backup of the history: taken while inspections go on, restored whole or not at all, and never out of its folder."""

import json
import threading
import time
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records import backup
from ensemble.records.backup import FACTS_FILE, back_up, restore_backup
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_count, history_page, record_review
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings, settings_of
from ensemble.records.tables import metadata
from ensemble.records.uses import no_file_goes
from ensemble.records.values import Occasion
from ensemble.records.verifying import export_head, verify_history
from ensemble.values.errors import RecordsError
from tests.conftest import TEMPLATE
from tests.support.kept import inspected
from tests.support.postgres import Server
from tests.unit.records.conftest import NewDatabase

SCREEN = Occasion("screen", "Ann")
POLICY = SHIPPED_POLICIES[0]


@pytest.fixture
def empty(new_database: NewDatabase) -> Database:
    return new_database("elsewhere")


@pytest.fixture
def saved(recorder: Recorder, tmp_path: Path) -> Path:
    """A backup of three inspections, one with a review, and of settings."""
    change_settings(recorder.database.folder, "disc", Keeping(sample_rate=0.0, days=400))
    verdicts = recorder.keep([inspected(number) for number in range(3)], POLICY, SCREEN)
    record_review(recorder.database, verdicts[0].id, "defective", "Bo")
    back_up(recorder.database, tmp_path / "saved.zip")
    return tmp_path / "saved.zip"


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.reading() as connection:
        tables = metadata.sorted_tables
        return {table.name: sorted(map(tuple, connection.execute(select(table)))) for table in tables}


def changed(path: Path, name: str, data: bytes | None, target: Path) -> Path:
    """The same zip with one entry of other bytes, or without it."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as made:
        for each in source.namelist():
            if each != name:
                made.writestr(each, source.read(each))
        if data is not None:
            made.writestr(name, data)
    return target


def test_what_is_restored_is_what_was_there(recorder: Recorder, saved: Path, empty: Database) -> None:
    facts = restore_backup(empty, saved)
    assert (facts.head, facts.files, facts.missing) == (export_head(recorder.database), 6, ())
    assert rows(empty) == rows(recorder.database)
    assert verify_history(empty).problem == "" and settings_of(empty.folder, "disc").days == 400
    again = Recorder(empty)
    assert again.objects.get(inspected(2).photo.sha256) == inspected(2).data
    again.keep([inspected(7)], POLICY, SCREEN)
    assert verify_history(empty).entries == 5
    assert not list(empty.folder.glob(".restored-*"))


def test_a_history_is_overwritten_only_where_that_is_said(recorder: Recorder, saved: Path) -> None:
    recorder.keep([inspected(9)], POLICY, SCREEN)
    with pytest.raises(RecordsError, match="holds a history of 5 entries already"):
        restore_backup(recorder.database, saved)
    restore_backup(recorder.database, saved, replace=True)
    assert history_count(recorder.database, Filters()) == 3 and verify_history(recorder.database).problem == ""
    assert recorder.objects.get(inspected(9).photo.sha256) is None
    assert recorder.objects.get(inspected(1).photo.sha256) == inspected(1).data


def test_a_backup_is_whole_while_inspections_go_on(recorder: Recorder, empty: Database, tmp_path: Path) -> None:
    stop = threading.Event()
    recorder.keep([inspected(0)], POLICY, SCREEN)

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            recorder.keep([inspected(number)], POLICY, SCREEN)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        facts = []
        for number in range(3):
            while export_head(recorder.database).number < 3 * number + 2:
                time.sleep(0.01)
            facts.append(back_up(recorder.database, tmp_path / f"{number}.zip"))
    finally:
        stop.set()
        worker.join()
    assert facts[0].head.number < facts[2].head.number
    restore_backup(empty, tmp_path / "1.zip")
    found = verify_history(empty, facts[1].head)
    assert (found.entries, found.problem) == (facts[1].head.number, "")
    for each in history_page(empty, Filters(), most=500).inspections:
        assert Recorder(empty).objects.get(each.stored["kept_photo"]) is not None


DIGEST = inspected(1).photo.sha256
PHOTO = f"objects/{DIGEST[:2]}/{DIGEST}"
BROKEN = {
    "a file of other bytes": (PHOTO, b"other", "holds other bytes"),
    "a file less": (PHOTO, None, "is missing"),
    "no facts": (FACTS_FILE, None, "no whole backup"),
    "strange facts": (FACTS_FILE, b'{"format": 1}', "no whole backup"),
    "a newer format": (FACTS_FILE, b"newer", "newer Quorum"),
    "rows that are none": ("entries.jsonl", b"[]", "other columns"),
    "no rows": ("entries.jsonl", b'["number","kind","at","body","body_digest","previous","digest"]\n', "FOREIGN KEY"),
    "no table": ("reviews.jsonl", None, "no whole backup"),
    "a way out": ("objects/../../../evil", b"x", "it holds 'objects/../../../evil'"),
    "a way out by the root": ("/etc/evil", b"x", "it holds '/etc/evil'"),
    "settings that are none": ("settings.json", b"[1]", "cannot be read"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_backup_changes_nothing(kind: str, saved: Path, empty: Database, tmp_path: Path) -> None:
    name, data, said = BROKEN[kind]
    if data == b"newer":
        with zipfile.ZipFile(saved) as archive:
            data = json.dumps(json.loads(archive.read(FACTS_FILE)) | {"migration": "9999"}).encode()
    Recorder(empty).keep([inspected(50)], POLICY, SCREEN)
    before, files = rows(empty), {path for path in empty.folder.rglob("*") if path.is_file()}
    with pytest.raises(RecordsError, match=said):
        restore_backup(empty, changed(saved, name, data, tmp_path / "broken.zip"), replace=True)
    assert rows(empty) == before and verify_history(empty).problem == ""
    assert files <= {path for path in empty.folder.rglob("*") if path.is_file()}
    assert not (tmp_path / "evil").exists() and not (empty.folder / "settings.json").exists()


def test_a_chain_that_was_changed_is_not_restored(
    recorder: Recorder, saved: Path, empty: Database, tmp_path: Path
) -> None:
    with zipfile.ZipFile(saved) as archive:
        lines = archive.read("entries.jsonl").replace(b"part_0001", b"part_0009")
    with pytest.raises(RecordsError, match="entry 2: What it says was changed"):
        restore_backup(empty, changed(saved, "entries.jsonl", lines, tmp_path / "forged.zip"))
    for strange in (tmp_path, tmp_path / "none.zip"):
        with pytest.raises(RecordsError, match="cannot be restored"):
            restore_backup(empty, strange)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(RecordsError, match="no whole backup of a history"):
        restore_backup(empty, tmp_path / "text.zip")
    assert history_count(empty, Filters()) == 0


def test_a_restore_that_fails_midway_leaves_all_as_it_was(
    saved: Path, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recorder(empty).keep([inspected(50)], POLICY, SCREEN)
    before = rows(empty)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(RecordsError, match="is full"):
        patch.setattr(backup, "_clear", fail)
        restore_backup(empty, saved, replace=True)
    assert rows(empty) == before and verify_history(empty).problem == ""
    assert Recorder(empty).objects.get(inspected(50).photo.sha256) == inspected(50).data


def test_missing_files_are_told_and_another_backup_is_waited_for(
    recorder: Recorder, saved: Path, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.objects.path(DIGEST).write_bytes(b"damaged")
    facts = back_up(recorder.database, tmp_path / "second.zip")
    assert facts.missing == (DIGEST,) and facts.files == 5
    restore_backup(empty, tmp_path / "second.zip")
    assert verify_history(empty).problem == "" and Recorder(empty).objects.get(DIGEST) is None
    monkeypatch.setattr("ensemble.records.uses.PATIENCE", 0.05)
    with no_file_goes(recorder.database), pytest.raises(RecordsError, match="Another backup or removal runs"):
        back_up(recorder.database, tmp_path / "third.zip")
    with pytest.raises(RecordsError, match="cannot be written"):
        back_up(recorder.database, tmp_path / "second.zip" / "below")
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["saved.zip", "second.zip"]
    with recorder.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM entries")).scalar_one() == 4


def test_a_history_moves_from_one_kind_of_database_to_the_other(
    recorder: Recorder, saved: Path, tmp_path: Path, postgres: Server
) -> None:
    other_url = postgres.new_url(TEMPLATE) if recorder.database.is_sqlite else f"sqlite:///{tmp_path}/other/h.sqlite"
    other = Database(tmp_path / "other", other_url)
    restore_backup(other, saved)
    assert rows(other) == rows(recorder.database) and other.is_sqlite != recorder.database.is_sqlite
    other.close()
