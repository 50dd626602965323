"""The time machine: what was kept comes out as it was, and another policy says what would have been."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from ensemble.inspection.time_machine import NO_SIZES, reproduce, what_if
from ensemble.policies import SHIPPED_POLICIES, choose
from ensemble.policies.counting import SizeLimit
from ensemble.records.database import Database
from ensemble.records.history import Filters, record_review
from ensemble.records.recording import Recorder
from ensemble.records.values import Occasion
from ensemble.values.errors import RecordsError
from tests.support.kept import inspected

COMMAND = Occasion("command line")
EVERYTHING = Filters()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    database = Database(tmp_path / "records")
    yield Recorder(database)
    database.close()


def test_every_stored_verdict_comes_out_as_it_was_whatever_policy_gave_it(recorder: Recorder) -> None:
    for number, policy in enumerate(SHIPPED_POLICIES):
        parts = [inspected(10 * number + each, policy, version=number) for each in range(10)]
        recorder.keep(parts, policy, COMMAND)
    found = reproduce(recorder.database, EVERYTHING)
    assert (found.inspections, found.deviations) == (10 * len(SHIPPED_POLICIES), ())


def test_a_verdict_that_does_not_come_out_is_named_with_what_differs(recorder: Recorder) -> None:
    verdicts = recorder.keep([inspected(each) for each in range(3)], SHIPPED_POLICIES[0], COMMAND)
    with recorder.database.writing() as connection:
        body = json.loads(connection.execute(text("SELECT body FROM entries WHERE number = 2")).scalar_one())
        body["confidence"] = 0.987654
        connection.execute(text("UPDATE entries SET body = :body WHERE number = 2"), {"body": json.dumps(body)})
    (deviation,) = reproduce(recorder.database, EVERYTHING).deviations
    assert (deviation.id, deviation.why) == (verdicts[1].id, "It comes out otherwise: confidence.")


def test_rules_of_sizes_do_not_decide_where_nobody_has_measured(recorder: Recorder) -> None:
    """Verdicts of before hold no sizes: those that a size could turn are named, the others stand."""
    majority = choose(SHIPPED_POLICIES, "MAJORITY")
    verdicts = recorder.keep([inspected(each, majority) for each in range(20)], majority, COMMAND)
    rejected = sum(verdict.label != "non_defective" for verdict in verdicts)
    assert 0 < rejected < 20
    small, large = (replace(majority, **{name: SizeLimit("px", 9)}) for name in ("smallest_defect", "large_defect"))
    for policy, unknown in ((small, rejected), (large, len(verdicts))):
        found = what_if(recorder.database, EVERYTHING, policy)
        assert (found.changed, len(found.deviations)) == (0, unknown)
        assert {each.why for each in found.deviations} == {NO_SIZES}


def test_another_policy_says_what_would_change_and_what_is_known_of_it(recorder: Recorder) -> None:
    majority, every = choose(SHIPPED_POLICIES, "MAJORITY"), choose(SHIPPED_POLICIES, "ALL")
    parts = [inspected(each, majority, time=f"2026-11-20T{8 + each // 20:02}:00:00+00:00") for each in range(60)]
    verdicts = recorder.keep(parts, majority, COMMAND)
    rejected = [verdict for verdict in verdicts if verdict.label == "defective"]
    record_review(recorder.database, rejected[0].id, "defective", "Ann")
    record_review(recorder.database, rejected[1].id, "non_defective", "Ann")
    same = what_if(recorder.database, EVERYTHING, majority)
    assert (same.inspections, same.changed, same.hours) == (60, 0, 2.0)
    assert same.known_before == same.known_after
    found = what_if(recorder.database, EVERYTHING, every)
    again = [every.revise(verdict).label for verdict in verdicts]
    changed = [(old.label, new) for old, new in zip(verdicts, again, strict=True) if old.label != new]
    assert found.changed == len(changed) == len(found.changes) > 0
    assert {(each.before, each.after) for each in found.changes} == set(changed)
    assert found.known_before is not None and (found.known_before.good, found.known_before.defective) == (1, 1)
    assert (found.known_before.escapes, found.known_before.overkills) == (0, 1)
    by_id = {each.id: each for each in found.changes}
    assert all(by_id[one.id].truth == "defective" for one in rejected[:1] if one.id in by_id)


def test_a_database_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file in the way")
    with pytest.raises(RecordsError, match="cannot be"):
        reproduce(Database(tmp_path / "records"), EVERYTHING)
