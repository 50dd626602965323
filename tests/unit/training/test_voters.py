"""Dependence of voters: literal correlations, and how many voters are left."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ensemble.evaluation.performance import effective_voters, error_correlation, fail_together

# both wrong on 2 parts, the first alone on 1, the second alone on 1, neither on 4; the third never
WRONG = np.array([[1, 1, 0]] * 2 + [[1, 0, 0], [0, 1, 0]] + [[0, 0, 0]] * 4, dtype=bool)
errors = st.tuples(st.integers(1, 12), st.integers(1, 5)).flatmap(lambda shape: arrays(bool, shape))


def test_the_phi_coefficient() -> None:
    phi = (2 * 4 - 1 * 1) / math.sqrt(3 * 5 * 3 * 5)
    nan = math.nan
    expected = [[1, phi, nan], [phi, 1, nan], [nan, nan, nan]]
    assert error_correlation(WRONG) == pytest.approx(np.array(expected), nan_ok=True)
    opposite = np.array([[1, 0], [0, 1]], dtype=bool)
    assert error_correlation(opposite) == pytest.approx(np.array([[1, -1], [-1, 1]]))


@given(errors)
def test_a_correlation_is_symmetric_and_known_where_both_vary(wrong: np.ndarray) -> None:
    found = error_correlation(wrong)
    assert np.array_equal(found, found.T, equal_nan=True)
    varies = wrong.any(axis=0) & ~wrong.all(axis=0)
    assert (np.isnan(found) == ~np.outer(varies, varies)).all()
    assert np.diag(found)[varies] == pytest.approx(1)
    voters = effective_voters(found)
    assert math.isnan(voters) or 1 <= voters <= wrong.shape[1]


@pytest.mark.parametrize(
    ("correlation", "voters"),
    [
        (np.ones((4, 4)), 1.0),
        (np.eye(4), 4.0),
        ([[1, 0.5], [0.5, 1]], 4 / 3),
        ([[1, 0.5, math.nan], [0.5, 1, math.nan], [math.nan] * 3], 1.5),
        ([[1, -1], [-1, 1]], 2.0),
        ([[1, -0.3], [-0.3, 1]], 2.0),
        ([[1, math.nan], [math.nan, 1]], math.nan),
        ([[math.nan]], 1.0),
    ],
)
def test_effective_voters(correlation: list[list[float]], voters: float) -> None:
    assert effective_voters(correlation) == pytest.approx(voters, nan_ok=True)


def test_twins_are_one_voter_and_strangers_are_many() -> None:
    random = np.random.default_rng(0)
    one = random.random((2000, 1)) < 0.2
    assert effective_voters(error_correlation(np.repeat(one, 5, axis=1))) == pytest.approx(1)
    assert effective_voters(error_correlation(random.random((2000, 5)) < 0.2)) == pytest.approx(5, abs=0.3)


def test_who_fails_together() -> None:
    wrong = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)
    names = ["svm", "forest", "cnn", "patches"]
    assert fail_together(wrong, names) == [("svm", "forest", 2, 2), ("svm", "cnn", 1, 3), ("forest", "cnn", 1, 3)]
    assert fail_together(wrong, names, most=1) == [("svm", "forest", 2, 2)]
    assert fail_together(WRONG, ["a", "b", "c"]) == [("a", "b", 2, 4)]


def test_what_cannot_be_compared() -> None:
    for wrong in (np.zeros((0, 2), dtype=bool), np.zeros(3, dtype=bool), np.zeros((3, 2))):
        with pytest.raises(ValueError, match="Errors are"):
            error_correlation(wrong)
    with pytest.raises(ValueError, match="needs a name"):
        fail_together(WRONG, ["a"])
    with pytest.raises(ValueError, match="A correlation is"):
        effective_voters([[1, 0]])
