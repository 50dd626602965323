"""Cohen's kappa and escape rates: literal values, what must hold of all, and limits that hold as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from ensemble.metrics.agreement import cohens_kappa
from ensemble.metrics.escapes import (
    Drawn,
    SecondLooks,
    corrected_escape_rate,
    drawn_parts,
    escape_rate,
    escapes_per_defective,
    sampled_sentence,
)

ENOUGH = 93  # of 100 runs
TABLES = st.integers(2, 4).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 40), min_size=size, max_size=size), min_size=size, max_size=size)
)


@pytest.mark.parametrize(
    ("table", "kappa", "same"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.4915, 0.70),  # Cohen 1960
        ([[20, 5], [10, 15]], 0.4, 0.70),
        ([[25, 35], [5, 35]], 0.2593, 0.60),
        ([[45, 15], [25, 15]], 0.1304, 0.60),
        ([[10, 0], [0, 5]], 1.0, 1.0),
        ([[0, 5], [5, 0]], -1.0, 0.0),
    ],
)
def test_kappa_is_that_of_the_books(table: list[list[int]], kappa: float, same: float) -> None:
    found = cohens_kappa(table)
    assert found.kappa is not None and found.kappa.value == pytest.approx(kappa, abs=5e-5) and found.same == same


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([[0, 0], [0, 0]], "Nothing was looked at by both."),
        ([[30, 0], [0, 0]], "Both gave one and the same label to every part."),
    ],
)
def test_where_there_is_no_kappa_a_sentence_says_why(table: list[list[int]], why: str) -> None:
    found = cohens_kappa(table)
    assert found.kappa is None and found.why == why


@given(TABLES)
def test_kappa_is_scikit_learns_and_lies_within_its_limits(table: list[list[int]]) -> None:
    found = cohens_kappa(table).kappa
    counts = np.array(table)
    if found is None:
        return
    first, second = np.indices(counts.shape).reshape(2, -1)
    expected = cohen_kappa_score(first, second, sample_weight=counts.ravel())
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert -1.0001 <= found.low <= found.value <= found.high <= 1.0001
    turned = cohens_kappa(counts.T.tolist()).kappa
    assert turned is not None and turned.value == pytest.approx(found.value)


@pytest.mark.parametrize("parts", [30, 60, 200])
@pytest.mark.parametrize("defective", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("errors", [(0.9, 0.98, 0.9, 0.98), (0.95, 0.99, 0.8, 0.95), (0.99, 0.999, 0.99, 0.999)])
def test_kappa_of_simulated_inspectors_lies_in_its_limits(
    parts: int, defective: float, errors: tuple[float, float, float, float]
) -> None:
    finds, passes, finds_too, passes_too = errors
    of_bad = np.outer([1 - finds, finds], [1 - finds_too, finds_too])
    of_good = np.outer([passes, 1 - passes], [passes_too, 1 - passes_too])
    truth = defective * of_bad + (1 - defective) * of_good
    chance = truth.sum(axis=1) @ truth.sum(axis=0)
    kappa = (np.trace(truth) - chance) / (1 - chance)
    draws = np.random.default_rng(parts).multinomial(parts, truth.ravel(), 100)
    found = [cohens_kappa(draw.reshape(2, 2)).kappa for draw in draws]
    missed = sum(each is not None and not each.low <= kappa <= each.high for each in found)
    assert missed <= 100 - ENOUGH


def test_at_one_rate_the_limits_are_those_of_clopper_and_pearson() -> None:
    found = escape_rate([Drawn(0.01, 420, 400, 2)])
    assert found is not None
    assert (found.value, round(found.low, 6), round(found.high, 6)) == (0.005, 0.000606, 0.017944)
    assert sampled_sentence([Drawn(0.01, 420, 400, 2)]) == (
        "Of 400 accepted parts looked at, 2 NOK: 0.5% escapes (0.06% to 1.8%)."
    )


def test_a_part_counts_for_those_that_it_stands_for() -> None:
    found = escape_rate([Drawn(0.01, 100, 100, 2), Drawn(0.1, 100, 100, 2)])
    assert found is not None and found.value == pytest.approx((2 / 0.01 + 2 / 0.1) / (100 / 0.01 + 100 / 0.1))
    assert found.low < found.value < found.high < 0.08


def test_without_a_look_nothing_is_said() -> None:
    assert escape_rate([]) is None and escape_rate([Drawn(0.1, 5, 0, 0)]) is None
    assert sampled_sentence([]) == "Escapes: unknown, no part of the random sample was looked at yet."
    assert corrected_escape_rate([Drawn(0.1, 50, 50, 1)], SecondLooks(nok=9, ok=99))[1] == (
        "Too few blind second looks to know how reviewers err: 9 say NOK, 99 say OK, 10 of each are needed."
    )


def test_the_sample_is_counted_by_rate() -> None:
    looks = [(0.01, None), (0.01, False), (0.05, True), (0.05, False), (0.05, None)]
    assert drawn_parts(looks) == (Drawn(0.01, 2, 1, 0), Drawn(0.05, 3, 2, 1))


def test_reviewers_that_never_err_leave_the_rate_as_it_is() -> None:
    sample = [Drawn(1.0, 1000, 1000, 20)]
    found, why = corrected_escape_rate(sample, SecondLooks(500, 500, 500, 500))
    assert why is None and found is not None and found.value == pytest.approx(0.02)
    assert found.low < 0.012 < 0.02 < 0.031 < found.high < 0.034


def test_escapes_of_all_defective_parts() -> None:
    rate = escape_rate([Drawn(0.01, 400, 400, 2)])
    assert rate is not None
    found = escapes_per_defective(rate, 40_000, 800)
    assert found is not None and (found.value, round(found.high, 3)) == (0.2, 0.473)
    assert escapes_per_defective(escape_rate([Drawn(1, 9, 9, 0)]), 9, 0) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.002, 0.01, 0.05])
@pytest.mark.parametrize("errors", [(1.0, 1.0), (0.98, 0.999), (0.9, 0.99), (0.8, 0.95)])
def test_the_escape_rate_of_simulated_inspectors_lies_in_its_limits(rate: float, errors: tuple[float, float]) -> None:
    finds, passes = errors
    chance = np.random.default_rng(14)
    missed = unlike = 0
    for _run in range(100):
        sample, seen_right, escaped, accepted = [], [], 0, 0
        for drawn_at, parts, defective in ((0.01, 30_000, rate / 2), (0.04, 20_000, 2 * rate)):
            bad = int(chance.binomial(parts, defective))
            drawn_bad, drawn_good = chance.binomial(bad, drawn_at), chance.binomial(parts - bad, drawn_at)
            said = chance.binomial(drawn_bad, finds) + chance.binomial(drawn_good, 1 - passes)
            sample.append(Drawn(drawn_at, int(drawn_bad + drawn_good), int(drawn_bad + drawn_good), int(said)))
            seen_right.append(Drawn(drawn_at, sample[-1].drawn, sample[-1].seen, int(drawn_bad)))
            escaped, accepted = escaped + bad, accepted + parts
        truth = escaped / accepted
        looks = SecondLooks(*_looks(chance, 80, 0.4, errors, True), *_looks(chance, 120, rate, errors, False))
        plain, (corrected, _why) = escape_rate(seen_right), corrected_escape_rate(sample, looks)
        assert plain is not None
        missed += not plain.low <= truth <= plain.high
        unlike += corrected is not None and not corrected.low <= truth <= corrected.high
    assert missed <= 100 - ENOUGH and unlike <= 100 - ENOUGH


def _looks(
    chance: np.random.Generator, parts: int, defective: float, errors: tuple[float, float], nok: bool
) -> tuple[int, int]:
    """How many second looks at so many parts say NOK, or OK, and of how many the first one did."""
    says_nok = np.where(chance.random(parts) < defective, errors[0], 1 - errors[1])
    first, second = (chance.random(parts) < says_nok for _look in range(2))
    return int((second == nok).sum()), int(((second == nok) & (first == nok)).sum())
