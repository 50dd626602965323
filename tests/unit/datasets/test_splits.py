"""Splits: shares that hold, parts that never come apart, the same seed the same split."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.datasets.splits import USUAL_SHARES, assign, crossing, group_numbers
from ensemble.values.errors import DataError
from ensemble.values.samples import Sample


def items(count: int, part_of: int = 1, defects: int = 4) -> list[Sample]:
    """Photos of both classes by turns, so many of each part."""
    return [
        Sample(
            Path(f"{number}.png"),
            ("good", "bad")[number // part_of % 2],
            defect=f"d{number // part_of % defects}" if number // part_of % 2 else "",
            part=f"p{number // part_of}" if part_of > 1 else "",
            sha256=f"{number:04d}",
        )
        for number in range(count)
    ]


def test_shares_hold_in_every_class() -> None:
    known = items(200)
    found = assign(known, USUAL_SHARES, seed=0)
    counts = Counter((item.label, found[item.sha256]) for item in known)
    assert counts == {
        (label, split): number
        for label in ("good", "bad")
        for split, number in (("train", 60), ("calibration", 20), ("test", 20))
    }
    by_defect = Counter((item.defect, found[item.sha256]) for item in known if item.defect)
    assert all(4 <= by_defect[defect, "test"] <= 16 for defect in ("d1", "d3"))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(20, 120),
    st.integers(1, 4),
    st.integers(0, 5),
    st.lists(st.lists(st.integers(0, 119), min_size=2, max_size=4), max_size=5),
)
def test_what_belongs_together_stays_together(count: int, part_of: int, seed: int, near: list[list[int]]) -> None:
    known = items(count, part_of)
    together = [[f"{number:04d}" for number in group if number < count] for group in near]
    try:
        found = assign(known, {"train": 60, "test": 40}, seed, together)
    except DataError:  # all in one group, say
        return
    assert set(found) == {item.sha256 for item in known}
    assert crossing(known, found, together) == []
    for group in together:
        assert len({found[digest] for digest in group}) <= 1
    assert found == assign(known, {"train": 60, "test": 40}, seed, together)


def test_captures_of_one_part_are_known_by_their_names() -> None:
    known = [Sample(Path(f"exp{number}_num_{1000 + number}.jpg"), "good", sha256=str(number)) for number in range(1, 4)]
    known.append(Sample(Path("exp1_num_9000.jpg"), "good", sha256="other"))
    groups = group_numbers(known)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert crossing(known, {"1": "train", "2": "test", "3": "train", "other": "test"}) == [["1", "2", "3"]]
    assert crossing(known, {"1": "train", "2": "train", "3": "", "other": "test"}) == []


def test_one_number_in_two_products_is_two_parts() -> None:
    known = [Sample(Path(f"{name}.png"), "good", category=name, part="7", sha256=name) for name in ("disc", "ring")]
    assert len(set(group_numbers(known))) == 2


@pytest.mark.parametrize(
    ("shares", "count", "says"),
    [
        ({"train": 61, "test": 39}, 40, "steps of 5"),
        ({"train": 60, "test": 30}, 40, "make 100"),
        ({"train": 120, "test": -20}, 40, "steps of 5"),
        (USUAL_SHARES, 2, "cannot be split"),
        ({"train": 95, "test": 5}, 19, "too few for these shares"),
    ],
)
def test_what_cannot_be_split_is_said(shares: dict[str, int], count: int, says: str) -> None:
    with pytest.raises(DataError, match=says):
        assign(items(count), shares, seed=0)


def test_too_few_parts_are_said_too() -> None:
    with pytest.raises(DataError, match="12 photos of 3 parts are too few"):
        assign(items(12, part_of=4), USUAL_SHARES, seed=0)
