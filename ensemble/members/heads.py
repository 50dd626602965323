"""Heads: the scalers and classifiers of classical members, asked without what scikit-learn and xgboost do around them.

A head is tried against its classifier when it is made, so whenever a member is trained, trusted, published or loaded;
one that differs is not used. Rows that it cannot be sure of are left to the classifier.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from ensemble.members.support_vectors import KERNELS, CalibratedMachine, CoupledMachine, MachineAnswer, VectorMachine
from ensemble.members.trees import boosted_head, forest_head

TRIED_ROWS = 12
MOST_APART = 1e-6  # of a probability

AskedRows = Callable[
    [np.ndarray], np.ndarray
]  # scaled rows (N, D) -> probabilities (N, K), as the classifier orders them
_HEADS_LOG = logging.getLogger(__name__)


def faster_head(classifier: Any, title: str) -> AskedRows:
    """How a fitted classifier is asked: by a faster way where there is one that answers alike, else as it is."""
    plain = partial(_asked_plainly, classifier)
    try:
        fast = _fast_way(classifier) or plain
        rows = _tried_rows(classifier)
        apart = 0.0 if fast is plain else float(np.abs(fast(rows) - plain(rows)).max())
        if apart <= MOST_APART:
            return fast
        problem = f"it differs by {apart:.1e}"
    except Exception as error:  # noqa: BLE001 - whatever a fitted object of another make raises, it can still be asked
        problem = f"{type(error).__name__}: {error}"
    _HEADS_LOG.warning("%s is asked through its own library: its faster form cannot be used (%s).", title, problem)
    return plain


def scaling_of(scaler: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A fitted scaler's transform; of the usual one its two operations alone."""
    if type(scaler) is not StandardScaler or not (scaler.with_mean and scaler.with_std):
        transform: Callable[[np.ndarray], np.ndarray] = scaler.transform
        return transform
    mean, scale = scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32)

    def scaled(rows: np.ndarray) -> np.ndarray:
        plain = rows.dtype != np.float32 or rows.shape[1:] != mean.shape
        found: np.ndarray = scaler.transform(rows) if plain else (rows - mean) / scale
        return found

    return scaled


def _fast_way(classifier: Any) -> AskedRows | None:
    plain = partial(_asked_plainly, classifier)
    if isinstance(classifier, RandomForestClassifier | ExtraTreesClassifier):
        return partial(_sure_head, forest_head(classifier), plain)
    if isinstance(classifier, XGBClassifier):
        head = boosted_head(classifier)
        return None if head is None else partial(_sure_head, head, plain)
    if isinstance(classifier, CalibratedClassifierCV):
        parts = classifier.calibrated_classifiers_
        alike = all(_is_machine(each.estimator) and each.method == "sigmoid" for each in parts)
        alike = alike and all(list(each.estimator.classes_) == list(classifier.classes_) for each in parts)
        return partial(_checked_head, CalibratedMachine(classifier), plain) if alike else None
    if _is_machine(classifier):
        if hasattr(classifier, "predict_proba"):
            return partial(_checked_head, CoupledMachine(classifier), plain)
        return partial(_checked_head, partial(_squashed, VectorMachine(classifier)), plain)
    return None


def _is_machine(thing: Any) -> bool:
    return isinstance(thing, SVC) and thing.kernel in KERNELS and isinstance(thing.support_vectors_, np.ndarray)


def _sure_head(fast: AskedRows, plain: AskedRows, rows: np.ndarray) -> np.ndarray:
    return fast(rows) if np.isfinite(rows).all() else plain(rows)


def _checked_head(fast: Callable[[np.ndarray], MachineAnswer], plain: AskedRows, rows: np.ndarray) -> np.ndarray:
    if not np.isfinite(rows).all():
        return plain(rows)
    probabilities, unsure = fast(rows)
    if unsure.any():
        probabilities[unsure] = plain(rows[unsure])
    return probabilities


def _asked_plainly(classifier: Any, rows: np.ndarray) -> np.ndarray:
    if hasattr(classifier, "predict_proba"):
        return np.asarray(classifier.predict_proba(rows))
    return _squash(classifier.decision_function(rows))


def _squashed(machine: VectorMachine, rows: np.ndarray) -> MachineAnswer:
    decisions, unsure = machine.decisions(rows)
    return _squash(decisions), unsure


def _squash(decisions: np.ndarray) -> np.ndarray:
    """Distances from the boundary -> probabilities that fall on the same side: (N,) or (N, K) -> (N, K)."""
    if decisions.ndim == 1:
        defective = 1 / (1 + np.exp(-decisions))
        return np.stack([1 - defective, defective], axis=1)
    exponents = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def _tried_rows(classifier: Any) -> np.ndarray:
    """Rows near the middle and far out and at thresholds of a forest."""
    spread = np.geomspace(0.3, 10, TRIED_ROWS)[:, None]
    rows = spread * np.random.default_rng(0).normal(size=(TRIED_ROWS, classifier.n_features_in_))
    for place, tree in enumerate(getattr(classifier, "estimators_", ())):
        asks = tree.tree_.children_left >= 0
        rows[place % TRIED_ROWS, tree.tree_.feature[asks]] = tree.tree_.threshold[asks]
    return rows.astype(np.float32)
