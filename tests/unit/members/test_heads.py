"""Faster forms of classifiers answer as scikit-learn and xgboost do, also where their votes are close."""

import logging
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from ensemble.members import heads
from ensemble.members.heads import faster_head, scaling_of
from ensemble.members.support_vectors import VectorMachine, coupled

CASES = st.tuples(st.integers(0, 2**32 - 1), st.integers(2, 4))


def drawn(seed: int, classes: int, *, grid: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn from with their classes, and others to ask; on a grid many lie at thresholds and just as near."""
    random = np.random.default_rng(seed)
    labels = np.arange(12 * classes) % classes
    rows: np.ndarray = random.normal(size=(len(labels) + 20, 5)) + 0.5 * np.eye(5)[np.resize(labels, len(labels) + 20)]
    rows = (np.round(2 * rows) / 2 if grid else rows).astype(np.float32)
    return rows[: len(labels)], labels, rows


def apart(classifier: Any, asked: np.ndarray) -> float:
    head = faster_head(classifier, "SVM")
    assert head.func is not heads._asked_plainly  # type: ignore[attr-defined]
    return float(np.abs(head(asked) - classifier.predict_proba(asked)).max())


@settings(max_examples=15, deadline=None)
@given(case=CASES, grid=st.booleans())
def test_forests_sum_up_what_their_trees_say_of_floats_at_their_thresholds(case: tuple[int, int], grid: bool) -> None:
    learn, labels, asked = drawn(*case, grid=grid)
    for kind in (RandomForestClassifier, ExtraTreesClassifier):
        forest = kind(n_estimators=5, random_state=0).fit(learn, labels)
        thresholds = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in forest.estimators_])
        nearest = np.resize(thresholds.astype(np.float32), (40, 5))
        at = np.concatenate([nearest, np.nextafter(nearest, np.float32(9)), np.nextafter(nearest, np.float32(-9))])
        assert apart(forest, np.concatenate([asked, at])) <= 1e-6


@settings(max_examples=8, deadline=None)
@given(case=CASES, grid=st.booleans(), uneven=st.booleans())
def test_boosted_trees_add_up_alike(case: tuple[int, int], grid: bool, uneven: bool) -> None:
    learn, labels, asked = drawn(*case, grid=grid)
    kept = slice(None, -case[1] + 1 if uneven else None)  # one class more often: the sums do not begin at 0
    boosted = XGBClassifier(n_estimators=12, max_depth=3, n_jobs=1).fit(learn[kept], labels[kept])
    dump = boosted.get_booster().get_dump()
    found = [float(part.split("<")[1].split("]")[0]) for tree in dump for part in tree.split("[")[1:]]
    nearest = np.resize(np.array(found, dtype=np.float32), (40, 5))
    at = np.concatenate([nearest, np.nextafter(nearest, np.float32(-9))])
    assert apart(boosted, np.concatenate([asked, at])) <= 1e-6


@settings(max_examples=20, deadline=None)
@given(case=CASES, grid=st.booleans(), kernel=st.sampled_from(["rbf", "linear"]))
def test_machines_decide_and_are_calibrated_alike(case: tuple[int, int], grid: bool, kernel: str) -> None:
    learn, labels, asked = drawn(*case, grid=grid)
    machine = SVC(C=10.0, kernel=kernel)
    assert apart(CalibratedClassifierCV(machine, cv=2, ensemble=False).fit(learn, labels), asked) <= 1e-6
    machine.fit(learn, labels)
    decisions, unsure = VectorMachine(machine).decisions(asked)
    assert np.allclose(decisions[~unsure], machine.decision_function(asked)[~unsure], atol=1e-9)
    assert np.allclose(faster_head(machine, "SVM")(asked), heads._squash(machine.decision_function(asked)), atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(case=CASES, grid=st.booleans())
def test_machines_couple_pairs_of_classes_as_libsvm_does(case: tuple[int, int], grid: bool) -> None:
    learn, labels, asked = drawn(*case, grid=grid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn gives these up, but files that are trusted by hand have them
        machine = SVC(probability=True, random_state=0).fit(learn, labels)
        assert apart(machine, asked) <= 1e-6


def test_rows_that_rounding_leaves_open_are_left_to_the_library() -> None:
    """Mirrored classes: in the middle, every vote of two classes is a tie."""
    rows = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]] * 6, dtype=np.float32)
    machine = SVC(kernel="linear").fit(rows, np.arange(24) % 4)
    middle = np.array([[0, 0], [3, 1]], dtype=np.float32)
    _, unsure = VectorMachine(machine).decisions(middle)
    assert unsure.tolist() == [True, False]
    assert np.array_equal(faster_head(machine, "SVM")(middle)[0], heads._squash(machine.decision_function(middle))[0])


def test_pairs_that_know_nothing_give_all_classes_the_same() -> None:
    probabilities, unsure = coupled(np.full((1, 6), 0.5), 4)
    assert probabilities.tolist() == [[0.25] * 4] and not unsure.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaler", [StandardScaler(), StandardScaler(with_mean=False), RobustScaler()])
def test_rows_are_scaled_bit_by_bit(scaler: Any, dtype: type) -> None:
    rows = drawn(1, 3)[0].astype(dtype) + 100
    scaler.fit(rows)
    assert np.array_equal(scaling_of(scaler)(rows), scaler.transform(rows))


@pytest.fixture(scope="module")
def machine() -> SVC:
    learn, labels, _ = drawn(1, 2)
    return SVC().fit(learn, labels)


def test_a_form_that_answers_otherwise_is_not_used_and_says_so_once(
    machine: SVC, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = faster_head(machine, "SVM")(drawn(2, 2)[2])
    right = VectorMachine.pairs
    monkeypatch.setattr(VectorMachine, "pairs", lambda self, rows: right(self, rows) + 1e-3)
    with caplog.at_level(logging.WARNING):
        head = faster_head(machine, "SVM")
        assert np.allclose(head(drawn(2, 2)[2]), expected, atol=1e-9)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("SVM is asked through its own library: its faster form cannot be used (")


def test_what_is_no_number_is_told_as_before(machine: SVC) -> None:
    with pytest.raises(ValueError, match="NaN"):
        faster_head(machine, "SVM")(np.full((1, 5), np.nan, dtype=np.float32))


def test_other_classifiers_are_asked_as_they_are() -> None:
    learn, labels, asked = drawn(1, 2)
    classifier = LogisticRegression().fit(learn, labels)
    assert np.array_equal(faster_head(classifier, "SVM")(asked), classifier.predict_proba(asked))
