"""Money for counts: literal cases, and what must hold for every count and price."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.metrics.costs import DecisionCounts, Expected, Line, Prices, expected_costs
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Classes

BALANCED = DecisionCounts(good=100, defective=100, escapes=4, overkills=4)
REVIEWED = DecisionCounts(good=80, defective=20, escapes=1, overkills=2, reviews_good=4, reviews_defective=3)


def test_counts_of_labels() -> None:
    truth = [NON_DEFECTIVE] * 4 + [DEFECTIVE] * 5
    verdicts = [NON_DEFECTIVE, NON_DEFECTIVE, DEFECTIVE, REVIEW, DEFECTIVE, DEFECTIVE, NON_DEFECTIVE, REVIEW, REVIEW]
    counts = DecisionCounts.of(truth, verdicts, OK_NOK)
    assert counts == DecisionCounts(4, 5, 1, 1, reviews_good=1, reviews_defective=2)
    assert (counts.escape_rate, counts.overkill_rate, counts.review_rate) == (0.2, 0.25, 3 / 9)
    assert (counts.caught, counts.share) == (2, 5 / 9)


def test_nothing_to_rest_on_has_no_rate() -> None:
    none = DecisionCounts.of([], [], OK_NOK)
    assert (none.escape_rate, none.overkill_rate, none.review_rate, none.share) == (None, None, None, None)
    assert expected_costs(none, Line()) == Expected(None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("counts", "line", "told"),
    [
        (BALANCED, Line(), (220.0, 20.0, 20.0, 0.0, 0.96, None)),
        (REVIEWED, Line(parts_per_hour=600), (10 * 10 + 20 * 1 + 70 * 0.5, 10.0, 20.0, 70.0, 16 / 18, 42.0)),
        (REVIEWED, Line(Prices(100, 2, 1), share=0.0), (100.0, 0.0, 25.0, 50.0, 0.0, None)),
        (REVIEWED, Line(share=1.0), (50 * 10 + 150 * 0.5, 50.0, 0.0, 150.0, 1.0, None)),
        (DecisionCounts(10, 10, 10, 0), Line(), (5000.0, 500.0, 0.0, 0.0, None, None)),  # nothing is rejected
        (DecisionCounts(10, 0, 0, 1), Line(share=0.1), (None, None, 90.0, None, None, None)),
        (DecisionCounts(10, 0, 0, 1), Line(share=0.0), (100.0, 0.0, 100.0, 0.0, 0.0, None)),
        (DecisionCounts(10, 0, 0, 1), Line(), (100.0, 0.0, 100.0, 0.0, 0.0, None)),  # the photos' own share is 0
        (DecisionCounts(0, 10, 1, 0), Line(share=0.1), (None, 10.0, None, None, None, None)),
        (DecisionCounts(0, 0, 0, 0), Line(share=0.1), (None, None, None, None, None, None)),
    ],
)
def test_what_to_expect_of_1000_parts(counts: DecisionCounts, line: Line, told: tuple[float | None, ...]) -> None:
    found = expected_costs(counts, line)
    values = [getattr(found, name) for name in Expected.__dataclass_fields__]
    assert values == [each if each is None else pytest.approx(each) for each in told]


def test_precision_of_a_balanced_set_does_not_last_on_the_line() -> None:
    assert expected_costs(BALANCED, Line()).precision == pytest.approx(0.96)
    assert expected_costs(BALANCED, Line(share=0.005)).precision == pytest.approx(0.11, abs=0.005)


@given(
    st.tuples(*[st.integers(0, 30)] * 6),
    st.none() | st.floats(0, 1),
    st.builds(Prices, *[st.floats(0, 1e6)] * 3),
)
def test_parts_and_money_add_up(six: tuple[int, ...], share: float | None, prices: Prices) -> None:
    passed, overkills, reviews_good, caught, escapes, reviews_defective = six
    counts = DecisionCounts(
        passed + overkills + reviews_good, caught + escapes + reviews_defective, escapes, overkills,
        reviews_good, reviews_defective,
    )  # fmt: skip
    assert counts.caught == caught
    told = expected_costs(counts, Line(prices, share))
    if told.money is not None:
        assert told.money >= 0 and told.escapes is not None and told.overkills is not None and told.reviews is not None
        assert told.escapes + told.overkills + told.reviews <= 1000 * (1 + 1e-9)
        assert told.money <= 1000 * max(prices.escape, prices.overkill, prices.review) * (1 + 1e-9)
    assert told.precision is None or 0 <= told.precision <= 1


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf, 10**400, True, "1"])
def test_a_price_must_be_a_number_from_0_upwards(price: float) -> None:
    with pytest.raises(PolicyError, match="price of an overkill"):
        Prices(overkill=price)


@pytest.mark.parametrize("settings", [{"share": 1.1}, {"share": math.nan}, {"parts_per_hour": -1.0}])
def test_a_line_must_be_possible(settings: dict[str, float]) -> None:
    with pytest.raises(PolicyError, match="Got"):
        Line(**settings)


def test_impossible_counts_are_refused() -> None:
    for wrong in [(1, 1, 2, 0), (1, 1, 0, 2), (-1, 1, 0, 0), (1, 1, 1, 1, 0, 1)]:
        with pytest.raises(ValueError, match="Got"):
            DecisionCounts(*wrong)
    with pytest.raises(PolicyError, match="shoes, topwear have none"):
        DecisionCounts.of(["shoes"], ["shoes"], Classes(("shoes", "topwear")))
    with pytest.raises(ValueError, match="Got 'NOK'"):
        DecisionCounts.of([DEFECTIVE], ["NOK"], OK_NOK)
