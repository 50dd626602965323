"""How well scores tell defective photos from good ones, whatever the cut; higher scores mean more defective."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

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
