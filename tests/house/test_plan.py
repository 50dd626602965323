"""CONTRIBUTING shows the house as it is."""

from tests.house.test_architecture import MOST_FLOORS, ORDER
from tests.support.plan import BEGIN, END, PAGE, arrows, drawn, floors, steps


def test_the_picture_is_drawn_from_the_imports() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert drawn() in page, "The imports have changed: `make plan` draws the picture anew."


def test_the_picture_has_every_room_on_its_floor() -> None:
    below = arrows()
    high = floors(below)
    assert set(ORDER) <= set(high) and max(high.values()) <= MOST_FLOORS
    assert all(high[room] > high[other] for room in below for other in below[room])


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    assert steps({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
