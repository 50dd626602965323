"""The station beside a line, without a browser: what it judges, counts and keeps."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ensemble.values.language import PSEUDO
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW
from pages.session import station
from pages.session.station import Tally
from tests.screens.test_worded import leaks
from tests.support.app_tests import click, healthy, opened, texts
from tests.support.bad_photos import jpeg, quarters
from tests.support.stub_product import GARMENTS, load_as, write_product

BAD = {"svm_a": (0.1, 0.9), "rf_a": (0.2, 0.8), "xgb_a": (0.1, 0.9)}
GOOD = dict.fromkeys(BAD, (0.9, 0.1))
SPLIT = {"svm_a": (0.1, 0.9), "rf_a": (0.9, 0.1), "xgb_a": (0.45, 0.55)}


def upload(app: AppTest, name: str) -> AppTest:
    app.file_uploader[0].upload(name, jpeg(quarters((200 + sum(map(ord, name)) % 50, 200))), "image/jpeg")
    return healthy(app.run())


def tiles(app: AppTest) -> str:
    return next(html.proto.body for html in app.get("html") if 'class="tiles"' in html.proto.body)


def kept(app: AppTest) -> dict[str, Any]:
    """What the browser is told to keep."""
    cookie = json.loads(tiles(app).partition("document.cookie = ")[2].removesuffix("</script>"))
    assert cookie.endswith("; max-age=57600; path=/; SameSite=Strict")
    found: dict[str, Any] = json.loads(unquote(cookie.partition("=")[2].partition(";")[0]))
    return found


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    load_as(monkeypatch, BAD)
    return write_product(tmp_path / "models", tuple(BAD))


def test_the_link_makes_a_station_and_the_way_out_ends_it(product: Path) -> None:
    app = click(opened(), "station_on")
    assert app.query_params["station"] == "1" and "Ready for the next photo." in texts(app)
    assert not [button for button in app.button if button.key == "analyze"]
    app = click(app, "station_off")
    assert "station" not in app.query_params and [button for button in app.button if button.key == "analyze"]


def test_every_photo_is_judged_at_once_counted_once_and_told(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(opened(station="1"), "burr_1.jpg")
    assert '<div class="word">NOK</div>' in texts(app) and 'data-tone="nok"' in texts(app)
    mark = station_mark(app)
    assert kept(app)["counts"] == {DEFECTIVE: 1} and kept(app)["photo"] == "burr_1.jpg"
    app = healthy(app.run())
    assert kept(app)["counts"] == {DEFECTIVE: 1} and station_mark(app) == mark


def station_mark(app: AppTest) -> str:
    return texts(app).partition('data-mark="')[2].partition('"')[0]


def test_counters_begin_anew_and_that_is_undone(product: Path) -> None:
    app = upload(opened(station="1"), "burr_1.jpg")
    assert ">1</b>" in tiles(app)
    app = click(app, "station_reset")
    assert ">1</b>" not in tiles(app) and kept(app)["label"] == DEFECTIVE
    app = click(app, "station_reset_undo")
    assert ">1</b>" in tiles(app)
    app = upload(click(app, "station_reset"), "burr_2.jpg")
    assert kept(app)["counts"] == {DEFECTIVE: 1}
    assert not [button for button in app.button if button.key == "station_reset_undo"]


def test_a_demo_and_a_trial_count_for_themselves_and_carry_their_bands(product: Path) -> None:
    app = upload(opened(station="1"), "burr_1.jpg")
    app = upload(app, "burr_2.jpg")
    app.sidebar.selectbox(key="policy").set_value("ANY")
    app = healthy(app.run())
    assert 'class="trial-band"' in texts(app) and kept(app)["counts"] == {}
    app.sidebar.toggle(key="demo").set_value(True)
    app = healthy(app.run())
    assert 'class="demo-band"' in texts(app) and list(kept(app)["counts"].values()) == [1]
    app.sidebar.toggle(key="demo").set_value(False)
    app.sidebar.selectbox(key="policy").set_value("MAJORITY")
    assert kept(healthy(app.run()))["counts"] == {DEFECTIVE: 3}  # the photo has lost its verdict to the demo


def test_what_the_browser_has_kept_is_back_in_a_new_session(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Tally("2026-11-29T04:00:00+00:00", {NON_DEFECTIVE: 12, REVIEW: 3}, REVIEW, "<b>_7.jpg", "2026-11-29T05:00")
    monkeypatch.setattr(station, "_kept", lambda _key: before)
    app = opened(station="1")
    assert ">12</b>" in tiles(app) and ">3</b>" in tiles(app)
    assert "Verdicts since 2026-11-29 04:00" in texts(app)
    assert "Last verdict, 2026-11-29 05:00, &lt;b&gt;_7.jpg:" in texts(app) and "REVIEW</span>" in texts(app)
    assert "data-mark" not in texts(app)  # nothing is heard twice


@pytest.mark.parametrize("kept", ["", "%7B", "[1]", '{"counts": 7}', '{"counts": {"defective": "many"}}', None])
def test_what_is_no_tally_counts_nothing(kept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "cookies", {} if kept is None else {"key": kept})
    assert station._kept("key").counts == {}


def test_a_part_that_is_left_to_a_person_is_decided_and_undone_by_one_key_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_as(monkeypatch, SPLIT)
    write_product(tmp_path / "models", tuple(SPLIT))
    app = upload(opened(station="1", policy="INDUSTRIAL_BALANCED"), "burr_1.jpg")
    assert '<div class="word">REVIEW</div>' in texts(app) and 'data-tone="review"' in texts(app)
    keys = {button.key: button.proto.shortcut for button in app.button if button.proto.shortcut}
    assert keys["confirm non_defective"] == "o" and keys["confirm defective"] == "n"
    app = click(app, "confirm defective")
    assert next(button.proto.shortcut for button in app.button if str(button.key).startswith("undo")) == "u"
    app = click(app, "undo_confirmed")
    assert "Undone: the photo is not saved." in texts(app)


def test_other_classes_are_counted_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"svm_a": (0.1, 0.8, 0.1), "rf_a": (0.2, 0.7, 0.1), "xgb_a": (0.2, 0.6, 0.2)}
    load_as(
        monkeypatch,
        said,
    )
    write_product(tmp_path / "models", tuple(said), GARMENTS)
    app = upload(opened(station="1"), "shoe_1.jpg")
    assert kept(app)["counts"] == {"shoes": 1} and "topwear" in tiles(app)


def test_where_photos_come_from_stands_in_the_address(product: Path) -> None:
    app = opened(station="1", source="Sample")
    assert "No sample photos for this product" in texts(app)
    app.segmented_control(key="source").set_value("File")
    assert "source" not in healthy(app.run()).query_params


def test_a_station_says_nothing_that_is_not_worded(product: Path) -> None:
    app = upload(opened(station="1", lang=PSEUDO), "burr_1.jpg")
    assert not [line for line in leaks(app) if line not in {"burr_1.jpg"}]
