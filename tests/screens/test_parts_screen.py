"""Parts of several views on screen: in a batch, in the history, while photos wait, and where views are named."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.store.expected_views import ExpectedViews, expected_views, write_expected_views
from tests.screens.test_screens import BATCH, MOSTLY_BAD, batch_of
from tests.support.app_tests import click, healthy, opened, texts
from tests.support.bad_photos import encoded, quarters
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
