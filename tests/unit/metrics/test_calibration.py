"""Calibration: a voter that claims too much is mended, and the order of parts stays."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from ensemble.metrics.calibration import FEWEST_TO_CALIBRATE, fit_calibrator
from ensemble.metrics.calibrators import CLASS_MINIMUM, Calibrator, quality

ISOTONIC = Calibrator("isotonic", {"at": [[0.2, 0.4, 0.8]], "gives": [[0.1, 0.5, 0.5]]})
EXAMPLES = [
    Calibrator("none"),
    Calibrator("temperature", {"temperature": 2.0}),
    Calibrator("temperature", {"temperature": 0.05}),
    Calibrator("sigmoid", {"slopes": [2.0], "intercepts": [1.0]}),
    ISOTONIC,
    Calibrator("isotonic", {"at": [[0.1, 0.3, 1 / 3, 0.7]], "gives": [[0.0, 0.1, 0.7, 0.7]]}),
    Calibrator("isotonic", {"at": [[0.5]], "gives": [[0.5]]}),
]


def two(second: Any) -> np.ndarray:
    return np.column_stack([1 - np.asarray(second), np.asarray(second)])


def voter(photos: int, claims: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A voter whose logits are `claims` times those that would be honest."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 2, photos)
    return two(expit(claims * honest)), (random.random(photos) < expit(honest)).astype(int)


@pytest.mark.parametrize(
    ("calibrator", "second", "calibrated"),
    [
        (Calibrator("none"), [0.0, 0.3, 1.0], [0.0, 0.3, 1.0]),
        (Calibrator("temperature", {"temperature": 2.0}), [0.5, 0.8, 0.9], [0.5, 2 / 3, 0.75]),
        (Calibrator("temperature", {"temperature": 0.5}), [0.5, 0.75, 0.25], [0.5, 0.9, 0.1]),
        (Calibrator("sigmoid", {"slopes": [2.0], "intercepts": [0.0]}), [0.5, 0.75, 0.25], [0.5, 0.9, 0.1]),
        (Calibrator("sigmoid", {"slopes": [1.0], "intercepts": [math.log(3)]}), [0.5, 0.25], [0.75, 0.5]),
        (ISOTONIC, [0.0, 0.2, 0.3, 0.4, 0.6, 1.0], [0.1, 0.1, 0.3, 0.5, 0.5, 0.5]),
    ],
)
def test_literal_probabilities(calibrator: Calibrator, second: list[float], calibrated: list[float]) -> None:
    found = calibrator(two(second))
    assert found[:, 1] == pytest.approx(np.array(calibrated), abs=1e-3)  # what keeps ranks and doubt moves no more
    assert found.sum(axis=1) == pytest.approx(np.ones(len(second)))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
@pytest.mark.parametrize("calibrator", EXAMPLES, ids=lambda each: each.method)
def test_with_two_classes_the_order_stays(calibrator: Calibrator, second: list[float]) -> None:
    calibrated = calibrator(two(sorted(second)))[:, 1]
    assert (np.diff(calibrated) >= -1e-15).all()
    if calibrator.method != "none":
        assert calibrated.min() >= CLASS_MINIMUM * (1 - 1e-9) and calibrated.max() <= 1 - CLASS_MINIMUM * (1 - 1e-9)


def test_a_flat_step_keeps_unlike_parts_apart() -> None:
    calibrated = ISOTONIC(two([0.5, 0.6, 0.7]))[:, 1]
    assert (np.diff(calibrated) > 0).all()


@pytest.mark.parametrize("calibrator", EXAMPLES, ids=lambda each: each.method)
def test_a_calibrator_read_written_and_read_again_is_the_same(calibrator: Calibrator) -> None:
    text = json.dumps(calibrator.as_json())
    assert Calibrator.from_json(json.loads(text)) == calibrator
    assert json.loads(text) == calibrator.as_json()


@pytest.mark.parametrize("claims", [4.0, 0.25])
@pytest.mark.parametrize("photos", [60, 600])
def test_a_voter_that_claims_too_much_or_too_little_is_mended(claims: float, photos: int) -> None:
    probabilities, labels = voter(photos, claims)
    mended = fit_calibrator(probabilities, labels)
    assert mended.calibrator.method in {"temperature", "sigmoid", "isotonic"} and mended.photos == photos
    assert mended.before == quality(probabilities, labels) and mended.after == quality(mended.out_of_fold, labels)
    assert mended.after.brier < mended.before.brier and mended.after.ece < mended.before.ece
    fresh, truth = voter(4000, claims, seed=2)
    assert quality(mended.calibrator(fresh), truth).ece < 0.5 * quality(fresh, truth).ece
    json.dumps(mended.as_json(), allow_nan=False)


def test_the_temperature_is_found() -> None:
    probabilities, labels = voter(5000, 3.0)
    mended = fit_calibrator(probabilities, labels)
    at = mended.calibrator(two([expit(3.0 * 1.0), expit(3.0 * -2.0)]))[:, 1]
    assert at == pytest.approx([expit(1.0), expit(-2.0)], abs=0.03)


def test_a_bent_voter_takes_a_free_curve() -> None:
    random = np.random.default_rng(3)
    second = random.uniform(0, 1, 3000)
    labels = (random.random(3000) < np.where(second < 0.6, 0.1, 0.8)).astype(int)
    assert fit_calibrator(two(second), labels).calibrator.method == "isotonic"


def test_three_classes_are_mended_too() -> None:
    random = np.random.default_rng(4)
    logits = random.normal(0, 2, (600, 3))
    labels = np.array([random.choice(3, p=row) for row in softmax(logits, axis=1)])
    mended = fit_calibrator(softmax(4 * logits, axis=1), labels)
    assert mended.after.ece < 0.5 * mended.before.ece and mended.out_of_fold.shape == (600, 3)
    assert mended.out_of_fold.sum(axis=1) == pytest.approx(np.ones(600))


def test_each_class_of_three_has_its_curve() -> None:
    flat = Calibrator("sigmoid", {"slopes": [1.0, 1.0, 1.0], "intercepts": [0.0, 0.0, 0.0]})
    rows = np.array([[0.6, 0.3, 0.1], [1.0, 0.0, 0.0]])
    assert flat(rows) == pytest.approx(rows, abs=2.1e-4)
    low = Calibrator("isotonic", {"at": [[0.0, 1.0]] * 3, "gives": [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]})
    assert low(rows) == pytest.approx(np.array([[0, 0.75, 0.25], [1, 0, 0]]), abs=2e-3)


def test_a_voter_that_turns_things_round_gets_no_falling_line() -> None:
    probabilities, labels = voter(200, 1.0)
    assert fit_calibrator(probabilities[:, ::-1], labels).calibrator.method != "sigmoid"


@pytest.mark.parametrize(
    ("good", "defective", "method"),
    [(FEWEST_TO_CALIBRATE - 1, 50, "none"), (50, 0, "none"), (FEWEST_TO_CALIBRATE, FEWEST_TO_CALIBRATE, "sigmoid")],
)
def test_too_few_photos_are_left_as_they_are(good: int, defective: int, method: str) -> None:
    labels = np.repeat([0, 1], [good, defective])
    second = np.where(labels == 1, 0.3, 0.1) + np.linspace(0, 0.1, len(labels))
    left = fit_calibrator(two(second), labels)
    assert left.calibrator.method == method
    if method == "none":
        assert left.before == left.after and (left.out_of_fold == two(second)).all()


def test_a_perfect_voter_stays_as_it_is_and_a_constant_one_learns_its_share() -> None:
    labels = np.repeat([0, 1], [60, 60])
    assert fit_calibrator(two(labels.astype(float)), labels).calibrator == Calibrator("none")
    share = fit_calibrator(two(np.full(120, 0.9)), labels).calibrator(two([0.9]))[0, 1]
    assert share == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"method": "none"},
        {"method": "none", "parameters": {"temperature": 1.0}},
        {"method": "beta", "parameters": {}},
        {"method": ["none"], "parameters": {}},
        {"method": "temperature", "parameters": {"temperature": 0}},
        {"method": "temperature", "parameters": {"temperature": math.nan}},
        {"method": "temperature", "parameters": {"temperature": "1"}},
        {"method": "temperature", "parameters": {"temperature": 1.0, "bias": 0.0}},
        {"method": "temperature", "parameters": [1.0]},
        {"method": "sigmoid", "parameters": {"slopes": [1.0], "intercepts": []}},
        {"method": "sigmoid", "parameters": {"slopes": [], "intercepts": []}},
        {"method": "sigmoid", "parameters": {"slopes": [-1.0], "intercepts": [0.0]}},
        {"method": "sigmoid", "parameters": {"slopes": [1.0, 1.0], "intercepts": [0.0, 0.0]}},
        {"method": "sigmoid", "parameters": {"slopes": [10**400], "intercepts": [0.0]}},
        {"method": "sigmoid", "parameters": {"slopes": 1.0, "intercepts": 0.0}},
        {"method": "isotonic", "parameters": {"at": [[0.1, 0.2]], "gives": [[0.1]]}},
        {"method": "isotonic", "parameters": {"at": [[]], "gives": [[]]}},
        {"method": "isotonic", "parameters": {"at": [], "gives": []}},
        {"method": "isotonic", "parameters": {"at": 1, "gives": [[0.5]]}},
        {"method": "isotonic", "parameters": {"at": [[0.2, 0.1]], "gives": [[0.1, 0.2]]}},
        {"method": "isotonic", "parameters": {"at": [[0.1, 0.2]], "gives": [[0.2, 0.1]]}},
        {"method": "isotonic", "parameters": {"at": [[0.1]], "gives": [[1.1]]}},
        {"method": "isotonic", "parameters": {"at": [[True]], "gives": [[0.1]]}},
    ],
)
def test_what_is_no_calibration_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"calibration|temperature|sigmoid"):
        Calibrator.from_json(data)


def test_other_classes_and_no_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="other classes"):
        ISOTONIC(np.array([[0.6, 0.3, 0.1]]))
    with pytest.raises(ValueError, match="add up to 1"):
        ISOTONIC(np.array([[0.6, 0.6]]))
