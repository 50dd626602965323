"""A verdict is found again in the history and corrected there, counts in the statistics of reviews, is replayed by
another policy, and the chain stays intact: in a real Chromium."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.records.verifying import verify_history
from tests.browser.test_accessibility import violations
from tests.support.bad_photos import jpeg, quarters
from tests.support.dashboard import served, settle

pytestmark = [pytest.mark.slow(40), pytest.mark.browser]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def address(tiny_product: Path, records: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUORUM_RECORDS", str(records))
        with served(tiny_product) as found:
            yield found


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_an_inspection_is_found_again_and_corrected(
    address: str, open_page: Callable[..., Page], records: Path, tmp_path: Path
) -> None:
    page = open_page()
    page.goto(address)
    for number in range(2):
        path = tmp_path / f"part {number}.jpg"
        path.write_bytes(jpeg(quarters((640 + number, 480))))
        page.locator("input[type=file]").set_input_files(path)
        expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_have_attribute(
            "alt", f"The photo part {number}.jpg"
        )
        page.get_by_role("button", name="Analyze", exact=False).first.click()
        expect(page.get_by_role("link", name="Open in the history")).to_be_visible()
        settle(page)
    verdict = page.locator(".verdict .word").inner_text()
    page.get_by_role("link", name="Open in the history").click()
    expect(page.get_by_role("heading", name="History", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/history\?.*inspection=[0-9a-f]{32}"))
    expect(page.locator(".verdict .word")).to_have_text(verdict)
    expect(page.locator(".st-key-history_evidence img").first).to_have_attribute("alt", "The photo part 1.jpg")
    assert not violations(page)

    page.get_by_role("button", name=re.compile("Correct the verdict|What is the part")).click()
    page.get_by_label("Reason (optional)").fill("seen under the lamp")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Your name").press("Tab")
    settle(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Kept beside the verdict.")).to_be_visible()
    expect(page.locator(".sheet.folding")).to_contain_text("seen under the lamp")

    settle(page)
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")  # the older one
    expect(page.locator(".st-key-history_evidence img").first).to_have_attribute("alt", "The photo part 0.jpg")
    page.get_by_role("button", name="All inspections").click()
    expect(page.locator(".shot")).to_have_count(2)
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert fits(page) and not violations(page)

    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Review").click()
    page.get_by_role("tab", name="Statistics").click()
    row = page.locator(".st-key-review_statistics .sheet tbody tr", has_text="Ann")
    expect(row.locator("td").nth(1)).to_have_text("1")  # part that she has said something of
    settle(page)
    page.get_by_role("link", name="Replay").click()
    expect(page.get_by_role("heading", name="Replay", level=1)).to_be_visible()
    settle(page)
    page.locator(".st-key-replay_policy input").click()
    page.get_by_role("option", name="Any model").click()
    settle(page)
    page.get_by_role("button", name="Replay 2 inspections").click()
    expect(page.locator(".difference .word")).to_contain_text("of 2 verdicts would change")
    expect(page.locator(".difference .word")).to_contain_text("by Any model")
    expect(page.get_by_text("All 2 kept verdicts come out exactly as they were")).to_be_visible()
    expect(page.get_by_text("of the parts that a person has reviewed")).to_be_visible()

    found = history_page(Database(records), Filters(reviewed=True)).inspections
    assert [(each.stored["photo"], each.reviews[0].who) for each in found] == [("part 1.jpg", "Ann")]
    assert verify_history(Database(records)).problem == ""


def test_a_filter_leads_through_the_address_and_an_unknown_one_is_told(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(390, 844, "dark")
    page.goto(f"{address}/history?reviewed=yes")
    expect(page.locator(".shot")).to_have_count(1)
    page.get_by_role("button", name="Reviewed: Yes").click()
    expect(page.locator(".shot")).to_have_count(2)
    expect(page).not_to_have_url(re.compile("reviewed"))
    page.goto(f"{address}/history?colour=red")
    expect(page.get_by_text("which the history does not know")).to_be_visible()
    expect(page.locator(".shot")).to_have_count(0)
    settle(page)
    assert fits(page) and not violations(page)
