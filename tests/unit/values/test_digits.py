"""Numbers beside each other stand in the order in which they were compared."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.values.digits import beside, decimals, in_order, percents, rounded, threshold_text

shares = st.floats(0, 1)
near = st.builds(lambda value, step: min(1.0, max(0.0, value + step)), shares, st.floats(-1e-6, 1e-6))


def order(one: float | Decimal, other: float | Decimal) -> int:
    return (one > other) - (one < other)


@given(shares | near, shares | near, shares)
def test_what_is_printed_stands_in_the_real_order(value: float, low: float, high: float) -> None:
    numbers = (value, low, high)
    for texts in (in_order(*numbers), beside(*numbers), [text.removesuffix("%") for text in percents(*numbers)]):
        read = [Decimal(text) for text in texts]
        for one in range(3):
            for other in range(one):
                assert order(read[one], read[other]) == order(numbers[one], numbers[other])


@given(shares, st.integers(-9, 9))
def test_neighbours_are_told_apart_and_ties_are_not(value: float, ulps: int) -> None:
    other = min(1.0, abs(value + ulps * 2.0**-53))
    one, two = beside(value, other)
    assert order(Decimal(one), Decimal(two)) == order(value, other)
    assert beside(value, value)[0] == beside(value, value)[1]


@pytest.mark.parametrize(
    ("value", "threshold", "texts"),
    [
        (0.69231, 0.692213, ("0.6923", "0.6922")),
        (0.4951, 0.5, ("0.495", "0.500")),
        (0.538, 0.537997, ("0.538000", "0.537997")),
        (0.5, 0.5, ("0.50", "0.50")),
        (0.171, 0.055287, ("0.171", "0.055")),
        (0.9, 0.5, ("0.90", "0.50")),
    ],
)
def test_two_digits_or_as_many_as_it_takes(value: float, threshold: float, texts: tuple[str, str]) -> None:
    assert beside(value, threshold) == texts


def test_a_threshold_alone_and_shares_in_percent() -> None:
    assert [threshold_text(value) for value in (0.5, 0.055287, 0.00003, 1.0)] == ["0.50", "0.055", "0.00003", "1.00"]
    assert percents(0.5) == ("50%",) and percents(1 / 3, 0.5) == ("33.3%", "50.0%")
    assert [decimals(value) for value in (0.5, 1.0, 0.055287, 1e-7)] == [1, 0, 6, 7]


@given(shares, st.lists(shares | near, max_size=8))
def test_a_rounded_threshold_leaves_every_score_on_its_side(threshold: float, scores: list[float]) -> None:
    found = rounded(threshold, scores)
    assert [score >= found for score in scores] == [score >= threshold for score in scores]


def test_rounding_takes_more_digits_only_where_it_must() -> None:
    assert rounded(0.12345649, [0.1, 0.9]) == 0.123456
    assert rounded(0.12345649, [0.1, 0.12345645]) == 0.1234565  # 0.123456 would have caught it
