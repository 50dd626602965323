"""How good a policy is: literal counts of small sets, and what every set must keep to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.evaluation.performance import (
    ClassCounts,
    Decided,
    by_class,
    by_product,
    by_type,
    failures,
    kinds,
    scored_parts,
    votes_of,
    without_each,
    wrong,
)
from ensemble.metrics.costs import DecisionCounts, Line
from ensemble.policies import Policy
from ensemble.policies.cases import Case, labels_by_policy, typed
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Classes, Score
from ensemble.values.titles import ENSEMBLE

GARMENTS = Classes(("bottomwear", "shoes", "topwear"))
MEAN = Policy("MEAN", "mean", review=0.4, reject=0.6)
MAJORITY = Policy("MAJORITY", "majority", thresholds={"svm": 0.3})


def case(label: str, *against: float, photo: str = "", defect: str = "", category: str = "") -> Case:
    """A case of which svm, rf, … have said these probabilities of the defect."""
    said = zip(("svm", "rf", "xgb"), against, strict=False)
    scores = tuple(Score(name, {NON_DEFECTIVE: 1 - bad, DEFECTIVE: bad}, 0.0) for name, bad in said)
    return Case(photo, "", label, scores, defect=defect, category=category)


def garment(label: str, *said: float) -> Case:
    return Case("", "", label, (Score("svm", dict(zip(GARMENTS.names, said, strict=True)), 0.0),))


KNOWN = (
    case(DEFECTIVE, 0.9, 0.9, photo="caught", defect="scratch", category="disc"),
    case(DEFECTIVE, 0.1, 0.3, photo="escape", defect="scratch", category="disc"),
    case(DEFECTIVE, 0.0, 0.0, photo="worse escape", defect="burr", category="ring"),
    case(DEFECTIVE, 0.5, 0.5, photo="doubted", defect="burr", category="ring"),
    case(NON_DEFECTIVE, 0.1, 0.1, photo="passed", category="disc"),
    case(NON_DEFECTIVE, 0.6, 0.7, photo="overkill", category="ring"),
    case(NON_DEFECTIVE, 0.9, 0.9, photo="worse overkill", category="ring"),
)
SAID = [DEFECTIVE, NON_DEFECTIVE, NON_DEFECTIVE, REVIEW, NON_DEFECTIVE, DEFECTIVE, DEFECTIVE]


def test_counts_and_money() -> None:
    assert labels_by_policy(MEAN, KNOWN, OK_NOK) == SAID
    decided = Decided.of(KNOWN, SAID, OK_NOK)
    assert decided == Decided(7, 2, 1, DecisionCounts(3, 4, 2, 2, 0, 1))
    assert decided.decided == 6 and decided.accuracy == 2 / 6  # a review is no wrong decision
    # 500 defective parts: half escape at 10, a quarter is reviewed at 0.5; of 500 good ones two thirds are overkills
    assert decided.money(Line(share=0.5)) == pytest.approx(250 * 10 + 125 * 0.5 + 500 * 2 / 3)
    assert Decided.of((), [], OK_NOK).accuracy is None


def test_classes_without_a_defect_have_neither_escapes_nor_money() -> None:
    known = (garment("shoes", 0.1, 0.8, 0.1), garment("shoes", 0.8, 0.1, 0.1), garment("topwear", 0.3, 0.3, 0.4))
    said = ["shoes", "bottomwear", REVIEW]
    decided = Decided.of(known, said, GARMENTS)
    assert (decided, decided.money(Line())) == (Decided(3, 1, 1), None)
    counts = by_class(known, said, GARMENTS)
    assert counts == {
        "bottomwear": ClassCounts(0, 1, 0),
        "shoes": ClassCounts(2, 1, 1),
        "topwear": ClassCounts(1, 0, 0),
    }
    assert [each.recall for each in counts.values()] == [None, 0.5, 0.0]
    assert [each.precision for each in counts.values()] == [0.0, 1.0, None]
    assert by_type(known, said, GARMENTS) == {} == by_product(known, said, GARMENTS)
    assert failures(known, said, Policy("MAJORITY", "majority"), GARMENTS) == {
        "mistakes": (known[1],),
        "reviews": (known[2],),
    }


def test_by_type_of_defect_the_most_escapes_first() -> None:
    found = by_type(KNOWN, SAID, OK_NOK)
    assert found == {
        "burr": Decided(2, 0, 1, DecisionCounts(0, 2, 1, 0, 0, 1)),
        "scratch": Decided(2, 1, 0, DecisionCounts(0, 2, 1, 0)),
    }
    worse = [SAID[0], DEFECTIVE, *SAID[2:]]
    assert list(by_type(KNOWN, worse, OK_NOK)) == ["burr", "scratch"]
    one_folder = [case(DEFECTIVE, 0.5, defect=DEFECTIVE)]
    assert by_type(one_folder, [DEFECTIVE], OK_NOK) == {}


def test_by_product() -> None:
    assert by_product(KNOWN, SAID, OK_NOK) == {
        "disc": Decided(3, 2, 0, DecisionCounts(1, 2, 1, 0)),
        "ring": Decided(4, 0, 1, DecisionCounts(2, 2, 1, 2, 0, 1)),
    }
    assert by_product(KNOWN[:2], SAID[:2], OK_NOK) == {}  # one product needs no table of its own


def test_what_went_wrong_the_surest_mistake_first() -> None:
    found = failures(KNOWN, SAID, MEAN, OK_NOK)
    assert {kind: [each.photo for each in known] for kind, known in found.items()} == {
        "escapes": ["worse escape", "escape"],
        "overkills": ["worse overkill", "overkill"],
        "reviews": ["doubted"],
    }
    assert kinds(OK_NOK) == tuple(found)


def test_members_are_wrong_by_the_policys_own_thresholds_where_all_have_spoken() -> None:
    assert wrong(KNOWN[:2], MAJORITY, ("svm", "rf"), OK_NOK).tolist() == [[False, False], [True, True]]
    assert wrong([case(DEFECTIVE, 0.4, 0.4)], MAJORITY, ("svm", "rf"), OK_NOK).tolist() == [[False, True]]
    silent = [case(DEFECTIVE, 0.4), case(DEFECTIVE, 0.4, 0.4)]
    assert wrong(silent, MAJORITY, ("svm", "rf"), OK_NOK).tolist() == [[False, True]]
    assert wrong(silent[:1], MAJORITY, ("svm", "rf"), OK_NOK).shape == (0, 2)


def test_without_each_member() -> None:
    known = (case(DEFECTIVE, 0.2, 0.9), case(NON_DEFECTIVE, 0.2, 0.1))
    every = Policy("ALL", "all")
    assert Decided.of(known, labels_by_policy(every, known, OK_NOK), OK_NOK) == Decided(
        2, 1, 0, DecisionCounts(1, 1, 1, 0)
    )
    assert without_each(known, every, ("svm", "rf"), OK_NOK) == {
        "svm": Decided(2, 2, 0, DecisionCounts(1, 1, 0, 0)),
        "rf": Decided(2, 1, 0, DecisionCounts(1, 1, 1, 0)),
    }
    assert without_each(known, every, ("svm",), OK_NOK) == {}


def test_defect_scores_of_a_member_and_of_the_ensemble() -> None:
    known = (case(DEFECTIVE, 0.2, 0.8), case(NON_DEFECTIVE, 0.1), Case("", "", DEFECTIVE, ()))
    truth, scores = scored_parts(known, MEAN, "rf", OK_NOK)
    assert (truth.tolist(), scores.tolist()) == ([True], [0.8])
    truth, scores = scored_parts(known, MEAN, ENSEMBLE, OK_NOK)
    assert truth.tolist() == [True, False] and scores == pytest.approx(np.array([0.5, 0.1]))


cases_of_two = st.lists(
    st.builds(
        case,
        st.sampled_from(OK_NOK.names),
        st.floats(0, 1),
        st.floats(0, 1),
        defect=st.sampled_from(["scratch", "burr"]),
        category=st.sampled_from(["disc", "ring"]),
    ),
    max_size=12,
)


@given(cases_of_two, st.sampled_from([MEAN, MAJORITY]))
def test_every_photo_is_right_or_a_failure_and_parts_add_up(known: list[Case], policy: Policy) -> None:
    said = labels_by_policy(policy, known, OK_NOK)
    decided, found = Decided.of(known, said, OK_NOK), failures(known, said, policy, OK_NOK)
    assert decided.right + sum(map(len, found.values())) == len(known)
    products = by_product(known, said, OK_NOK)
    if products:
        assert sum(each.right for each in products.values()) == decided.right
    types = [each.counts.escapes for each in by_type(known, said, OK_NOK).values() if each.counts]
    assert sum(types) == len(found["escapes"])


def test_the_votes_of_one_member_are_those_by_the_policys_threshold() -> None:
    known = (case(DEFECTIVE, 0.3, 0.3), case(NON_DEFECTIVE, 0.29, 0.9), case(DEFECTIVE, 0.9))
    assert votes_of(known, MAJORITY, "svm", OK_NOK) == (list(known), [DEFECTIVE, NON_DEFECTIVE, DEFECTIVE])
    assert votes_of(known, MAJORITY, "rf", OK_NOK) == (list(known[:2]), [NON_DEFECTIVE, DEFECTIVE])


@pytest.mark.parametrize(
    ("photo", "label", "defect", "expected"),
    [
        ("test/defective/dent_hard_042.jpg", DEFECTIVE, DEFECTIVE, "dent_hard"),
        ("dent_042.jpg", DEFECTIVE, "", "dent"),
        ("test/crack/000.png", DEFECTIVE, "crack", "crack"),
        ("test/crack/dent_042.png", DEFECTIVE, "crack", "crack"),
        ("000.png", DEFECTIVE, DEFECTIVE, DEFECTIVE),
        ("dent.png", DEFECTIVE, "", ""),
        ("2024_042.png", DEFECTIVE, "", ""),
        ("good_042.jpg", NON_DEFECTIVE, "", ""),
    ],
)
def test_a_file_name_tells_the_type_where_no_folder_does(photo: str, label: str, defect: str, expected: str) -> None:
    assert typed([case(label, 0.5, photo=photo, defect=defect)], OK_NOK)[0].defect == expected
