"""Thresholds on held-out scores: literal cases, and what must hold for every set of scores there can be."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score

from ensemble.metrics.costs import DecisionCounts, Line, Prices, expected_costs
from ensemble.metrics.thresholds import (
    OperatingPoint,
    ThresholdCounts,
    cost_threshold,
    f_beta_threshold,
    precision_threshold,
    review_threshold,
    safe_threshold,
)
from ensemble.values.errors import PolicyError

TRUTH = (False, False, False, True, False, True, True)
SCORES = (0.1, 0.2, 0.2, 0.4, 0.6, 0.8, 0.9)
APART = ((False, False, True, True), (0.1, 0.2, 0.8, 0.9))

Parts = tuple[tuple[bool, ...], tuple[float, ...]]
scores = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]) | st.floats(0, 1)
parts = (
    st.lists(st.tuples(st.booleans(), scores), min_size=2, max_size=12)
    .filter(lambda pairs: len({truth for truth, _ in pairs}) == 2)
    .map(lambda pairs: (tuple(truth for truth, _ in pairs), tuple(score for _, score in pairs)))
)
prices = st.builds(Prices, st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 100))
shares = st.none() | st.floats(0, 1)
CHOICES: dict[str, Callable[[Any, Any], OperatingPoint]] = {
    "f1": lambda truth, given: f_beta_threshold(truth, given, 1),
    "f2": lambda truth, given: f_beta_threshold(truth, given, 2),
    "safe": safe_threshold,
    "precision": precision_threshold,
    "cost": lambda truth, given: cost_threshold(truth, given, Prices()),
    "review_low": lambda truth, given: review_threshold(truth, given, Prices())[0],
    "review_high": lambda truth, given: review_threshold(truth, given, Prices())[1],
}


@pytest.mark.parametrize(
    ("point", "threshold", "escapes", "overkills", "figure"),
    [
        (f_beta_threshold(TRUTH, SCORES, 1), 0.3, 0, 1, 6 / 7),
        (f_beta_threshold(TRUTH, SCORES, 2), 0.3, 0, 1, 15 / 16),
        (f_beta_threshold(TRUTH, SCORES, 0.5), 0.7, 1, 0, 10 / 11),
        (safe_threshold(TRUTH, SCORES), 0.25, 0, 1, None),  # odds of 0.4 are 2 to 3, half of them 1 to 3
        (precision_threshold(TRUTH, SCORES), 0.75, 1, 0, None),  # odds of 0.6 are 3 to 2, twice them 3 to 1
        (cost_threshold(TRUTH, SCORES, Prices()), 0.3, 0, 1, 1000 / 7),
        (cost_threshold(TRUTH, SCORES, Prices(escape=1.0, overkill=2.0)), 0.7, 1, 0, 1000 / 7),
        (cost_threshold(TRUTH, SCORES, Prices(escape=1.0, overkill=1.0)), 0.3, 0, 1, 1000 / 7),  # a tie: the safer one
        (cost_threshold(TRUTH, SCORES, Prices(), share=0.01), 0.7, 1, 0, 1000 * 0.01 / 3 * 10),
        (safe_threshold(*APART), 0.5, 0, 0, None),  # midway is lower than half the odds of 0.8
        (precision_threshold(*APART), 0.5, 0, 0, None),
        (precision_threshold((True, False), (0.2, 0.5)), 0.75, 1, 0, None),  # nothing can be caught without an overkill
        (precision_threshold((True, False), (0.9, 1.0)), 0.95, 1, 1, None),  # nor can this overkill be avoided
        (precision_threshold((False, True), (0.6, 0.7)), 0.65, 0, 0, None),  # twice the odds would miss the only one
        (safe_threshold((False, True), (0.0, 1.0)), 0.5, 0, 0, None),
        (safe_threshold((False, True), (0.0, 0.0)), 0.0, 0, 1, None),
    ],
)
def test_literal_thresholds(
    point: OperatingPoint, threshold: float, escapes: int, overkills: int, figure: float | None
) -> None:
    assert point.threshold == pytest.approx(threshold)
    assert (point.escapes, point.overkills) == (escapes, overkills)
    assert point.figure == (figure if figure is None else pytest.approx(figure))


def test_names_and_the_counts_they_rest_on() -> None:
    assert [f_beta_threshold(TRUTH, SCORES, beta).name for beta in (1, 2, 0.5)] == ["f1", "f2", "f0.5"]
    assert {(make(TRUTH, SCORES).name == name) for name, make in CHOICES.items()} == {True}
    assert all((make(TRUTH, SCORES).good, make(TRUTH, SCORES).defective) == (4, 3) for make in CHOICES.values())


def test_two_thresholds_with_a_review_between_them() -> None:
    low, high = review_threshold(TRUTH, SCORES, Prices(escape=10, overkill=1, review=0.4))
    assert (low.threshold, high.threshold) == pytest.approx((0.3, 0.7))
    assert (low.escapes, high.overkills) == (0, 0)
    assert low.figure == high.figure == pytest.approx(1000 / 7 * 2 * 0.4)
    dear, same = review_threshold(TRUTH, SCORES, Prices(escape=10, overkill=1, review=0.6))
    assert dear.threshold == same.threshold == pytest.approx(0.3)  # two reviews would cost more than the overkill


def test_a_review_without_a_price_is_refused() -> None:
    with pytest.raises(PolicyError, match="Give a review a price"):
        review_threshold(TRUTH, SCORES, Prices(review=0))


@given(parts)
def test_a_lower_threshold_never_lets_through_what_was_caught(some: Parts) -> None:
    counted = ThresholdCounts.of(*some)
    assert (np.diff(counted.thresholds) > 0).all()
    for lower, higher in pairwise(counted.thresholds):
        caught_low, caught_high = np.array(some[1]) >= lower, np.array(some[1]) >= higher
        assert (caught_low | ~caught_high).all() and caught_low.sum() > caught_high.sum()
    assert (np.diff(counted.escapes) >= 0).all() and (np.diff(counted.overkills) <= 0).all()


@given(parts)
@pytest.mark.parametrize("name", CHOICES)
def test_the_counts_of_a_set_are_those_of_each_threshold(name: str, some: Parts) -> None:
    truth, given_scores = np.array(some[0]), np.array(some[1])
    point = CHOICES[name](*some)
    rejected = given_scores >= point.threshold
    assert point.escapes == (truth & ~rejected).sum() and point.overkills == (~truth & rejected).sum()
    assert OperatingPoint.from_json(json.loads(json.dumps(point.as_json()))) == point


@given(parts)
def test_safe_lets_nothing_pass_and_stays_below_every_other_choice(some: Parts) -> None:
    safe, precise = safe_threshold(*some), precision_threshold(*some)
    assert safe.escapes == 0
    assert precise.overkills == 0 or max(score for bad, score in zip(*some, strict=True) if not bad) == 1
    if max(some[1]) < 1 and min(score for bad, score in zip(*some, strict=True) if bad) > 0:
        lowest = min(score for bad, score in zip(*some, strict=True) if bad)
        assert safe.threshold < lowest or lowest < 1e-300


@given(parts, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_threshold_has_a_higher_f_beta(some: Parts, beta: float) -> None:
    best = f_beta_threshold(*some, beta)
    figures = [
        fbeta_score(some[0], np.array(some[1]) >= threshold, beta=beta, zero_division=0)
        for threshold in ThresholdCounts.of(*some).thresholds
    ]
    assert best.figure == pytest.approx(max(figures))


def money(some: Parts, low: float, high: float, price: Prices, share: float | None) -> float:
    labels = ["defective" if score >= high else "review" if score >= low else "good" for score in some[1]]
    pairs = list(zip(some[0], labels, strict=True))
    counts = DecisionCounts(
        some[0].count(False), some[0].count(True), pairs.count((True, "good")), pairs.count((False, "defective")),
        pairs.count((False, "review")), pairs.count((True, "review")),
    )  # fmt: skip
    told = expected_costs(counts, Line(price, share)).money
    assert told is not None
    return told


@given(parts, prices, shares)
def test_no_threshold_and_no_two_thresholds_are_cheaper(some: Parts, price: Prices, share: float | None) -> None:
    thresholds = ThresholdCounts.of(*some).thresholds
    one = cost_threshold(*some, price, share)
    single = [money(some, threshold, threshold, price, share) for threshold in thresholds]
    assert one.figure == pytest.approx(min(single), abs=1e-3)
    assert money(some, one.threshold, one.threshold, price, share) == pytest.approx(min(single), abs=1e-3)
    low, high = review_threshold(*some, price, share)
    double = [money(some, a, b, price, share) for i, a in enumerate(thresholds) for b in thresholds[i:]]
    assert low.threshold <= high.threshold
    assert low.figure == high.figure == pytest.approx(min(double), abs=1e-3)
    assert money(some, low.threshold, high.threshold, price, share) == pytest.approx(min(double), abs=1e-3)


@pytest.mark.parametrize(
    ("truth", "given_scores", "error", "says"),
    [
        ((True, True), (0.1, 0.2), PolicyError, "Got 0 good and 2 defective"),
        ((), (), PolicyError, "Got 0 good and 0 defective"),
        ((True, False), (0.1,), ValueError, "shapes"),
        ((True, False), (0.1, 1.2), ValueError, "in \\[0, 1\\]"),
        ((True, False), (0.1, math.nan), ValueError, "in \\[0, 1\\]"),
    ],
)
@pytest.mark.parametrize("name", CHOICES)
def test_what_no_threshold_can_be_chosen_on(
    name: str, truth: tuple[bool, ...], given_scores: tuple[float, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        CHOICES[name](truth, given_scores)


GOOD_JSON = {"name": "f1", "threshold": 0.3, "good": 4, "defective": 3, "escapes": 0, "overkills": 1, "figure": None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"threshold": 1.2}, "in \\[0, 1\\]"),
        ({"threshold": math.nan}, "in \\[0, 1\\]"),
        ({"threshold": True}, "in \\[0, 1\\]"),
        ({"name": " "}, "needs a name"),
        ({"good": 4.5}, "whole counts"),
        ({"escapes": -1}, "whole counts"),
        ({"escapes": 4}, "more parts than there are"),
        ({"figure": math.inf}, "figure"),
        ({"figure": 10**400}, "figure"),
        ({"cut": 0.5}, "nothing beside"),
    ],
)
def test_a_stored_threshold_is_checked(change: dict[str, Any], says: str) -> None:
    assert OperatingPoint.from_json(GOOD_JSON).as_json() == GOOD_JSON
    with pytest.raises(PolicyError, match=says):
        OperatingPoint.from_json({**GOOD_JSON, **change})
