"""How good scores of whole photos are, and how well maps find the damage in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from ensemble.imaging.masks import enlarge
from ensemble.metrics.thresholds import ThresholdCounts, checked_scores
from ensemble.values.results import AnomalyMap

DETECTION_RATES = {"overkill_at_95": 0.95, "overkill_at_100": 1.0}


def separation(defective: Sequence[bool], scores: Sequence[float]) -> dict[str, float | None]:
    """`image_auroc`, `average_precision`, `f1_max`, `overkill_at_95`, `overkill_at_100` of (N,) truths and scores.

    `f1_max` is the best F1 of the defect over all thresholds, and the overkill figures are the overkill rates at the
    highest cut that catches 95% or all of the defective photos. Those thresholds are chosen on the very photos that
    are measured: they compare members and are no thresholds to inspect with. All are None unless there are photos of
    both kinds.
    """
    truth, values = np.asarray(defective, dtype=bool), np.asarray(scores, dtype=float)
    if len(set(truth.tolist())) < 2:
        return dict.fromkeys(("image_auroc", "average_precision", "f1_max", *DETECTION_RATES))
    figures = {
        "image_auroc": float(roc_auc_score(truth, values)),
        "average_precision": float(average_precision_score(truth, values)),
        "f1_max": _best_f1(truth, values),
    } | {name: _overkill(truth, values, share) for name, share in DETECTION_RATES.items()}
    return {name: round(value, 6) for name, value in figures.items()}


def auroc_limits(auroc: float, defective: int, good: int, confidence: float = 0.95) -> tuple[float, float]:
    """The two-sided limits of the true AUROC, from one measured on so many defective and good photos.

    Newcombe (2006), method 5: it stays honest where all photos are told apart. Captures of one part count once.
    """
    if not 0 <= auroc <= 1 or min(defective, good) < 1:
        raise ValueError(f"An AUROC lies in [0, 1], of photos of both kinds. Got {auroc} of {defective} and {good}.")
    z = float(norm.ppf((1 + confidence) / 2))
    return _lowest(auroc, defective, good, z), 1 - _lowest(1 - auroc, defective, good, z)


def _lowest(measured: float, defective: int, good: int, z: float) -> float:
    """The lowest true area from which a measured one is no further than z of the standard deviations there."""
    more = (defective + good) / 2 - 1

    def beyond(area: float) -> float:
        spread = area * (1 - area) * (1 + more * (1 - area) / (2 - area) + more * area / (1 + area))
        return measured - area - z * math.sqrt(spread / (defective * good))

    highest = measured - 1e-9  # at 1 there is no spread at all, and 1 would be a limit of itself
    return float(brentq(beyond, 0.0, highest)) if highest > 0 and beyond(highest) < 0 else 0.0


def _best_f1(truth: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
    precision, recall, _ = precision_recall_curve(truth, values)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def _overkill(truth: NDArray[np.bool_], values: NDArray[np.float64], share: float) -> float:
    caught = math.ceil(share * int(truth.sum()) - 1e-9)  # 0.95 × 20 is 19, whatever its last digit
    threshold = np.sort(values[truth])[-caught]
    return float(np.mean(values[~truth] >= threshold))


LIMIT = 0.3  # the false-positive rate up to which AUPRO is measured
SCORE_BINS = 1 << 18  # of heat; so fine that ties within a bin cost less than 0.001 of either figure
PIXELS_AT_ONCE = 1 << 20  # pixels sorted into bins at a time, which bounds the memory for large photos


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Which pixels of a photo of a (width, height) are damaged.

    `damaged` (P,) are their places, counted row by row; `shares` (P,) is 1 / the size of the region of each, so that
    all regions count alike, whatever their size. Pixels that touch at a corner belong to one region. `unseen` are the
    places that a view does not look at and that count for nothing.
    """

    size: tuple[int, int]
    damaged: NDArray[np.intp]
    shares: NDArray[np.float64]
    regions: int
    unseen: NDArray[np.intp] | None = None

    @classmethod
    def of(cls, damage: NDArray[np.bool_]) -> "Truth":
        """From (height, width), true where damaged."""
        labels, regions = ndimage.label(damage, structure=np.ones((3, 3)))
        places = np.flatnonzero(labels)
        numbers = labels.ravel()[places]
        height, width = damage.shape
        return cls((width, height), places, 1 / np.bincount(numbers)[numbers], regions)

    @classmethod
    def undamaged(cls, size: tuple[int, int]) -> "Truth":
        """A good photo of this (width, height)."""
        return cls(size, np.zeros(0, dtype=np.intp), np.zeros(0), 0)


