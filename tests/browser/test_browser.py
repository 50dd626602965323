"""The dashboard as a person uses it: a server that was really started, and a real Chromium."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ensemble.imaging.overlays import VERMILION
from ensemble.store import ModelStore
from ensemble.store.trust import trust_members
from tests.support.bad_photos import BAD
from tests.support.dashboard import ROOT, served, served_alone
from tests.support.drawn_detector import MARKS, drawn_photo, write_drawn_detector

pytestmark = [pytest.mark.slow(120), pytest.mark.browser]

SCREENS = {
    "": "Inspect a photo",
    "batch": "Inspect a batch",
    "policies": "Policies",
    "replay": "Replay",
    "members": "Models",
    "help": "Help",
}
MORE_SCREENS = {
    "history": "History",
    "review": "Review",
    "performance": "Performance",
    "card": "Model card",
    "data": "Data",
    "training": "Training",
}
WIDTHS = (1440, 1024, 768, 390)
ANSWER = re.compile("^(OK|NOK|REVIEW)$")


def photos() -> list[Path]:
    return [sorted((ROOT / "data" / "test" / name).glob("*.jpg"))[0] for name in ("defective", "non_defective")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_alone() as found:
        yield found


def analyze(page: Page, *paths: Path) -> str:
    """Upload photos, press the button, and read the verdict on the first."""
    page.locator("input[type=file]").set_input_files(paths)
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_be_visible()
    page.get_by_role("button", name="Analyze").click()
    return read_verdict(page)


def read_verdict(page: Page) -> str:
    word = page.locator(".verdict .word")
    expect(word).to_have_text(ANSWER)
    return word.inner_text()


def switch_demo(page: Page) -> None:
    page.locator("[data-testid=stSidebar] label", has_text="Demo mode").click()


def test_a_deep_link_opens_each_screen_even_in_a_fresh_process(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    for path in ("members", "batch", "help"):  # this test comes first, and the server is new
        page.goto(f"{address}/{path}?policy=ANY")
        expect(page.get_by_role("heading", name=SCREENS[path], level=1)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("[data-testid=stSidebar]")).to_contain_text("NOK if any model votes NOK")


def test_a_photo_gets_a_verdict_and_demo_mode_comes_and_goes(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(address)
    defective, good = photos()
    word = analyze(page, defective)
    expect(page).to_have_title(f"{word} · Inspect a photo")
    assert page.locator(".demo-band").count() == 0
    page.get_by_text("Why?").click()
    expect(page.locator(".sheet tbody tr").nth(1)).to_be_visible()  # votes of trained members
    expect(page.locator(".stPlotlyChart").nth(1)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    result = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert result["demo"] is False and result["photo"] == defective.name
    assert re.fullmatch(rf"{defective.stem}_NOK_\d{{4}}-\d\d-\d\dT\d{{4}}\.json", download.value.suggested_filename)

    page.locator("input[type=file]").set_input_files(good)
    expect(page.locator(".waiting")).to_be_visible()  # the verdict before is not that of this photo
    expect(page.locator(".verdict")).to_have_count(0)
    expect(page).to_have_title("Inspect a photo")

    switch_demo(page)
    expect(page.locator(".demo-band")).to_be_visible()
    page.get_by_role("button", name="Analyze").click()
    read_verdict(page)
    expect(page.locator(".verdict .demo")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    assert download.value.suggested_filename.startswith(f"DEMO_{good.stem}_")
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["demo"] is True

    switch_demo(page)
    expect(page.locator(".demo-band")).to_have_count(0)
    expect(page.locator(".verdict")).to_have_count(0)


def test_a_batch_with_a_broken_file_gives_a_whole_csv(
    address: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    broken = tmp_path / "=broken.jpg"
    broken.write_bytes(BAD["cut_jpeg"]().data)
    page = open_page()
    page.goto(f"{address}/batch")
    page.locator("input[type=file]").set_input_files([*photos(), broken])
    page.get_by_role("button", name="Analyze 3 files").click()
    expect(page.locator(".tile", has_text="not readable").locator("b")).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download results").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["photo"] for row in rows] == [*(path.name for path in photos()), "'=broken.jpg"]
    assert all(
        row["verdict"] in ("defective", "non_defective", "review") and len(row["sha256"]) == 64 for row in rows[:2]
    )
    assert rows[2]["verdict"] == "" and "damaged or cut short" in rows[2]["error"]
    assert not any(row["demo"] for row in rows)

    page.locator("[class*=st-key-batch_photo_] button").first.click()
    expect(page.locator(".st-key-line .verdict")).to_be_visible()
    name = page.locator(".st-key-line [data-testid=stText]")
    first = name.inner_text()
    page.keyboard.press("ArrowRight")
    expect(name).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text(first)
    page.get_by_text("Why?", exact=True).click()
    expect(page.locator(".st-key-line .sheet tbody tr").first).to_be_visible()


LONG = (
    "3 of 6 models say NOK (feature_reconstruction_mobilenet_v2_with_a_long_name, patch_memory_quorum_small and 1 more)"
    "; NOK from half of them on. It stands whatever the absent autoencoder would have voted. OK if "
    "the threshold of feature_reconstruction_mobilenet_v2_with_a_long_name were 0.537998 instead of 0.537997."
)
CUT_OFF = """texts => texts.filter(text => text.scrollWidth > text.clientWidth
    || text.getBoundingClientRect().right > text.closest('.verdict').getBoundingClientRect().right)
    .map(text => text.className)"""


def test_no_text_of_the_verdict_is_cut_off(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{address}/?demo=true")
    analyze(page, photos()[0])
    page.locator(".verdict .reason").evaluate("(reason, text) => { reason.textContent = text }", LONG)
    for word in ("REVIEW", "bottomwear"):
        page.locator(".verdict .word").evaluate("(shown, text) => { shown.textContent = text }", word)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            texts = page.locator(".verdict .word, .verdict .reason, .verdict .facts")
            assert texts.count() == 3 and texts.evaluate_all(CUT_OFF) == [], f"{word} at {width} pixels"
            card = page.locator(".verdict")
            assert card.evaluate("card => card.scrollWidth - card.clientWidth") <= 0, f"{word} at {width} pixels"


def test_photo_and_verdict_fit_a_small_screen_and_a_switch_analyzes_at_once(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(1280, 720)
    page.goto(address)
    expect(page.get_by_text("Upload or take a photo", exact=True)).to_be_visible()
    page.get_by_text("Analyze automatically").click()
    page.locator("input[type=file]").set_input_files(photos()[0])
    read_verdict(page)  # nobody has pressed the button
    expect(page.get_by_role("button", name="Hide overlay")).to_be_attached()
    for shown in (page.locator(".verdict"), page.locator(".st-key-evidence [data-testid=stImage] img")):
        box = shown.bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= 720 and box["x"] + box["width"] <= 1280, box
    expect(page.locator(".verdict")).to_be_focused()  # so that keys are for the screen
    drawn = page.locator(".st-key-evidence [data-testid=stImage] img").get_attribute("src")
    page.keyboard.press("h")
    expect(page.get_by_role("button", name="Show overlay")).to_be_attached()
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).not_to_have_attribute("src", drawn or "")
    expect(page.locator(".good-part")).to_have_count(0)
    page.keyboard.press("g")
    good = page.get_by_role("img", name="A good part: of the training photos kept, the one most like this part")
    expect(good).to_be_visible()
    for shown in (page.locator(".verdict"), page.locator(".st-key-evidence [data-testid=stImage] img"), good):
        box = shown.bounding_box()
        assert box and box["width"] > 200 and box["y"] >= 0 and box["y"] + box["height"] <= 720, box


def test_a_photo_is_enlarged_and_a_region_comes_into_the_middle(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(1280, 720)
    page.goto(address)
    analyze(page, photos()[0])
    picture = page.locator(".st-key-evidence [data-testid=stImageContainer] img")
    page.get_by_role("button", name="Zoom in").click()
    expect(picture).to_have_attribute("style", re.compile(r"scale\(1\.5\)"))  # once the photo has come
    page.get_by_role("button", name="Whole photo").click()
    assert picture.evaluate("img => img.style.transform") == ""
    page.locator(".places button").first.click()
    moved = picture.evaluate("img => img.style.transform")
    assert picture.evaluate(
        """img => {
            const [left, top, right, bottom] = document.querySelector('[data-zoom-box]').dataset.zoomBox.split(' ');
            const [x, y, scale] = img.style.transform.match(/[-0-9.]+/g).map(Number);
            const fit = Math.min(img.clientWidth / img.naturalWidth, img.clientHeight / img.naturalHeight) * scale / 2;
            const away = (low, high, side, moved, room) => (Number(low) + Number(high)) * side * fit + moved - room / 2;
            return Math.hypot(away(left, right, img.naturalWidth, x, img.clientWidth),
                away(top, bottom, img.naturalHeight, y, img.clientHeight));
        }"""
    ) == pytest.approx(0, abs=1)
    drawn = picture.get_attribute("src")
    page.get_by_role("button", name="Hide overlay").click()
    expect(picture).not_to_have_attribute("src", drawn or "")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("img => img.style.transform") == moved  # another picture, the same place
    enlarged = page.locator(".closeups img")
    assert enlarged.count() == page.locator(".places li").count()
    assert enlarged.first.get_attribute("alt") == "Region 1 of the photo, enlarged"
    assert enlarged.first.bounding_box()["height"] >= 160


def test_two_visitors_are_both_served(address: str, open_page: Callable[..., Page]) -> None:
    pages = [open_page(), open_page()]
    for page, path in zip(pages, photos(), strict=True):
        page.goto(address)
        page.locator("input[type=file]").set_input_files(path)
        expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_be_visible()
    for page in pages:
        page.get_by_role("button", name="Analyze").click()
    assert all(read_verdict(page) for page in pages)


def test_a_detector_file_draws_its_boxes_on_the_photo(open_page: Callable[..., Page], tmp_path: Path) -> None:
    models, photo = tmp_path / "models", tmp_path / "drawn.png"
    models.mkdir()
    write_drawn_detector(models / "detector.onnx")
    trust_members(ModelStore(models), ["detector"])
    drawn_photo().save(photo)
    page = open_page()
    with served(models) as address:
        page.goto(address)
        assert analyze(page, photo) == "NOK"
        lines = page.locator(".places li")
        expect(lines).to_have_count(len(MARKS))
        said = lines.all_inner_texts()
        for name, (left, top, right, bottom) in MARKS.items():
            place = f"{right - left} × {bottom - top} px at ({left}, {top})"
            assert any(name in line and place in line for line in said), said
        with page.expect_download() as download:
            page.get_by_role("button", name="Photo with outlines").click()
        assert "_outlines_" in download.value.suggested_filename
        _check_outlines(Path(download.value.path()), drawn_photo())


def _check_outlines(path: Path, photo: Image.Image) -> None:
    """Vermilion runs around each mark and close to it; the marks and all that is far from them are untouched."""
    with Image.open(path) as opened:
        assert opened.format == "PNG" and opened.size == photo.size
        drawn = np.asarray(opened.convert("RGB"))
    changed = (drawn != np.asarray(photo)).any(axis=2)
    far = np.ones_like(changed)
    for left, top, right, bottom in MARKS.values():
        assert not changed[top:bottom, left:right].any()
        outline = (drawn == VERMILION).all(axis=2)
        for row, column in ((top - 9, left), (bottom + 9, left), (top, left - 9), (top, right + 9)):
            assert outline[row - 9 : row + 9, column - 9 : column + 9].any()
        far[top - 32 : bottom + 32, left - 32 : right + 32] = False
    assert changed.any() and not (changed & far).any()
