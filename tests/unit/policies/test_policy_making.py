"""Policies from held-out photos: what each of those that ship must keep there, and the cheapest under a limit."""

import numpy as np
import pytest

from ensemble.metrics.costs import DecisionCounts, Line, Prices, expected_costs
from ensemble.policies import DERIVED, Policy
from ensemble.policies.cases import Case, labels_by_policy, without
from ensemble.policies.making import cheapest, derive, member_thresholds, ok_from, one_is_sure, unsafe_name
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Classes, Score

CLOTHES = Classes(("shirt", "shoe", "sock"))


def cases(good: int = 80, bad: int = 80, seed: int = 0, overlap: float = 1.0) -> list[Case]:
    """Two members that see much the same, and a third that sees less."""
    rng = np.random.default_rng(seed)
    found = []
    for place in range(good + bad):
        truth = place >= good
        odds = (2 if truth else -2) + overlap * rng.normal() + np.array([0.3, 0.3, 2.0]) * rng.normal(size=3)
        said = 1 / (1 + np.exp(-odds))
        scores = [
            Score(name, {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, seconds)
            for name, p, seconds in zip(("svm", "rf", "memory"), said.tolist(), (0.01, 0.02, 0.005), strict=True)
        ]
        label = DEFECTIVE if truth else NON_DEFECTIVE
        found.append(Case(f"{place}.png", f"{place:064}", label, tuple(scores)))
    return found


def counts(policy: Policy, known: list[Case]) -> DecisionCounts:
    return DecisionCounts.of([case.label for case in known], labels_by_policy(policy, known, OK_NOK), OK_NOK)


@pytest.mark.parametrize("seed", range(5))
def test_shipped_policies_keep_their_word_where_they_were_made(seed: int) -> None:
    known = cases(seed=seed)
    found = {policy.name: policy for policy in derive(known, OK_NOK, (("memory",), ("svm", "rf")))}
    assert tuple(found) == DERIVED
    assert counts(found["SAFE_0FN"], known).escapes == 0 and counts(found["PRECISION"], known).overkills == 0
    careful = counts(found["INDUSTRIAL_SAFE_0FN"], known)
    assert (careful.escapes, careful.overkills) == (0, 0)
    for policy in found.values():
        assert policy.basis["good"] == policy.basis["defective"] == 80
        measured = counts(policy, known)
        if not policy.cascade:
            assert (policy.basis["escapes"], policy.basis["overkills"]) == (measured.escapes, measured.overkills)


def test_balanced_costs_less_than_plain_majority_on_parts_that_were_not_seen() -> None:
    money = {"MAJORITY": 0.0, "BALANCED": 0.0, "INDUSTRIAL_BALANCED": 0.0}
    for seed in range(5):
        made = (Policy("MAJORITY", "majority"), *derive(cases(seed=seed), OK_NOK))
        fresh = cases(400, 400, seed=100 + seed)
        for policy in made:
            if policy.name in money:
                money[policy.name] += expected_costs(counts(policy, fresh), Line(Prices(10, 1, 0.5))).money or 0.0
    assert money["INDUSTRIAL_BALANCED"] < money["BALANCED"] < money["MAJORITY"]


@pytest.mark.parametrize("seed", range(5))
def test_a_first_stage_speaks_for_all_where_it_did_on_held_out_photos(seed: int) -> None:
    known = cases(seed=seed, overlap=0.5)
    found = {policy.name: policy for policy in derive(known, OK_NOK, (("memory",), ("svm", "rf")))}
    exact, early = found["INDUSTRIAL_SAFE_0FN"], found["INDUSTRIAL_BALANCED"]
    for policy in (exact, early):
        alone = Policy(policy.name, policy.rule, review=policy.review, reject=policy.reject, quorum=policy.quorum)
        assert labels_by_policy(policy, known, OK_NOK) == labels_by_policy(alone, known, OK_NOK)
    assert exact.cascade[0].ok_below is None and exact.cascade[0].members == ("memory",)


def test_without_both_classes_there_is_nothing_to_choose_by() -> None:
    assert derive(cases(bad=0), OK_NOK) == () and member_thresholds(cases(bad=0), "svm", OK_NOK) == {}
    with pytest.raises(PolicyError, match="needs validation photos of good and of defective parts"):
        cheapest(cases(bad=0), OK_NOK, Line(), 0.05)


def test_the_cheapest_policy_keeps_the_limit_and_beats_every_other_single_threshold() -> None:
    known, line = cases(), Line(Prices(10, 1, 0.2))
    chosen = cheapest(known, OK_NOK, line, 0.06)
    measured = counts(chosen.policy, known)
    assert measured.escapes <= 1  # 1 of 80 may still be 5.8%, 2 of 80 already 7.7%
    assert expected_costs(measured, line).money == pytest.approx(chosen.money)
    for rule in ("mean", "majority", "any", "all"):
        for threshold in np.linspace(0.01, 0.99, 99):
            moved = {"reject": threshold} if rule == "mean" else {"threshold": threshold}
            other = counts(Policy("OTHER", rule, **moved), known)
            money = expected_costs(other, line).money
            assert other.escapes > 1 or money is None or money >= chosen.money - 1e-6


def test_a_limit_that_no_photos_could_promise_says_how_far_they_go() -> None:
    with pytest.raises(PolicyError, match=r"parts: 80\. They cannot prove an escape rate below 1%, only 3\.7%"):
        cheapest(cases(), OK_NOK, Line(), 0.01)


@pytest.mark.parametrize(
    ("name", "basis", "says"),
    [
        ("BALANCED", {}, None),
        ("MY_SAFE", {"escapes": 0, "defective": 59}, None),
        ("safe", {"escapes": 0, "defective": 58}, "58"),
        ("MY_SAFE", {"escapes": 1, "defective": 400}, "1 of 400"),
        ("MY_SAFE", {}, "0"),
    ],
)
def test_who_may_be_called_safe(name: str, basis: dict[str, int], says: str | None) -> None:
    reason = unsafe_name(Policy(name, "mean", basis=basis))
    assert reason is None if says is None else says in (reason or "")


def test_classes_without_a_defect_get_a_margin_from_held_out_photos() -> None:
    rng = np.random.default_rng(0)
    known = []
    for place in range(60):
        truth = CLOTHES.names[place % 3]
        sure = 0.9 if place % 6 else 0.3
        noise = rng.dirichlet([1, 1, 1])
        said = {n: float(sure * (n == truth) + (1 - sure) * noise[i]) for i, n in enumerate(CLOTHES.names)}
        known.append(Case(f"{place}.png", f"{place:064}", truth, (Score("svm", said, 0.0),)))
    (policy,) = derive(known, CLOTHES)
    found = labels_by_policy(policy, known, CLOTHES)
    wrong = sum(label not in {REVIEW, case.label} for label, case in zip(found, known, strict=True))
    before = labels_by_policy(Policy("P", "mean"), known, CLOTHES)
    assert policy.name == "INDUSTRIAL_BALANCED" and 0 < policy.margin < 1
    assert wrong < sum(label != case.label for label, case in zip(before, known, strict=True))


def test_an_ensemble_without_a_member() -> None:
    left = without(cases(), "rf")
    assert {score.member for case in left for score in case.scores} == {"svm", "memory"}


def spoken(label: str, *against: float) -> Case:
    said = zip(("svm", "rf"), against, strict=False)
    return Case("", "", label, tuple(Score(name, {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.0) for name, p in said))


@pytest.mark.parametrize(
    ("demand", "against", "label"),
    [
        (0.99, 0.01, NON_DEFECTIVE),
        (0.99, 0.010001, DEFECTIVE),
        (0.93, 0.07, NON_DEFECTIVE),  # 1 - 0.07 is less than 0.93 in floats
        (0.5, 0.5, NON_DEFECTIVE),
        (1.0, 0.0, NON_DEFECTIVE),
        (1.0, 0.000001, DEFECTIVE),
    ],
)
def test_ok_only_where_ok_is_as_probable_as_demanded(demand: float, against: float, label: str) -> None:
    held_out = [spoken(DEFECTIVE, against), spoken(NON_DEFECTIVE, against)]
    policy = ok_from(demand, held_out, OK_NOK, name="SURE")
    assert labels_by_policy(policy, held_out, OK_NOK) == [label, label]
    wrong = {"escapes": int(label == NON_DEFECTIVE), "overkills": int(label == DEFECTIVE)}
    assert policy.basis == {"chosen": f"OK from {demand:g}", "photos": "held out", "good": 1, "defective": 1, **wrong}


@pytest.mark.parametrize("demand", [0.0, -0.1, 1.01])
def test_what_cannot_be_demanded_is_said(demand: float) -> None:
    with pytest.raises(PolicyError, match="lies above 0 and up to 1"):
        ok_from(demand, [], OK_NOK, name="SURE")


def test_one_member_that_is_sure_is_enough() -> None:
    held_out = [spoken(NON_DEFECTIVE, 0.2, 0.6), spoken(DEFECTIVE, 0.9, 0.1), spoken(DEFECTIVE, 0.1, 0.8)]
    held_out += [spoken(DEFECTIVE, 0.1, 0.6)]  # no surer than of a good part: it escapes
    policy = one_is_sure(held_out, ("svm", "rf", "unheard"), OK_NOK, name="ONE")
    assert labels_by_policy(policy, held_out, OK_NOK) == [NON_DEFECTIVE, DEFECTIVE, DEFECTIVE, NON_DEFECTIVE]
    assert set(policy.thresholds) == {"svm", "rf"}
    assert (policy.basis["escapes"], policy.basis["overkills"]) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_one_that_is_sure_rejects_no_good_part_held_out(seed: int) -> None:
    known = cases(seed=seed)
    assert counts(one_is_sure(known, ("svm", "rf", "memory"), OK_NOK, name="ONE"), known).overkills == 0


def test_rounding_a_chosen_threshold_moves_no_photo_to_the_other_side() -> None:
    close = [(NON_DEFECTIVE, 0.5000001)] * 3 + [(DEFECTIVE, 0.5000003)] * 3  # six digits cannot tell them apart
    known = [
        Case(f"{place}.png", f"{place:064}", label, (Score("svm", {NON_DEFECTIVE: 1 - p, DEFECTIVE: p}, 0.0),))
        for place, (label, p) in enumerate(close)
    ]
    made = [cheapest(known, OK_NOK, Line(), 1.0).policy, one_is_sure(known, ["svm"], OK_NOK, name="SURE")]
    for policy in made:
        assert labels_by_policy(policy, known, OK_NOK) == [label for label, _ in close], policy
    assert 0.5000001 < member_thresholds(known, "svm", OK_NOK)["f1"].threshold <= 0.5000003
