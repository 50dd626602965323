"""Another policy is called cheaper only where the same photos show it beyond chance."""

import pytest

from ensemble.evaluation.performance import clear_saving
from ensemble.metrics.costs import Line, Prices
from ensemble.policies.cases import Case
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, REVIEW
from tests.support.drawn_cases import case


def known(good: int, bad: int, name: str = "part_{}.png") -> tuple[Case, ...]:
    labels = [NON_DEFECTIVE] * good + [DEFECTIVE] * bad
    return tuple(case(name.format(place), label, {"m": (0.5, 0.5)}) for place, label in enumerate(labels))


def verdicts(cases: tuple[Case, ...], escapes: int = 0, overkills: int = 0, reviews: int = 0) -> list[str]:
    """Right, but for so many escapes, overkills and reviews of good parts."""
    found = [each.label for each in cases]
    found[:overkills] = [DEFECTIVE] * overkills
    found[overkills : overkills + reviews] = [REVIEW] * reviews
    return found[: len(found) - escapes] + [NON_DEFECTIVE] * escapes


@pytest.mark.parametrize(
    ("active", "other", "shown"),
    [
        ({"escapes": 9}, {}, (0.0, 900.0)),  # nine of nine in one direction
        ({"escapes": 4}, {}, None),  # 1 in 16 by chance
        ({"overkills": 20}, {"escapes": 2}, None),  # as dear
        ({"overkills": 30}, {"reviews": 30}, (150.0, 300.0)),
        ({"escapes": 9}, {"escapes": 9, "overkills": 1}, None),  # dearer
    ],
)
def test_a_saving_is_clear_where_chance_would_hardly_give_it(
    active: dict[str, int], other: dict[str, int], shown: tuple[float, float] | None
) -> None:
    cases = known(50, 50)
    said = {"ACTIVE": verdicts(cases, **active), "OTHER": verdicts(cases, **other)}
    found = clear_saving("ACTIVE", said, cases, OK_NOK, Line())
    if shown is None:
        assert found is None
    else:
        assert found is not None and found.policy == "OTHER" and found.p < 0.05
        assert (found.money, found.active) == pytest.approx(shown)


def test_the_more_are_tried_the_surer_it_must_be_and_the_cheapest_is_named() -> None:
    cases = known(50, 50)
    said = {"ACTIVE": verdicts(cases, escapes=6), "BEST": verdicts(cases)}
    found = clear_saving("ACTIVE", said, cases, OK_NOK, Line())
    assert found is not None and found.p == pytest.approx(2**-6, abs=0.005)
    many = said | {f"P{number}": verdicts(cases, escapes=6) for number in range(5)}
    assert clear_saving("ACTIVE", many, cases, OK_NOK, Line()) is None
    two = said | {"GOOD": verdicts(cases, overkills=1)}
    assert (clear_saving("ACTIVE", two, cases, OK_NOK, Line()) or found).policy == "BEST"


def test_the_lines_own_share_of_defects_and_prices_count() -> None:
    cases = known(50, 50)
    said = {"ACTIVE": verdicts(cases, overkills=10), "OTHER": verdicts(cases, escapes=3)}
    assert clear_saving("ACTIVE", said, cases, OK_NOK, Line()) is None  # 300 against 100
    rare = clear_saving("ACTIVE", said, cases, OK_NOK, Line(share=0.001))
    assert rare is not None and rare.money == pytest.approx(0.6) and rare.active == pytest.approx(199.8)
    assert clear_saving("ACTIVE", said, cases, OK_NOK, Line(Prices(10, 0, 0), 0.001)) is None


def test_captures_of_one_part_are_one() -> None:
    cases = known(50, 50, "exp1_num_{}.jpg")  # frames that follow each other
    said = {"ACTIVE": verdicts(cases, escapes=9), "OTHER": verdicts(cases)}
    assert clear_saving("ACTIVE", said, cases, OK_NOK, Line()) is None


def test_photos_that_do_not_tell_say_nothing() -> None:
    cases = known(10, 0)
    said = {"ACTIVE": verdicts(cases, overkills=9), "OTHER": verdicts(cases)}
    assert clear_saving("ACTIVE", said, cases, OK_NOK, Line(share=0.1)) is None
