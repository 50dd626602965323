"""Paired statistics: two models judged the same N photos, and captures of one part count together, not one by one.

`groups` (N,) numbers the parts from 0 without a gap. `gains` (N,) is 1 where the newer model alone is right, -1 where
the older one alone is, else 0.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from ensemble.metrics.risk import CONFIDENCE

ALPHA = 1 - CONFIDENCE
RESAMPLES = 2000
AT_ONCE = 4_000_000  # weights of a resample that are held at a time
Z = float(norm.ppf((1 + CONFIDENCE) / 2))

Groups = NDArray[np.int64]
Gains = NDArray[np.int64]
Scores = NDArray[np.float64]


def parts_won(gains: Gains, groups: Groups) -> tuple[int, int]:
    """On how many parts the newer model does better than the older one, and on how many worse."""
    if not len(gains):
        return 0, 0
    by_part = np.bincount(groups, gains)
    return int((by_part > 0).sum()), int((by_part < 0).sum())


def paired_test(won: int, lost: int) -> float:
    """How probable so uneven counts are where either model is as likely to be the better one of a part.

    The exact test of McNemar (1947): two-sided, binomial, on the parts that tell the models apart; 1 without any.
    """
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """The same probabilities, each raised for being one of several (Holm 1979); below 0.05 each still says so alone."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def fewest_to_show(tests: int) -> int:
    """How many parts must change, all in one direction, before the first of so many tests can show a difference."""
    return int(np.ceil(np.log2(2 * tests / ALPHA)))


def rate_difference(gains: Gains, groups: Groups) -> tuple[float, float]:
    """The 95 % limits of a difference of paired rates: Bonett & Price (2012), with the variance taken part by part.

    Two imagined parts, one won and one lost, keep it from being sure of itself where few parts or none differ.
    """
    totals = np.append(np.bincount(groups, gains), [1.0, -1.0])
    sizes = np.append(np.bincount(groups), [1.0, 1.0])
    middle = totals.sum() / sizes.sum()
    reach = Z * float(np.sqrt(((totals - middle * sizes) ** 2).sum())) / sizes.sum()
    return float(max(-1.0, middle - reach)), float(min(1.0, middle + reach))


def auroc_difference(
    defective: NDArray[np.bool_], before: Scores, after: Scores, groups: Groups, seed: int
) -> tuple[float, float] | None:
    """The 95 % limits of AUROC after minus before, by a paired bootstrap of parts (Efron & Tibshirani 1993).

    Parts of the same classes are drawn among each other, so that no resample lacks a class. None where no resample
    differs from another, as where both models tell all photos apart: then nothing is known of the true difference.
    """
    random = np.random.default_rng(seed)
    strata = _strata(defective, groups)
    differences = []
    rounds = max(1, AT_ONCE // len(defective))
    for start in range(0, RESAMPLES, rounds):
        times = _drawn(strata, min(rounds, RESAMPLES - start), random)[:, groups]  # (B, parts) -> (B, N)
        differences.append(_aurocs(defective, after, times) - _aurocs(defective, before, times))
    found = np.concatenate(differences)
    if float(np.ptp(found)) < 1e-12:
        return None
    low, high = np.quantile(found, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def _strata(defective: NDArray[np.bool_], groups: Groups) -> NDArray[np.int64]:
    """(P,) for each part: 1 good photos alone, 2 defective ones alone, 3 both."""
    parts = int(groups.max()) + 1
    has_good = np.bincount(groups, ~defective, minlength=parts) > 0
    has_bad = np.bincount(groups, defective, minlength=parts) > 0
    return has_good + 2 * has_bad.astype(np.int64)


def _drawn(strata: NDArray[np.int64], rounds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(rounds, P) how often each part is drawn."""
    times = np.zeros((rounds, len(strata)), dtype=np.int64)
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        times[:, places] = random.multinomial(len(places), np.full(len(places), 1 / len(places)), size=rounds)
    return times


def _aurocs(defective: NDArray[np.bool_], scores: Scores, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """(B,) AUROC of (N,) scores where each photo counts so many times; a tie is half right."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    sorted_times = times[:, order]
    bad = np.add.reduceat(sorted_times * defective[order], starts, axis=1)
    good = np.add.reduceat(sorted_times * ~defective[order], starts, axis=1)
    below = np.cumsum(good, axis=1) - good / 2
    return (bad * below).sum(axis=1) / (bad.sum(axis=1) * good.sum(axis=1))