class PixelTally:
    """One member's heat maps against the truth, photo by photo; it keeps three histograms and no map."""

    def __init__(self) -> None:
        self.sound = np.zeros(SCORE_BINS, dtype=np.int64)  # pixels outside all regions, by their heat
        self.damaged = np.zeros(SCORE_BINS, dtype=np.int64)
        self.overlap = np.zeros(SCORE_BINS)  # damaged pixels, each as its share of its region
        self.regions = 0

    def add(self, anomaly_map: AnomalyMap, truth: Truth) -> None:
        """Count the pixels of one photo; the map is stretched over it by bilinear interpolation."""
        flat = enlarge(anomaly_map.values, truth.size).ravel()
        for start in range(0, flat.size, PIXELS_AT_ONCE):
            self.sound += np.bincount(_score_bins(flat[start : start + PIXELS_AT_ONCE]), minlength=SCORE_BINS)
        if truth.unseen is not None:
            self.sound -= np.bincount(_score_bins(flat[truth.unseen]), minlength=SCORE_BINS)
        if truth.regions:
            hit = _score_bins(flat[truth.damaged])
            damaged = np.bincount(hit, minlength=SCORE_BINS)
            self.sound -= damaged
            self.damaged += damaged
            self.overlap += np.bincount(hit, weights=truth.shares, minlength=SCORE_BINS)
            self.regions += truth.regions

    def figures(self) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro`, both None as long as no pixel is damaged or none is sound."""
        if not self.regions or not self.sound.any():
            return {"pixel_auroc": None, "aupro": None}
        false = _from_hottest(self.sound)
        return {
            "pixel_auroc": round(_area(false, _from_hottest(self.damaged), 1.0), 6),
            "aupro": round(_area(false, _from_hottest(self.overlap), LIMIT), 6),
        }


def _score_bins(anomaly_map: NDArray[np.float32]) -> NDArray[np.intp]:
    """(P,) heat in [0, 1] -> (P,) numbers of bins; interpolation may leave the range by a rounding error."""
    return np.clip(anomaly_map * SCORE_BINS, 0, SCORE_BINS - 1).astype(np.intp)


def _from_hottest(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """(BINS,) counts -> (BINS + 1,) shares of them at or above a threshold that falls from above all to zero."""
    risen = np.concatenate([[0.0], np.cumsum(counts[::-1], dtype=np.float64)])
    return risen / risen[-1]


def _area(across: NDArray[np.float64], up: NDArray[np.float64], limit: float) -> float:
    """The area under a rising curve from (0, 0) to (1, 1), up to a limit, as a share of the limit."""
    stop = int(np.searchsorted(across, limit, side="right"))
    x, y = across[:stop], up[:stop]
    if stop < len(across):
        step = (limit - x[-1]) / (across[stop] - x[-1])
        x, y = np.append(x, limit), np.append(y, y[-1] + step * (up[stop] - y[-1]))
    return min(1.0, float(np.trapezoid(y, x)) / limit)


NOTHING_REJECTED = float(np.nextafter(1, 2))  # a threshold that no score reaches, which JSON can hold
DEMANDS = tuple(percent / 100 for percent in range(50, 100))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One curve over all thresholds: x, y and the threshold of each point, (P,) each; `area` where one is usual."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    area: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The curve as plain JSON values."""
        points = {"x": self.x.tolist(), "y": self.y.tolist(), "cuts": self.thresholds.tolist()}
        return {"name": self.name, **points, "area": self.area}


def threshold_sweep(defective: ArrayLike, scores: ArrayLike) -> list[dict[str, float | None]]:
    """One row for each demand on the probability of OK, from 0.50 to 0.99: what would be caught, passed and rejected.

    A part is OK only where 1 - score reaches the demand. Precision is None where nothing is rejected.
    """
    truth, given = checked_scores(defective, scores)
    sure_of_ok = np.round(1 - given, 9)  # 1 - 0.07 is less than 0.93 in floats
    bad, good = int(truth.sum()), int((~truth).sum())
    rows: list[dict[str, float | None]] = []
    for demand in DEMANDS:
        rejected = sure_of_ok < demand
        caught, overkills = int((rejected & truth).sum()), int((rejected & ~truth).sum())
        escapes = bad - caught
        rows.append(
            {
                "demand": demand,
                "precision": caught / (caught + overkills) if caught + overkills else None,
                "recall": caught / bad,
                "f1": 2 * caught / (2 * caught + escapes + overkills),
                "f2": 5 * caught / (5 * caught + 4 * escapes + overkills),
                "escapes": escapes,
                "overkills": overkills,
                "escape_rate": escapes / bad,
                "overkill_rate": overkills / good,
            }
        )
    return rows


def roc_points(defective: ArrayLike, scores: ArrayLike) -> Curve:
    """The share of defective parts caught (y) over the overkill rate (x), and the area under it (AUROC)."""
    truth, given = checked_scores(defective, scores)
    overkill_rate, recall, thresholds = roc_curve(truth, given)
    thresholds = np.minimum(thresholds, NOTHING_REJECTED)  # the first is infinite
    return Curve("roc", overkill_rate, recall, thresholds, float(roc_auc_score(truth, given)))


def precision_recall_points(defective: ArrayLike, scores: ArrayLike) -> Curve:
    """Precision (y) over recall (x) of the defect, and the average precision as its area."""
    truth, given = checked_scores(defective, scores)
    precision, recall, thresholds = precision_recall_curve(truth, given)
    thresholds = np.append(thresholds, NOTHING_REJECTED)  # of the last point, which has none
    return Curve("precision_recall", recall, precision, thresholds, float(average_precision_score(truth, given)))


def f_beta_curve(defective: ArrayLike, scores: ArrayLike, betas: Sequence[float] = (0.5, 1.0, 2.0)) -> list[Curve]:
    """F-beta of the defect (y) over the threshold (x), one curve for each beta, named f0.5, f1, f2…"""
    counted = ThresholdCounts.of(defective, scores)
    return [Curve(f"f{beta:g}", counted.thresholds, counted.f_beta(beta), counted.thresholds) for beta in betas]
