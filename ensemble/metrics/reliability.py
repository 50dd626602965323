"""Whether probabilities mean what they say: Brier score, expected calibration error and the reliability diagram."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
ROUNDING = 1e-3  # how far from 1 a row of probabilities in half precision may add up


@dataclass(frozen=True, slots=True)
class Quality:
    """How far probabilities lie from what came true; 0 is perfect for both figures.

    `bins` are those of the reliability diagram that hold a photo: mean probability, share observed, count.
    """

    brier: float
    ece: float
    bins: tuple[tuple[float, float, int], ...]

    def as_json(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return {**asdict(self), "bins": [list(each) for each in self.bins]}


def quality(probabilities: ArrayLike, labels: ArrayLike) -> Quality:
    """Measure (N, K) probabilities against the (N,) places of the true classes.

    Brier (1950): with two classes the mean squared error of the second column, with more the mean squared distance of
    the whole row. ECE in ten bins of equal width (Naeini et al. 2015): with two classes of the second column, with
    more of the most probable class, against how often it is right.
    """
    given, truth = checked(probabilities, labels)
    hit = np.eye(given.shape[1])[truth]  # (N,) -> (N, K)
    if given.shape[1] == 2:
        brier, said, came = float(((given - hit)[:, 1] ** 2).mean()), given[:, 1], hit[:, 1]
    else:
        brier, said = float(((given - hit) ** 2).sum(axis=1).mean()), given.max(axis=1)
        came = (given.argmax(axis=1) == truth).astype(float)
    bins = _bins(said, came)
    ece = sum(count * abs(observed - mean) for mean, observed, count in bins) / len(truth)
    return Quality(brier, ece, bins)


def _bins(said: NDArray[np.float64], came: NDArray[np.float64]) -> tuple[tuple[float, float, int], ...]:
    places = np.minimum((said * BINS).astype(int), BINS - 1)  # 1.0 belongs to the last bin
    held = [places == place for place in range(BINS)]
    return tuple((float(said[each].mean()), float(came[each].mean()), int(each.sum())) for each in held if each.any())


def checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities (N, K) and places of the true classes (N,) as arrays, where they fit each other."""
    given, truth = rows(probabilities), np.asarray(labels)
    if truth.shape != given.shape[:1] or not len(truth):
        raise ValueError(f"Each photo needs probabilities and a label. Got the shapes {given.shape} and {truth.shape}.")
    if not np.issubdtype(truth.dtype, np.integer) or truth.min() < 0 or truth.max() >= given.shape[1]:
        raise ValueError(f"Labels are places of classes, from 0 to {given.shape[1] - 1}. Got {np.unique(truth)[:9]}.")
    return given, truth.astype(np.int64)


def rows(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Probabilities (N, K) as an array, where each row lies in [0, 1] and adds up to 1."""
    given = np.asarray(probabilities, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] < 2:
        raise ValueError(f"Probabilities are (N, K) with at least two classes. Got the shape {given.shape}.")
    if not ((given >= 0) & (given <= 1)).all() or (abs(given.sum(axis=1) - 1) > ROUNDING).any():  # also refuses NaN
        raise ValueError("Each row of probabilities must lie in [0, 1] and add up to 1.")
    return given
