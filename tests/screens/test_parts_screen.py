"""Parts of several views on screen: in a batch, in the history, while photos wait, and where views are named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.inspection import kept_parts
from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.history import record_review
from ensemble.records.recording import recorder
from ensemble.records.values import Occasion
from ensemble.store.expected_views import ExpectedViews, expected_views, write_expected_views
from ensemble.values.language import PSEUDO
from ensemble.values.results import NON_DEFECTIVE
from ensemble.values.trace import Trace
from tests.screens.test_screens import BATCH, MOSTLY_BAD, batch_of
from tests.screens.test_worded import leaks
from tests.support.app_tests import APP, click, healthy, opened, texts
from tests.support.bad_photos import encoded, quarters
from tests.support.kept import inspected
from tests.support.stub_product import load_as, write_product

pytestmark = pytest.mark.slow(20)

HISTORY = "pages/screens/history.py"
GOOD = dict.fromkeys(MOSTLY_BAD, (0.9, 0.1))
Downloads = dict[str, tuple[str, bytes]]


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product that expects front and back of each part, and finds all photos good."""
    load_as(monkeypatch, GOOD)
    folder = write_product(tmp_path / "models", tuple(GOOD))
    write_expected_views(folder, ExpectedViews(("front", "back"), "{part}_{view}"))
    return folder


def shots(*names: str) -> list[tuple[str, bytes]]:
    """Photos under these names, no two the same."""
    return [(f"{name}.png", encoded(quarters((40 + number, 40)), "PNG")) for number, name in enumerate(names)]


def words(app: AppTest) -> list[str]:
    """What stands on the tiles: the count and the word of each."""
    tiles = [str(each.proto.body) for each in app.get("html") if 'class="tile' in each.proto.body]
    return [
        f"{tile.split('<b>')[1].split('<')[0]} {tile.split('</i>')[-1].split('<span>')[-1].split('<')[0]}"
        for tile in tiles
    ]


def test_a_batch_is_grouped_by_part_with_what_is_missing(product: Path, offered: Downloads) -> None:
    app = healthy(batch_of(opened(BATCH), shots("A_front", "A_back", "B_front", "C_front", "C_back", "C_back2", "x")))
    assert words(app) == ["3 All", "0 NOK", "1 REVIEW", "2 OK"]
    said = texts(app)
    assert "7 photos: 7 OK." in said and "1 file name tells no part" in said
    assert "2 of 2 views: OK." in said and "Missing view: back." in said
    assert "Not an expected view: back2." in said and '<div class="gone">missing</div><small>back</small>' in said
    app = click(app, "batch_show_2")
    assert [each.label for each in app.button if str(each.key).startswith("batch_part_pick")] == ["Part B"]
    app = click(app, "batch_part_pick")
    assert "No photo of this view came." in texts(app) and 'class="verdict review"' in texts(app)
    app = click(app, "part_photo_")
    assert "All photos" in [each.label for each in app.button] and words(app)[0] == "7 All"
    rows = offered["batch"][1].decode("utf-8-sig").splitlines()
    assert rows[0].startswith('"photo","sha256","verdict","part","view","part_verdict","part_reason"')
    assert '"B","front","review","Missing view: back."' in rows[3]


def test_a_view_that_came_twice_is_told_and_arrows_lead_on(product: Path) -> None:
    app = batch_of(opened(BATCH), shots("A_front", "A_FRONT", "A_back", "B_front", "B_back"))
    assert "Seen more than once, the worst counts: front." in texts(app)
    app = click(click(app, "batch_part_pick_0"), "part_next")
    assert "Part B" in texts(app) and "2 of 2" in texts(app)
    assert words(click(app, "part_all"))[0] == "2 All"


def test_a_product_without_views_looks_as_before(product: Path, offered: Downloads) -> None:
    write_expected_views(product, ExpectedViews())
    app = batch_of(opened(BATCH), shots("A_front", "A_back"))
    assert words(app) == ["2 All", "0 NOK", "0 REVIEW", "0 not readable", "2 OK"]
    assert "Part" not in texts(app) and b"part_verdict" not in offered["batch"][1]


def test_names_that_tell_no_part_are_said(product: Path) -> None:
    app = batch_of(opened(BATCH), shots("one", "two"))
    assert "No file name tells its part: each photo has a verdict of its own." in texts(app)
    (product / "views.json").write_text("{")
    assert "views.json cannot be read" in texts(app.run())


def test_views_are_named_on_a_screen_with_an_example(product: Path) -> None:
    app = opened(HISTORY)
    app.text_input("views_names").set_value("top, side ").run()
    app.text_input("views_pattern").set_value("{lot}-{part}_{view}").run()
    app.text_input("views_example").set_value("L7-A_top.jpg").run()
    assert "Lot: L7 · Part: A · View: top" in texts(app)
    app.text_input("views_example").set_value("A.jpg").run()
    assert "This name does not follow the pattern: it tells no part." in texts(app)
    app = click(app, "views_save")
    assert "Changed: parts are judged by these views from now on." in texts(app)
    assert expected_views(product) == ExpectedViews(("top", "side"), "{lot}-{part}_{view}")
    app.text_input("views_pattern").set_value("{view}").run()
    assert "A pattern over file names has {part}" in texts(app)
    assert expected_views(product).pattern == "{lot}-{part}_{view}"


def kept_view(number: int, part: str, view: str, lot: str = "", product: str = "disc") -> str:
    """An inspection of the history with what a person says of it: the photo is good."""
    policy = SHIPPED_POLICIES[0]
    made = inspected(number, policy, product=product, trace=Trace(part=part, view=view, lot=lot))
    (verdict,) = recorder().keep([made], policy, Occasion("API", who="Ann"))
    record_review(recorder().database, verdict.id, NON_DEFECTIVE, "Bob")
    return verdict.id


