"""Who votes and with what weight: literal cases of the fused probability, and what the choice of a jury must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.policies import SHIPPED_POLICIES, Policy, from_json, shipped
from ensemble.policies.cases import Case
from ensemble.policies.counting import CountedVote, fused_score
from ensemble.policies.files import PolicyBook
from ensemble.policies.jury import choose_jury, with_weights
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Absence, Classes, Score

CLOTHES = Classes(("shirt", "shoe", "sock"))
MAJORITY, FUSED = SHIPPED_POLICIES[:2]


def score(member: str, p: float, weight: float = 1.0) -> Score:
    return Score(member, {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.0, weight=weight)


@pytest.mark.parametrize(
    ("votes", "missing", "against", "fused"),
    [
        ([(0.5, 1.0)], 0.0, 0.0, 0.5),
        ([(0.9, 1.0), (0.1, 1.0)], 0.0, 0.0, 0.5),
        ([(0.9, 1.0), (0.5, 1.0)], 0.0, 0.0, 0.75),  # odds of 9 and 1: their geometric mean is 3
        ([(0.9, 0.5), (0.5, 0.5)], 0.0, 0.0, 0.75),
        ([(0.8, 1.0), (0.5, 3.0)], 0.0, 0.0, 2**0.5 / (1 + 2**0.5)),
        ([(1.0, 1.0)], 0.0, 0.0, 0.9999),  # nobody is surer than that
        ([(0.0, 1.0), (1.0, 1.0)], 0.0, 0.0, 0.5),
        ([(0.5, 1.0)], 1.0, 1.0, 9999**0.5 / (1 + 9999**0.5)),  # the absent says NOK as surely as one can
        ([(0.5, 1.0)], 1.0, 0.0, 1 / (1 + 9999**0.5)),
        ([], 1.0, 1.0, 0.9999),
    ],
)
def test_log_odds_are_averaged(votes: list[tuple[float, float]], missing: float, against: float, fused: float) -> None:
    assert fused_score([CountedVote(*vote) for vote in votes], missing, against) == pytest.approx(fused, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=1, max_size=6), st.data())
def test_no_vote_that_turns_against_a_part_lowers_the_fused_probability(
    votes: list[tuple[float, float]], data: st.DataObject
) -> None:
    counted = [CountedVote(*vote) for vote in votes]
    place = data.draw(st.integers(0, len(votes) - 1))
    worse = [
        CountedVote(data.draw(st.floats(v.against, 1)), v.weight) if i == place else v for i, v in enumerate(counted)
    ]
    assert fused_score(worse) >= fused_score(counted) - 1e-12


def test_without_a_defect_the_geometric_mean_leads() -> None:
    """0.6, 0.4, 0 and 0.1, 0.5, 0.4: the plain mean says shoe by 0.45 to 0.35; the geometric one is surer."""
    rows = [(0.6, 0.4, 0.0), (0.1, 0.5, 0.4)]
    said = [Score(f"m{i}", dict(zip(CLOTHES.names, row, strict=True)), 0.0) for i, row in enumerate(rows)]
    fused = shipped(CLOTHES)[1]
    verdict = fused.decide(said, (), CLOTHES)
    roots = [max(a, 1e-4) ** 0.5 * max(b, 1e-4) ** 0.5 for a, b in zip(*rows, strict=True)]
    assert fused.rule == "fused" and verdict.label == "shoe"
    assert verdict.decision is not None and verdict.decision.kind == "fused"
    assert verdict.decision.score == verdict.confidence == pytest.approx(roots[1] / sum(roots))
    assert verdict.reason.startswith("The highest fused probability decides: ")
    assert fused.decide(said, [Absence("gone", "Its file is missing.")], CLOTHES).label == REVIEW
    sure = [Score(f"m{i}", {"shirt": 0.9998, "shoe": 0.0001, "sock": 0.0001}, 0.0) for i in range(3)]
    assert fused.decide(sure, [Absence("gone", "Its file is missing.")], CLOTHES).label == "shirt"


def test_the_reason_names_what_decided() -> None:
    verdict = FUSED.decide([score("a", 0.9), score("b", 0.5)], (), OK_NOK)
    assert verdict.label == DEFECTIVE and verdict.confidence == pytest.approx(0.75)
    assert verdict.reason == (
        "Defect score 0.75; NOK from 0.50 on. Highest: a 0.90, b 0.50. OK if the threshold were 0.76 instead of 0.50."
    )


# ------------------------------------------------------------------------------------------------ outside the jury


def test_a_member_outside_the_jury_is_told_and_does_not_count() -> None:
    said = [score("a", 0.2), score("b", 0.3), score("c", 0.9, weight=0.0), score("d", 0.9, weight=0.0)]
    verdict = MAJORITY.decide(said, (), OK_NOK)
    assert verdict.label == NON_DEFECTIVE and [vote.member for vote in verdict.votes] == ["a", "b"]
    assert [(each.member, each.weight, each.asked) for each in verdict.unasked] == [
        ("c", 0.0, False),
        ("d", 0.0, False),
    ]
    assert "It is not of the jury" in verdict.unasked[0].reason and verdict.reason.startswith("0 of 2 models say NOK")


@pytest.mark.parametrize("policy", SHIPPED_POLICIES, ids=lambda policy: policy.name)
def test_whoever_is_outside_the_jury_changes_no_verdict_by_going(policy: Policy) -> None:
    said = [score("a", 0.05), score("b", 0.1)]
    alone = policy.decide(said, (), OK_NOK)
    for beside in ([score("c", 0.99, weight=0.0)], []):
        absent = () if beside else (Absence("c", "Its file is missing.", 0.0),)
        verdict = policy.decide([*said, *beside], absent, OK_NOK)
        assert (verdict.label, verdict.confidence, verdict.decision) == (alone.label, alone.confidence, alone.decision)


@pytest.mark.parametrize(
    ("policy", "label"),
    [
        (Policy("X", "majority", calls=("c",)), DEFECTIVE),  # a tie of two
        (Policy("X", "fused", calls=("c",)), DEFECTIVE),  # it counts one, as the heaviest does
        (Policy("X", "fused", calls=("c",), weights={"c": 0.1}), NON_DEFECTIVE),
        (Policy("X", "fused", weights={"c": 1.0}), DEFECTIVE),  # to give it a weight is to call it in
        (Policy("X", "majority", calls=("other",)), NON_DEFECTIVE),
    ],
)
def test_a_person_can_call_a_member_in(policy: Policy, label: str) -> None:
    assert policy.label([score("a", 0.2), score("c", 0.9, weight=0.0)], (), OK_NOK) == label


def test_a_called_member_that_is_missing_makes_no_verdict_laxer() -> None:
    policy = Policy("X", "majority", calls=("c",))
    assert policy.label([score("a", 0.2)], [Absence("c", "gone", 0.0)], OK_NOK) == REVIEW
    assert MAJORITY.label([score("a", 0.2)], [Absence("c", "gone", 0.0)], OK_NOK) == NON_DEFECTIVE


def test_calls_are_read_as_they_were_written() -> None:
    book = PolicyBook((Policy("X", "majority", calls=("a", "b")),), "X")
    assert '"calls": [' in book.to_json() and from_json(book.to_json()) == book
    with pytest.raises(PolicyError, match="line 9: Policy 'X' names 'b', which is no member"):
        from_json(book.to_json(), members=("a",))
    with pytest.raises(PolicyError, match="calls must be a list of member names"):
        from_json('{"policies": [{"name": "X", "rule": "all", "calls": "a"}]}')


# ------------------------------------------------------------------------------------------------ the choice


def judged(count: int, seed: int = 0, **skills: float) -> list[Case]:
    """Members see the same truth through noise of their own; a skill of 0 sees nothing."""
    random = np.random.default_rng(seed)
    found = []
    for place in range(count):
        odds = {name: skill * (2 if place % 2 else -2) + random.normal() for name, skill in skills.items()}
        said = tuple(score(name, float(1 / (1 + np.exp(-value)))) for name, value in odds.items())
        found.append(Case(f"{place}.png", f"{place:064}", DEFECTIVE if place % 2 else NON_DEFECTIVE, said))
    return found


def test_who_helps_votes_and_who_knows_nothing_does_not() -> None:
    known = judged(200, good=1.0, other=1.0, blind=0.0)
    weights = choose_jury(known, OK_NOK, range(200), 0)
    assert weights["blind"] == 0 and min(weights["good"], weights["other"]) > 0.5 and max(weights.values()) == 1
    assert weights == choose_jury(known, OK_NOK, range(200), 0)
    weighted = with_weights(known, weights)
    assert [each.weight for each in weighted[0].scores] == [weights[each.member] for each in weighted[0].scores]


def test_few_photos_leave_nobody_out() -> None:
    weights = choose_jury(judged(12, good=1.0, blind=0.0), OK_NOK, range(12), 0)
    assert 0 < weights["blind"] < weights["good"] == 1


def test_a_copy_adds_nothing_and_costs_nothing() -> None:
    known = judged(100, good=1.0)
    twice = [
        Case(c.photo, c.sha256, c.label, (c.scores[0], score("copy", c.scores[0].probabilities[DEFECTIVE])))
        for c in known
    ]
    weights = choose_jury(twice, OK_NOK, range(100), 0)
    assert weights["good"] == 1 and weights["copy"] == 0


def test_captures_of_one_part_are_drawn_together() -> None:
    """Twenty copies of one lucky photo count as the one part that they show."""
    known = judged(60, good=1.0, lucky=0.3)
    lucky = Case("l.png", "0" * 64, DEFECTIVE, (score("good", 0.01), score("lucky", 0.9999)))
    many = [*known, *[lucky] * 20]
    apart = choose_jury(many, OK_NOK, range(80), 0)["lucky"]
    together = choose_jury(many, OK_NOK, [*range(60), *[60] * 20], 0)["lucky"]
    assert together <= apart


@pytest.mark.parametrize(
    "known",
    [
        [],
        [case for case in judged(20, a=1.0, b=1.0) if case.label == DEFECTIVE],
        [*judged(20, a=1.0, b=1.0), Case("x.png", "1" * 64, DEFECTIVE, (score("a", 0.5),))],
    ],
    ids=["nothing", "one class", "a member that was silent"],
)
def test_where_nothing_can_be_chosen_nothing_is(known: list[Case]) -> None:
    assert choose_jury(known, OK_NOK, range(len(known)), 0) == {}


def test_classes_without_a_defect_have_a_jury_too() -> None:
    random = np.random.default_rng(0)
    known = []
    for place in range(90):
        truth = CLOTHES.names[place % 3]
        sees = {n: 0.8 if n == truth else 0.1 for n in CLOTHES.names}
        blind = dict(zip(CLOTHES.names, random.dirichlet([5, 5, 5]).tolist(), strict=True))
        known.append(
            Case(f"{place}.png", f"{place:064}", truth, (Score("sees", sees, 0.0), Score("blind", blind, 0.0)))
        )
    assert choose_jury(known, CLOTHES, range(90), 0) == {"sees": 1.0, "blind": 0.0}
