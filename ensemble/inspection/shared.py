"""Micro-batches: who asks while the models are at work shares their next pass, and nobody's answer changes by that."""

import copy
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from ensemble.features.photo_batch import batches
from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import Policy
from ensemble.values.results import Verdict

SHARED_AT_ONCE = 8  # photos of one pass
NUMBERS_TRIED = 48  # that have to come out alike before photos are trusted to one call; a network gives more at once

Wish = TypeVar("Wish")
Given = TypeVar("Given")


class Together(Generic[Wish, Given]):
    """Calls that come while a function runs share its next run, if their keys are equal; a lone call runs it at once.

    Each caller brings some things and gets the answers to them. The run is made in the thread of the caller who has
    waited longest. Where it fails, each call is run alone: an error is told to the caller alone whose things raise it.
    """

    def __init__(self, run: Callable[[Sequence[Wish], Any], Sequence[Given]], most: int = SHARED_AT_ONCE) -> None:
        self._run = run
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Call[Wish, Given]] = []
        self._is_running = False

    def __call__(self, things: Sequence[Wish], key: object) -> Sequence[Given]:
        """The answers to these things; the error that they raise is raised here."""
        call = _Call[Wish, Given](things, key)
        with self._lock:
            self._waiting.append(call)
            leads, self._is_running = not self._is_running, True
        if not leads:
            call.woken.wait()
        if call.answers is None and call.error is None:  # it is the first of those who wait
            self._lead(call)
        if call.error is not None:
            raise call.error
        assert call.answers is not None
        return call.answers

    def _lead(self, first: "_Call[Wish, Given]") -> None:
        with self._lock:
            calls = self._sharing(first)
            self._waiting = [each for each in self._waiting if each not in calls]
        try:
            self._answer(calls)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_running = following is not None
            for each in (*calls, following):
                if each is not None:
                    each.woken.set()

    def _sharing(self, first: "_Call[Wish, Given]") -> "list[_Call[Wish, Given]]":
        calls, count = [first], len(first.things)
        for each in self._waiting:
            if each is not first and each.key == first.key and count + len(each.things) <= self._most:
                calls.append(each)
                count += len(each.things)
        while len(calls) > 1 and count & (count - 1):  # 1, 2, 4 or 8: each number has to be tried before it is trusted
            count -= len(calls.pop().things)
        return calls

    def _answer(self, calls: "Sequence[_Call[Wish, Given]]") -> None:
        try:
            answers = self._run([thing for each in calls for thing in each.things], calls[0].key)
        except Exception as error:  # noqa: BLE001 - it is raised again where it belongs
            if len(calls) == 1:
                calls[0].error = error
            else:
                for each in calls:
                    self._answer([each])
            return
        except BaseException as error:
            for each in calls:
                each.error = error
            raise
        start = 0
        for each in calls:
            each.answers, start = answers[start : start + len(each.things)], start + len(each.things)


class _Call(Generic[Wish, Given]):
    """One caller's things, and what became of them."""

    def __init__(self, things: Sequence[Wish], key: object) -> None:
        self.things = things
        self.key = key
        self.woken = threading.Event()
        self.answers: Sequence[Given] | None = None
        self.error: BaseException | None = None


class Steady:
    """Calls a function once with many rows only where that gives, to the last bit, what each row gives alone.

    Libraries choose other kernels for other numbers of rows, and sum in another order then. Which ones do so here is
    found out by trying, for each shape: until enough numbers came out alike, both ways are gone, and the rows' own
    answers count.
    """

    def __init__(self) -> None:
        self._alike: dict[Hashable, int] = {}  # how many numbers came out alike; -1 where some did not

    def __call__(self, key: Hashable, function: Callable[[Any], Any], rows: Any) -> Any:
        """What the function says of (N, ...) rows."""
        if len(rows) == 1:
            return function(rows)
        shape = key, tuple(rows.shape)
        known = self._alike.get(shape, 0)
        if known >= NUMBERS_TRIED:
            return function(rows)
        alone = _as_one([function(rows[place : place + 1]) for place in range(len(rows))])
        if known >= 0:
            count = _numbers_alike(function(rows), alone)
            self._alike[shape] = -1 if count < 0 else known + count
        return alone


def _as_one(parts: Sequence[Any]) -> Any:
    """Answers to single rows as the one answer to all of them."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(parts))
    if isinstance(first, np.ndarray):
        return np.concatenate(list(parts))
    if isinstance(first, dict):
        return {name: _as_one([part[name] for part in parts]) for name in first}
    if is_dataclass(first) and not isinstance(first, type):
        names = [each.name for each in fields(first)]
        return type(first)(**{name: _as_one([getattr(part, name) for part in parts]) for name in names})
    if isinstance(first, list) and first and isinstance(first[0], dict):  # what several networks say at once
        return [_as_one([part[place] for part in parts]) for place in range(len(first))]
    return None if first is None else [thing for part in parts for thing in part]


def _numbers_alike(one: Any, other: Any) -> int:
    """How many numbers two answers have in common to the last bit; -1 where any differs."""
    if isinstance(one, torch.Tensor | np.ndarray):
        return int(np.prod(one.shape)) if np.array_equal(np.asarray(one), np.asarray(other)) else -1
    if isinstance(one, dict):
        return _sum_alike(_numbers_alike(value, other[name]) for name, value in one.items())
    if is_dataclass(one) and not isinstance(one, type):
        return _sum_alike(_numbers_alike(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, list) and one and isinstance(one[0], dict):
        return _sum_alike(map(_numbers_alike, one, other))
    return 0 if one is None or list(one) == list(other) else -1


def _sum_alike(counts: Iterable[int]) -> int:
    found = list(counts)
    return -1 if min(found) < 0 else sum(found)


class SharedInspector:
    """An Inspector whose callers share passes, one for each version of a product; each gets what it would get alone."""

    def __init__(self, inspector: Inspector) -> None:
        self.alone = inspector
        self._steady = copy.copy(inspector)
        self._steady.calls = Steady()
        self._passes: Together[Photo, Verdict] = Together(self._judge)

    def inspect(self, photos: Sequence[Photo], policy: Policy) -> list[Verdict]:
        """A verdict for each photo, in their order."""
        return [verdict for some in batches(photos, SHARED_AT_ONCE) for verdict in self._passes(some, policy)]

    def _judge(self, photos: Sequence[Photo], policy: Policy) -> list[Verdict]:
        return self._steady.inspect(photos, policy)
