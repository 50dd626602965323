"""Brier score and calibration error: literal cases in two classes and in three."""

import json
from typing import Any

import numpy as np
import pytest

from ensemble.metrics.calibrators import quality


def two(*second: float) -> np.ndarray:
    return np.array([[1 - p, p] for p in second])


@pytest.mark.parametrize(
    ("probabilities", "labels", "brier", "ece", "bins"),
    [
        (two(1.0, 0.0), [1, 0], 0.0, 0.0, [[0.0, 0.0, 1], [1.0, 1.0, 1]]),
        (two(1.0, 1.0), [1, 0], 0.5, 0.5, [[1.0, 0.5, 2]]),
        (two(0.5, 0.5, 0.5, 0.5), [1, 0, 1, 0], 0.25, 0.0, [[0.5, 0.5, 4]]),
        (two(0.82, 0.88, 0.25, 0.15), [1, 0, 0, 0], 0.22295, 0.275, [[0.15, 0, 1], [0.25, 0, 1], [0.85, 0.5, 2]]),
        ([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]], [0, 1], 0.7, 0.55, [[0.6, 1.0, 1], [0.7, 0.0, 1]]),
    ],
)
def test_literal_figures(
    probabilities: Any, labels: list[int], brier: float, ece: float, bins: list[list[float]]
) -> None:
    found = quality(probabilities, labels)
    assert (found.brier, found.ece) == pytest.approx((brier, ece))
    assert [list(each) for each in found.bins] == [pytest.approx(each) for each in bins]
    assert json.loads(json.dumps(found.as_json())) == found.as_json()


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        ([0.5, 0.5], [0, 1], "at least two classes"),
        ([[1.0]], [0], "at least two classes"),
        ([[0.5, 0.6]], [0], "add up to 1"),
        ([[-0.5, 1.5]], [0], "add up to 1"),
        ([[float("nan"), 0.5]], [0], "add up to 1"),
        (two(0.5), [0, 1], "a label"),
        (np.empty((0, 2)), [], "a label"),
        (two(0.5), [2], "from 0 to 1"),
        (two(0.5), [-1], "from 0 to 1"),
        (two(0.5), [0.5], "from 0 to 1"),
    ],
)
def test_what_cannot_be_measured(probabilities: Any, labels: list[Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        quality(probabilities, labels)
