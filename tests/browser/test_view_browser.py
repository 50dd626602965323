"""The view of a product, drawn by mouse, finger and keys in a real Chromium, taught, and obeyed by an inspection."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from ensemble.datasets.collection import Collection
from ensemble.importers import FoundPhoto
from ensemble.store.seeing import read_view
from ensemble.training import train
from ensemble.values.view import View
from tests.browser.test_accessibility import violations
from tests.browser.test_browser import read_verdict
from tests.browser.test_walk import CLIPPED, OVERLAPPING, TOO_WIDE, asked
from tests.conftest import TINY_BACKBONE
from tests.support.dashboard import go_to, served, settle

pytestmark = [pytest.mark.slow(40), pytest.mark.browser]
NAME = "disc"


@pytest.fixture
def collection(tmp_path: Path, tiny_data: Path) -> Collection:
    """The drawn photos, in the splits of their folder."""
    made = Collection.create(tmp_path / "data" / "collections", NAME)
    entries = [
        FoundPhoto(path, path.name, path.parent.name, split)
        for split in ("train", "test")
        for path in sorted((tiny_data / split).glob("*defective/*"))
    ]
    made.add(entries, {name: name for name in ("non_defective", "defective")}, origin="drawn")
    return made


@pytest.fixture
def address(collection: Collection, tmp_path: Path, tiny_weights: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORUM_DATA", str(tmp_path / "data"))
        patch.setenv("QUORUM_WEIGHTS", str(tiny_weights))
        with served(tmp_path / "models") as found:
            yield found


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the photo lies in the window, from shares of its width and height."""
    box = page.locator(".surface").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse across the photo."""
    page.locator(".surface").scroll_into_view_if_needed()
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=4)
    page.mouse.up()


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag a finger across the photo."""
    finger = page.context.new_cdp_session(page)
    page.locator(".surface").evaluate("surface => surface.scrollIntoView({block: 'center'})")
    for kind, place in (("touchStart", start), ("touchMove", end), ("touchMove", end), ("touchEnd", None)):
        points = [dict(zip("xy", at(page, *place), strict=True))] if place else []
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def tap(page: Page, place: tuple[float, float]) -> None:
    page.touchscreen.tap(*at(page, *place))


def shape(page: Page, number: int = 0) -> Locator:
    return page.locator(f"[data-shape='{number}']")


def kept(tmp_path: Path) -> View:
    return read_view(tmp_path / "models" / NAME / "next_view.json")


