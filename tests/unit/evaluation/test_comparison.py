"""Two models on the same photos: literal counts and tests of small sets, and what every comparison must keep to."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ensemble.evaluation.comparison import Comparison, answer, compare, comparison_sentence, probability, remarks
from ensemble.evaluation.comparison.values import (
    auroc_difference,
    fewest_to_show,
    holm,
    paired_test,
    parts_won,
    rate_difference,
)
from ensemble.metrics.image_metrics import auroc_limits
from ensemble.policies import Policy
from ensemble.policies.cases import Case
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Classes, Score

MEAN = Policy("MEAN", "mean", reject=0.5)
REVIEWING = Policy("REVIEWING", "mean", review=0.3, reject=0.5)
GARMENTS = Classes(("bottomwear", "shoes", "topwear"))


def case(number: int, label: str, *against: float, defect: str = "", photo: str = "") -> Case:
    """A photo of which svm, rf, … have said these probabilities of the defect."""
    said = zip(("svm", "rf"), against, strict=False)
    scores = tuple(Score(name, {NON_DEFECTIVE: 1 - bad, DEFECTIVE: bad}, 0.0) for name, bad in said)
    return Case(photo or f"part_{number}.png", f"digest {number}", label, scores, defect=defect)


def side(bad: str, good: str, **known: str) -> list[Case]:
    """Defective and good photos of one member: "x" is called NOK, "." OK and "?" lies between."""
    score = {"x": 0.9, ".": 0.1, "?": 0.4}
    labels = [DEFECTIVE] * len(bad) + [NON_DEFECTIVE] * len(good)
    return [
        case(number, label, score[sign], **known)
        for number, (label, sign) in enumerate(zip(labels, bad + good, strict=True))
    ]


def compared(before: Sequence[Case], after: Sequence[Case], **known: object) -> Comparison:
    return compare(before, after, OK_NOK, MEAN, MEAN, **known)  # type: ignore[arg-type]


class TestAnswer:
    @pytest.mark.parametrize(
        ("before", "after", "expected", "said"),
        [
            (
                ("." * 8 + "xx", "." * 10),
                ("x" * 10, "." * 10),
                "better",
                "The new model is better. Fewer escapes: 0 instead of 8 of 10 (p = 0.023). More correct verdicts: 20 "
                "instead of 12 of 20 (p = 0.023).",
            ),
            (
                ("x" * 10, "." * 10),
                ("." * 8 + "xx", "." * 10),
                "worse",
                "The new model is worse. More escapes: 8 instead of 0 of 10 (p = 0.023). Fewer correct verdicts: 12 "
                "instead of 20 of 20 (p = 0.023).",
            ),
            (
                ("." * 10, "." * 10),
                ("x" * 10, "x" * 10),
                "mixed",
                "The new model is better in one figure and worse in another. Fewer escapes: 0 instead of 10 of 10 "
                "(p = 0.0059). More overkills: 10 instead of 0 of 10 (p = 0.0059).",
            ),
            (
                ("xxx.", "...."),
                ("xxxx", "...x"),
                "undecided",
                "No difference shown. Too few changes on 8 photos: at least 7 one-sided changes needed (p = 1).",
            ),
        ],
    )
    def test_weighs_escapes_first(
        self, before: tuple[str, str], after: tuple[str, str], expected: str, said: str
    ) -> None:
        found = compared(side(*before), side(*after))
        assert (answer(found), comparison_sentence(found)) == (expected, said)

    def test_only_overkills(self) -> None:
        found = compared(side("xx", "x" * 9 + "."), side("xx", "." * 10))
        assert comparison_sentence(found).startswith(
            "The new model is better. Fewer overkills: 0 instead of 9 of 10 (p = 0.012). More"
        )

    def test_sending_every_part_to_a_person_is_no_clear_gain(self) -> None:
        before, after = side("." * 9, "." * 20), side("?" * 9, "?" * 20)
        found = compare(before, after, OK_NOK, REVIEWING, REVIEWING)
        assert answer(found) == "mixed"
        assert "Fewer escapes: 0 instead of 9 of 9 (" in comparison_sentence(found)
        assert "Fewer correct verdicts: 0 instead of 20 of 29 (" in comparison_sentence(found)
        assert found.ensemble.figures["review_rate"].after.events == 29

    def test_without_a_defect_only_right_and_wrong(self) -> None:
        def garment(number: int, *said: float) -> Case:
            return Case(
                f"{number}", f"{number}", "shoes", (Score("svm", dict(zip(GARMENTS.names, said, strict=True)), 0.0),)
            )

        before = [garment(number, 0.8, 0.1, 0.1) for number in range(6)]
        after = [garment(number, 0.1, 0.8, 0.1) for number in range(5)] + [garment(5, 0.1, 0.1, 0.8)]
        found = compare(before, after, GARMENTS, Policy("MEAN", "mean"), Policy("MEAN", "mean"))
        assert set(found.ensemble.figures) == {"accuracy"} and set(found.ensemble.tests) == {"right"}
        assert [change.kind for change in found.changes] == ["mended"] * 5 + ["otherwise"]
        assert answer(found) == "undecided" and found.types == ()


class TestCounts:
    def test_figures_of_both_sides_with_their_limits(self) -> None:
        ensemble = compared(side("xx..", "...x"), side("xxx.", "...x")).ensemble
        escapes = ensemble.figures["escape_rate"]
        assert (escapes.before.events, escapes.after.events, escapes.before.photos) == (2, 1, 4)
        assert (escapes.before.low, escapes.before.high) == pytest.approx((0.0976, 0.9024), abs=1e-4)
        assert escapes.difference.value == -0.25
        # Bonett & Price by hand: one of 4 gained; (1+1)/6 against (0+1)/6, so -1/6 ± 1.96 √((3 - 6/36) / 36)
        assert (escapes.difference.low, escapes.difference.high) == pytest.approx((-0.7165, 0.3832), abs=1e-4)
        assert ensemble.figures["accuracy"].after.events == 6

    def test_photos_that_changed_and_types_of_defect(self) -> None:
        before = [case(0, DEFECTIVE, 0.1, defect="scratch"), case(1, DEFECTIVE, 0.9, defect="burr")]
        after = [case(0, DEFECTIVE, 0.9, defect="scratch"), case(1, DEFECTIVE, 0.1, defect="burr")]
        good = [case(2, NON_DEFECTIVE, 0.9), case(3, NON_DEFECTIVE, 0.1), case(4, NON_DEFECTIVE, 0.1)]
        now = [case(2, NON_DEFECTIVE, 0.1), case(3, NON_DEFECTIVE, 0.9), case(4, NON_DEFECTIVE, 0.4)]
        found = compare([*before, *good], [*after, *now], OK_NOK, MEAN, REVIEWING)
        assert [(change.kind, change.photo) for change in found.changes] == [
            ("escaped", "part_1.png"),
            ("caught", "part_0.png"),
            ("rejected", "part_3.png"),
            ("spared", "part_2.png"),
            ("broken", "part_4.png"),
        ]
        assert found.changes[-1].after == REVIEW
        decided = found.ensemble.figures["right_of_decided"]
        assert [(each.events, each.photos) for each in (decided.before, decided.after)] == [(3, 5), (2, 4)]
        assert decided.difference.value is None
        assert [(each.defect, each.photos, each.before, each.after) for each in found.types] == [
            ("burr", 1, 0, 1),
            ("scratch", 1, 1, 0),
        ]

    def test_photos_and_members_of_one_side_are_left_out_and_said(self) -> None:
        before = [case(0, DEFECTIVE, 0.9, 0.9), case(1, NON_DEFECTIVE, 0.1, 0.1), case(9, NON_DEFECTIVE, 0.1)]
        after = [case(0, DEFECTIVE, 0.9), case(1, DEFECTIVE, 0.1), case(7, DEFECTIVE, 0.1), case(8, DEFECTIVE, 0.1)]
        found = compared(before, after, learnt=frozenset({"digest 1", "digest 7"}))
        assert (found.photos, found.only_before, found.only_after) == (2, 1, 2)
        assert (found.learnt, found.relabelled, found.members_before) == (1, 1, ("rf",))
        said = " ".join(remarks(found))
        for text in (
            "Test set: 2 photos of 2 parts.",
            "The current model was trained on 1 of these photos",
            "Left out, tested with the current model only: 1 photo.",
            "Left out, tested with the new model only: 2 photos.",
            "Class changed since, compared by the present class: 1 photo.",
            "Removed models: Random forest.",
        ):
            assert text in said, text

    def test_a_member_counts_where_it_has_spoken_on_both_sides(self) -> None:
        before = [case(0, DEFECTIVE, 0.1, 0.9), case(1, NON_DEFECTIVE, 0.1)]
        after = [case(0, DEFECTIVE, 0.9, 0.9), case(1, NON_DEFECTIVE, 0.1, 0.1)]
        svm, rf = compared(before, after).members
        assert (svm.name, svm.photos, svm.tests["right"].gained) == ("svm", 2, 1)
        assert (rf.name, rf.photos, rf.figures["overkill_rate"].after.value) == ("rf", 1, None)

    def test_captures_of_one_part_count_once(self) -> None:
        photos = [f"exp1_num_{frame}.jpg" for frame in (10, 20, 30, 40, 50, 60, 70)]
        before, after = (
            [case(number, DEFECTIVE, score, photo=photo) for number, photo in enumerate(photos)] for score in (0.1, 0.9)
        )
        found = compared(before, after)
        escapes = found.ensemble.tests["escapes"]
        assert (found.photos, found.parts, escapes.gained, escapes.parts_won, escapes.p) == (7, 1, 7, 1, 1.0)
        known = {f"digest {number}": f"part {number}" for number in range(7)}
        assert compared(before, after, parts=known).ensemble.tests["escapes"].p == pytest.approx(2 / 2**7)

    def test_nothing_in_common(self) -> None:
        with pytest.raises(DataError, match="no photo in common: 1 and 1 test photos"):
            compared([case(0, DEFECTIVE, 0.1)], [case(1, DEFECTIVE, 0.1)])

    def test_a_class_that_the_product_has_not(self) -> None:
        with pytest.raises(DataError, match="of scratched cannot be compared"):
            compared([case(0, DEFECTIVE, 0.1)], [case(0, "scratched", 0.1)])


class TestJson:
    def test_there_and_back_through_a_file(self) -> None:
        found = compared(side("x..", "x.", defect="burr"), side("xx.", "..", defect="burr"), learnt=frozenset({"x"}))
        assert Comparison.from_json(json.loads(json.dumps(found.as_json()))) == found

    @pytest.mark.parametrize("data", [{}, {"format": 2}, {"format": 1, "classes": ["a"]}])
    def test_anything_else_is_refused_with_a_sentence(self, data: dict[str, object]) -> None:
        with pytest.raises(DataError, match="no comparison of two models"):
            Comparison.from_json(data)


class TestStatistics:
    @pytest.mark.parametrize(
        ("won", "lost", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (2, 10, 0.0386), (4, 4, 1.0)]
    )
    def test_exact_mcnemar(self, won: int, lost: int, p: float) -> None:
        assert paired_test(won, lost) == pytest.approx(p, abs=1e-4)

    def test_holm(self) -> None:
        assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
        assert holm([0.9, 0.5]) == [1.0, 1.0] and holm([]) == []

    @pytest.mark.parametrize(("tests", "fewest"), [(1, 6), (3, 7), (6, 8)])
    def test_the_fewest_changes_that_can_show(self, tests: int, fewest: int) -> None:
        assert fewest_to_show(tests) == fewest
        assert tests * paired_test(fewest, 0) < 0.05 < tests * paired_test(fewest - 1, 0)

    def test_parts_are_won_by_most_of_their_photos(self) -> None:
        assert parts_won(np.array([1, 1, -1, -1, 0, 1, -1]), np.array([0, 0, 0, 1, 2, 3, 3])) == (1, 1)

    def test_no_change_on_few_photos_still_allows_one(self) -> None:
        low, high = rate_difference(np.zeros(8, dtype=np.int64), np.arange(8))
        assert (low, high) == pytest.approx((-0.2772, 0.2772), abs=1e-4)

    @given(st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 5)), min_size=1, max_size=40))
    def test_limits_hold_the_difference_and_turn_with_it(self, rows: list[tuple[int, int]]) -> None:
        gains, parts = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
        _, groups = np.unique(parts, return_inverse=True)
        low, high = rate_difference(gains, groups)
        assert -1 <= low <= high <= 1
        assert rate_difference(-gains, groups) == pytest.approx((-high, -low))

    def test_auroc_limits_of_a_perfect_member(self) -> None:
        assert auroc_limits(1.0, 36, 36) == (pytest.approx(0.9445, abs=1e-4), 1.0)

    def test_auroc_limits_hold_the_truth_as_often_as_they_say(self) -> None:
        lots, truth = np.random.default_rng(0), 0.9214  # of two normal scores that lie two deviations apart
        bad = np.arange(60) < 20
        held = 0
        for scores in lots.normal(bad * 2.0, 1.0, (400, 60)):
            low, high = auroc_limits(float(roc_auc_score(bad, scores)), 20, 40)
            held += low <= truth <= high
        assert held / 400 == pytest.approx(0.95, abs=0.03)

    @given(st.floats(0, 1), st.integers(1, 60), st.integers(1, 60))
    def test_auroc_limits_hold_what_was_measured(self, auroc: float, bad: int, good: int) -> None:
        low, high = auroc_limits(auroc, bad, good)
        assert 0 <= low <= auroc + 1e-8 and auroc - 1e-8 <= high <= 1
        assert auroc_limits(1 - auroc, bad, good) == pytest.approx((1 - high, 1 - low), abs=1e-6)

    def test_auroc_difference_is_paired_seeded_and_about_right(self) -> None:
        bad, better, worse = _drawn(200)
        limits = auroc_difference(bad, worse, better, np.arange(200), 0)
        assert limits == auroc_difference(bad, worse, better, np.arange(200), 0)
        assert limits is not None
        difference = roc_auc_score(bad, better) - roc_auc_score(bad, worse)
        assert 0 < limits[0] < difference < limits[1]
        bad, worse, better = (np.concatenate([each, each]) for each in (bad, worse, better))
        again = auroc_difference(bad, worse, better, np.tile(np.arange(200), 2), 0)
        assert again == pytest.approx(limits, abs=0.01)  # every photo twice tells no more than once

    def test_auroc_difference_of_models_that_tell_all_apart_is_unknown(self) -> None:
        bad = np.arange(10) > 4
        assert auroc_difference(bad, np.where(bad, 1.0, 0.0), np.where(bad, 0.6, 0.0), np.arange(10), 0) is None


def _drawn(count: int) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    lots = np.random.default_rng(3)
    bad = np.arange(count) % 2 == 1
    better = bad * 1.0 + lots.normal(0, 0.6, count)
    return bad, better, better + lots.normal(0, 1.2, count)


@pytest.mark.parametrize(
    ("p", "said"), [(1.0, "p = 1"), (0.999, "p = 1"), (0.0625, "p = 0.062"), (0.0001, "p < 0.001")]
)
def test_a_probability_is_never_none(p: float, said: str) -> None:
    assert probability(p) == said


signs = st.lists(st.tuples(st.sampled_from("x.?"), st.sampled_from("x.?"), st.booleans()), min_size=1, max_size=15)


@settings(max_examples=30, deadline=None)
@given(signs)
def test_turning_the_sides_turns_the_comparison(rows: list[tuple[str, str, bool]]) -> None:
    score = {"x": 0.9, ".": 0.1, "?": 0.4}
    labels = [DEFECTIVE if bad else NON_DEFECTIVE for _, _, bad in rows]
    first = [case(number, labels[number], score[row[0]]) for number, row in enumerate(rows)]
    second = [case(number, labels[number], score[row[1]]) for number, row in enumerate(rows)]
    there = compare(first, second, OK_NOK, REVIEWING, REVIEWING)
    back = compare(second, first, OK_NOK, REVIEWING, REVIEWING)
    for name, test in there.ensemble.tests.items():
        other = back.ensemble.tests[name]
        assert (test.gained, test.lost, test.p) == (other.lost, other.gained, other.p)
    assert len(there.changes) == len(back.changes) == sum(old != new for old, new, _ in rows)
    turned = {"better": "worse", "worse": "better"}
    assert answer(back) == turned.get(answer(there), answer(there))
    same = compare(first, [replace(each) for each in first], OK_NOK, REVIEWING, REVIEWING)
    assert answer(same) == "undecided" and same.changes == ()
