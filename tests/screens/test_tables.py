"""What lies before a visitor stays there: another screen, a reload; within bounds, and nobody else's."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.session import tables
from pages.session.tables import MINUTES_KEPT, MOST, MOST_BYTES, Table, Tables
from tests.screens.test_screens import (
    HELP,
    MEMBERS,
    MOSTLY_BAD,
    OTHER,
    PHOTO,
    Downloads,
    analyzed,
    card,
    opened,
    texts,
    upload,
)
from tests.support.stub_product import load_as, write_product

INSPECT = "pages/screens/inspect_photo.py"


@dataclass
class Thing:
    """Something of a known weight."""

    nbytes: int = 0


class House:
    """Tables with a clock and with pages that a test opens and closes."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.minutes = 0.0
        self.tables = Tables(self.open.__contains__, lambda: self.minutes * 60)

    def lay(self, session: str, nbytes: int = 0) -> Table:
        self.open.add(session)
        table = self.tables.take("", session)
        table.things["photo"] = Thing(nbytes)
        self.tables.keep(table)
        return table


class TestTables:
    def test_a_reload_finds_the_very_table_and_a_second_page_gets_its_own(self) -> None:
        house = House()
        table = house.lay("a")
        copy = house.tables.take(table.key, "b")
        assert copy is not table and copy.key != table.key and copy.things == table.things
        copy.things.clear()
        assert table.things
        house.open.clear()
        assert house.tables.take(table.key, "c") is table and table.session == "c"

    @pytest.mark.parametrize("key", ["", "a", "../a", "0" * 64])
    def test_a_key_that_nobody_has_opens_nothing(self, key: str) -> None:
        house = House()
        house.lay("a")
        assert not house.tables.take(key, "b").things

    def test_keys_cannot_be_guessed(self) -> None:
        house = House()
        keys = {house.lay(str(number)).key for number in range(20)}
        assert len(keys) == 20 and all(len(key) >= 22 for key in keys)

    def test_an_open_page_keeps_its_table_and_a_closed_one_for_an_hour(self) -> None:
        house = House()
        table = house.lay("a")
        house.minutes = 10 * MINUTES_KEPT
        house.tables.tidy()
        assert len(house.tables) == 1
        house.open.clear()
        for minutes, left in ((MINUTES_KEPT - 1, 1), (2, 0)):
            house.minutes += minutes
            house.tables.tidy()
            assert len(house.tables) == left
        assert not house.tables.take(table.key, "b").things

    def test_they_are_few(self) -> None:
        house = House()
        kept = [house.lay(str(number)) for number in range(MOST + 3)]
        assert len(house.tables) == MOST
        assert kept[-1].things and house.tables.take(kept[-1].key, "z").things

    def test_they_are_small(self) -> None:
        house = House()
        house.lay("old", MOST_BYTES // 2)
        house.minutes = 1
        house.open.clear()
        new = house.lay("new", MOST_BYTES // 2 + 1)
        assert len(house.tables) == 1 and house.tables.take(new.key, "new") is new

    def test_one_that_is_too_large_costs_no_other(self) -> None:
        house = House()
        small = house.lay("small", 10)
        house.minutes = 1
        house.lay("huge", MOST_BYTES + 1)
        house.open.clear()
        assert len(house.tables) == 1 and house.tables.take(small.key, "small") is small


def test_a_look_at_the_tables_that_fails_is_not_the_last(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = itertools.count()

    def fail() -> None:
        if next(looks) == 2:
            raise SystemExit
        raise OSError("no page can be asked")

    monkeypatch.setattr(tables, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(tables, "_all_tables", SimpleNamespace(tidy=fail))
    with pytest.raises(SystemExit):
        tables._sweep()
    assert [each.getMessage() for each in caplog.records] == ["The tables could not be tidied"] * 2


@pytest.fixture(autouse=True)
def _product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    st.cache_resource.clear()
    monkeypatch.setattr(tables, "_all_tables", Tables())
    monkeypatch.setenv("QUORUM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("QUORUM_DATA", str(tmp_path / "data"))
    load_as(monkeypatch, MOSTLY_BAD)
    write_product(tmp_path / "models", tuple(MOSTLY_BAD))
    yield
    st.cache_resource.clear()


def key_of(app: AppTest) -> str:
    found = app.query_params["table"]
    return found[0] if isinstance(found, list) else found


def test_another_screen_leaves_photo_and_verdict(offered: Downloads) -> None:
    app = analyzed(opened(), PHOTO, "part 7.jpg")
    for screen in (MEMBERS, HELP):
        app.switch_page(screen).run()
        app.selectbox(key="policy").select("ALL").run()
        app.switch_page(INSPECT).run()
        assert 'class="verdict ok"' in card(app) and "part 7.jpg" in texts(app)
        assert json.loads(offered["verdict"][1])["photo"] == "part 7.jpg"
    upload(app, OTHER, "other.jpg")
    assert not card(app) and "part 7.jpg" not in texts(app)


def test_a_reload_leaves_photo_and_verdict() -> None:
    app = analyzed(opened(), PHOTO)
    again = opened(table=key_of(app))
    assert 'class="verdict nok"' in card(again) and "part.jpg" in texts(again)
    assert not again.button(key="analyze").disabled
    again.button(key="remove_photo").click().run()
    assert not card(again) and "part.jpg" not in texts(again) and again.button(key="analyze").disabled


def test_nobody_else_sees_them() -> None:
    analyzed(opened(), PHOTO)
    other = opened()
    assert not card(other) and "part.jpg" not in texts(other) and "table" not in other.query_params


def test_an_upload_that_is_taken_back_leaves_nothing() -> None:
    app = analyzed(opened(), PHOTO)
    app.button(key="remove_photo").click().run()
    assert not card(app) and "part.jpg" not in texts(app)


def queued(app: AppTest, *photos: tuple[str, bytes]) -> AppTest:
    """The screen once these photos came in together, each analyzed as soon as it has its turn."""
    app.toggle(key="at_once").set_value(True).run()
    app.file_uploader[0].set_value([(name, data, "image/jpeg") for name, data in photos])
    return app.run()


def test_photos_have_their_turn_one_after_the_other_and_a_broken_one_stops_nobody() -> None:
    app = queued(opened(), ("a.jpg", PHOTO), ("b.jpg", b"no photo"), ("c.jpg", OTHER))
    assert "1 of 3" in texts(app) and "a.jpg" in texts(app) and card(app)
    assert app.button(key="photo_previous").disabled and app.button(key="remove_photo").label == "Remove all"
    app.button(key="photo_next").click().run()
    assert "2 of 3" in texts(app) and "b.jpg is " in app.error[0].value.replace("\\", "") and not card(app)
    app.button(key="photo_next").click().run()
    assert "3 of 3" in texts(app) and "c.jpg" in texts(app) and card(app) and not app.error
    assert app.button(key="photo_next").disabled


def test_a_photo_that_had_its_turn_keeps_its_verdict_until_others_come() -> None:
    app = queued(opened(), ("a.jpg", PHOTO), ("c.jpg", OTHER))
    app.button(key="photo_next").click().run()
    app.toggle(key="at_once").set_value(False).run()
    app.button(key="photo_previous").click().run()
    assert "a.jpg" in texts(app) and card(app)
    again = opened(table=key_of(app))
    assert "1 of 2" in texts(again) and card(again)
    upload(app, OTHER)
    assert not card(app) and "1 of 2" not in texts(app)


def test_samples_have_their_turn_too_and_one_that_is_pressed_costs_no_verdict(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "test" / "defective"
    folder.mkdir(parents=True)
    for name, data in (("scratch_1", PHOTO), ("scratch_2", OTHER)):
        (folder / f"{name}.jpg").write_bytes(data)
    app = opened()
    app.toggle(key="at_once").set_value(True).run()
    app.segmented_control(key="source").set_value("Sample").run()
    next(button for button in app.button if button.label == "scratch 2").click().run()
    assert "2 of 2" in texts(app) and "scratch_2.jpg" in texts(app) and card(app)
    app.toggle(key="at_once").set_value(False).run()
    next(button for button in app.button if button.label == "scratch 1").click().run()
    assert "1 of 2" in texts(app) and "scratch_1.jpg" in texts(app) and not card(app)
    app.button(key="photo_next").click().run()
    assert "scratch_2.jpg" in texts(app) and card(app)


def test_only_the_photo_in_turn_is_open_and_the_server_keeps_no_upload_twice() -> None:
    app = queued(opened(), ("a.jpg", PHOTO), ("c.jpg", OTHER))
    things = app.session_state["_table"].things
    assert things["_queue"].nbytes == len(PHOTO) + len(OTHER) and things["_chosen"].photo.name == "a.jpg"
    assert app.file_uploader[0].value == []


def test_another_product_has_given_no_verdict(tmp_path: Path) -> None:
    write_product(tmp_path / "models" / "other", tuple(MOSTLY_BAD), product="other")
    app = analyzed(opened(product="disc"), PHOTO)
    app.selectbox(key="product").select("other").run()
    assert not card(app) and "part.jpg" in texts(app)
    assert not card(opened(table=key_of(app), product="other"))


def test_a_sample_takes_the_place_of_an_upload_and_the_other_way_round(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "test" / "defective"
    folder.mkdir(parents=True)
    (folder / "scratch_1.jpg").write_bytes(OTHER)
    app = upload(opened(), PHOTO)
    app.segmented_control(key="source").set_value("Sample").run()
    assert "part.jpg" in texts(app)
    next(button for button in app.button if button.label == "scratch 1").click().run()
    assert "scratch_1.jpg" in texts(app) and "part.jpg" not in texts(app)
    app.switch_page(MEMBERS).run()
    app.switch_page(INSPECT).run()
    assert "scratch_1.jpg" in texts(app)
    app.segmented_control(key="source").set_value("File").run()
    upload(app, PHOTO)
    app.segmented_control(key="source").set_value("Sample").run()
    assert "part.jpg" in texts(app) and "scratch_1.jpg" not in texts(app)
