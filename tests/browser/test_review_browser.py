"""Parts that wait are settled by keys alone, and by a finger: in a real Chromium."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ensemble.policies import SHIPPED_POLICIES
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.records.recording import Recorder
from ensemble.records.settings import Keeping, change_settings
from ensemble.records.values import Occasion
from ensemble.records.verifying import verify_history
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW
from tests.browser.test_accessibility import violations
from tests.browser.test_walk import CLIPPED, OVERLAPPING, asked
from tests.support.dashboard import served, settle
from tests.support.kept import inspected
from tests.support.stub_product import write_product

pytestmark = [pytest.mark.slow(30), pytest.mark.browser]

PARTS = 12


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A history in which parts wait for a person."""
    folder = tmp_path / "records"
    change_settings(folder, "disc", Keeping(sample_rate=0.0))
    made = []
    for number in range(PARTS):
        part = inspected(number)
        made.append(replace(part, verdict=replace(part.verdict, label=REVIEW, votes=())))
    Recorder(Database(folder)).keep(made, SHIPPED_POLICIES[0], Occasion("screen"))
    return folder


@pytest.fixture
def address(records: Path, tmp_path: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORUM_RECORDS", str(records))
        patch.setenv("QUORUM_DATA", str(tmp_path / "data"))
        with served(write_product(tmp_path / "models", ("svm_a",))) as found:
            yield found


def answers(records: Path) -> list[tuple[str, str, str]]:
    """What was said, the first part first."""
    found = history_page(Database(records), Filters(reviewed=True)).inspections
    return [(each.who, each.label, each.defect) for part in reversed(found) for each in part.reviews]


def in_hand(page: Page) -> str:
    return page.locator(".st-key-evidence [data-testid=stImage] img").get_attribute("alt") or ""


def press(page: Page, key: str) -> None:
    """Press a key, and wait for the part after."""
    before = in_hand(page)
    page.keyboard.press(key)
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).not_to_have_attribute("alt", before)
    settle(page)


def begin(page: Page, address: str) -> None:
    page.goto(f"{address}/review")
    field = page.get_by_label("Your name")
    field.fill("Ann")
    field.press("Enter")
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_be_visible()
    settle(page)


def test_parts_are_settled_by_keys_alone(address: str, open_page: Callable[..., Page], records: Path) -> None:
    page = open_page()
    begin(page, address)
    for shown in (page.get_by_role("button", name="NOK").first, page.get_by_role("button", name="Skip")):
        box = shown.bounding_box()
        assert box and box["height"] >= 44 and box["y"] + box["height"] <= 900
    press(page, "o")
    press(page, "n")
    press(page, "u")
    press(page, "o")
    page.get_by_label("Another defect").focus()
    page.keyboard.type("scratch")
    press(page, "Enter")
    press(page, "1")
    skipped = in_hand(page)
    press(page, "s")
    page.keyboard.down("n")  # and held: the key repeats, the answer does not
    for _ in range(5):
        page.keyboard.down("n")
    page.keyboard.up("n")
    expect(page.locator(".review-counts")).to_contain_text("5 settled")
    settle(page)
    assert not violations(page)
    assert not asked(page, CLIPPED) + asked(page, OVERLAPPING)
    assert answers(records) == [
        ("Ann", NON_DEFECTIVE, ""),
        ("Ann", DEFECTIVE, ""),
        ("Ann", REVIEW, ""),  # the same one undone
        ("Ann", NON_DEFECTIVE, ""),
        ("Ann", DEFECTIVE, "scratch"),
        ("Ann", DEFECTIVE, "scratch"),
        ("Ann", DEFECTIVE, ""),
    ]
    assert in_hand(page) != skipped and verify_history(Database(records)).problem == ""


def test_parts_are_settled_by_a_finger_on_a_phone(address: str, open_page: Callable[..., Page], records: Path) -> None:
    page = open_page(390, 844, "dark", touch=True)
    begin(page, address)
    for place in range(2):
        before, button = in_hand(page), page.locator(".st-key-review_two button").nth(place)
        box = button.bounding_box()
        assert box and min(box["width"], box["height"]) >= 44 and box["y"] + box["height"] <= 844
        button.tap()
        expect(page.locator(".st-key-evidence [data-testid=stImage] img")).not_to_have_attribute("alt", before)
        settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not asked(page, CLIPPED) + asked(page, OVERLAPPING)
    assert not violations(page)
    assert [label for _, label, _ in answers(records)] == [NON_DEFECTIVE, DEFECTIVE]
