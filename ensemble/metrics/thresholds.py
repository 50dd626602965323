"""Thresholds chosen on held-out scores: a part is NOK from the threshold on.

Thresholds lie midway between neighbouring scores, so that no rounding can flip a part they rest on. Scores are (N,) in
[0, 1], higher is worse; `defective` is (N,) true where the part is. Both classes must be there, else a PolicyError.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from ensemble.metrics.costs import PARTS_TOLD, Prices
from ensemble.values.digits import is_number
from ensemble.values.errors import PolicyError

MARGIN = 2.0  # odds that a safe cut keeps below the lowest defective part, and a precise one above the highest good one
WEAK = 10.0  # inverse strength of the prior on a slope: parts that fall apart cleanly make no curve infinitely sure
LEAST_DISTANCE = 1e-4  # scores nearer to 0 or 1 are no surer
TIE = 1e-9  # sums of money that differ by less, relatively, differ by rounding alone


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A chosen threshold and the counts it rests on.

    `figure` is what it was chosen for: F-beta, or money for 1000 parts; None where the counts say it.
    """

    name: str
    threshold: float
    good: int
    defective: int
    escapes: int
    overkills: int
    figure: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise PolicyError("A threshold needs a name. Got {name!r}.", name=self.name)
        if not is_number(self.threshold) or not 0 <= self.threshold <= 1:
            raise PolicyError(
                "The threshold {name!r} must lie in [0, 1]. Got {threshold!r}.",
                name=self.name,
                threshold=self.threshold,
            )
        counts = [self.good, self.defective, self.escapes, self.overkills]
        if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in counts):
            raise PolicyError(
                "The threshold {name!r} rests on whole counts from 0 upwards. Got {counts}.",
                name=self.name,
                counts=counts,
            )
        if self.escapes > self.defective or self.overkills > self.good:
            raise PolicyError(
                "The threshold {name!r} misjudges more parts than there are. Got {counts}.",
                name=self.name,
                counts=counts,
            )
        if self.figure is not None and not is_number(self.figure):
            raise PolicyError(
                "The figure of the threshold {name!r} must be a number or null. Got {figure!r}.",
                name=self.name,
                figure=self.figure,
            )

    def as_json(self) -> dict[str, Any]:
        """The threshold as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> "OperatingPoint":
        """Read what `as_json` wrote; a PolicyError where a key is missing, unknown or holds nonsense."""
        known = list(cls.__dataclass_fields__)
        if not isinstance(data, dict) or set(data) != set(known):
            raise PolicyError(
                "A threshold is an object of {known} and nothing beside them. Got {data!r}.",
                known=", ".join(known),
                data=data,
            )
        return cls(**data)


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdCounts:
    """Every threshold that decides the parts of one set differently, ascending, and what each lets pass and rejects.

    `cuts` (C,) float64 in [0, 1]; `escapes` and `overkills` (C,) whole numbers.
    """

    thresholds: NDArray[np.float64]
    escapes: NDArray[np.int64]
    overkills: NDArray[np.int64]
    good: int
    defective: int

    @classmethod
    def of(cls, defective: ArrayLike, scores: ArrayLike) -> "ThresholdCounts":
        """Count midway between neighbouring scores, and beyond the outer two where [0, 1] has room."""
        truth, given = checked_scores(defective, scores)
        edges = np.concatenate([[0.0], np.unique(given), [1.0]])
        lower, upper = edges[:-1], edges[1:]
        middle = (lower + upper) / 2
        thresholds = np.where(middle > lower, middle, upper)  # of two neighbouring floats the middle is one of them
        if edges[-2] == 1:  # no cut up to 1 lets a score of 1 pass
            thresholds = thresholds[:-1]
        return cls.at(thresholds, truth, given)

    @classmethod
    def at(cls, thresholds: NDArray[np.float64], defective: ArrayLike, scores: ArrayLike) -> "ThresholdCounts":
        """Count at these thresholds."""
        truth, given = checked_scores(defective, scores)
        bad, good = np.sort(given[truth]), np.sort(given[~truth])
        escapes, passed = np.searchsorted(bad, thresholds), np.searchsorted(good, thresholds)
        return cls(thresholds, escapes, len(good) - passed, len(good), len(bad))

    def point(self, name: str, position: int, figure: float | None = None) -> OperatingPoint:
        """The threshold at one position, under a name."""
        escapes, overkills = int(self.escapes[position]), int(self.overkills[position])
        return OperatingPoint(
            name, float(self.thresholds[position]), self.good, self.defective, escapes, overkills, figure
        )

    def f_beta(self, beta: float) -> NDArray[np.float64]:
        """(C,) F-beta of the defect at each threshold: recall counts beta times as much as precision."""
        caught, square = self.defective - self.escapes, beta * beta
        return (1 + square) * caught / ((1 + square) * caught + square * self.escapes + self.overkills)

    def money_each(self, share: float | None) -> tuple[float, float]:
        """How many of 1000 parts one defective and one good part of this set stand for."""
        if share is None:
            return PARTS_TOLD / (self.good + self.defective), PARTS_TOLD / (self.good + self.defective)
        if not 0 <= share <= 1:
            raise ValueError(f"A share of defects lies in [0, 1]. Got {share}.")
        return PARTS_TOLD * share / self.defective, PARTS_TOLD * (1 - share) / self.good


def f_beta_threshold(defective: ArrayLike, scores: ArrayLike, beta: float) -> OperatingPoint:
    """The threshold with the highest F-beta of the defect, named f1, f2, f0.5…; the lowest of equal ones, as safer."""
    if not beta > 0:
        raise ValueError(f"Beta must be above 0. Got {beta}.")
    counted = ThresholdCounts.of(defective, scores)
    figures = counted.f_beta(beta)
    best = int(figures.argmax())
    return counted.point(f"f{beta:g}", best, float(figures[best]))


def safe_threshold(defective: ArrayLike, scores: ArrayLike) -> OperatingPoint:
    """A threshold without an escape on these parts, with room below the defective part that looks best.

    It lies at half of that part's odds or midway to the next lower score, whichever is lower.
    """
    counted, (truth, given) = ThresholdCounts.of(defective, scores), checked_scores(defective, scores)
    midway = counted.thresholds[counted.escapes == 0][-1]
    threshold = min(midway, odds_times(1 / MARGIN, float(given[truth].min())))
    return ThresholdCounts.at(np.array([threshold]), truth, given).point("safe", 0)


def precision_threshold(defective: ArrayLike, scores: ArrayLike) -> OperatingPoint:
    """A threshold without an overkill on these parts, with room above the good part that looks worst.

    It lies at twice that part's odds or midway to the next higher score, whichever is higher, but not so high that it
    misses the defective part that looks worst. Where a good part looks worse than all defective ones it catches
    nothing; where a good part has a score of 1, no threshold avoids its overkill.
    """
    counted, (truth, given) = ThresholdCounts.of(defective, scores), checked_scores(defective, scores)
    clean = np.flatnonzero(counted.overkills == 0)
    if not len(clean):
        return counted.point("precision", len(counted.thresholds) - 1)
    threshold = max(counted.thresholds[clean[0]], odds_times(MARGIN, float(given[~truth].max())))
    catching = counted.thresholds[clean][counted.escapes[clean] < counted.defective]
    if len(catching):
        threshold = min(threshold, catching[-1])
    return ThresholdCounts.at(np.array([threshold]), truth, given).point("precision", 0)


def cost_threshold(
    defective: ArrayLike,
    scores: ArrayLike,
    prices: Prices,
    share: float | None = None,
    most_escapes: int | None = None,
) -> OperatingPoint:
    """The threshold at which escapes and overkills cost least; of equal ones the lowest, which is safer.

    `share` is the real share of defects on the line, by default that of these parts; cuts with more than `most_escapes`
    on these parts are left out. The figure is the money for 1000 parts.
    """
    counted = ThresholdCounts.of(defective, scores)
    bad, good = counted.money_each(share)
    money = bad * prices.escape * counted.escapes + good * prices.overkill * counted.overkills
    money = _allowed(money, counted, most_escapes)
    best = _first_cheapest(money, float(money.min()))
    return counted.point("cost", best, float(money[best]))


def review_threshold(
    defective: ArrayLike,
    scores: ArrayLike,
    prices: Prices,
    share: float | None = None,
    most_escapes: int | None = None,
) -> tuple[OperatingPoint, OperatingPoint]:
    """The two thresholds, low and high, at which escapes, overkills and reviews cost least: review from low up to below
    high.

    Both carry the money for 1000 parts. The counts of each are its own: escapes are those of the low cut, overkills
    those of the high one, and what lies between them is reviewed. A PolicyError where a review costs nothing.
    """
    if not prices.review:
        raise PolicyError("A review that costs nothing would send every part to a person. Give a review a price.")
    counted = ThresholdCounts.of(defective, scores)
    bad, good = counted.money_each(share)
    from_here_on = prices.review * (bad * (counted.defective - counted.escapes) + good * counted.overkills)
    low = bad * prices.escape * counted.escapes + from_here_on
    high = good * prices.overkill * counted.overkills - from_here_on
    best_high = np.minimum.accumulate(high[::-1])[::-1]  # (C,) the least money of any high cut from each low cut on
    money = _allowed(low + best_high, counted, most_escapes)
    scale, least = float(low.max()), float(money.min())
    lower = _first_cheapest(money, least, scale)
    upper = lower + _first_cheapest(low[lower] + high[lower:], least, scale)
    figure = float(low[lower] + high[upper])
    return counted.point("review_low", lower, figure), counted.point("review_high", upper, figure)


def smooth_threshold(defective: ArrayLike, scores: ArrayLike, probability: float, name: str) -> OperatingPoint:
    """The score at which a part is defective with this probability, by a logistic curve through the log-odds of scores.

    Two numbers are fitted to all parts (Platt 1999), so a few of them move the threshold less than they move one that
    is chosen for the least cost on these very parts. By Bayes' rule the cheapest cut is where
    probability × escape = (1 - probability) × overkill. Where no curve rises, it is the one of least cost.
    """
    truth, given = checked_scores(defective, scores)
    odds = logit(np.clip(given, LEAST_DISTANCE, 1 - LEAST_DISTANCE))
    line = LogisticRegression(C=WEAK).fit(odds[:, None], truth)
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:
        return cost_threshold(truth, given, Prices(escape=1 / probability - 1, overkill=1.0))
    threshold = float(expit((logit(probability) - offset) / slope))
    return ThresholdCounts.at(np.array([threshold]), truth, given).point(name, 0)


def _allowed(money: NDArray[np.float64], counted: "ThresholdCounts", most_escapes: int | None) -> NDArray[np.float64]:
    """The money of each threshold, without end where it lets too many escape; the lowest threshold lets none."""
    return money if most_escapes is None else np.where(counted.escapes <= most_escapes, money, np.inf)


def _first_cheapest(money: NDArray[np.float64], least: float, scale: float | None = None) -> int:
    """The first position that is as cheap as the least, but for rounding in sums of this scale."""
    return int(np.argmax(money <= least + TIE * (least if scale is None else scale)))


def odds_times(factor: float, probability: float) -> float:
    """The probability whose odds are so many times those of another."""
    return factor * probability / (factor * probability + 1 - probability)


def checked_scores(defective: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The truth (N,) and the scores (N,) as arrays, where they fit each other and hold both classes."""
    truth, given = np.asarray(defective, dtype=bool), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != given.shape:
        raise ValueError(f"Each part needs its truth and its score. Got the shapes {truth.shape} and {given.shape}.")
    if not ((given >= 0) & (given <= 1)).all():  # also refuses NaN
        raise ValueError("Scores must lie in [0, 1].")
    if not truth.any() or truth.all():
        raise PolicyError(
            "A threshold needs good and defective parts. Got {good} good and {defective} defective. Add "
            "photos of the missing class.",
            good=int((~truth).sum()),
            defective=int(truth.sum()),
        )
    return truth, given
