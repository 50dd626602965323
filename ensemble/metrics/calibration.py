"""Calibration: the method that does best on photos it was not fitted on, fitted to one member's scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from ensemble.metrics.calibrators import (
    Calibrator,
    Probabilities,
    Quality,
    checked_probabilities,
    free_columns,
    logarithms,
    logits,
    quality,
)

FEWEST_TO_CALIBRATE = CALIBRATION_FOLDS = 5  # photos of each class, one a fold; with fewer nothing can be judged
FEWEST_ISOTONIC = 50  # photos of each class; a free curve through fewer follows their noise
WIDEST = 20.0  # temperatures are sought from its inverse up to it

LabelPlaces = NDArray[np.int64]
Fit = Callable[[Probabilities, LabelPlaces], Calibrator | None]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A calibrator fitted on all `photos`, and how good its method is on those that it was not fitted on.

    `out_of_fold` (N, K) are the probabilities that calibrators of the same method, fitted on the other folds, give each
    photo; `after` is measured on them, `before` on the uncalibrated ones.
    """

    calibrator: Calibrator
    out_of_fold: Probabilities
    before: Quality
    after: Quality
    photos: int

    def as_json(self) -> dict[str, Any]:
        """What a product keeps of it, as plain JSON values: not the single photos."""
        measured = {"before": self.before.as_json(), "after": self.after.as_json()}
        return {"calibrator": self.calibrator.as_json(), **measured, "photos": self.photos}


def fit_calibrator(probabilities: ArrayLike, labels: ArrayLike, seed: int = 0) -> Calibration:
    """Fit the method with the lowest Brier score in five stratified folds; none where no method beats that.

    `labels` (N,) are places of the classes. With fewer than five photos of some class the method is none; isotonic
    takes part from 50 photos of each class. The score of the winner is a little too kind: it was chosen by it.
    """
    given, truth = checked_probabilities(probabilities, labels)
    before = quality(given, truth)
    best = Calibration(Calibrator("none"), given, before, before, len(truth))
    fewest = int(np.bincount(truth, minlength=given.shape[1]).min())
    if fewest < FEWEST_TO_CALIBRATE:
        return best
    for method, fit in _FITS.items():
        if method == "isotonic" and fewest < FEWEST_ISOTONIC:
            continue
        calibrator, out_of_fold = fit(given, truth), _cross_fitted(fit, given, truth, seed)
        if calibrator is None or out_of_fold is None:
            continue
        after = quality(out_of_fold, truth)
        if after.brier < best.after.brier:
            best = Calibration(calibrator, out_of_fold, before, after, len(truth))
    return best


def _cross_fitted(fit: Fit, given: Probabilities, truth: LabelPlaces, seed: int) -> Probabilities | None:
    """(N, K) what calibrators fitted on the other folds give each photo; None where one could not be fitted."""
    out_of_fold = np.empty_like(given)
    for learn, held in StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=seed).split(given, truth):
        fitted = fit(given[learn], truth[learn])
        if fitted is None:
            return None
        out_of_fold[held] = fitted(given[held])
    return out_of_fold


def _fit_temperature(given: Probabilities, truth: LabelPlaces) -> Calibrator:
    logs, targets = logarithms(given), _targets(truth, given.shape[1])

    def loss(log_temperature: float) -> float:
        return -float((targets * log_softmax(logs / np.exp(log_temperature), axis=1)).sum())

    found = minimize_scalar(loss, bounds=(-np.log(WIDEST), np.log(WIDEST)), method="bounded")
    return Calibrator("temperature", {"temperature": float(np.exp(found.x))})


def _fit_sigmoid(given: Probabilities, truth: LabelPlaces) -> Calibrator | None:
    """None where a line falls: a higher score would then mean a better part, which no calibration can mend."""
    slopes, intercepts = [], []
    for column, target in zip(free_columns(given).T, free_columns(_targets(truth, given.shape[1])).T, strict=True):
        twice = np.tile(logits(column), 2)[:, None]  # (N,) -> (2N, 1): each photo for and against, by its target
        sides = np.repeat([1, 0], len(target))
        line = LogisticRegression(C=np.inf).fit(twice, sides, sample_weight=np.concatenate([target, 1 - target]))
        slopes.append(float(line.coef_[0, 0]))
        intercepts.append(float(line.intercept_[0]))
    if min(slopes) <= 0:
        return None
    return Calibrator("sigmoid", {"slopes": slopes, "intercepts": intercepts})


def _fit_isotonic(given: Probabilities, truth: LabelPlaces) -> Calibrator:
    at, gives = [], []
    for column, target in zip(free_columns(given).T, free_columns(_targets(truth, given.shape[1])).T, strict=True):
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(column, target)
        at.append(curve.X_thresholds_.tolist())
        gives.append(curve.y_thresholds_.tolist())
    return Calibrator("isotonic", {"at": at, "gives": gives})


def _targets(truth: LabelPlaces, classes: int) -> Probabilities:
    """(N, K) what to fit to: not 0 and 1 but what so many photos can show (Platt 1999, section 2.2)."""
    doubt = 1 / (np.bincount(truth, minlength=classes) + 2)[truth][:, None]
    own = np.eye(classes)[truth]
    return own * (1 - doubt) + (1 - own) * doubt / (classes - 1)


_FITS: Mapping[str, Fit] = {
    "temperature": _fit_temperature,
    "sigmoid": _fit_sigmoid,
    "isotonic": _fit_isotonic,
}
