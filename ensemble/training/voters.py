"""How voters depend on each other: members that fail on the same parts are fewer voters than they seem.

`wrong` is (N, M), true where one of M members was wrong about one of N parts. Kuncheva & Whitaker (2003).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def error_correlation(wrong: ArrayLike) -> NDArray[np.float64]:
    """(M, M) phi coefficient of the errors of each two members; NaN for one that never or always errs."""
    errors = _checked(wrong).astype(np.float64)
    apart = errors - errors.mean(axis=0)
    together, spread = apart.T @ apart, np.sqrt((apart**2).sum(axis=0))
    varies = errors.any(axis=0) & ~errors.all(axis=0)  # by the errors themselves: a spread can round to more than 0
    known = np.outer(varies, varies)
    return np.divide(together, np.outer(spread, spread), out=np.full(known.shape, np.nan), where=known).clip(-1, 1)


def effective_voters(correlation: ArrayLike) -> float:
    """How many independent voters M members amount to, from 1 to M: M / (1 + (M - 1) × mean correlation of two).

    Kish's (1965) design effect. Pairs whose correlation is NaN are left out; NaN where no pair is known.
    """
    known = np.asarray(correlation, dtype=np.float64)
    if known.ndim != 2 or known.shape[0] != known.shape[1] or not known.size:
        raise ValueError(f"A correlation is (M, M) with at least one member. Got the shape {known.shape}.")
    members = len(known)
    if members == 1:
        return 1.0
    pairs = known[np.triu_indices(members, 1)]
    if np.isnan(pairs).all():
        return float("nan")
    each_adds = 1 + (members - 1) * float(np.nanmean(pairs))
    return min(float(members), max(1.0, members / each_adds)) if each_adds > 0 else float(members)


def fail_together(wrong: ArrayLike, names: Sequence[str], most: int = 5) -> list[tuple[str, str, int, int]]:
    """The pairs of members that are most often wrong on the same parts: names, parts with both wrong, with either.

    Most often first; of equal pairs the one that seldom errs apart. Pairs that never fail together are left out.
    """
    errors = _checked(wrong)
    if errors.shape[1] != len(names):
        raise ValueError(f"Each member needs a name. Got {errors.shape[1]} members and {len(names)} names.")
    pairs = []
    for first, second in combinations(range(len(names)), 2):
        both = int((errors[:, first] & errors[:, second]).sum())
        either = int((errors[:, first] | errors[:, second]).sum())
        if both:
            pairs.append((names[first], names[second], both, either))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[3]))[:most]


def _checked(wrong: ArrayLike) -> NDArray[np.bool_]:
    errors = np.asarray(wrong)
    if errors.ndim != 2 or errors.dtype != np.bool_ or not errors.size:
        raise ValueError(
            f"Errors are (N, M) true or false, of at least one part and one member. Got the shape {errors.shape} of "
            f"{errors.dtype}."
        )
    return errors
