"""The history: what is kept of an inspection, how it is found again, and that no change of it stays unseen."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ensemble.disk.home import HOME
from ensemble.inspection.exports import replay
from ensemble.policies import SHIPPED_POLICIES
from ensemble.policies.files import from_json
from ensemble.records.browsing import all_inspections
from ensemble.records.chain import BEFORE_ALL, Head
from ensemble.records.database import NEWEST, Database
from ensemble.records.history import (
    Filters,
    history_count,
    history_page,
    inspection_called,
    newest_number,
    policy_text,
    record_review,
    withdraw_review,
)
from ensemble.records.recording import VERSION, Recorder, software
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.tables import metadata
from ensemble.records.values import Occasion, last_review
from ensemble.records.verifying import export_head, verify_history
from ensemble.values.errors import RecordsError
from ensemble.values.trace import Trace
from tests.support.kept import drawn, inspected

SCREEN = Occasion("screen", "Ann", zone="Europe/Paris")


def test_an_inspection_is_found_with_its_evidence(recorder: Recorder) -> None:
    policy = SHIPPED_POLICIES[0]
    part = inspected(3, trace=Trace(part="A-7", lot="L2"))
    (verdict,) = recorder.keep([part], policy, SCREEN)
    found = inspection_called(recorder.database, verdict.id)
    stored = found.stored
    assert stored == stored | verdict.as_json()
    assert (stored["who"], stored["source"], stored["zone"]) == ("Ann", "screen", "Europe/Paris")
    assert (stored["trace"]["part"], stored["trace"]["lot"], stored["trace"]["view"]) == ("A-7", "L2", "")
    assert (stored["model_version"], stored["model_digest"]) == (1, "ab" * 32)
    assert recorder.objects.get(stored["kept_photo"]) == part.data == drawn(3)
    assert recorder.objects.get(stored["thumbnail"])[:2] == b"\xff\xd8"
    kept = from_json(f'{{"policies": [{policy_text(recorder.database, stored["policy_digest"])}]}}').policies[0]
    again = replay(stored, kept)
    assert (again.label, again.confidence, again.reason) == (verdict.label, verdict.confidence, verdict.reason)
    assert history_page(recorder.database, Filters(lot="L2")).inspections == (found,)
    assert history_count(recorder.database, Filters(lot="L3")) == 0


def test_pages_go_from_the_newest_to_the_oldest_and_miss_none(recorder: Recorder) -> None:
    recorder.keep([inspected(number) for number in range(7)], SHIPPED_POLICIES[0], SCREEN)
    seen, before = [], None
    while True:
        page = history_page(recorder.database, Filters(product="disc"), before, most=3)
        seen += [each.stored["photo"] for each in page.inspections]
        before = page.before
        if before is None:
            break
    assert seen == [f"part_{number:04}.png" for number in range(6, -1, -1)]


def test_a_stretch_of_history_stays_the_same_whatever_is_kept_later(recorder: Recorder) -> None:
    assert newest_number(recorder.database) == 0
    recorder.keep([inspected(number) for number in range(5)], SHIPPED_POLICIES[0], SCREEN)
    before = newest_number(recorder.database) + 1
    recorder.keep([inspected(9)], SHIPPED_POLICIES[0], SCREEN)
    found = [each.number for each in all_inspections(recorder.database, Filters(), at_once=2, before=before)]
    assert found == [5, 4, 3, 2, 1]
    assert [each.number for each in all_inspections(recorder.database, Filters(), before=4)] == [3, 2, 1]


def test_a_correction_is_another_row_and_can_be_taken_back(recorder: Recorder) -> None:
    (verdict,) = recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)
    other = "non_defective" if verdict.label != "non_defective" else "defective"
    review = record_review(recorder.database, verdict.id, other, "Bo", reason="seen by hand")
    found = inspection_called(recorder.database, verdict.id)
    assert (found.settled, found.stored["verdict"], found.reviews) == (other, verdict.label, (review,))
    assert (review.before, review.who, review.reason) == (verdict.label, "Bo", "seen by hand")
    assert history_count(recorder.database, Filters(reviewed=True)) == 1
    withdraw_review(recorder.database, verdict.id, "Bo")
    found = inspection_called(recorder.database, verdict.id)
    assert (found.settled, len(found.reviews)) == (verdict.label, 2)
    with pytest.raises(RecordsError, match="nothing to undo"):
        withdraw_review(recorder.database, verdict.id, "Bo")
    assert verify_history(recorder.database).problem == ""


@pytest.mark.parametrize(("keep", "entries", "photos"), [("everything", 1, 1), ("votes", 1, 0), ("nothing", 0, 0)])
def test_what_is_kept_is_a_setting_of_the_product(recorder: Recorder, keep: str, entries: int, photos: int) -> None:
    change_settings(recorder.database.folder, "disc", Keeping(keep))  # type: ignore[arg-type]
    (verdict,) = recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)
    assert bool(verdict.id) == bool(entries) and not verdict.not_kept
    assert history_count(recorder.database, Filters()) == entries
    assert (recorder.objects.get(inspected(1).photo.sha256) is not None) == bool(photos)


def change_a_score(connection: Connection) -> None:
    body = json.loads(connection.execute(text("SELECT body FROM entries WHERE number = 3")).scalar_one())
    body["votes"][0]["score"] += 0.001
    connection.execute(text("UPDATE entries SET body = :body WHERE number = 3"), {"body": json.dumps(body)})


def swap_two_rows(connection: Connection) -> None:
    for before, after in ((3, 99), (4, 3), (99, 4)):
        connection.execute(text(f"UPDATE entries SET number = {after} WHERE number = {before}"))


def insert_a_row(connection: Connection) -> None:
    connection.execute(text("UPDATE entries SET number = number + 100 WHERE number > 3"))
    connection.execute(text("UPDATE entries SET number = number - 99 WHERE number > 100"))
    columns = "kind, at, body, body_digest, previous, digest"
    connection.execute(text(f"INSERT INTO entries (number, {columns}) SELECT 4, {columns} FROM entries WHERE number=2"))


TAMPERED: dict[str, tuple[Callable[[Connection], object], int]] = {
    "a changed score": (change_a_score, 3),
    "a removed row": (lambda made: made.execute(text("DELETE FROM entries WHERE number = 3")), 3),
    "the last row removed": (lambda made: made.execute(text("DELETE FROM entries WHERE number = 6")), 6),
    "two swapped rows": (swap_two_rows, 3),
    "an inserted row": (insert_a_row, 4),
    "a body taken out": (lambda made: made.execute(text("UPDATE entries SET body = NULL WHERE number = 3")), 3),
    "a column": (lambda made: made.execute(text("UPDATE inspections SET verdict = 'review' WHERE number = 3")), 3),
    "a review": (lambda made: made.execute(text("UPDATE reviews SET label = 'review' WHERE number = 6")), 6),
    "a policy": (lambda made: made.execute(text("UPDATE policies SET text = '{}'")), 1),
    "a time": (lambda made: made.execute(text("UPDATE entries SET at = '2020' WHERE number = 3")), 3),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_verify_names_the_first_row_that_was_tampered_with(recorder: Recorder, kind: str) -> None:
    verdicts = recorder.keep([inspected(number) for number in range(5)], SHIPPED_POLICIES[0], SCREEN)
    record_review(recorder.database, verdicts[0].id, "defective", "Bo")
    assert (verify_history(recorder.database).entries, verify_history(recorder.database).problem) == (6, "")
    tamper, number = TAMPERED[kind]
    with recorder.database.reading() as connection:
        if recorder.database.is_sqlite:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        tamper(connection)
        connection.commit()
    found = verify_history(recorder.database)
    assert found.number == number and found.problem


def test_a_chain_built_anew_is_found_by_an_exported_head(recorder: Recorder, tmp_path: Path) -> None:
    recorder.keep([inspected(number) for number in range(3)], SHIPPED_POLICIES[0], SCREEN)
    head = export_head(recorder.database)
    assert (head.number, len(head.digest)) == (3, len(BEFORE_ALL))
    other = Recorder(Database(tmp_path / "other"))
    other.keep([inspected(number) for number in range(5)], SHIPPED_POLICIES[0], SCREEN)
    assert verify_history(other.database).problem == ""
    assert verify_history(other.database, head).number == 3
    assert verify_history(recorder.database, head).problem == ""
    later = export_head(other.database)
    assert "cut short" in verify_history(recorder.database, later).problem
    (tmp_path / "head.json").write_text(later.to_json())
    assert Head.from_file(tmp_path / "head.json") == later


def test_a_verdict_that_cannot_be_kept_says_so_or_is_refused(recorder: Recorder) -> None:
    recorder.database.folder.mkdir(parents=True)
    (recorder.database.folder / "objects").write_text("in the way")
    (verdict,) = recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)
    assert (
        verdict.id == "" and verdict.not_kept.startswith("Not kept: ") and verdict.label == inspected(1).verdict.label
    )
    change_settings(recorder.database.folder, "disc", Keeping(required=True))
    with pytest.raises(RecordsError, match="The inspection is refused, because it cannot be kept"):
        recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)
    (recorder.database.folder / "settings.json").write_text("{")
    with pytest.raises(RecordsError, match="Nothing is inspected"):
        recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)


def test_a_database_of_a_newer_quorum_is_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(RecordsError, match=f"newer Quorum .format 9999, this one knows {NEWEST}"), database.reading():
        pass


def test_migrations_give_the_tables_that_the_code_knows(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_times_are_found_whatever_the_order_of_the_clock(recorder: Recorder) -> None:
    hours = (8, 6, 9, 7, 8)
    parts = [inspected(n, time=f"2026-11-20T{hour:02}:00:00+00:00") for n, hour in enumerate(hours)]
    recorder.keep(parts, SHIPPED_POLICIES[0], SCREEN)

    def of(**limits: str) -> list[int]:
        page = history_page(recorder.database, Filters(**limits))  # type: ignore[arg-type]
        return [each.number for each in page.inspections]

    assert of(since="2026-11-20T08") == [5, 3, 1] and of(until="2026-11-20T08") == [4, 2]
    assert of(since="2026-11-20T07", until="2026-11-20T09") == [5, 4, 1]
    assert of(since="2026-11-21") == of(until="2026-11-20") == of(since="2026-11-20T09:30", until="2026-11-20T10") == []


def test_the_version_that_is_kept_is_that_of_the_project() -> None:
    project = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    assert software() == VERSION == project["project"]["version"]


def test_a_blind_second_look_settles_nothing_and_is_not_what_was_said_last(recorder: Recorder) -> None:
    (verdict,) = recorder.keep([inspected(1)], SHIPPED_POLICIES[0], SCREEN)
    record_review(recorder.database, verdict.id, "defective", "Ann")
    record_review(recorder.database, verdict.id, "non_defective", "Bo", way="blind")
    found = inspection_called(recorder.database, verdict.id)
    last = last_review(found.reviews)
    assert last is not None and (last.who, found.settled) == ("Ann", "defective")
