"""Whether another policy is clearly cheaper than the active one on the same photos, by a paired permutation test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.importers import captures
from ensemble.metrics.costs import PARTS, Counts, Line, expected
from ensemble.metrics.risk import CONFIDENCE
from ensemble.policies.cases import Case, truth
from ensemble.values.results import REVIEW, Classes

SHUFFLES = 9999


@dataclass(frozen=True, slots=True)
class Saving:
    """A policy that is clearly cheaper: the money of 1000 parts by it and by the active one, and how probable so large
    a difference is by chance, corrected for having tried several policies."""

    policy: str
    money: float
    active: float
    p: float


def clear_saving(
    active: str, verdicts: Mapping[str, Sequence[str]], known: Sequence[Case], classes: Classes, line: Line
) -> Saving | None:
    """The cheapest policy that is clearly cheaper than the active one; None where none is.

    `verdicts` holds what each policy says of the cases (N,). The saving of each part counts by the line's prices and
    its share of defects, captures of one part together. Clear is a saving that turning the signs of these differences
    at random reaches in fewer than 5 of 100 cases (paired permutation test, one-sided), corrected for the number of
    policies that were tried (Bonferroni).
    """
    true = truth(known)
    money = {name: expected(Counts.of(true, said, classes), line).money for name, said in verdicts.items()}
    now = money[active]
    if now is None:
        return None
    prices = _prices(true, classes, line)
    costs = {name: _costs(true, said, prices) for name, said in verdicts.items()}
    parts = _parts(known)
    others = sorted((amount, name) for name, amount in money.items() if amount is not None and amount < now)
    for amount, name in others:
        saved = np.bincount(parts, costs[active] - costs[name]).astype(np.float64)
        p = min(1.0, (len(verdicts) - 1) * _by_chance(saved))
        if p < 1 - CONFIDENCE:
            return Saving(name, amount, now, p)
    return None


def _prices(true: Sequence[str], classes: Classes, line: Line) -> Mapping[tuple[str, str], float]:
    """What one photo of a class adds to the money of 1000 parts, by its truth and its verdict."""
    good, defect = str(classes.good), str(classes.defect)
    bad = true.count(defect)
    share = bad / len(true) if line.share is None else line.share
    of_bad = PARTS * share / bad if bad else 0.0
    of_good = PARTS * (1 - share) / (len(true) - bad) if len(true) > bad else 0.0
    return {
        (defect, good): of_bad * line.prices.escape,
        (good, defect): of_good * line.prices.overkill,
        (defect, REVIEW): of_bad * line.prices.review,
        (good, REVIEW): of_good * line.prices.review,
    }


def _costs(true: Sequence[str], said: Sequence[str], prices: Mapping[tuple[str, str], float]) -> NDArray[np.float64]:
    return np.array([prices.get(pair, 0.0) for pair in zip(true, said, strict=True)])


def _parts(known: Sequence[Case]) -> NDArray[np.int64]:
    """(N,) the number of the part that each photo shows."""
    names = captures.parts([Path(case.photo) for case in known])
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _by_chance(saved: NDArray[np.float64]) -> float:
    """How often (P,) differences with signs at random sum to as much as these do."""
    differences = saved[saved != 0]
    if not len(differences):
        return 1.0
    random = np.random.default_rng(0)
    sizes, counts = np.unique(np.round(np.abs(differences), 9), return_counts=True)
    signs = 2 * random.binomial(counts, 0.5, (SHUFFLES, len(sizes))) - counts  # how many more go up than down
    reached = int((signs @ sizes >= differences.sum() - 1e-6).sum())
    return (reached + 1) / (SHUFFLES + 1)
