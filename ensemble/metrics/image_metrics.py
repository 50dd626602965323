"""How good scores of whole photos are, and how well maps find the damage in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from ensemble.imaging.masks import enlarge
from ensemble.values.results import HeatMap

DETECTION = {"overkill_at_95": 0.95, "overkill_at_100": 1.0}


def separation(defective: Sequence[bool], scores: Sequence[float]) -> dict[str, float | None]:
    """`image_auroc`, `average_precision`, `f1_max`, `overkill_at_95`, `overkill_at_100` of (N,) truths and scores.

    `f1_max` is the best F1 of the defect over all cuts, and the overkill figures are the overkill rates at the highest
    cut that catches 95 % or all of the defective photos. Those cuts are chosen on the very photos that are measured:
    they compare members and are no thresholds to inspect with. All are None unless there are photos of both kinds.
    """
    truth, values = np.asarray(defective, dtype=bool), np.asarray(scores, dtype=float)
    if len(set(truth.tolist())) < 2:
        return dict.fromkeys(("image_auroc", "average_precision", "f1_max", *DETECTION))
    figures = {
        "image_auroc": float(roc_auc_score(truth, values)),
        "average_precision": float(average_precision_score(truth, values)),
        "f1_max": _best_f1(truth, values),
    } | {name: _overkill(truth, values, share) for name, share in DETECTION.items()}
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
    cut = np.sort(values[truth])[-caught]
    return float(np.mean(values[~truth] >= cut))


LIMIT = 0.3  # the false-positive rate up to which AUPRO is measured
BINS = 1 << 18  # of heat; so fine that ties within a bin cost less than 0.001 of either figure
AT_ONCE = 1 << 20  # pixels sorted into bins at a time, which bounds the memory for large photos


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Which pixels of a photo of a (width, height) are damaged.

    `damaged` (P,) are their places, counted row by row; `shares` (P,) is 1 / the size of the region of each, so that
    all regions count alike, whatever their size. Pixels that touch at a corner belong to one region.
    """

    size: tuple[int, int]
    damaged: NDArray[np.intp]
    shares: NDArray[np.float64]
    regions: int

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
        self.sound = np.zeros(BINS, dtype=np.int64)  # pixels outside all regions, by their heat
        self.damaged = np.zeros(BINS, dtype=np.int64)
        self.overlap = np.zeros(BINS)  # damaged pixels, each as its share of its region
        self.regions = 0

    def add(self, heat: HeatMap, truth: Truth) -> None:
        """Count the pixels of one photo; the map is stretched over it by bilinear interpolation."""
        flat = enlarge(heat.values, truth.size).ravel()
        for start in range(0, flat.size, AT_ONCE):
            self.sound += np.bincount(_bins(flat[start : start + AT_ONCE]), minlength=BINS)
        if truth.regions:
            hit = _bins(flat[truth.damaged])
            damaged = np.bincount(hit, minlength=BINS)
            self.sound -= damaged
            self.damaged += damaged
            self.overlap += np.bincount(hit, weights=truth.shares, minlength=BINS)
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


def _bins(heat: NDArray[np.float32]) -> NDArray[np.intp]:
    """(P,) heat in [0, 1] -> (P,) numbers of bins; interpolation may leave the range by a rounding error."""
    return np.clip(heat * BINS, 0, BINS - 1).astype(np.intp)


def _from_hottest(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """(BINS,) counts -> (BINS + 1,) shares of them that lie at or above a cut which falls from above all to zero."""
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
