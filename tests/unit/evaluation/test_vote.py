"""The vote beside its best member, on photos that were made so that the answer is known."""

import numpy as np
import pytest

from ensemble.evaluation.vote import beside_best
from ensemble.policies import SHIPPED_POLICIES, shipped
from ensemble.policies.cases import Case
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes, Score

MAJORITY, FUSED = SHIPPED_POLICIES[:2]


def cases(*rows: tuple[bool, tuple[float, ...]]) -> list[Case]:
    found = []
    for place, (bad, said) in enumerate(rows):
        scores = tuple(Score(f"m{i}", {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.0) for i, p in enumerate(said))
        found.append(Case(f"p{place}.png", f"{place:064}", DEFECTIVE if bad else NON_DEFECTIVE, scores))
    return found


def test_figures_of_four_photos() -> None:
    known = cases((False, (0.1, 0.2)), (False, (0.6, 0.1)), (True, (0.5, 0.9)), (True, (0.9, 0.15)))
    found = beside_best(MAJORITY, known, OK_NOK)
    assert found is not None
    assert (found.auroc, found.accuracy) == (0.875, 0.75)  # shares 0, 0.5, 1, 0.5: one tie; a tie of votes is NOK
    assert (found.best_member, found.best_member_auroc) == ("m0", 0.75)  # 0.6 above 0.5; so has m1, and the first wins
    assert found.best_member_accuracy == 0.75 and found.p > 0.5 and found.difference == 0.125
    assert found.sentence() == "No significant difference between Majority and m0 alone on 4 photos."


def noisy(count: int, members: int, seed: int = 0) -> list[Case]:
    random = np.random.default_rng(seed)
    odds = [(2 * (place % 2) - 1) + 1.5 * random.normal(size=members) for place in range(count)]
    return cases(*((bool(place % 2), tuple((1 / (1 + np.exp(-each))).tolist())) for place, each in enumerate(odds)))


def test_many_with_errors_of_their_own_are_better_together() -> None:
    found = beside_best(FUSED, noisy(200, 6), OK_NOK)
    assert found is not None and found.p < 0.05 and found.low is not None and found.low > 0
    assert found.sentence() == f"Fused score is better than {found.best_member} alone."


def test_a_vote_that_does_not_help_says_so() -> None:
    random = np.random.default_rng(0)
    rows = []
    for place in range(200):
        bad = place % 2 == 1
        blind = random.random(3).tolist()
        rows.append((bad, (0.55 if bad else 0.45, *blind)))
    found = beside_best(MAJORITY, cases(*rows), OK_NOK)
    assert found is not None and found.best_member == "m0" and found.high is not None and found.high < 0
    assert found.sentence() == "The ensemble does not help here: m0 alone is better than Majority."


def test_classes_without_a_defect_are_compared_by_accuracy() -> None:
    classes = Classes(("shirt", "shoe", "sock"))
    known = []
    for place in range(30):
        truth = classes.names[place % 3]
        other = classes.names[(place + 1) % 3]
        right = {n: 0.8 if n == truth else 0.1 for n in classes.names}
        wrong = {n: 0.5 if n == other else 0.25 for n in classes.names}
        said = [right if (place // 10) != i else wrong for i in range(3)]
        scores = tuple(Score(f"m{i}", each, 0.0) for i, each in enumerate(said))
        known.append(Case(f"p{place}.png", f"{place:064}", truth, scores))
    found = beside_best(shipped(classes)[0], known, classes)
    assert found is not None and found.auroc is None and found.best_member_auroc is None
    assert (found.accuracy, found.best_member_accuracy) == (1.0, pytest.approx(2 / 3)) and found.p < 0.01


@pytest.mark.parametrize("known", [[], noisy(10, 1), [case for case in noisy(10, 2) if case.label == DEFECTIVE]])
def test_nothing_is_said_where_nothing_can_be(known: list[Case]) -> None:
    assert beside_best(FUSED, known, OK_NOK) is None
