"""The rules that count the sides: literal cases first, then what must hold for every vote there can be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.errors import PolicyError
from ensemble.policies import SHIPPED, Policy, choose, from_json, shipped, to_json
from ensemble.results import OK_NOK, REVIEW, Absence, Classes, Score, Verdict

MAJORITY, ANY, ALL = SHIPPED
CLOTHES = Classes(("bottomwear", "shoes", "topwear"))


def scores(*defective: float) -> list[Score]:
    return [Score(f"m{i}", {"non_defective": 1 - p, "defective": p}, 0.0) for i, p in enumerate(defective)]


def absences(count: int) -> list[Absence]:
    return [Absence(f"gone{i}", "Its file is missing.") for i in range(count)]


@pytest.mark.parametrize(
    ("policy", "said", "absent", "label"),
    [
        (MAJORITY, (0.9, 0.8, 0.1), 0, "defective"),
        (MAJORITY, (0.9, 0.2, 0.1), 0, "non_defective"),
        (MAJORITY, (0.9, 0.1), 0, "defective"),  # a tie
        (MAJORITY, (0.5,), 0, "defective"),  # exactly on the cut
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
    ],
)
def test_defective_or_not(policy: Policy, said: tuple[float, ...], absent: int, label: str) -> None:
    verdict = policy.decide(scores(*said), absences(absent), OK_NOK)
    assert verdict.label == label
    assert len(verdict.votes) == len(said) and len(verdict.absent) == absent
    assert (verdict.confidence == 0) == (label == REVIEW)


def test_the_reason_names_counts_ties_and_the_absent() -> None:
    assert MAJORITY.decide(scores(0.9, 0.1, 0.1), [], OK_NOK).reason == "1 of 3 votes says NOK."
    assert MAJORITY.decide(scores(0.9, 0.1), [], OK_NOK).reason == "1 of 2 votes says NOK. A tie counts as defective."
    assert MAJORITY.decide(scores(0.1), absences(1), OK_NOK).reason == (
        "0 of 1 votes say NOK, and the absent gone0 could change the answer: a person must look."
    )
    assert MAJORITY.decide(scores(0.9, 0.9), absences(1), OK_NOK).reason == (
        "2 of 2 votes say NOK. It stands whatever the absent gone0 would have voted."
    )


def test_a_cut_of_ones_own() -> None:
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


def test_without_a_defect_only_the_majority_means_anything() -> None:
    assert [policy.name for policy in shipped(CLOTHES)] == ["MAJORITY"]
    with pytest.raises(PolicyError, match="have no defect"):
        ANY.decide(clothes(SHOES), [], CLOTHES)


said_of_a_photo = st.lists(st.floats(0, 1), min_size=0, max_size=7)
policies = st.sampled_from(SHIPPED)
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
def test_lowering_the_cut_never_lets_a_caught_part_through(
    policy: Policy, said: list[float], one: float, two: float
) -> None:
    def with_cut(cut: float) -> Verdict:
        return Policy("P", policy.rule, threshold=cut).decide(scores(*said), [], OK_NOK)

    low, high = sorted((one, two))
    assert STRICTNESS[with_cut(low).label] >= STRICTNESS[with_cut(high).label]


@given(policies, said_of_a_photo.filter(bool))
def test_deciding_again_on_the_votes_of_a_verdict_gives_that_verdict(policy: Policy, said: list[float]) -> None:
    verdict = policy.decide(scores(*said), absences(1), OK_NOK)
    assert policy.decide(verdict.votes, verdict.absent, verdict.classes) == verdict


@given(
    st.lists(
        st.builds(
            Policy,
            name=st.text(min_size=1).filter(str.strip),
            rule=st.sampled_from(["majority", "any", "all"]),
            description=st.text(),
            threshold=st.floats(0, 1),
            thresholds=st.dictionaries(st.text(min_size=1), st.floats(0, 1), max_size=3),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda policy: policy.name,
    )
)
def test_what_is_written_is_read_again(written: list[Policy]) -> None:
    assert list(from_json(to_json(written))) == written


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{\n  nonsense", "policies.json, line 2: not JSON"),
        ("[]", 'expected {"policies": [...]}'),
        ('{"policies": []}', "at least one policy"),
        ('{"policies": [{"name": "A"}]}', "policy 1: expected an object with a name and a rule"),
        ('{"policies": [{"name": "A", "rule": ["any"]}]}', "the rule must be one of"),
        ('{"policies": [{"name": "A", "rule": "any", "description": 5}]}', "the description must be a text"),
        ('{"policies": [{"name": "A", "rule": "dice"}]}', "policy 1: Policy 'A': the rule must be one of"),
        ('{"policies": [{"name": "A", "rule": "any", "cut": 1}]}', "policy 1: unknown cut"),
        ('{"policies": [{"name": "A", "rule": "any", "threshold": 1.5}]}', "must lie in [0, 1]. Got 1.5"),
        ('{"policies": [{"name": "A", "rule": "any", "thresholds": {"svm": "x"}}]}', "threshold of svm must lie"),
        ('{"policies": [{"name": "A", "rule": "any", "thresholds": [1]}]}', "must map member names"),
        ('{"policies": [{"name": 3, "rule": "any"}]}', "needs a name"),
        ('{"policies": [{"name": "A", "rule": "any"}, {"name": "A", "rule": "all"}]}', "two policies are called 'A'"),
    ],
)
def test_a_broken_file_says_where_and_why(text: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        from_json(text)
    assert sentence in str(caught.value)


def test_choosing_by_name() -> None:
    assert choose(SHIPPED, None).name == "MAJORITY"
    assert choose(SHIPPED, "ANY") is ANY
    with pytest.raises(PolicyError, match=r"No policy is called 'NONE'\. This product has MAJORITY, ANY, ALL"):
        choose(SHIPPED, "NONE")
    assert json.loads(to_json(SHIPPED))["policies"][0]["rule"] == "majority"


def test_votes_count_by_their_weight() -> None:
    def said(*pairs: tuple[float, float]) -> list[Score]:
        return [
            Score(f"m{i}", {"non_defective": 1 - p, "defective": p}, 0.0, weight=weight)
            for i, (p, weight) in enumerate(pairs)
        ]

    outvoted = MAJORITY.decide(said((0.9, 1.0), (0.1, 0.4), (0.1, 0.5)), [], OK_NOK)
    assert outvoted.label == "defective"
    assert outvoted.reason == "1 of 3 votes (1.00 of 1.90 by weight) says NOK."
    agreed = MAJORITY.decide(said((0.9, 1.0), (0.9, 0.4)), [], OK_NOK)
    assert agreed.reason == "2 of 2 votes say NOK."
    assert agreed.mean_probability("defective") == pytest.approx(0.9)
    mean = MAJORITY.decide(said((0.9, 1.0), (0.2, 0.25)), [], OK_NOK).mean_probability("defective")
    assert mean == pytest.approx((0.9 + 0.05) / 1.25)


@pytest.mark.parametrize(
    ("weight", "label"),
    [(0.1, "non_defective"), (0.7, "non_defective"), (0.9, "review")],  # 0.9 of 1.8 would be a tie
)
def test_an_absent_member_counts_by_its_weight(weight: float, label: str) -> None:
    weighed = [Score("m0", {"non_defective": 0.9, "defective": 0.1}, 0.0, weight=0.9)]
    assert MAJORITY.decide(weighed, [Absence("gone", "It is missing.", weight)], OK_NOK).label == label
