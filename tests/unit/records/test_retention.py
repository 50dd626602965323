"""Retention: what goes by age and by size, what never goes, and that the chain tells of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records import retention, uses
from ensemble.records.chain import REMOVAL
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page, record_review, withdraw_review
from ensemble.records.recording import Inspected, Recorder
from ensemble.records.retention import Removal, last_removal, remove_old
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.tables import entries, objects
from ensemble.records.uses import bytes_taken, no_file_goes, remove_unneeded
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.values.errors import RecordsError
from ensemble.values.results import REVIEW
from tests.support.kept import inspected

SCREEN = Occasion("screen", "Ann")
MONTH = Keeping(days=30)


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


def decided(count: int, first: int = 0, days: float = 0.0) -> list[Inspected]:
    """So many drawn photos that the first policy decides without a person."""
    found: list[Inspected] = []
    number = first
    while len(found) < count:
        one = inspected(number, time=days_ago(days))
        found += [one] if one.verdict.label != REVIEW else []
        number += 1
    return found


def waiting(days: float) -> Inspected:
    """A drawn photo that a person has to look at."""
    found = inspected(6, next(policy for policy in SHIPPED_POLICIES if policy.name == "INDUSTRIAL_BALANCED"))
    assert found.verdict.label == REVIEW
    return replace(found, verdict=replace(found.verdict, origin=inspected(6, time=days_ago(days)).verdict.origin))


def kept(recorder: Recorder, parts: Sequence[Inspected]) -> list[str]:
    return [verdict.id for verdict in recorder.keep(parts, SHIPPED_POLICIES[0], SCREEN)]


def ids(database: Database) -> set[str]:
    return {each.id for each in history_page(database, Filters(), most=500).inspections}


def files(database: Database) -> set[str]:
    return {path.name for path in (database.folder / "objects").rglob("*") if path.is_file()}


def test_what_is_too_old_goes_with_its_files_and_the_chain_says_so(recorder: Recorder) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    kept(recorder, decided(3, days=40))
    young = kept(recorder, decided(2, first=100, days=2))
    with database.reading() as connection:
        before = bytes_taken(connection, "disc")
    removal = remove_old(database, recorder.objects, "disc", MONTH, "Ann")
    assert (removal.inspections, removal.bytes > 0, ids(database)) == (3, True, set(young))
    assert files(database) >= {each.photo.sha256 for each in decided(2, first=100)}
    assert not files(database) & {each.photo.sha256 for each in decided(3)}
    with database.reading() as connection:
        assert 0 < bytes_taken(connection, "disc") < before
        bodies = list(connection.execute(select(entries.c.body).order_by(entries.c.number)).scalars())
    assert bodies[:3] == [None] * 3 and all(bodies[3:])
    assert json.loads(bodies[-1]) == {"numbers": [1, 2, 3], "reason": "older than 30 days", "who": "Ann"}
    found = verify_history(database)
    assert (found.entries, found.number, found.problem) == (6, None, "")
    assert remove_old(database, recorder.objects, "disc", MONTH, "Ann").inspections == 0
    assert remove_old(database, recorder.objects, "other", MONTH, "Ann").inspections == 0


def test_what_was_reviewed_or_waits_for_a_review_stays(recorder: Recorder) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    reviewed, taken_back, plain = kept(recorder, decided(3, days=40))
    (waits,) = kept(recorder, [waiting(40)])
    change_settings(database.folder, "disc", Keeping(sample_rate=1.0))
    accepted = next(one for one in decided(20, first=200, days=40) if one.verdict.label == "non_defective")
    (sampled,) = kept(recorder, [accepted])
    record_review(database, reviewed, "defective", "Bo")
    record_review(database, taken_back, "defective", "Bo")
    withdraw_review(database, taken_back, "Bo")
    assert remove_old(database, recorder.objects, "disc", Keeping(days=1, megabytes=1), "Ann").inspections == 1
    assert ids(database) == {reviewed, taken_back, waits, sampled} and plain not in ids(database)
    assert verify_history(database).problem == ""


def test_the_oldest_go_until_the_rest_fits(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    names = [name for part in decided(8) for name in kept(recorder, [part])]
    with database.reading() as connection:
        taken = bytes_taken(connection, "disc")
    monkeypatch.setattr(retention, "MEGABYTE", taken // 2)
    monkeypatch.setattr(retention, "TAKEN_AT_ONCE", 3)
    removal = remove_old(database, recorder.objects, "disc", Keeping(megabytes=1), "Ann")
    assert 3 <= removal.inspections <= 5 and ids(database) == set(names[removal.inspections :])
    with database.reading() as connection:
        assert bytes_taken(connection, "disc") <= taken // 2
        said = select(entries.c.body).where(entries.c.kind == REMOVAL)
        assert {json.loads(body)["reason"] for body in connection.execute(said).scalars()} == {"more than 1 MB"}
    assert verify_history(database).problem == ""


def test_a_file_stays_for_as_long_as_one_inspection_needs_it(recorder: Recorder) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    (one,) = decided(1, days=40)
    kept(recorder, [one])
    other = inspected(0, product="plate", time=days_ago(40))
    recorder.keep([other, *decided(1)], SHIPPED_POLICIES[0], SCREEN)
    assert one.photo.sha256 == other.photo.sha256
    remove_old(database, recorder.objects, "disc", Keeping(days=1), "Ann")
    assert recorder.objects.get(one.photo.sha256) == one.data
    remove_old(database, recorder.objects, "disc", Keeping(days=1), "Ann")
    remove_old(database, recorder.objects, "plate", Keeping(days=1), "Ann")
    assert recorder.objects.get(one.photo.sha256) == one.data  # kept again today
    assert verify_history(database).problem == ""


def test_no_file_goes_while_a_backup_holds_them(recorder: Recorder) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    (one,) = decided(1, days=40)
    kept(recorder, [one])
    with no_file_goes(database) as is_held:
        assert is_held and remove_old(database, recorder.objects, "disc", MONTH, "Ann").bytes == 0
    assert recorder.objects.get(one.photo.sha256) == one.data
    recorder.objects.path(one.photo.sha256).unlink()
    kept(recorder, [one])  # it is needed again before it was removed
    assert remove_unneeded(database, recorder.objects) == 0
    assert recorder.objects.get(one.photo.sha256) == one.data
    assert uses.FILES_LOCK not in {path.name for path in database.folder.iterdir()}


def test_inspections_whose_files_nobody_has_counted_go_too(recorder: Recorder) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0))
    kept(recorder, decided(2, days=40))
    with database.writing() as connection:
        connection.execute(text("DELETE FROM objects"))
    assert remove_old(database, recorder.objects, "disc", MONTH, "Ann").inspections == 2
    assert verify_history(database).problem == ""


def test_it_runs_by_itself_once_an_hour_and_a_failure_is_noted(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = recorder.database
    change_settings(database.folder, "disc", Keeping(sample_rate=0.0, days=30))
    (old,) = kept(recorder, decided(1, days=40))
    assert old not in ids(database) and last_removal(database.folder, "disc").inspections == 1
    kept(recorder, decided(1, first=50, days=40))
    assert len(ids(database)) == 1  # it waits for the next hour
    an_hour = {"disc": {"at": days_ago(2 / 24), "inspections": 0, "bytes": 0, "problem": ""}}
    (database.folder / "retention.json").write_text(json.dumps(an_hour))

    def fail(*_: object) -> Removal:
        raise RecordsError("The disk is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(retention, "remove_old", fail)
        (verdict,) = recorder.keep(decided(1, first=90), SHIPPED_POLICIES[0], SCREEN)
    assert verdict.id and not verdict.not_kept
    assert last_removal(database.folder, "disc").problem == "The disk is gone." and "The disk is gone." in caplog.text
    for strange in ("{", "[]", '{"disc": {"at": 5}}', '{"disc": 3}'):
        (database.folder / "retention.json").write_text(strange)
        (verdict,) = recorder.keep(decided(1, first=95), SHIPPED_POLICIES[0], SCREEN)
        assert verdict.id and last_removal(database.folder, "disc").problem == ""


def test_a_history_of_before_counts_its_files(tmp_path: Path) -> None:
    database = Database(tmp_path / "old")
    recorder = Recorder(database)
    kept(recorder, decided(2))
    with database.reading() as connection:
        counted = sorted(map(tuple, connection.execute(select(objects))))
    with database.writing() as connection:
        for change in ("TABLE objects", "TABLE waiting", "INDEX inspections_by_sample"):
            connection.execute(text(f"DROP {change}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.close()
    with database.reading() as connection:
        assert sorted(map(tuple, connection.execute(select(objects)))) == counted and len(counted) >= 3