@pytest.fixture
def history(product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The History screen, with what its address says, on a history of this test."""
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))

    def shown(**address: str) -> AppTest:
        app = AppTest.from_file(APP, default_timeout=180)
        app.run()
        app.switch_page(HISTORY)
        for name, value in address.items():
            app.query_params[name] = value
        return healthy(app.run())

    return shown


def test_a_part_of_the_history_has_its_verdict_and_names_what_is_missing(history: Callable[..., AppTest]) -> None:
    kept_view(1, "A", "front")
    assert "Missing view: back." in texts(app := history(part="A"))
    assert 'class="verdict review"' in texts(app) and "Part A of disc" in texts(app)
    kept_view(2, "A", "back")
    app = history(part="A", view="front")
    assert "2 of 2 views: OK." in texts(app) and 'class="verdict ok"' in texts(app) and "1 inspection" in texts(app)
    assert "file part_evidence.pdf" in [each.proto.id.split("-", 2)[-1] for each in app.get("download_button")]


def test_an_inspection_leads_to_all_photos_of_its_part(history: Callable[..., AppTest]) -> None:
    called = kept_view(1, "A", "front", lot="L1")
    kept_view(2, "A", "back", lot="L1")
    kept_view(3, "A", "back", lot="L2")
    app = history(inspection=called)
    assert 'class="part-line"><b>Part A</b>' in texts(app) and "2 of 2 views: OK." in texts(app)
    app = click(app, "history_part_all")
    assert (app.query_params["part"], app.query_params["lot"], app.query_params["of"]) == ("A", "L1", "disc")
    assert "2 inspections" in texts(app) and "2 of 2 views: OK." in texts(app)
    assert "Part A is in several lots: L1, L2. Name its lot." in texts(history(part="A"))
    labels = [each.label for each in history().button if str(each.key).startswith("history_part_")]
    assert labels == ["Part A, back", "Part A, back", "Part A, front"]


def test_a_part_of_a_product_without_views_is_only_listed(
    history: Callable[..., AppTest], product: Path, tmp_path: Path
) -> None:
    kept_view(1, "A", "front")
    kept_view(2, "A", "front", product="plate")
    assert "Part A of disc" in texts(history(part="A", verdict="review"))
    assert 'class="verdict' not in texts(history(part="A", of="plate"))
    other = write_product(tmp_path / "models" / "plate", tuple(GOOD), product="plate")
    write_expected_views(other, ExpectedViews(("front",), ""))
    assert "Several products have a part A: choose one." in texts(history(part="A"))
    write_expected_views(product, ExpectedViews())
    assert "Part A of plate" in texts(history(part="A")) and 'class="verdict ok"' in texts(history(part="A"))


def test_a_part_of_more_than_a_hundred_photos_is_one_sentence(
    history: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_parts, "MOST_VIEWS", 2)
    for number in range(3):
        kept_view(number, "A", "front")
    said = texts(history(part="A"))
    assert "Part A has more than 2 photos. Name its lot, or give each part an id of its own." in said
    assert "3 inspections" in said and 'class="verdict' not in said


def so_far(app: AppTest) -> str:
    """What is said of the part, as plain text."""
    found = [str(each.proto.body) for each in app.get("html") if 'class="part-so-far"' in each.proto.body]
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split()) if found else ""


def test_photos_that_wait_tell_how_far_their_part_is(product: Path) -> None:
    app = opened()
    for name, data in shots("A-7_front", "A-7_back", "B_front"):
        app.file_uploader(key="upload 0").upload(name, data, "image/png")
    app.run()
    assert so_far(app) == ""
    app = click(app, "analyze")
    assert so_far(app) == "Part A-7 REVIEW 1 of 2 views front OK back not analyzed yet Missing view: back."
    app = click(click(app, "photo_next"), "analyze")
    assert so_far(app) == "Part A-7 OK 2 of 2 views front OK back OK 2 of 2 views: OK."
    app = click(click(app, "photo_next"), "analyze")
    assert so_far(app) == "Part B REVIEW 1 of 2 views front OK back missing Missing view: back."
    assert "All photos of this part" in [each.proto.label for each in app.get("page_link")]
    write_expected_views(product, ExpectedViews())
    assert so_far(app.run()) == "" and 'class="verdict ok"' in texts(app)


def test_one_photo_under_two_names_is_one_view(product: Path) -> None:
    app = opened()
    (_name, data), *_rest = shots("A")
    for name in ("A_front.png", "A_back.png"):
        app.file_uploader(key="upload 0").upload(name, data, "image/png")
    app = click(app.run(), "analyze")
    app = click(app, "photo_next")
    assert so_far(app).startswith("Part A REVIEW 1 of 2 views front OK back missing")
    assert "The same photo as another one, not counted: back." in so_far(app)


@pytest.mark.usefixtures("history")
def test_nothing_of_parts_is_left_unworded(product: Path) -> None:
    write_expected_views(product, ExpectedViews(("f_1", "b_1"), "{part}_{view}"))
    app = batch_of(opened(BATCH, lang=PSEUDO), shots("A_f_1", "A_b_1", "B_f_1", "x"))
    said = [*leaks(app), *leaks(click(app, "batch_part_pick_2"))]
    kept_view(50, "A", "f_1")
    app = opened(lang=PSEUDO).switch_page(HISTORY)
    app.query_params["part"] = "A"
    said += leaks(healthy(app.run()))
    app = opened(lang=PSEUDO)
    for name, data in shots("A_f_1", "A_b_1"):
        app.file_uploader(key="upload 0").upload(name, data, "image/png")
    said += leaks(click(app.run(), "analyze"))
    assert not [line for line in said if line != "disc"], said
