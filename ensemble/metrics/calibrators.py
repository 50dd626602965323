"""Calibrators: fitted methods, kept as plain numbers, that turn a member's scores into probabilities."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, softmax

from ensemble.values.digits import is_number

CLASS_MINIMUM = 1e-4  # what every class keeps: a few hundred photos cannot show that one of 10,000 will never come
LEAST_PROBABILITY = 1e-9  # below it a probability has no logarithm to work with
KEPT_SHARE = 1e-3  # of the uncalibrated probability in an isotonic one, whose steps would make unlike parts alike

Probabilities = NDArray[np.float64]  # (N, K) probabilities
Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A fitted method as plain numbers: (N, K) probabilities in, (N, K) calibrated ones out.

    none: {} gives back what it gets. temperature (Guo et al. 2017): {temperature}, on the logarithms of all classes.
    sigmoid (Platt 1999): {slopes, intercepts} on the logit; isotonic (Zadrozny & Elkan 2002): {at, gives}, the corners
    of a rising curve. These two hold one curve for the second of two classes, or one for each of more, normalised.
    With two classes no method turns the order of two parts round.
    """

    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.method, str) or self.method not in _READERS:
            raise ValueError(f"A calibration is one of {', '.join(_READERS)}. Got {self.method!r}.")
        names, read = _READERS[self.method]
        if not isinstance(self.parameters, Mapping) or set(self.parameters) != set(names):
            wanted = ", ".join(names) or "no parameters"
            raise ValueError(f"The calibration {self.method} holds {wanted}. Got {self.parameters!r}.")
        object.__setattr__(self, "parameters", read(self.parameters))

    def __call__(self, probabilities: ArrayLike) -> Probabilities:
        """Calibrate (N, K) probabilities; a ValueError where they or their number of classes do not fit."""
        given = rows(probabilities)
        if self.method == "none":
            return given
        if self.method == "temperature":
            return _modest(softmax(logarithms(given) / self.parameters["temperature"], axis=1))
        curves = [partial(_APPLY[self.method], *each) for each in zip(*self.parameters.values(), strict=True)]
        columns = free_columns(given)
        if len(curves) != columns.shape[1]:
            raise ValueError(f"This calibration was fitted for other classes. Got {given.shape[1]} of them.")
        bent = [curve(column) for curve, column in zip(curves, columns.T, strict=True)]
        return _modest(_whole_rows(np.column_stack(bent)))

    def as_json(self) -> dict[str, Any]:
        """The calibrator as plain JSON values."""
        return dict(json.loads(json.dumps(asdict(self))))

    @classmethod
    def from_json(cls, data: Any) -> "Calibrator":
        """Read what `as_json` wrote; a ValueError where it is anything else."""
        if not isinstance(data, dict) or set(data) != {"method", "parameters"}:
            raise ValueError(f"A calibration is an object of method and parameters. Got {data!r}.")
        return cls(data["method"], data["parameters"])


def _sigmoid(slope: float, intercept: float, column: NDArray[np.float64]) -> NDArray[np.float64]:
    return expit(slope * logits(column) + intercept)


def _isotonic(at: Numbers, gives: Numbers, column: NDArray[np.float64]) -> NDArray[np.float64]:
    next_corner = np.minimum(np.searchsorted(at, column), len(at) - 1)
    capped = np.minimum(np.interp(column, at, gives), np.asarray(gives)[next_corner])  # interp can round above it
    return (1 - KEPT_SHARE) * capped + KEPT_SHARE * column


def logarithms(given: Probabilities) -> Probabilities:
    """(N, K) natural logarithms, those of 0 and near it cut off."""
    return np.log(np.clip(given, LEAST_PROBABILITY, 1))


