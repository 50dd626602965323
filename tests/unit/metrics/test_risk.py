"""Exact binomial limits: tabled values, then what must hold for every count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from ensemble.metrics import costs


@pytest.mark.parametrize(
    ("events", "trials", "lower", "upper"),
    [  # each side at 97.5%: Clopper and Pearson's two-sided interval of 95%, as tabled
        (0, 10, 0.0000, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (2, 10, 0.0252, 0.5561),
        (3, 10, 0.0667, 0.6525),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0000),
        (0, 20, 0.0000, 0.1684),
        (1, 20, 0.0013, 0.2487),
        (10, 100, 0.0490, 0.1762),
        (0, 100, 0.0000, 0.0362),
        (0, 0, 0.0, 1.0),
    ],
)
def test_limits_equal_the_table(events: int, trials: int, lower: float, upper: float) -> None:
    assert costs.lower_bound(events, trials, 0.975) == pytest.approx(lower, abs=5e-5)
    assert costs.upper_bound(events, trials, 0.975) == pytest.approx(upper, abs=5e-5)


def test_one_kind_of_limit_is_told_of_every_rate() -> None:
    assert costs.binomial_limits(6, 36) == (costs.lower_bound(6, 36), costs.upper_bound(6, 36))
    assert costs.at_most(6, 36) == "up to 30.3%" and costs.at_least(53, 54) == "at least 91.5%"


@pytest.mark.parametrize(
    ("events", "trials", "most", "least"),
    [
        (0, 0, "up to 100%", "at least 0%"),
        (0, 1, "up to 95%", "at least 0%"),  # 95% as it is, and not what floats add to it
        (1, 1, "up to 100%", "at least 5%"),
        (0, 40, "up to 7.3%", "at least 0%"),  # 7.216
        (1, 10, "up to 39.5%", "at least 0.5%"),  # 39.42 and 0.51
        (16, 18, "up to 98%", "at least 68.9%"),  # 97.99 and 68.97
        (6500, 6500, "up to 100%", "at least 99.95%"),  # 99.9539
        (0, 6500, "up to 0.05%", "at least 0%"),  # 0.0461
    ],
)
def test_a_limit_is_rounded_to_the_side_where_it_still_holds(events: int, trials: int, most: str, least: str) -> None:
    assert (costs.at_most(events, trials), costs.at_least(events, trials)) == (most, least)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_no_limit_as_it_is_read_promises_more_than_it_is(events: int, without: int) -> None:
    low, high = costs.binomial_limits(events, events + without)
    least, most = (
        float(text.removesuffix("%").split()[-1]) / 100
        for text in (costs.at_least(events, events + without), costs.at_most(events, events + without))
    )
    assert least <= low + 1e-11 and most >= high - 1e-11
    assert (least == 0) == (low == 0) and (most == 1) == (high == 1)


@pytest.mark.parametrize(
    ("events", "trials", "upper"),
    [
        (0, 0, 1.0),
        (0, 1, 0.95),
        (0, 40, 0.0722),
        (0, 58, 0.0503),
        (0, costs.SAFE_NEEDS, 0.0495),
        (0, 298, 0.01000),
        (0, 299, 0.00997),
        (1, 10, 0.3942),
        (2, 20, 0.2826),
        (7, 7, 1.0),
    ],
)
def test_the_one_sided_upper_limit(events: int, trials: int, upper: float) -> None:
    assert costs.upper_bound(events, trials) == pytest.approx(upper, abs=5e-5)
    assert costs.lower_bound(trials - events, trials) == pytest.approx(1 - upper, abs=5e-5)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_the_limits_hold_the_seen_rate_and_their_own_promise(events: int, without: int, confidence: float) -> None:
    trials = events + without
    low, high = costs.lower_bound(events, trials, confidence), costs.upper_bound(events, trials, confidence)
    assert 0 <= low <= high <= 1
    if trials:
        assert low <= events / trials <= high
    if without:  # at the bound itself, so few events are just as rare as promised
        assert binom.cdf(events, trials, high) == pytest.approx(1 - confidence, abs=1e-6)
        assert costs.upper_bound(events + 1, trials, confidence) >= high
    assert costs.upper_bound(events, trials + 1, confidence) <= high


@pytest.mark.parametrize(
    ("events", "trials", "rate", "more"),
    [(0, 40, 0.01, 259), (0, 0, 0.01, 299), (0, 299, 0.01, 0), (0, 298, 0.01, 1), (1, 40, 0.01, 433), (0, 0, 0.05, 59)],
)
def test_how_many_more_are_needed(events: int, trials: int, rate: float, more: int) -> None:
    assert costs.more_needed(events, trials, rate) == more


@given(st.integers(0, 20), st.integers(0, 500), st.floats(0.002, 0.5))
def test_so_many_more_are_enough_and_one_fewer_is_not(events: int, without: int, rate: float) -> None:
    trials = events + without
    more = costs.more_needed(events, trials, rate)
    assert costs.upper_bound(events, trials + more) <= rate
    assert not more or costs.upper_bound(events, trials + more - 1) > rate


@pytest.mark.parametrize(
    ("escapes", "defective", "sentence"),
    [
        (0, 0, "Escapes: unknown, no defective part was tested."),
        (
            0,
            40,
            "Escapes: 0 of 40 (upper limit 7.3%, 95% confidence). "
            "To prove 1%: 259 more defective photos without an escape.",
        ),
        (
            1,
            1,
            "Escapes: 1 of 1 (upper limit 100%, 95% confidence). "
            "To prove 1%: 472 more defective photos without an escape.",
        ),
        (
            0,
            298,
            "Escapes: 0 of 298 (upper limit 1.1%, 95% confidence). "
            "To prove 1%: 1 more defective photo without an escape.",
        ),
        (0, 1000, "Escapes: 0 of 1000 (upper limit 0.3%, 95% confidence)."),
    ],
)
def test_the_sentence_of_escapes(escapes: int, defective: int, sentence: str) -> None:
    assert costs.escape_sentence(escapes, defective) == sentence


def test_the_sentence_of_overkills() -> None:
    assert costs.overkill_sentence(0, 0) == "Overkill: unknown, no good part was tested."
    assert costs.overkill_sentence(2, 20) == "Overkill: 2 of 20 (upper limit 28.3%, 95% confidence)."


@pytest.mark.parametrize(
    ("escapes", "defective", "says"),
    [
        (0, 59, None),
        (0, 58, "Validation photos of defective parts: 58. SAFE needs at least 59"),
        (0, 1, "Validation photos of defective parts: 1. SAFE"),
        (1, 200, "Escapes on validation photos: 1 of 200. SAFE allows none."),
    ],
)
def test_what_may_not_be_called_safe(escapes: int, defective: int, says: str | None) -> None:
    reason = costs.not_safe(escapes, defective)
    assert reason is None if says is None else reason is not None and reason.startswith(says)


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        *((0, "0%"), (0.0722, "7.2%"), (0.05, "5%"), (1, "100%"), (0.0004, "0.04%"), (0.00095, "0.1%")),
        *((2999 / 3000, "99.97%"), (0.9995, "99.95%"), (0.999, "99.9%"), (0.99999, "99.999%")),
    ],
)
def test_a_share_as_a_person_reads_it(rate: float, shown: str) -> None:
    assert costs.percent(rate) == shown


@pytest.mark.parametrize(("events", "trials", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (0, -1, 0.95), (1, 5, 1.0)])
def test_nonsense_is_refused(events: int, trials: int, confidence: float) -> None:
    for bound in (costs.upper_bound, costs.lower_bound):
        with pytest.raises(ValueError, match="Got"):
            bound(events, trials, confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        costs.more_needed(0, 40, 0.0)
