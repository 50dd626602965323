"""How far two judges agree: Cohen's kappa, with limits that hold.

They are two-sided at 95% and conservative: built from Clopper and Pearson's limits of independent counts, whose errors
are added up (Bonferroni), so that they hold with few parts, rare defects and unequal judges too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ensemble.metrics.costs import lower_bound, upper_bound
from ensemble.values.language import Message

BEYOND: Final = 0.025  # of all cases in which the truth may lie beyond one limit
MINOR: Final = 0.0025  # of it for each count that moves kappa but little
GRID = 9  # values that each of its parts takes between its limits
Counts2D = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimated:
    """A figure with its lower and upper limit, two-sided at 95%."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa of two judges: of how many parts, the share on which they agree, and why there is no kappa."""

    parts: int
    same: float | None
    kappa: Estimated | None
    why: Message | None = None


def cohens_kappa(table: Sequence[Sequence[int]]) -> Kappa:
    """Agreement beyond chance from a K x K table of counts, rows the first judge's labels, columns the second's.

    Kappa is 1 - d / e: the disagreement that is seen, over what two judges of these habits show by chance (Cohen 1960).
    The usual standard error (Fleiss, Cohen and Everitt 1969) covers far less than it says with few parts or rare
    classes (Donner and Eliasziw 1992). Here the table is taken apart into counts that are independent of each other:
    the parts that not both call the most frequent class, among them those on which both agree, and, of two classes, who
    of both stands alone. Each has exact limits, and kappa's are its extremes within them. Of more than two classes the
    kinds of disagreement are taken as they were seen: there the limits hold in simulations and are not proven.
    """
    counts = np.asarray(table, dtype=np.float64)  # (K, K)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"A table of agreement has a row and a column a class. Got the shape {counts.shape}.")
    parts = int(counts.sum())
    if not parts:
        return Kappa(0, None, None, Message("Nothing was looked at by both."))
    same = float(np.trace(counts)) / parts
    if np.count_nonzero(counts.sum(axis=0) + counts.sum(axis=1)) < 2:
        return Kappa(parts, same, None, Message("Both gave one and the same label to every part."))
    value = float(_kappa_of(counts / parts))
    lower, upper = _kappa_limits(counts)
    return Kappa(parts, same, Estimated(value, min(lower, value), max(upper, value)))


def _kappa_of(shares: Counts2D) -> Counts2D:
    """Kappa of tables of shares, nan where chance alone leaves no disagreement."""
    first, second = shares.sum(axis=-1), shares.sum(axis=-2)  # (..., K, K) -> (..., K)
    seen = 1 - np.trace(shares, axis1=-2, axis2=-1)
    chance = 1 - (first * second).sum(axis=-1)
    usable = chance > 1e-12
    return np.where(usable, 1 - seen / np.where(usable, chance, 1), np.nan)


def _kappa_limits(counts: Counts2D) -> tuple[float, float]:
    """The least and the greatest kappa of tables that the limits of the counts allow."""
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    found = counts[np.ix_(used, used)]
    common = int(np.argmax(found.sum(axis=0) + found.sum(axis=1)))
    parts, both_common = int(found.sum()), int(found[common, common])
    agreed = int(np.trace(found)) - both_common
    alike = np.diag(np.diag(found))
    alike[common, common] = 0
    apart = found - np.diag(np.diag(found))
    rare = _between(parts - both_common, parts, MINOR)
    agreeing = _between(agreed, parts - both_common, BEYOND - 2 * MINOR)
    agreements = alike / agreed if agreed else _spread(np.diag(np.arange(len(found)) != common))
    tables = []
    for share, agreed_share, kinds in product(rare, agreeing, _kinds_of_disagreement(apart)):
        shares = share * (agreed_share * agreements + (1 - agreed_share) * kinds)
        shares[common, common] += 1 - share
        tables.append(shares)
    kappas = _kappa_of(np.array(tables))
    return float(np.nanmin(kappas)), float(np.nanmax(kappas))


def _kinds_of_disagreement(apart: Counts2D) -> list[Counts2D]:
    """Shares of the cells beside the diagonal: between their limits for two classes, else as seen, and mirrored."""
    off = ~np.eye(len(apart), dtype=bool)
    if len(apart) > 2:
        kinds = (apart + off / off.sum()) / (apart.sum() + 1)
        return [kinds, kinds.T, (kinds + kinds.T) / 2]
    alone = _between(int(apart[0, 1]), int(apart.sum()), MINOR)
    return [np.array([[0.0, share], [1 - share, 0.0]]) for share in alone]


def _spread(cells: NDArray[np.bool_]) -> Counts2D:
    return cells / cells.sum()


def _between(events: int, trials: int, side: float) -> NDArray[np.float64]:
    """Rates from the lower limit to the upper one; `side` is the error of each."""
    return np.linspace(lower_bound(events, trials, 1 - side), upper_bound(events, trials, 1 - side), GRID)