def test_a_view_is_drawn_by_mouse_seen_taught_and_obeyed(
    address: str, open_page: Callable[..., Page], collection: Collection, tmp_path: Path, tiny_weights: Path
) -> None:
    page = open_page()
    page.goto(f"{address}/data?step=View")
    expect(page.get_by_text("looks at whole photos, as they are.")).to_be_visible()
    page.get_by_role("button", name="Region: rectangle").click()
    drag(page, (0.1, 0.1), (0.8, 0.9))
    expect(shape(page)).to_have_attribute(
        "aria-label", "Region: 10% from the left, 10% from the top, 70% wide, 80% high"
    )
    expect(page.get_by_text("This photo fits the view.")).to_be_visible()
    expect(page.get_by_text("Not kept yet.")).to_be_visible()
    drag(page, (0.5, 0.5), (0.6, 0.5))
    moved = "Region: 20% from the left, 10% from the top, 70% wide, 80% high"
    expect(shape(page)).to_have_attribute("aria-label", moved)
    page.keyboard.press("Control+z")
    expect(shape(page)).to_have_attribute("aria-label", moved.replace("20%", "10%", 1))
    page.keyboard.press("Shift+Control+z")
    expect(shape(page)).to_have_attribute("aria-label", moved)
    page.get_by_role("button", name="Ignore: rectangle").click()
    drag(page, (0.45, 0.45), (0.55, 0.55))
    expect(shape(page, 1)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(shape(page, 1)).to_have_attribute(
        "aria-label", "Ignored: 46% from the left, 45% from the top, 10% wide, 10% high"
    )
    settle(page)
    expect(page.locator(".view-effect img")).to_have_count(2)
    assert not violations(page)
    page.get_by_role("button", name="Keep for the next training").click()
    expect(page.get_by_text("The next training of disc uses this view.")).to_be_visible()
    expect(shape(page, 1)).to_be_visible()  # what was drawn stays
    view = kept(tmp_path)
    assert view.region[0] == pytest.approx((0.2, 0.1), abs=0.01) and len(view.ignore) == 1

    models = tmp_path / "models" / NAME
    train(
        collection.folder,
        models,
        kinds=("svm",),
        backbones=(TINY_BACKBONE,),
        weights=tiny_weights,
        pooling="average",
        product=NAME,
    )
    page.get_by_role("radio", name="Split").click()
    page.get_by_role("radio", name="View", exact=True).click()
    expect(page.get_by_text("In use: the models of disc see photos this way.")).to_be_visible()
    go_to(page, "")
    photo = next(each for each in collection.photos() if each.label == "non_defective" and each.split == "test")
    picture = Image.open(photo.path).convert("RGB")
    width, height = picture.size
    hidden, seen, smaller = picture.copy(), picture.copy(), picture.resize((width // 2, height // 2))
    ImageDraw.Draw(hidden).ellipse((0.48 * width, 0.47 * height, 0.54 * width, 0.53 * height), fill="red")
    ImageDraw.Draw(seen).ellipse((0.3 * width, 0.2 * height, 0.7 * width, 0.9 * height), fill="red")
    said = [
        inspected(page, name, each)
        for name, each in (("as_it_is.png", picture), ("hidden.png", hidden), ("seen.png", seen))
    ]
    assert said[0] == said[1] != said[2]  # a defect where nobody looks changes nothing
    assert inspected(page, "smaller.png", smaller).startswith("REVIEW")
    page.get_by_text("Why?").first.click()
    expect(page.get_by_text(f"it has {width // 2} × {height // 2} pixels").first).to_be_visible()


def inspected(page: Page, name: str, picture: Image.Image) -> str:
    """The word of the verdict on a photo, and its reason."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_have_attribute("alt", f"The photo {name}")
    page.get_by_role("button", name="Analyze").click()
    return f"{read_verdict(page)} {page.locator('.verdict .reason').inner_text()}"


def test_a_view_and_a_mark_are_drawn_by_a_finger_and_by_keys(
    address: str, open_page: Callable[..., Page], collection: Collection, tmp_path: Path
) -> None:
    page = open_page(390, 844, "dark", touch=True)
    page.goto(f"{address}/data?step=View")
    page.get_by_role("button", name="Region: rectangle").tap()
    swipe(page, (0.2, 0.1), (0.9, 0.9))
    expect(shape(page)).to_have_attribute(
        "aria-label", "Region: 20% from the left, 10% from the top, 70% wide, 80% high"
    )
    swipe(page, (0.5, 0.5), (0.4, 0.5))
    expect(shape(page)).to_have_attribute(
        "aria-label", "Region: 10% from the left, 10% from the top, 70% wide, 80% high"
    )
    page.get_by_role("button", name="Undo").tap()
    expect(shape(page)).to_have_attribute(
        "aria-label", "Region: 20% from the left, 10% from the top, 70% wide, 80% high"
    )
    page.get_by_role("button", name="Ignore: polygon").tap()
    page.locator(".surface").evaluate("surface => surface.scrollIntoView({block: 'center'})")
    for corner in ((0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.3)):
        tap(page, corner)
    expect(shape(page, 1)).to_have_attribute(
        "aria-label", "Ignored: 30% from the left, 30% from the top, 30% wide, 30% high"
    )
    page.get_by_role("button", name="Ignore: rectangle").press("Enter")  # lays one into the middle
    expect(shape(page, 2)).to_be_focused()
    page.keyboard.press("Delete")
    expect(shape(page, 2)).to_have_count(0)
    settle(page)
    page.get_by_role("radio", name="Split").tap()
    page.get_by_role("radio", name="View", exact=True).tap()
    expect(shape(page, 1)).to_be_visible()  # what was drawn and not kept is there again
    expect(page.get_by_text("Not kept yet.")).to_be_visible()
    settle(page)
    assert not page.evaluate(TOO_WIDE) and not asked(page, CLIPPED) and not asked(page, OVERLAPPING)
    page.get_by_role("button", name="Keep for the next training").tap()
    expect(page.get_by_text("The next training of disc uses this view.")).to_be_visible()
    assert [len(polygon) for polygon in (kept(tmp_path).region, *kept(tmp_path).ignore)] == [4, 3]

    page.get_by_role("radio", name="Mark").tap()
    expect(page.get_by_text(re.compile(r"^0 of \d+ defective photos marked$"))).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Defect: rectangle").tap()
    swipe(page, (0.25, 0.25), (0.5, 0.75))
    expect(shape(page)).to_have_attribute(
        "aria-label", "Defect: 25% from the left, 25% from the top, 25% wide, 50% high"
    )
    page.get_by_role("button", name="Keep the mark").tap()  # which a stroke before it does not swallow
    expect(page.get_by_text("Defect marked: 1 photo.")).to_be_visible()
    masks = [photo.mask for photo in collection.photos() if photo.mask]
    assert len(masks) == 1 and np.asarray(Image.open(masks[0])).mean() / 255 == pytest.approx(0.125, abs=0.005)
