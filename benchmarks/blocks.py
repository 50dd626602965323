"""Sides measured against each other in alternating blocks of one process."""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Group = TypeVar("Group")
Times = Mapping[str, Sequence[float]]  # seconds a photo of each block, by side


def alternating(
    sides: Mapping[str, Callable[[Sequence[Group]], Any]],
    groups: Sequence[Sequence[Group]],
    rounds: int,
    seconds: float,
) -> Times:
    """Blocks of at least so many seconds, each side in turn; the groups of photos go round."""
    for side in sides.values():
        side(groups[0])
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(_seconds_a_photo(side, groups, seconds))
    return found


def compared(times: Times, reference: str) -> dict[str, dict[str, float]]:
    """For each side its milliseconds a photo and its ratios to the reference, which is taken round by round, so that a
    drifting machine cancels out, and by the fastest block of both."""
    slow = times[reference]
    return {
        name: {
            "ms": round(1000 * statistics.median(fast), 2),
            "fastest_ms": round(1000 * min(fast), 2),
            "ratio": round(statistics.median(one / other for one, other in zip(slow, fast, strict=True)), 2),
            "ratio_of_fastest": round(min(slow) / min(fast), 2),
        }
        for name, fast in times.items()
    }


def _seconds_a_photo(side: Callable[[Sequence[Group]], Any], groups: Sequence[Sequence[Group]], least: float) -> float:
    photos, start = 0, time.perf_counter()
    for group in itertools.cycle(groups):
        side(group)
        photos += len(group)
        if (elapsed := time.perf_counter() - start) >= least:
            break
    return elapsed / photos
