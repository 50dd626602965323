"""What every cut would do: the sweep as a table, and the curves that screens draw. See `thresholds` for the arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from ensemble.metrics.thresholds import Counted, checked

NOTHING_REJECTED = float(np.nextafter(1, 2))  # a cut that no score reaches, which JSON can hold
DEMANDS = tuple(percent / 100 for percent in range(50, 100))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One curve over all cuts: x, y and the cut of each point, (P,) each; `area` where one is usual."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    cuts: NDArray[np.float64]
    area: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The curve as plain JSON values."""
        points = {"x": self.x.tolist(), "y": self.y.tolist(), "cuts": self.cuts.tolist()}
        return {"name": self.name, **points, "area": self.area}


def sweep(defective: ArrayLike, scores: ArrayLike) -> list[dict[str, float | None]]:
    """One row for each demand on the probability of OK, from 0.50 to 0.99: what would be caught, passed and rejected.

    A part is OK only where 1 - score reaches the demand. Precision is None where nothing is rejected.
    """
    truth, given = checked(defective, scores)
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


def roc(defective: ArrayLike, scores: ArrayLike) -> Curve:
    """The share of defective parts caught (y) over the overkill rate (x), and the area under it (AUROC)."""
    truth, given = checked(defective, scores)
    overkill_rate, recall, cuts = roc_curve(truth, given)
    cuts = np.minimum(cuts, NOTHING_REJECTED)  # the first is infinite
    return Curve("roc", overkill_rate, recall, cuts, float(roc_auc_score(truth, given)))


def precision_recall(defective: ArrayLike, scores: ArrayLike) -> Curve:
    """Precision (y) over recall (x) of the defect, and the average precision as its area."""
    truth, given = checked(defective, scores)
    precision, recall, cuts = precision_recall_curve(truth, given)
    cuts = np.append(cuts, NOTHING_REJECTED)  # of the last point, which has none
    return Curve("precision_recall", recall, precision, cuts, float(average_precision_score(truth, given)))


def f_beta_curve(defective: ArrayLike, scores: ArrayLike, betas: Sequence[float] = (0.5, 1.0, 2.0)) -> list[Curve]:
    """F-beta of the defect (y) over the cut (x), one curve for each beta, named f0.5, f1, f2…"""
    counted = Counted.of(defective, scores)
    return [Curve(f"f{beta:g}", counted.cuts, counted.f_beta(beta), counted.cuts) for beta in betas]
