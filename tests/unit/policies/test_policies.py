"""The rules that count the sides: literal cases first, then what must hold for every vote there can be."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.policies import (
    SHIPPED_POLICIES,
    VOTING_RULES,
    Clause,
    Policy,
    PolicyBook,
    Stage,
    choose,
    from_json,
    shipped,
)
from ensemble.policies.reasons import headline
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Absence, Classes, Region, Score, Verdict

MAJORITY, FUSED, ANY, ALL, SAFE, BALANCED, PRECISION, INDUSTRIAL, INDUSTRIAL_SAFE = SHIPPED_POLICIES
CLOTHES = Classes(("bottomwear", "shoes", "topwear"))


def scores(*defective: float) -> list[Score]:
    return [Score(f"m{i}", {"non_defective": 1 - p, "defective": p}, 0.0) for i, p in enumerate(defective)]


def absences(count: int) -> list[Absence]:
    return [Absence(f"gone{i}", "Its file is missing.") for i in range(count)]


# Of five members, three say NOK by their own threshold of a half; the second and the last weigh half.
DEFECT_SCORES = {"majority": 0.6, "any": 0.6, "all": 0.6, "weighted": 2.5 / 4, "mean": 1.75 / 4, "fused": 0.121615}


def test_every_rule_makes_its_own_number_of_the_votes() -> None:
    """A rule that is added stands here with the number that it is to give."""
    assert set(DEFECT_SCORES) == set(VOTING_RULES)
    said = [
        replace(score, weight=0.5) if place in {1, 4} else score
        for place, score in enumerate(scores(0.9, 0.6, 0.5, 0, 0.1))
    ]
    found = {rule: Policy("X", rule).defect_score(said, OK_NOK) for rule in VOTING_RULES}
    assert found == pytest.approx(DEFECT_SCORES, abs=1e-6)


@pytest.mark.parametrize(
    ("policy", "said", "absent", "label"),
    [
        (MAJORITY, (0.9, 0.8, 0.1), 0, "defective"),
        (MAJORITY, (0.9, 0.2, 0.1), 0, "non_defective"),
        (MAJORITY, (0.9, 0.1), 0, "defective"),  # a tie
        (MAJORITY, (0.5,), 0, "defective"),  # exactly on the threshold
        (MAJORITY, (0.9, 0.9, 0.1), 1, "defective"),  # 2 of 4 is a tie at worst
        (MAJORITY, (0.9, 0.1, 0.1), 1, "review"),  # 2 of 4 would be a tie
        (MAJORITY, (0.1, 0.1, 0.1), 1, "non_defective"),
        (MAJORITY, (0.1, 0.1, 0.1), 3, "review"),
        (MAJORITY, (), 4, "review"),
        (MAJORITY, (), 0, "review"),
        (ANY, (0.1, 0.1, 0.9), 0, "defective"),
        (ANY, (0.1, 0.1), 0, "non_defective"),
        (ANY, (0.1, 0.1), 1, "review"),
        (ANY, (0.1, 0.9), 1, "defective"),
        (ALL, (0.9, 0.9), 0, "defective"),
        (ALL, (0.9, 0.9), 1, "review"),
        (ALL, (0.9, 0.1), 1, "non_defective"),
        (BALANCED, (0.9, 0.4, 0.2), 0, "defective"),  # exactly on the threshold
        (BALANCED, (0.9, 0.4, 0.1), 0, "non_defective"),
        (BALANCED, (0.9, 0.9, 0.3), 1, "defective"),  # 2.1 of 4 with the absent for the part
        (BALANCED, (0.9, 0.8, 0.2), 1, "review"),
        (BALANCED, (0.1, 0.1, 0.1), 1, "non_defective"),  # 1.3 of 4 with the absent against it
        (SAFE, (0.4, 0.4, 0.2), 0, "non_defective"),
        (SAFE, (0.6, 0.4, 0.2), 0, "defective"),
        (PRECISION, (0.9, 0.8, 0.4), 0, "non_defective"),
        (PRECISION, (0.9, 0.8, 0.6), 0, "defective"),
        (INDUSTRIAL, (0.5, 0.5, 0.1), 0, "non_defective"),
        (INDUSTRIAL, (0.5, 0.5, 0.5), 0, "review"),
        (INDUSTRIAL, (0.7, 0.7, 0.5), 0, "defective"),
        (INDUSTRIAL_SAFE, (0.9, 0.7, 0.5), 0, "review"),
        (INDUSTRIAL_SAFE, (0.1, 0.1, 0.1), 0, "non_defective"),
    ],
)
def test_defective_or_not(policy: Policy, said: tuple[float, ...], absent: int, label: str) -> None:
    verdict = policy.decide(scores(*said), absences(absent), OK_NOK)
    assert verdict.label == label
    assert len(verdict.votes) == len(said) and len(verdict.absent) == absent
    assert verdict.confidence is None if label == REVIEW else (verdict.confidence or 0.5) >= 0.5


@pytest.mark.parametrize(
    ("policy", "said", "absent", "reason"),
    [
        (
            MAJORITY,
            (0.9, 0.2, 0.1),
            0,
            "1 of 3 models says NOK (m0); NOK from half of them on. NOK if the threshold of m1 were 0.20 instead "
            "of 0.50.",
        ),
        (
            MAJORITY,
            (0.9, 0.1),
            0,
            "1 of 2 models says NOK (m0); NOK from half of them on. OK if the threshold of m0 were 0.91 instead "
            "of 0.50.",
        ),
        (
            MAJORITY,
            (0.1,),
            1,
            "0 of 1 models say NOK; NOK from half of them on. The absent gone0 could change the answer: a person must "
            "look.",
        ),
        (
            MAJORITY,
            (0.9, 0.9),
            1,
            "2 of 2 models say NOK; NOK from half of them on. It stands whatever the absent gone0 would have voted. "
            "REVIEW if the threshold of m0 were 0.91 instead of 0.50.",
        ),
        (
            ANY,
            (0.6, 0.55, 0.1),
            0,
            "2 of 3 models say NOK (m0 and m1); NOK from one on. OK if the threshold of m1 were 0.56 instead of "
            "0.50 and "
            "the threshold of m0 were 0.61 instead of 0.50.",
        ),
        (
            ALL,
            (0.9, 0.1),
            0,
            "1 of 2 models says NOK (m0); NOK only where all do. NOK if the threshold of m1 were 0.10 instead of 0.50.",
        ),
        (
            Policy("THIRDS", "majority", review=0.3, reject=0.6),
            (0.9, 0.1, 0.1),
            0,
            "1 of 3 models says NOK (m0), 33.3%; REVIEW from 30.0% on, NOK from 60.0% on. OK if the threshold "
            "of m0 were "
            "0.91 instead of 0.50.",
        ),
        (
            Policy("HALF", "weighted", weights={"m0": 1.0, "m1": 0.5, "m2": 0.4}),
            (0.9, 0.1, 0.1),
            0,
            "1 of 3 models says NOK (m0), 52.6% of the weight; NOK from 50.0% on. OK if the threshold of m0 "
            "were 0.91 "
            "instead of 0.50.",
        ),
        (
            BALANCED,
            (0.9, 0.2, 0.1),
            0,
            "Defect score 0.40; NOK from 0.50 on. Highest: m0 0.90, m1 0.20. NOK if the threshold were "
            "0.40 instead of 0.50.",
        ),
        (
            INDUSTRIAL,
            (0.9, 0.2, 0.4),
            0,
            "Defect score 0.50; REVIEW from 0.40 on, NOK from 0.60 on. Highest: m0 0.90, m2 0.40. OK if "
            "the threshold were 0.51 instead of 0.40.",
        ),
        (
            ANY,
            (0.9,),
            0,
            "1 of 1 models says NOK; NOK from one on. OK if the threshold of m0 were 0.91 instead of 0.50.",
        ),
        (
            ALL,
            (0.9,),
            0,
            "1 of 1 models says NOK; NOK only where all do. OK if the threshold of m0 were 0.91 instead of 0.50.",
        ),
        (
            ANY,
            (0.9, 0.1),
            0,
            "1 of 2 models says NOK (m0); NOK from one on. OK if the threshold of m0 were 0.91 instead of 0.50.",
        ),
        (
            Policy("EXACT", "mean", reject=0.692213),
            (0.69221,),
            0,
            "Defect score 0.692210; NOK from 0.692213 on. NOK if the threshold were 0.690000 instead of 0.692213.",
        ),
        (
            Policy("EXACT", "mean", reject=0.6999),
            (0.6999,),
            0,
            "Defect score 0.700; NOK from 0.700 on. OK if the threshold were 0.710 instead of 0.700.",
        ),
        (
            Policy("EXACT", "majority", threshold=0.692213),
            (0.69221,),
            0,
            "0 of 1 models say NOK; NOK from half of them on. NOK if the threshold of m0 were 0.690000 instead "
            "of 0.692213.",
        ),
        (
            Policy("EARLY", "majority", cascade=(Stage(("m0", "m1"), ok_below=0.5),)),
            (0.1, 0.1, 0.9),
            0,
            "0 of 2 models say NOK, 0%; OK below 50%. Decided by m0 and m1: no other model was needed.",
        ),
        (BALANCED, (), 2, "No model could vote: a person must look."),
    ],
)
def test_the_reason_names_the_votes_that_decided_and_what_would_have_turned_them(
    policy: Policy, said: tuple[float, ...], absent: int, reason: str
) -> None:
    assert policy.decide(scores(*said), absences(absent), OK_NOK).reason == reason


@pytest.mark.parametrize(
    ("policy", "said", "absent", "line"),
    [
        (MAJORITY, (0.9, 0.9, 0.1), 0, "2 of 3 models: NOK"),
        (MAJORITY, (0.9, 0.1, 0.1), 0, "2 of 3 models: OK"),
        (MAJORITY, (0.1,), 1, "Only 1 of 2 models could vote: a person must look."),
        (ALL, (0.9, 0.9, 0.1), 0, "2 of 3 models say NOK; NOK only where all do"),
        (Policy("W", "weighted"), (0.9, 0.1), 0, "1 of 2 models says NOK, 50% of the weight; NOK from 50% on"),
        (BALANCED, (0.9, 0.4, 0.2), 0, "Defect score 0.50; NOK from 0.50 on"),
        (INDUSTRIAL, (0.5, 0.5, 0.5), 0, "Defect score 0.50; REVIEW from 0.40 on, NOK from 0.60 on"),
        (BALANCED, (), 2, "No model could vote."),
    ],
)
def test_one_line_says_what_decided(policy: Policy, said: tuple[float, ...], absent: int, line: str) -> None:
    assert headline(policy.decide(scores(*said), absences(absent), OK_NOK)) == line


def test_a_threshold_of_ones_own() -> None:
    policy = Policy("STRICT", "majority", threshold=0.5, thresholds={"m0": 0.95})
    votes = policy.decide(scores(0.9, 0.9), [], OK_NOK).votes
    assert [(vote.label, vote.threshold) for vote in votes] == [("non_defective", 0.95), ("defective", 0.5)]


def clothes(*said: tuple[float, float, float]) -> list[Score]:
    return [Score(f"m{i}", dict(zip(CLOTHES.names, row, strict=True)), 0.0) for i, row in enumerate(said)]


SHOES, TOP, MIXED = (0.1, 0.8, 0.1), (0.1, 0.3, 0.6), (0.4, 0.35, 0.25)


@pytest.mark.parametrize(
    ("said", "absent", "label"),
    [
        ((SHOES, SHOES, TOP), 0, "shoes"),
        ((SHOES, TOP), 0, "shoes"),  # one each: the higher mean probability, 0.55 against 0.35
        ((SHOES, SHOES, TOP), 1, "review"),
        ((SHOES, SHOES), 1, "shoes"),
        ((SHOES, SHOES, SHOES, MIXED), 1, "shoes"),
    ],
)
def test_plurality(said: tuple[tuple[float, float, float], ...], absent: int, label: str) -> None:
    verdict = MAJORITY.decide(clothes(*said), absences(absent), CLOTHES)
    assert verdict.label == label
    assert all(vote.threshold is None for vote in verdict.votes)


@pytest.mark.parametrize("policy", [MAJORITY, Policy("WEIGHTED", "weighted")])
def test_the_class_with_the_most_votes_wins_though_another_has_the_higher_mean_probability(policy: Policy) -> None:
    said = ((0.5, 0.4, 0.1), (0.5, 0.4, 0.1), (0.0, 1.0, 0.0))  # means 0.33 and 0.60
    verdict = policy.decide(clothes(*said), [], CLOTHES)
    assert verdict.label == "bottomwear"
    assert verdict.reason.startswith("2 of 3 models say bottomwear")
    assert verdict.reason.endswith(". shoes if m0 had said shoes.")
    assert policy.decide(clothes(*said), absences(1), CLOTHES).label == REVIEW


def test_where_the_mean_decides_the_absent_could_turn_it() -> None:
    mean = Policy("MEAN", "mean")
    assert mean.decide(clothes(SHOES), absences(1), CLOTHES).label == REVIEW  # 0.7 ahead, and one could say otherwise
    assert mean.decide(clothes(SHOES, SHOES), absences(1), CLOTHES).label == "shoes"


def test_without_a_defect_only_the_majority_means_anything() -> None:
    assert [policy.name for policy in shipped(CLOTHES)] == ["MAJORITY", "FUSED", "BALANCED", "INDUSTRIAL_BALANCED"]
    with pytest.raises(PolicyError, match="have no defect"):
        ANY.decide(clothes(SHOES), [], CLOTHES)


said_of_a_photo = st.lists(st.floats(0, 1), min_size=0, max_size=7)
policies = st.sampled_from(SHIPPED_POLICIES)
STRICTNESS = {"non_defective": 0, REVIEW: 1, "defective": 2}


@given(policies, said_of_a_photo, st.data())
def test_a_missing_member_never_makes_a_verdict_laxer(policy: Policy, said: list[float], data: st.DataObject) -> None:
    whole = policy.decide(scores(*said), [], OK_NOK)
    gone = data.draw(st.sets(st.integers(0, max(0, len(said) - 1)), max_size=len(said)))
    left = [score for i, score in enumerate(scores(*said)) if i not in gone]
    verdict = policy.decide(left, [Absence(f"m{i}", "gone") for i in gone if i < len(said)], OK_NOK)
    if whole.label != "non_defective":
        assert verdict.label != "non_defective"
    assert verdict.label in (whole.label, REVIEW)


@given(policies, said_of_a_photo, st.floats(0, 1), st.floats(0, 1))
def test_lowering_the_threshold_never_lets_a_caught_part_through(
    policy: Policy, said: list[float], one: float, two: float
) -> None:
    def with_threshold(threshold: float) -> Verdict:
        moved = {"threshold": threshold} if VOTING_RULES[policy.rule].sides else {"reject": threshold}
        return Policy("P", policy.rule, **moved).decide(scores(*said), [], OK_NOK)

    low, high = sorted((one, two))
    assert STRICTNESS[with_threshold(low).label] >= STRICTNESS[with_threshold(high).label]


@given(policies, said_of_a_photo.filter(bool))
def test_deciding_again_on_the_votes_of_a_verdict_gives_that_verdict(policy: Policy, said: list[float]) -> None:
    verdict = policy.decide(scores(*said), absences(1), OK_NOK)
    assert policy.decide(verdict.votes, verdict.absent, verdict.classes) == verdict


def test_below_its_margin_a_class_is_a_persons_to_name() -> None:
    careful = Policy("CAREFUL", "majority", margin=0.3)
    assert careful.decide(clothes(SHOES, SHOES), [], CLOTHES).label == "shoes"
    verdict = careful.decide(clothes(SHOES, TOP), [], CLOTHES)
    assert verdict.label == REVIEW
    assert verdict.reason == (
        "1 of 2 models says shoes; its mean probability is ahead by 0.20 only, less than 0.30: a person must look."
    )
    behind = careful.decide(clothes((0.5, 0.4, 0.1), (0.5, 0.4, 0.1), (0.0, 1.0, 0.0)), [], CLOTHES)
    assert behind.reason == (
        "2 of 3 models say bottomwear; its mean probability is not ahead, and must be by 0.30: a person must look."
    )
    assert careful.decide(clothes(*[SHOES] * 3), absences(1), CLOTHES).label == REVIEW  # (3 × 0.7 - 1) / 4 = 0.275
    assert careful.decide(clothes(*[SHOES] * 4), absences(1), CLOTHES).label == "shoes"
    mean = Policy("MEAN", "mean")
    assert mean.decide(clothes(SHOES, TOP, TOP), [], CLOTHES).label == "shoes"  # 1.4 against 1.3, and 1 vote of 3


# ------------------------------------------------------------------------------------------------ quorum


def test_too_few_votes_are_a_persons_matter() -> None:
    policy = Policy("FIVE", "majority", quorum=3)
    assert policy.decide(scores(0.9, 0.9, 0.9), [], OK_NOK).label == DEFECTIVE
    verdict = policy.decide(scores(0.9, 0.9), absences(1), OK_NOK)
    assert verdict.label == REVIEW and "Only 2 of the 3 votes that FIVE asks for could be cast" in verdict.reason


# ------------------------------------------------------------------------------------------------ cascades


EARLY = Policy("EARLY", "mean", reject=0.5, cascade=(Stage(("m0", "m1"), ok_below=0.2, nok_from=0.8),))
EXACT = Policy("EXACT", "mean", reject=0.5, cascade=(Stage(("m0", "m1")),))


@pytest.mark.parametrize(
    ("policy", "said", "label", "asked"),
    [
        (EARLY, (0.9, 0.9, 0.0), "defective", 2),
        (EARLY, (0.1, 0.1, 1.0), "non_defective", 2),  # all three would give 0.4
        (EARLY, (0.1, 0.3, 1.0), "non_defective", 2),  # 0.2 is not below 0.2, but 0.47 at the most
        (EARLY, (0.1, 0.45, 1.0), "defective", 3),
        (EARLY, (0.7, 0.7, 0.2), "defective", 3),
        (EXACT, (0.9, 0.9, 0.0), "defective", 2),  # 0.6 at the least
        (EXACT, (0.1, 0.1, 0.9), "non_defective", 2),  # 0.4 at the most
        (EXACT, (0.1, 0.5, 0.9), "defective", 3),
    ],
)
def test_a_cascade_asks_no_further_than_it_must(
    policy: Policy, said: tuple[float, ...], label: str, asked: int
) -> None:
    unasked = [Absence("m2", "not asked", asked=False)]
    assert policy.stages(["m2", "m0", "m1"]) == (("m0", "m1"), ("m2",))
    assert policy.settles(scores(*said[:2]), unasked, OK_NOK) == (asked == 2)
    whole = policy.decide(scores(*said), [], OK_NOK)
    assert whole.label == label
    if asked == 2:
        early = policy.decide(scores(*said[:2]), unasked, OK_NOK)
        assert (early.label, early.reason, early.confidence) == (label, whole.reason, whole.confidence)
        assert early.unasked == tuple(unasked) and not early.absent
        assert "Decided by m0 and m1: no other model was needed." in early.reason


@pytest.mark.parametrize(
    "cascade",
    [
        (Stage(("m0",), nok_from=0.7),),
        (Stage(("m0",), nok_from=0.7), Stage(("m1",), ok_below=0.9)),
    ],
)
def test_a_stage_that_could_have_said_nok_is_not_passed_by_because_its_member_is_absent(
    cascade: tuple[Stage, ...],
) -> None:
    policy = Policy("STAGED", "all", cascade=cascade)
    assert policy.decide(scores(1.0, 0.0, 0.0), [], OK_NOK).label == DEFECTIVE
    verdict = policy.decide(scores(1.0, 0.0, 0.0)[1:], [Absence("m0", "gone")], OK_NOK)
    assert verdict.label == REVIEW and "The absent m0 could change the answer" in verdict.reason
    assert policy.decide(scores(0.0, 0.0, 0.0)[:2], [Absence("m2", "gone")], OK_NOK).label == NON_DEFECTIVE


def test_another_policy_needs_the_votes_that_a_cascade_did_not_ask_for() -> None:
    verdict = EARLY.decide(scores(0.1, 0.1), [Absence("m2", "not asked", asked=False)], OK_NOK)
    again = Policy("STRICT", "mean", reject=0.3).revise(verdict)
    assert again.label == REVIEW and "m2 that was not asked could change the answer" in again.reason
    assert MAJORITY.revise(verdict).label == NON_DEFECTIVE


# ------------------------------------------------------------------------------------------------ exceptions


def found(label: str, score: float) -> list[Score]:
    region = Region(label, (0.1, 0.1, 0.2, 0.2), score, 0.01)
    said = {NON_DEFECTIVE: 0.9, DEFECTIVE: 0.1}
    return [*scores(0.1, 0.1), Score("detector", said, 0.0, regions=(region,))]


@pytest.mark.parametrize(
    ("said", "absent", "label"),
    [
        (found("crack", 0.3), 0, DEFECTIVE),
        (found("crack", 0.29), 0, NON_DEFECTIVE),
        (found("stain", 0.9), 0, REVIEW),
        (found("scratch", 0.9), 0, NON_DEFECTIVE),
        (scores(0.1, 0.1, 0.1), 1, REVIEW),  # the absent could be the one that sees cracks
        (found("crack", 0.3), 1, DEFECTIVE),
    ],
)
def test_a_kind_of_defect_can_count_for_itself(said: list[Score], absent: int, label: str) -> None:
    clauses = (Clause(defect="crack", score=0.3), Clause(defect="stain", score=0.5, verdict=REVIEW))
    policy = Policy("STRICT", "all", exceptions=clauses)
    assert policy.decide(said, absences(absent), OK_NOK).label == label


def test_a_product_can_have_thresholds_of_its_own() -> None:
    own = Clause(product="screw", reject=0.2, thresholds={"m0": 0.3})
    policy = Policy("P", "mean", reject=0.6, exceptions=(own, Clause(product="nut", defect="crack", score=0.3)))
    screw, nut, other = (policy.for_product(name) for name in ("screw", "nut", "washer"))
    assert (screw.reject, screw.thresholds, screw.exceptions) == (0.2, {"m0": 0.3}, ())
    assert (nut.reject, len(nut.exceptions)) == (0.6, 1)
    assert (other.reject, other.exceptions) == (0.6, ())


# ------------------------------------------------------------------------------------------------ files


names = st.text(min_size=1, max_size=8)
thresholds = st.floats(0, 1)
stages = st.lists(names, min_size=2, max_size=4, unique=True).flatmap(
    lambda found: st.builds(
        lambda low, high: (Stage(tuple(found[:1]), min(low, high), max(low, high)), Stage(tuple(found[1:]))),
        thresholds,
        thresholds,
    )
)
clauses = st.one_of(
    st.builds(Clause, defect=names, score=thresholds, verdict=st.sampled_from([DEFECTIVE, REVIEW])),
    st.builds(Clause, product=names, threshold=thresholds, thresholds=st.dictionaries(names, thresholds, max_size=2)),
)


@st.composite
def any_policy(draw: st.DrawFn) -> Policy:
    rule = draw(st.sampled_from(list(VOTING_RULES)))
    low, high = sorted((draw(thresholds), draw(thresholds)))
    free = VOTING_RULES[rule].free
    return Policy(
        draw(names.filter(str.strip)),
        rule,
        draw(st.text(max_size=8)),
        draw(st.none() | thresholds),
        draw(st.dictionaries(names, thresholds, max_size=3)),
        review=draw(st.sampled_from([None, low])) if free else None,
        reject=high if free else None,
        quorum=draw(st.integers(1, 9)),
        margin=draw(thresholds),
        weights=draw(st.dictionaries(names, st.floats(0.01, 1), max_size=2)) if rule in {"weighted", "mean"} else {},
        cascade=draw(st.one_of(st.just(()), stages)),
        exceptions=tuple(draw(st.lists(clauses, max_size=2))),
        author=draw(st.text(max_size=8)),
        reason=draw(st.text(max_size=8)),
        basis=draw(st.dictionaries(names, st.integers() | st.text(max_size=4), max_size=3)),
    )


@given(st.lists(any_policy(), min_size=1, max_size=4, unique_by=lambda policy: policy.name), st.data())
def test_what_is_written_is_read_again(written: list[Policy], data: st.DataObject) -> None:
    book = PolicyBook(tuple(written), data.draw(st.sampled_from([policy.name for policy in written])))
    assert from_json(book.to_json()) == book


BROKEN = """{
  "active": "A",
  "policies": [
    {"name": "A", "rule": "any"},
    {
      "name": "B",
      "rule": "mean",
      "reject": 0.5,
      %s
    }
  ]
}
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{\n  nonsense", "policies.json, line 2: not JSON"),
        ("[]", 'line 1: expected {"active": NAME, "policies": [...]}'),
        ('{"policies": [],\n "a": 1}', "line 2: expected {"),
        ('{"policies": []}', "line 1: A product needs at least one policy"),
        ('{"policies": [{"name": "A"}]}', "line 1: expected a policy: an object with a name and a rule"),
        ('{"policies": [{"name": "A", "rule": ["any"]}]}', "the rule must be one of"),
        ('{"policies": [{"name": "A", "rule": "any", "description": 5}]}', "the description must be a text"),
        ('{"policies": [{"name": "A", "rule": "dice"}]}', "line 1: Policy 'A': the rule must be one of"),
        ('{"policies": [{"name": "A", "rule": "any", "thresholds": [1]}]}', "must map member names"),
        ('{"policies": [{"name": 3, "rule": "any"}]}', "needs a name"),
        ('{"policies": [{"name": "A", "rule": "any"}, {"name": "A", "rule": "all"}]}', "two policies are called 'A'"),
        ('{"active": "Z", "policies": [{"name": "A", "rule": "any"}]}', "line 1: the active policy 'Z' is none of A"),
        ('{"policies": [{"name": "A", "rule": "any", "rule": "all"}]}', "'rule' stands twice"),
        (BROKEN % '"cut": 1', "line 9: Policy 'B': unknown key 'cut'. Known are name, rule"),
        (BROKEN % '"threshold": 1.5', "line 9: Policy 'B': the threshold of every member must lie in [0, 1]. Got 1.5"),
        (BROKEN % '"thresholds": {"svm": "x"}', "line 9: Policy 'B': the threshold of svm must lie in [0, 1]"),
        (BROKEN % '"thresholds": {"lost": 0.5}', "line 9: Policy 'B' names 'lost', which is no member of this product"),
        (BROKEN % '"review": 0.7', "line 9: Policy 'B': review must not lie above reject (0.5)"),
        (BROKEN % '"quorum": 0', "line 9: Policy 'B': the quorum must be a whole number of votes"),
        (BROKEN % '"weights": {"svm": 2}', "line 9: Policy 'B': the weight of svm must lie in (0, 1]"),
        (BROKEN % '"margin": -1', "line 9: Policy 'B': the margin must lie in [0, 1]"),
        (BROKEN % '"cascade": [{"members": []}]', "line 9: Policy 'B': each stage of its cascade names one member or"),
        (BROKEN % '"cascade": [{"who": []}]', "line 9: Policy 'B', cascade: unknown key 'who'"),
        (
            BROKEN % '"cascade": [{"members": ["svm"]}, {"members": ["svm"]}]',
            "the cascade asks svm twice",
        ),
        (BROKEN % '"exceptions": [{"defect": "crack"}]', "needs a score in [0, 1] from which it counts"),
        (BROKEN % '"exceptions": [{"product": "nut"}]', "the exception for 'nut' needs one of threshold"),
        (BROKEN % '"exceptions": 5', "line 9: Policy 'B': exceptions must be a list of objects"),
        (BROKEN % '"name": "A"', "line 9: 'name' stands twice in one entry"),
        (BROKEN.replace('"B"', '"A"') % '"margin": 0', "line 6: two policies are called 'A'"),
    ],
)
def test_a_broken_file_says_where_and_why(text: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        from_json(text, members=("svm", "rf"))
    assert sentence in str(caught.value)


def test_choosing_by_name() -> None:
    assert (choose(SHIPPED_POLICIES, None).name, choose(SHIPPED_POLICIES, None).trial) == ("MAJORITY", False)
    assert not choose(SHIPPED_POLICIES, "MAJORITY").trial
    assert choose(SHIPPED_POLICIES, "ANY") == ANY and choose(SHIPPED_POLICIES, "ANY").trial and not ANY.trial
    with pytest.raises(
        PolicyError, match=r"No policy is called 'NONE'\. This product has MAJORITY, FUSED, ANY, ALL, S"
    ):
        choose(SHIPPED_POLICIES, "NONE")
    assert (
        json.loads(PolicyBook(SHIPPED_POLICIES, SHIPPED_POLICIES[0].name).to_json())["policies"][0]["rule"]
        == "majority"
    )


def weighed(*pairs: tuple[float, float]) -> list[Score]:
    return [
        Score(f"m{i}", {"non_defective": 1 - p, "defective": p}, 0.0, weight=weight)
        for i, (p, weight) in enumerate(pairs)
    ]


WEIGHTED = Policy("WEIGHTED", "weighted")


@pytest.mark.parametrize(
    ("said", "majority", "weighted"),
    [
        (((0.9, 1.0), (0.1, 0.4), (0.1, 0.5)), "non_defective", "defective"),  # 1 of 3 heads, 1.0 of 1.9 by weight
        (((0.9, 0.3), (0.9, 0.3), (0.9, 0.3), (0.1, 1.0), (0.1, 1.0), (0.1, 1.0)), "defective", "non_defective"),
        (((0.9, 0.1), (0.1, 1.0)), "defective", "non_defective"),  # one against one is a tie of heads
        (((0.9, 1.0), (0.9, 0.4)), "defective", "defective"),
    ],
)
def test_majority_counts_heads_and_weighted_counts_weights(
    said: tuple[tuple[float, float], ...], majority: str, weighted: str
) -> None:
    assert MAJORITY.decide(weighed(*said), [], OK_NOK).label == majority
    assert WEIGHTED.decide(weighed(*said), [], OK_NOK).label == weighted


@pytest.mark.parametrize(
    ("weight", "label"),
    [(0.1, "non_defective"), (0.7, "non_defective"), (0.9, "review")],  # 0.9 of 1.8 would be a tie
)
def test_an_absent_member_counts_by_its_weight_where_votes_do(weight: float, label: str) -> None:
    absent = [Absence("gone", "It is missing.", weight)]
    assert WEIGHTED.decide(weighed((0.1, 0.9)), absent, OK_NOK).label == label
    assert MAJORITY.decide(weighed((0.1, 0.9)), absent, OK_NOK).label == REVIEW  # one against one would be a tie


@pytest.mark.parametrize(
    ("policy", "said", "kind", "score", "thresholds", "confidence"),
    [
        (MAJORITY, ((0.9, 0.2), (0.9, 0.2), (0.1, 1.0), (0.1, 1.0)), "votes", 0.5, (0.5,), 0.5),
        (MAJORITY, ((0.51, 1.0), (0.1, 1.0)), "votes", 0.5, (0.5,), None),  # NOK, and the mean speaks against it
        (ANY, ((0.6, 1.0), (0.1, 1.0)), "votes", 0.5, (0.5,), None),
        (ALL, ((0.6, 1.0), (0.1, 1.0)), "votes", 0.5, (1.0,), 0.65),
        (WEIGHTED, ((0.9, 1.0), (0.1, 0.25)), "weight", 0.8, (0.5,), 0.74),
        (BALANCED, ((0.9, 1.0), (0.1, 0.25)), "mean", 0.74, (0.5,), 0.74),
        (INDUSTRIAL, ((0.5, 1.0),), "mean", 0.5, (0.4, 0.6), None),
        (BALANCED, ((0.4999999999, 1.0),), "mean", 0.5, (0.5,), None),  # counts as reached, and is said so
    ],
)
def test_a_verdict_carries_what_decided(
    policy: Policy,
    said: tuple[tuple[float, float], ...],
    kind: str,
    score: float,
    thresholds: tuple[float, ...],
    confidence: float | None,
) -> None:
    verdict = policy.decide(weighed(*said), [], OK_NOK)
    decision = verdict.decision
    assert decision is not None and (decision.kind, decision.thresholds) == (kind, thresholds)
    assert decision.score == pytest.approx(score)
    assert verdict.confidence == (None if confidence is None else pytest.approx(confidence))
    assert bool(decision.weights) == (kind != "votes")


def test_where_no_class_is_a_defect_the_votes_decide_or_the_mean() -> None:
    votes = MAJORITY.decide(clothes(SHOES, SHOES, TOP), [], CLOTHES).decision
    assert votes is not None and (votes.kind, votes.label, votes.counted) == ("votes", "shoes", (2, 3))
    tie = MAJORITY.decide(clothes(SHOES, TOP), [], CLOTHES)
    assert tie.decision is not None and tie.decision.kind == "mean"
    assert (
        "1 of 2 models says shoes, a tie; the higher mean probability decides: shoes 0.55, topwear 0.35." in tie.reason
    )
    mean = Policy("MEAN", "mean").decide(clothes(SHOES, TOP, TOP), [], CLOTHES)
    assert mean.reason.startswith("The highest mean probability decides: shoes 0.47, topwear 0.43.")


# ------------------------------------------------------------------------------------------------ for every policy


@st.composite
def policy_for(draw: st.DrawFn, count: int) -> Policy:
    """Any policy on members m0, m1, …: a rule, cuts, a quorum, a cascade, exceptions."""
    rule = draw(st.sampled_from(list(VOTING_RULES)))
    low, high = sorted((draw(thresholds), draw(thresholds)))
    free = VOTING_RULES[rule].free
    first = draw(st.integers(0, count))
    early = draw(st.booleans())
    stage = Stage(
        tuple(f"m{i}" for i in range(first)), min(low, 0.3) if early else None, max(high, 0.7) if early else None
    )
    return Policy(
        "ANY POLICY",
        rule,
        threshold=draw(st.none() | thresholds),
        review=low if free else None,
        reject=high if free else None,
        quorum=draw(st.integers(1, count + 1)),
        cascade=(stage,) if first else (),
        exceptions=draw(st.sampled_from([(), (Clause(defect="crack", score=0.5),)])),
    )


@st.composite
def parts(draw: st.DrawFn) -> tuple[Policy, list[Score]]:
    said = draw(st.lists(st.tuples(thresholds, st.floats(0.1, 1), st.none() | thresholds), min_size=1, max_size=6))
    policy = draw(policy_for(len(said)))
    found = [
        Score(
            f"m{i}",
            {NON_DEFECTIVE: 1 - p, DEFECTIVE: p},
            0.0,
            weight=weight,
            regions=() if crack is None else (Region("crack", (0, 0, 1, 1), crack, 1.0),),
        )
        for i, (p, weight, crack) in enumerate(said)
    ]
    return policy, found


@given(parts(), st.data())
def test_whoever_is_missing_no_policy_gets_laxer(part: tuple[Policy, list[Score]], data: st.DataObject) -> None:
    policy, said = part
    whole = policy.decide(said, [], OK_NOK).label
    gone = data.draw(st.sets(st.sampled_from(said).map(lambda score: score.member)))
    left = [score for score in said if score.member not in gone]
    absent = [Absence(score.member, "gone", score.weight) for score in said if score.member in gone]
    label = policy.decide(left, absent, OK_NOK).label
    assert label != NON_DEFECTIVE or whole == NON_DEFECTIVE


@given(parts())
def test_the_score_that_is_said_lies_on_the_side_of_its_verdict(part: tuple[Policy, list[Score]]) -> None:
    policy, said = part
    verdict = policy.decide(said, [], OK_NOK)
    decision = verdict.decision
    assert decision is not None
    if len(said) < policy.quorum:
        return
    lowest = min(decision.thresholds)
    reached = decision.reject_from is not None and decision.score >= decision.reject_from
    assert (verdict.label == DEFECTIVE) == reached
    assert (verdict.label == NON_DEFECTIVE) == (decision.score < lowest)


@given(parts(), thresholds)
def test_a_lower_threshold_never_lets_a_caught_part_through(part: tuple[Policy, list[Score]], threshold: float) -> None:
    policy, said = part
    before = policy.label(said, (), OK_NOK)
    moved = (
        [replace(policy, threshold=min(threshold, policy.threshold_of("m0")))]
        if VOTING_RULES[policy.rule].sides
        else []
    )
    if policy.review is not None:
        moved.append(replace(policy, review=min(threshold, policy.review)))
    if policy.reject is not None:
        moved.append(replace(policy, review=min(threshold, policy.review_from), reject=min(threshold, policy.reject)))
    for lower in moved:
        assert STRICTNESS[lower.label(said, (), OK_NOK)] >= STRICTNESS[before]


@given(parts())
def test_a_cascade_without_thresholds_of_its_own_says_what_all_members_say(part: tuple[Policy, list[Score]]) -> None:
    policy, said = part
    exact = replace(policy, cascade=tuple(Stage(stage.members) for stage in policy.cascade))
    assert exact.label(said, (), OK_NOK) == replace(policy, cascade=()).label(said, (), OK_NOK)


@given(parts())
def test_asking_stage_by_stage_gives_the_verdict_of_the_stored_votes(part: tuple[Policy, list[Score]]) -> None:
    policy, said = part
    by_name = {score.member: score for score in said}
    asked: list[Score] = []
    unasked: list[Absence] = []
    groups = policy.stages(by_name)
    for number, group in enumerate(groups):
        asked += [by_name[name] for name in group]
        unasked = [
            Absence(name, "", by_name[name].weight, asked=False) for later in groups[number + 1 :] for name in later
        ]
        if not unasked or policy.settles(asked, unasked, OK_NOK):
            break
    verdict = policy.decide(asked, unasked, OK_NOK)
    whole = policy.decide(said, [], OK_NOK)
    assert verdict.label == whole.label
    assert policy.revise(verdict) == verdict


@given(parts())
def test_what_would_have_turned_a_verdict_does_turn_it(part: tuple[Policy, list[Score]]) -> None:
    policy, said = part
    verdict = policy.decide(said, [], OK_NOK)
    moves = re.findall(r"the threshold of (m\d) were ([\d.e-]+) instead", verdict.reason)
    whole = re.search(r"if the threshold were ([\d.e-]+) instead", verdict.reason)
    if moves:
        turned = replace(
            policy, thresholds=dict(policy.thresholds) | {name: float(threshold) for name, threshold in moves}
        )
    elif whole:
        moved = "reject" if verdict.label == DEFECTIVE or policy.review is None else "review"
        turned = replace(policy, **{moved: float(whole[1])})
    else:
        return
    assert turned.label(said, (), OK_NOK) != verdict.label


def test_a_book_takes_a_policy_in_once_whether_in_force_or_not() -> None:
    book = PolicyBook((MAJORITY, ANY), "ANY")
    mine = Policy("MINE", "all")
    assert book.including(mine) == PolicyBook((MAJORITY, ANY, mine), "ANY")
    assert book.including(mine, active=True) == PolicyBook((MAJORITY, ANY, mine), "MINE")
    stricter = replace(mine, quorum=2)
    assert book.including(mine, active=True).including(stricter) == PolicyBook((MAJORITY, ANY, stricter), "MINE")
