"""The sweep and the curves: literal rows, and the thresholds behind each point."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.metrics.image_metrics import Curve, f_beta_curve, precision_recall_points, roc_points, threshold_sweep
from ensemble.values.errors import PolicyError

TRUTH = (False, False, True, False, True)
SCORES = (0.02, 0.07, 0.3, 0.45, 0.9)

parts = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2).filter(
    lambda pairs: len({truth for truth, _ in pairs}) == 2
)


def test_the_sweep_is_a_table_of_demands() -> None:
    rows = {row["demand"]: row for row in threshold_sweep(TRUTH, SCORES)}
    assert list(rows) == [percent / 100 for percent in range(50, 100)]
    assert rows[0.5] == {
        "demand": 0.5, "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "f2": 5 / 9,
        "escapes": 1, "overkills": 0, "escape_rate": 0.5, "overkill_rate": 0.0,
    }  # fmt: skip
    assert [rows[demand]["overkills"] for demand in (0.55, 0.56, 0.93, 0.94, 0.98, 0.99)] == [0, 1, 1, 2, 2, 3]
    assert [rows[demand]["escapes"] for demand in (0.7, 0.71)] == [1, 0]
    assert threshold_sweep((True, False), (0.1, 0.1))[0]["precision"] is None


@given(parts)
def test_a_higher_demand_never_lets_more_pass(some: list[tuple[bool, float]]) -> None:
    rows = threshold_sweep(*zip(*some, strict=True))
    assert (np.diff([row["escapes"] for row in rows]) <= 0).all()
    assert (np.diff([row["overkills"] for row in rows]) >= 0).all()


def test_the_areas() -> None:
    assert roc_points(TRUTH, SCORES).area == pytest.approx(5 / 6)
    assert precision_recall_points(TRUTH, SCORES).area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_each_point_of_a_curve_is_what_its_threshold_does() -> None:
    truth, given_scores = np.array(TRUTH), np.array(SCORES)
    for curve in (roc_points(TRUTH, SCORES), precision_recall_points(TRUTH, SCORES)):
        for x, y, threshold in zip(curve.x, curve.y, curve.thresholds, strict=True):
            rejected = given_scores >= threshold
            recall = (rejected & truth).sum() / 2
            precision = (rejected & truth).sum() / rejected.sum() if rejected.any() else 1.0
            expected = ((rejected & ~truth).sum() / 3, recall) if curve.name == "roc" else (recall, precision)
            assert (x, y) == pytest.approx(expected)


def test_f_beta_over_the_threshold() -> None:
    half, one, two = f_beta_curve(TRUTH, SCORES)
    assert [curve.name for curve in (half, one, two)] == ["f0.5", "f1", "f2"]
    assert one.x == pytest.approx([0.01, 0.045, 0.185, 0.375, 0.675, 0.95])
    assert one.y == pytest.approx([4 / 7, 4 / 6, 4 / 5, 2 / 4, 2 / 3, 0])
    assert two.y[2] == pytest.approx(10 / 11)


@pytest.mark.parametrize(
    "curve", [roc_points(TRUTH, SCORES), precision_recall_points(TRUTH, SCORES), *f_beta_curve(TRUTH, SCORES)]
)
def test_a_curve_is_plain_json(curve: Curve) -> None:
    data = json.loads(json.dumps(curve.as_json(), allow_nan=False))
    assert len(data["x"]) == len(data["y"]) == len(data["cuts"])


def test_one_class_alone_has_no_curve() -> None:
    for make in (threshold_sweep, roc_points, precision_recall_points, f_beta_curve):
        with pytest.raises(PolicyError, match="needs good and defective parts"):
            make((True, True), (0.1, 0.2))
