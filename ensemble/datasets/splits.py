"""Splits: which photos teach, which choose thresholds and which only measure; photos of one part never come apart."""

import warnings
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from math import gcd
from types import MappingProxyType

import numpy as np
from scipy.cluster.hierarchy import DisjointSet
from sklearn.model_selection import StratifiedGroupKFold

from ensemble.values.errors import DataError
from ensemble.values.samples import Sample, captured_parts, frame_number

# A class with fewer photos than folds goes into some of them, which `assign` allows; for the process once, because
# warnings.catch_warnings does not hold between threads.
warnings.filterwarnings("ignore", message="The least populated class", module="sklearn.model_selection")

STEP = 5  # percent; finer shares would want more folds than small collections have photos
USUAL_SHARES: Mapping[str, int] = MappingProxyType({"train": 60, "calibration": 20, "test": 20})


def assign(
    items: Sequence[Sample], shares: Mapping[str, int], seed: int, together: Iterable[Collection[str]] = ()
) -> dict[str, str]:
    """A split for every photo by its SHA-256: class, product and type of defect alike in all, parts never apart.

    `shares` are percentages in steps of five that make 100; `together` names photos that must not come apart beside
    those of one part, such as near copies. A DataError says what cannot be split.
    """
    if any(share % STEP or share < 0 for share in shares.values()) or sum(shares.values()) != 100:
        given = ", ".join(f"{name} {share}" for name, share in shares.items())
        raise DataError(
            "Shares are percentages in steps of {step} that make 100 together. Got {given}.", step=STEP, given=given
        )
    wanted = {name: share for name, share in shares.items() if share}
    count = 100 // reduce(gcd, wanted.values())
    groups = group_numbers(items, together)
    if len(set(groups)) < len(wanted):
        raise DataError(
            "{photos} photos of {parts} parts cannot be split into {wanted}. Add photos.",
            photos=len(items),
            parts=len(set(groups)),
            wanted=", ".join(wanted),
        )
    found: dict[str, str] = {}
    folds = iter(stratified_folds(items, groups, count, seed))
    for name, share in wanted.items():
        for _ in range(share * count // 100):
            found |= {items[place].sha256: name for place in next(folds)}
    return found


def group_numbers(items: Sequence[Sample], together: Iterable[Collection[str]] = ()) -> list[int]:
    """For each photo the number of the group that it must stay with."""
    captures = captured_parts([each.path for each in items])
    known = [(item.sha256, *_keys(item, number)) for item, number in zip(items, captures, strict=True)]
    found = linked([*known, *together])
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(found[item.sha256], len(numbers)) for item in items]


def linked(groups: Iterable[Collection[Hashable]]) -> DisjointSet:
    """Whatever stands together in one of the groups, or is linked by what stands in several."""
    groups = list(groups)
    found = DisjointSet(each for group in groups for each in group)
    for one, other in (pair for group in groups for pair in pairwise(group)):
        found.merge(one, other)
    return found


def _keys(item: Sample, capture: int) -> list[tuple[str, ...]]:
    """What tells the part of a photo: its name, and the frames by which repeat captures are named."""
    by_name: list[tuple[str, ...]] = [(item.category, item.part)] if item.part else []
    return [*by_name, ("capture", str(capture))] if frame_number(item.path) is not None else by_name


def crossing(
    items: Sequence[Sample], split_of: Mapping[str, str], together: Iterable[Collection[str]] = ()
) -> list[list[str]]:
    """The groups that lie in more than one split, each as the SHA-256 of its photos: what flatters a measurement."""
    found: dict[int, list[str]] = {}
    for item, group in zip(items, group_numbers(items, together), strict=True):
        found.setdefault(group, []).append(item.sha256)
    return [group for group in found.values() if len({split_of.get(digest) for digest in group} - {None, ""}) > 1]


def stratified_folds(items: Sequence[Sample], groups: Sequence[int], count: int, seed: int) -> list[list[int]]:
    """The places of as many folds, alike in class, product and type of defect as far as may be, whole groups each.

    What is rarer than folds counts as its class alone; a DataError where there are too few photos or groups.
    """
    kinds = [f"{item.label}/{item.category}/{item.defect}" for item in items]
    number = Counter(kinds)
    strata = [kind if number[kind] >= count else item.label for kind, item in zip(kinds, items, strict=True)]
    if max(Counter(strata).values()) < count or len(set(groups)) < count:
        raise DataError(
            "{photos} photos of {parts} parts are too few for these shares: they are dealt out in {piles} piles. Add "
            "photos, or choose rounder shares.",
            photos=len(items),
            parts=len(set(groups)),
            piles=count,
        )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return [held.tolist() for _, held in splitter.split(np.zeros(len(items)), strata, groups)]
