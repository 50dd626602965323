"""Callers at one time share a pass; each gets, to the last bit, what it would get alone, and its own error alone."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.shared import NUMBERS_TRIED, SharedInspector, Steady, Together
from ensemble.members import Prediction
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import ModelStore

Brought = tuple[list[int], object]  # things and their key


class Runs:
    """Doubles numbers, and holds its first run until the test says so."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[int], object]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, things: Sequence[int], key: object) -> list[int]:
        self.seen.append((list(things), key))
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(30)
        if 13 in things:
            raise ValueError("13")
        return [2 * thing for thing in things]


def asked_meanwhile(
    runs: Runs, together: Together[int, int], calls: Sequence[tuple[list[int], object]]
) -> list[object]:
    """What calls that come, one after the other, while the first is run are answered, or the error that they raise."""

    def ask(call: Brought) -> object:
        try:
            return list(together(*call))
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(calls) + 1) as pool:
        first = pool.submit(ask, ([0], "a"))
        assert runs.begun.wait(30)
        answers = []
        for count, call in enumerate(calls, start=1):
            answers.append(pool.submit(ask, call))
            while len(together._waiting) < count:
                time.sleep(0.001)
        runs.go_on.set()
        assert first.result() == [0]
        return [answer.result() for answer in answers]


def test_who_comes_while_a_run_is_made_shares_the_next_one() -> None:
    runs = Runs()
    together = Together(runs, most=4)
    calls = [([1], "a"), ([2], "b"), ([3, 4], "a"), ([5, 6], "a"), ([7], "a")]
    assert asked_meanwhile(runs, together, calls) == [[2], [4], [6, 8], [10, 12], [14]]
    assert runs.seen == [([0], "a"), ([1, 3, 4, 7], "a"), ([2], "b"), ([5, 6], "a")]
    assert together([8], "a") == [16] and not together._waiting


def test_a_run_has_one_two_four_or_eight_things() -> None:
    runs = Runs()
    assert asked_meanwhile(runs, Together(runs), [([number], "a") for number in range(1, 8)])
    assert [things for things, _ in runs.seen] == [[0], [1, 2, 3, 4], [5, 6], [7]]


def test_an_error_is_told_to_the_caller_alone_whose_thing_raises_it() -> None:
    runs = Runs()
    assert asked_meanwhile(runs, Together(runs), [([1], "a"), ([13], "a"), ([2], "a")]) == [[2], "13", [4]]


def test_a_lone_call_is_run_in_its_own_thread_at_once() -> None:
    together = Together[int, str](lambda things, _: [threading.current_thread().name for _ in things])
    assert together([1], None) == [threading.current_thread().name]


@pytest.mark.parametrize("answer", [lambda rows: torch.cat([rows, rows], 1), lambda rows: [{"map": rows * 3}]])
def test_rows_go_together_once_enough_numbers_came_out_alike(answer: object) -> None:
    counts: list[int] = []

    def function(rows: torch.Tensor) -> object:
        counts.append(len(rows))
        return answer(rows)  # type: ignore[operator]

    steady, rows = Steady(), torch.rand(2, NUMBERS_TRIED)
    for _ in range(2):
        found = steady("network", function, rows)
    assert counts == [1, 1, 2, 2]
    expected = answer(rows)  # type: ignore[operator]
    if isinstance(expected, list):
        found, expected = found[0]["map"], expected[0]["map"]
    assert torch.equal(found, expected)
    steady("network", function, rows[:1])
    steady("network", function, torch.rand(3, NUMBERS_TRIED))  # another number of rows is tried anew
    assert counts[4:] == [1, 1, 1, 1, 3]


def test_rows_that_answer_otherwise_together_are_always_asked_alone() -> None:
    counts: list[int] = []

    def function(rows: np.ndarray) -> Prediction:
        counts.append(len(rows))
        return Prediction(rows + np.float32(1e-7) * len(rows))

    steady, rows = Steady(), np.zeros((3, 2), np.float32)
    for _ in range(2):
        found = steady("head", function, rows).probabilities
        assert np.array_equal(found, function(rows[:1]).probabilities.repeat(3, 0))
    assert counts == [1, 1, 1, 3, 1, 1, 1, 1, 1]


def test_answers_of_many_callers_are_those_of_one_alone(tiny_product: Path) -> None:
    inspector, policy = Inspector.open(ModelStore(tiny_product)), SHIPPED_POLICIES[0]
    shared, random = SharedInspector(inspector), np.random.default_rng(3)
    photos = [
        Photo(str(n), str(n), Image.fromarray(random.integers(0, 256, (50, 60, 3), dtype=np.uint8))) for n in range(12)
    ]
    alone = [inspector.inspect([photo], policy)[0] for photo in photos]
    with ThreadPoolExecutor(12) as pool:
        together = [found[0] for found in pool.map(lambda photo: shared.inspect([photo], policy), photos)]
    assert [[vote.probabilities for vote in each.votes] for each in together] == [
        [vote.probabilities for vote in each.votes] for each in alone
    ]
    assert [each.photo for each in shared.inspect(photos, policy)] == [each.photo for each in alone]