def logits(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) logarithms of the odds, those of 0 and 1 and near them cut off."""
    return logit(np.clip(column, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))


def free_columns(given: Probabilities) -> Probabilities:
    """(N, K) -> (N, C): of two classes the second one, which tells both."""
    return given[:, 1:] if given.shape[1] == 2 else given


def _whole_rows(columns: Probabilities) -> Probabilities:
    """(N, C) -> (N, K): rows that add up to 1."""
    if columns.shape[1] == 1:
        return np.hstack([1 - columns, columns])
    positive = np.maximum(columns, LEAST_PROBABILITY)
    return positive / positive.sum(axis=1, keepdims=True)


def _modest(given: Probabilities) -> Probabilities:
    return CLASS_MINIMUM + (1 - given.shape[1] * CLASS_MINIMUM) * given


def _read_temperature(parameters: Mapping[str, Any]) -> dict[str, Any]:
    (temperature,) = _as_numbers([parameters["temperature"]])
    if temperature <= 0:
        raise ValueError(f"A temperature must be above 0. Got {temperature}.")
    return {"temperature": temperature}


def _read_sigmoid(parameters: Mapping[str, Any]) -> dict[str, Any]:
    slopes, intercepts = _as_numbers(parameters["slopes"]), _as_numbers(parameters["intercepts"])
    if len(slopes) != len(intercepts) or len(slopes) in {0, 2} or min(slopes) <= 0:
        raise ValueError(f"A sigmoid needs rising slopes and as many intercepts. Got {slopes} and {intercepts}.")
    return {"slopes": slopes, "intercepts": intercepts}


def _read_isotonic(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not all(isinstance(parameters[name], list | tuple) for name in ("at", "gives")):
        raise ValueError("An isotonic calibration needs lists of corners.")
    at, gives = (tuple(_as_numbers(each) for each in parameters[name]) for name in ("at", "gives"))
    if [len(each) for each in at] != [len(each) for each in gives] or len(at) in {0, 2}:
        raise ValueError("An isotonic calibration gives one value at each corner, for one class or for more than two.")
    for curve in (*at, *gives):
        if not curve or not 0 <= curve[0] <= curve[-1] <= 1 or any(low > high for low, high in pairwise(curve)):
            raise ValueError("An isotonic calibration rises within [0, 1].")
    return {"at": at, "gives": gives}


def _as_numbers(values: Any) -> Numbers:
    if not isinstance(values, list | tuple) or not all(map(is_number, values)):
        raise ValueError(f"A calibration holds lists of finite numbers. Got {values!r}.")
    return tuple(float(each) for each in values)


_READERS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "none": ((), dict),
    "temperature": (("temperature",), _read_temperature),
    "sigmoid": (("slopes", "intercepts"), _read_sigmoid),
    "isotonic": (("at", "gives"), _read_isotonic),
}
_APPLY: Mapping[str, Callable[..., NDArray[np.float64]]] = {"sigmoid": _sigmoid, "isotonic": _isotonic}

NONE = Calibrator("none")

CALIBRATION_BINS = 10
ROW_ROUNDING = 1e-3  # how far from 1 a row of probabilities in half precision may add up


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
        return dict(json.loads(json.dumps(asdict(self))))


def quality(probabilities: ArrayLike, labels: ArrayLike) -> Quality:
    """Measure (N, K) probabilities against the (N,) places of the true classes.

    Brier (1950): with two classes the mean squared error of the second column, with more the mean squared distance of
    the whole row. ECE in ten bins of equal width (Naeini et al. 2015): with two classes of the second column, with
    more of the most probable class, against how often it is right.
    """
    given, truth = checked_probabilities(probabilities, labels)
    hit = np.eye(given.shape[1])[truth]  # (N,) -> (N, K)
    if given.shape[1] == 2:
        brier, said, came = float(((given - hit)[:, 1] ** 2).mean()), given[:, 1], hit[:, 1]
    else:
        brier, said = float(((given - hit) ** 2).sum(axis=1).mean()), given.max(axis=1)
        came = (given.argmax(axis=1) == truth).astype(float)
    bins = _calibration_bins(said, came)
    ece = sum(count * abs(observed - mean) for mean, observed, count in bins) / len(truth)
    return Quality(brier, ece, bins)


def _calibration_bins(said: NDArray[np.float64], came: NDArray[np.float64]) -> tuple[tuple[float, float, int], ...]:
    places = np.minimum((said * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)  # 1.0 belongs to the last bin
    held = [places == place for place in range(CALIBRATION_BINS)]
    return tuple((float(said[each].mean()), float(came[each].mean()), int(each.sum())) for each in held if each.any())


def checked_probabilities(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
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
    if not ((given >= 0) & (given <= 1)).all() or (abs(given.sum(axis=1) - 1) > ROW_ROUNDING).any():  # also refuses NaN
        raise ValueError("Each row of probabilities must lie in [0, 1] and add up to 1.")
    return given
