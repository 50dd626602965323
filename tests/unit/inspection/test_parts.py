"""A part of several views gets one verdict, and nothing that is missing or seen twice makes it laxer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.inspection.parts import part_verdict, views_told
from ensemble.store.expected_views import ExpectedViews
from ensemble.values.errors import StoreError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW, Classes

OK, NOK = NON_DEFECTIVE, DEFECTIVE
CASES = {
    "all good": ([("top", OK), ("side", OK)], OK, "2 of 2 views: OK."),
    "in other letters": ([("TOP", OK), ("Side", OK)], OK, "2 of 2 views: OK."),
    "one is bad": ([("top", OK), ("side", NOK)], NOK, "1 of 2 views: NOK."),
    "one is missing": ([("top", OK)], REVIEW, "Missing view: side."),
    "bad and missing": ([("top", NOK)], NOK, "1 of 1 view: NOK. Missing view: side."),
    "left to a person": ([("top", OK), ("side", REVIEW)], REVIEW, "1 of 2 views: REVIEW."),
    "nothing at all": ([], REVIEW, "Missing view: top, side."),
    "twice, the better first": (
        [("top", OK), ("side", NOK), ("side", OK)],
        NOK,
        "1 of 2 views: NOK. Seen more than once, the worst counts: side.",
    ),
    "twice, one left to a person": (
        [("top", OK), ("side", REVIEW), ("side", OK)],
        REVIEW,
        "1 of 2 views: REVIEW. Seen more than once, the worst counts: side.",
    ),
    "a stranger": ([("top", OK), ("side", OK), ("back", NOK)], NOK, "1 of 3 views: NOK. Not an expected view: back."),
}


@pytest.mark.parametrize("case", CASES)
def test_the_worst_view_decides_and_none_may_be_missing(case: str) -> None:
    seen, label, reason = CASES[case]
    found = part_verdict("A-7", seen, ("top", "side"), OK_NOK)
    assert (found.label, found.reason) == (label, reason)
    assert found.as_json()["verdict"] == label and found.as_json()["part"] == "A-7"


def test_where_no_class_is_the_defect_all_views_must_say_the_same() -> None:
    garments = Classes(("shirt", "shoe"))
    assert part_verdict("1", [("top", "shoe"), ("side", "shoe")], ("top", "side"), garments).label == "shoe"
    mixed = part_verdict("1", [("top", "shoe"), ("side", "shirt")], ("top", "side"), garments)
    assert (mixed.label, mixed.reason) == (REVIEW, "The views do not say the same.")


STRICTER = {
    "a photo that could not be read": ({"unread": ("Side",)}, REVIEW, "Not readable: side."),
    "a view that was there, again": ({"repeated": ("side",)}, OK, "2 of 2 views: OK."),
    "another name for the same photo": (
        {"repeated": ("back",)},
        OK,
        "2 of 2 views: OK. The same photo as another one, not counted: back.",
    ),
    "photos of many parts": (
        {"repeated": ("side",) * 99},
        REVIEW,
        "More than 100 photos of one part: check what tells parts apart.",
    ),
}


@pytest.mark.parametrize("case", STRICTER)
def test_what_cannot_be_trusted_is_left_to_a_person(case: str) -> None:
    known, label, reason = STRICTER[case]
    found = part_verdict("A", [("top", OK), ("side", OK)], ("top", "side"), OK_NOK, **known)
    assert (found.label, found.reason) == (label, reason)
    assert part_verdict("A", [("top", NOK)], ("top", "side"), OK_NOK, **known).label == NOK


def test_one_photo_shows_one_view() -> None:
    told = [("top", "a", OK), ("Top", "a", OK), ("side", "a", OK), ("side", "b", NOK)]
    assert views_told(told) == ([("top", OK), ("Top", OK), ("side", NOK)], ["side"])


def test_a_photo_without_a_view_is_said() -> None:
    found = part_verdict("A", [("", OK)], ("top",), OK_NOK)
    assert (found.label, found.reason) == (REVIEW, "Missing view: top. Not an expected view: no view named.")


LABELS = st.sampled_from((OK, NOK, REVIEW))
SEEN = st.lists(st.tuples(st.sampled_from(("top", "side", "back")), LABELS), max_size=6)


@given(SEEN, st.sampled_from(("top", "side")), LABELS)
def test_another_photo_never_turns_a_rejected_part_good(seen: list[tuple[str, str]], view: str, label: str) -> None:
    rank = {OK: 0, REVIEW: 1, NOK: 2}
    before = part_verdict("1", seen, ("top", "side"), OK_NOK)
    after = part_verdict("1", [*seen, (view, label)], ("top", "side"), OK_NOK)
    if view not in before.missing:
        assert rank[after.label] >= rank[before.label]
    if after.label == OK:
        assert {name for name, _ in [*seen, (view, label)]} >= {"top", "side"}
        assert {said for _, said in [*seen, (view, label)]} == {OK}


NAMES = (
    ("{part}_{view}.jpg", "A_7_top.jpg", {"part": "A_7", "view": "top"}),
    ("{part}_{view}", "A_7_top.png", {"part": "A_7", "view": "top"}),
    ("{view}-{part}", "side-A-7.png", {"view": "side", "part": "A-7"}),
    ("{lot}/{part}_{view}", "x/L2_A_top.png", {}),
    ("{lot}_{part}_{view}", "x/L2_A_top.png", {"lot": "L2", "part": "A", "view": "top"}),
    ("{part}_{view}.jpg", "A_7_top.png", {}),
    ("{part}_{view}", "top.png", {}),
    ("", "A_7_top.png", {}),
)


@pytest.mark.parametrize(("pattern", "file", "fields"), NAMES)
def test_a_file_name_tells_part_and_view(pattern: str, file: str, fields: dict[str, str]) -> None:
    assert ExpectedViews(("top", "side"), pattern).named_in(file) == fields


@pytest.mark.parametrize("pattern", ["{view}", "{part}{part}", "{part}_{name}", "{}", "part"])
def test_a_pattern_that_names_no_part_is_refused(pattern: str) -> None:
    with pytest.raises(StoreError, match=r"A pattern over file names has \{part\}"):
        ExpectedViews(("top",), pattern)


def test_two_views_of_one_name_are_refused() -> None:
    with pytest.raises(StoreError, match="Each view needs a name of its own"):
        ExpectedViews(("top", "Top"))
