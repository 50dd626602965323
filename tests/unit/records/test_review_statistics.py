"""What reviews tell, read from the history: people, pairs, verdicts, and the random sample."""

import random
from dataclasses import replace

import pytest

from ensemble.metrics.escapes import Drawn
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import record_review
from ensemble.records.queue import Looker, answer_part, next_part
from ensemble.records.recording import Recorder
from ensemble.records.review_statistics import parts_an_hour, review_statistics
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.values.results import REVIEW
from tests.support.kept import inspected

OK, NOK = "non_defective", "defective"


def keep(
    database: Database, labels: list[str], *, sample_rate: float = 0.0, product: str = "disc", begin: int = 0
) -> list[str]:
    """The ids of inspections with these verdicts and no dissent."""
    change_settings(database.folder, product, Keeping(sample_rate=sample_rate))
    parts = [inspected(begin + number, product=product) for number in range(len(labels))]
    made = [
        replace(part, verdict=replace(part.verdict, label=label, votes=part.verdict.votes[:1]))
        for part, label in zip(parts, labels, strict=True)
    ]
    return [each.id for each in Recorder(database).keep(made, SHIPPED_POLICIES[0], Occasion("screen"))]


def test_nothing_is_told_of_an_empty_history(database: Database) -> None:
    assert review_statistics(database, "disc") is None


def test_the_sample_is_told_by_its_rates_and_other_parts_do_not_mix_in(database: Database) -> None:
    everything = keep(database, [OK] * 10, sample_rate=1.0)
    others = keep(database, [OK] * 5 + [NOK] * 8 + [REVIEW] * 2, begin=100)
    keep(database, [OK] * 3, sample_rate=1.0, product="bolt", begin=200)
    for called, label in zip(everything[:4], (NOK, OK, OK, OK), strict=True):
        record_review(database, called, label, "Ann", way="sample")
    record_review(database, others[0], NOK, "Ann", way="disagreement")  # an escape that chance has not drawn
    record_review(database, others[5], OK, "Ann", way="threshold")  # an overkill
    record_review(database, others[-1], NOK, "Ann", way="review")
    found = review_statistics(database, "disc")
    assert found is not None and found.escapes is not None
    assert found.escapes.sample == (Drawn(1.0, 10, 4, 1),)
    assert found.escapes.waiting == 6 and found.escapes.rate is not None and found.escapes.rate.value == 0.25
    assert found.escapes.caught == 8 - 1 + 1
    assert found.escapes.of_defective is not None
    assert found.escapes.of_defective.value == pytest.approx(2.5 / 10.5)
    assert found.parts == 7 and [(each.who, each.parts) for each in found.people] == [("Ann", 7)]
    assert found.with_verdicts.table == ((3, 1), (2, 0))
    assert review_statistics(database, "disc", "2027-01-01") is not None  # a time after all of them
    assert review_statistics(database, "disc", "2027-01-01").parts == 0  # type: ignore[union-attr]


def test_blind_second_looks_make_pairs_and_settle_nothing(database: Database) -> None:
    called = keep(database, [REVIEW] * 4)
    for one, (ann, bo) in zip(called, ((NOK, NOK), (NOK, OK), (OK, OK), (OK, OK)), strict=True):
        record_review(database, one, ann, "Ann", way="review")
        record_review(database, one, bo, "Bo", way="blind")
    found = review_statistics(database, "disc")
    assert found is not None
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.table) == ("Ann", "Bo", ((2, 0), (1, 1)))
    assert pair.kappa.kappa is not None and pair.kappa.kappa.value == 0.5
    assert found.escapes is not None and found.escapes.caught == 2
    assert (found.escapes.looks.nok, found.escapes.looks.nok_twice) == (1, 1)


@pytest.mark.parametrize(
    ("seconds", "pace"),
    [
        ([60 * number for number in range(11)], 60.0),
        ([60 * number for number in range(10)], None),  # nine gaps
        ([60 * number for number in range(11)] + [9000], 60.0),  # a break
        ([0] * 20, None),
    ],
)
def test_the_pace_leaves_breaks_out(seconds: list[int], pace: float | None) -> None:
    times = [f"2026-11-29T{8 + each // 3600:02}:{each // 60 % 60:02}:{each % 60:02}+00:00" for each in seconds]
    assert parts_an_hour(times) == pace


def test_simulated_inspectors_at_the_real_queue(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of which a fifth is defective, looked at by two people who err: their kappa lies in its limits."""
    chance = random.Random(14)
    monkeypatch.setattr(random, "shuffle", random.Random(15).shuffle)  # which parts are looked at a second time
    finds, passes = {"Ann": 0.95, "Bo": 0.85}, {"Ann": 0.98, "Bo": 0.95}
    called = keep(database, [REVIEW] * 60 + [OK] * 60, sample_rate=1.0)
    truth = {each: chance.random() < 0.2 for each in called}
    without = 0  # turns in a row
    for turn in range(400):
        looker = Looker(("Ann", "Bo")[turn % 2], f"page {turn % 2}")
        part = next_part(database, "disc", looker, draw=0.9 if turn < 120 else 0.0)
        without = 0 if part else without + 1
        if without > 20:  # neither has parts to look at
            break
        if part is None:  # the other one may still have some
            continue
        bad = truth[part.inspection.id]
        nok = chance.random() < (finds[looker.who] if bad else 1 - passes[looker.who])
        answer_part(database, part, looker, NOK if nok else OK)
    found = review_statistics(database, "disc")
    assert found is not None and found.escapes is not None and found.escapes.rate is not None
    assert sum(each.seen for each in found.escapes.sample) == 60 and found.escapes.waiting == 0
    (pair,) = found.pairs
    assert pair.kappa.parts > 60 and pair.kappa.kappa is not None
    assert pair.kappa.kappa.low <= 0.72 <= pair.kappa.kappa.high  # by these errors and a fifth of defective parts
    assert {each.who for each in found.people} == {"Ann", "Bo"}
    escaped = sum(truth[each] for each in called[60:]) / 60
    corrected = found.escapes.corrected
    assert corrected is None or corrected.low <= escaped <= corrected.high
