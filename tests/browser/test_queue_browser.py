"""Ten photos, one after the other, with keys alone and with a finger alone: one act for each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Locator, Page, expect

from ensemble.datasets.collection import Collection
from ensemble.policies import PolicyBook
from ensemble.store import ModelStore
from tests.support.dashboard import ROOT, served, settle

pytestmark = [pytest.mark.slow(65), pytest.mark.browser]

REVIEWS = "INDUSTRIAL_SAFE_0FN"  # a policy that leaves good parts to a person


def ten_photos() -> list[Path]:
    """Good and defective parts in turn; the first is one that is left to a person."""
    good, bad = (sorted((ROOT / "data" / "test" / name).glob("*.jpg")) for name in ("non_defective", "defective"))
    return [path for pair in zip(good[1:6], bad[:5], strict=True) for path in pair]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where decisions are kept."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def address(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shipped product, with a policy that leaves parts to a person."""
    models = copytree(ROOT / "models", tmp_path_factory.mktemp("queue") / "models")
    found = ModelStore(models).policies_in_force()
    (models / "policies.json").write_text(PolicyBook(found.policies, REVIEWS).to_json(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORUM_DATA", str(data))
        with served(models) as address:
            yield address


@pytest.fixture
def kept(data: Path) -> Callable[[], int]:
    """How many decisions are kept by now."""
    return lambda: sum(len(Collection(folder).mistakes()) for folder in (data / "collections").glob("*"))


def tab_to(page: Page, aim: Locator) -> None:
    """Press Tab until the focus is there, from wherever it is."""
    for _ in range(60):
        if aim.evaluate("aim => aim === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


def check_turn(page: Page, number: int, photo: Path) -> str:
    """That photo has its turn: its verdict has the focus and is seen whole, and so is the way on. Gives its facts."""
    expect(page.locator(".st-key-turn")).to_contain_text(f"{number} of 10")
    settle(page)
    expect(page.get_by_alt_text(f"The photo {photo.name}")).to_be_visible()
    verdict = page.locator(".verdict")
    expect(verdict).to_have_count(1)
    expect(verdict).to_be_focused()
    for shown in (verdict, page.get_by_role("button", name="Next")):
        box, size = shown.bounding_box(), page.viewport_size
        assert box and size and box["y"] >= 0 and box["y"] + box["height"] <= size["height"], (number, box)
    return verdict.locator(".facts").inner_text()


def upload(page: Page, act: Callable[[Locator], None]) -> None:
    """Choose the photos in the window that an act on the button opens."""
    with page.expect_file_chooser() as chooser:
        act(page.locator("[data-testid=stFileUploader] button"))
    chooser.value.set_files(ten_photos())


def test_ten_photos_by_keys_alone(address: str, open_page: Callable[..., Page], kept: Callable[[], int]) -> None:
    page, photos, pressed = open_page(1280, 720), ten_photos(), 0
    page.goto(address)
    settle(page)
    tab_to(page, page.get_by_role("switch", name="Analyze automatically"))
    page.keyboard.press("Space")
    settle(page)
    upload(page, lambda button: (tab_to(page, button), page.keyboard.press("Enter")))
    check_turn(page, 1, photos[0])
    expect(page.locator(".verdict .word")).to_have_text("REVIEW")
    page.keyboard.press("o")
    expect(page.get_by_text("Saved to ")).to_be_visible()
    assert kept() == 1
    facts = ""
    for number, photo in enumerate(photos[1:], 2):
        page.keyboard.press("ArrowRight")
        pressed += 1
        facts = check_turn(page, number, photo)
        if number == 2:
            expect(page.get_by_text("Photo before: Saved to ")).to_be_visible()
            page.keyboard.press("Control+z")
            expect(page.get_by_text("Undone: ")).to_be_visible()
            assert kept() == 0
    assert pressed == 9  # the upload was the first photo's
    expect(page.locator(".film figure")).to_have_count(10)
    page.keyboard.press("ArrowLeft")
    check_turn(page, 9, photos[8])
    page.keyboard.press("ArrowRight")
    assert check_turn(page, 10, photos[9]) == facts  # kept: it took as many seconds as before
    page.reload()
    assert check_turn(page, 10, photos[9]) == facts


def test_ten_photos_by_a_finger_alone(address: str, open_page: Callable[..., Page], kept: Callable[[], int]) -> None:
    page, photos, taps = open_page(390, 844, touch=True), ten_photos(), 0
    page.goto(address)
    settle(page)
    page.locator(".st-key-at_once label").first.tap()
    settle(page)
    upload(page, lambda button: button.tap())
    check_turn(page, 1, photos[0])
    good = page.get_by_role("button", name="Part is OK")
    for target in (good, *(page.get_by_role("button", name=name) for name in ("Previous", "Next", "Remove all"))):
        box = target.bounding_box()
        assert box and min(box["width"], box["height"]) >= 44, box
    good.tap()
    expect(page.get_by_text("Saved to ")).to_be_visible()
    assert kept() == 1
    for number, photo in enumerate(photos[1:], 2):
        page.get_by_role("button", name="Next").tap()
        taps += 1
        check_turn(page, number, photo)
        if number == 2:
            page.get_by_role("button", name="Undo").tap()
            expect(page.get_by_text("Undone: ")).to_be_visible()
            assert kept() == 0
    assert taps == 9
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_file_that_is_no_photo_is_named_beside_those_that_came_in(
    address: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    note = tmp_path / "<i>note.txt"
    note.write_text("no photo", encoding="utf-8")
    page, photos = open_page(), ten_photos()
    page.goto(address)
    settle(page)
    page.locator("input[type=file]").set_input_files([*photos[:2], note])
    expect(page.locator(".st-key-turn")).to_contain_text("1 of 2")
    expect(page.locator(".left-out")).to_have_text(
        f"Left out: {note.name}. Photos are JPG, PNG, BMP, WEBP, TIF, GIF, PGM or PPM, up to 30 MB each."
    )
    settle(page)  # until then the uploader of before stands beside the new one
    page.locator("input[type=file]").set_input_files(photos[:3])
    expect(page.locator(".st-key-turn")).to_contain_text("1 of 3")
    expect(page.locator(".left-out")).to_be_hidden()
