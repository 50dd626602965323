"""Axe-core on every screen, before and after a verdict: nothing is wrong but what Streamlit itself draws so."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_browser import MORE_SCREENS, SCREENS, analyze, photos
from tests.support.dashboard import go_to, served, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow(95)]

COLOURS = "color-contrast link-in-text-block"  # the rules that look at them
# Streamlit's navigation groups its entries without a role, and its uploader names a part that it hides from readers.
STREAMLITS_OWN = {
    "list": "stSidebarNavItems",
    "listitem": "stSidebarNav",
    "presentation-role-conflict": "stFileUploaderDropzone",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


def violations(page: Page, rules: str = "") -> list[tuple[str, str]]:
    """What axe finds, and goes on to find for two seconds: what fades in, or into a new colour, is pale meanwhile."""
    for _ in range(10):
        if not (found := _violations_now(page, rules)):
            return []
        page.wait_for_timeout(200)
    return found


def _violations_now(page: Page, rules: str) -> list[tuple[str, str]]:
    """By these rules, by all where none are named: the rule and the element, without Streamlit's own."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}  # of what passes, axe then tells next to nothing
    if rules:
        options["runOnly"] = rules.split()
    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        (each["id"], node["html"][:200])
        for each in found
        for node in each["nodes"]
        if not _is_streamlits(page, each["id"], node["target"][0])
    ]


def _is_streamlits(page: Page, rule: str, target: str) -> bool:
    """Whether the element lies in the part of the page that Streamlit draws so."""
    part = STREAMLITS_OWN.get(rule)
    inside = "(element, part) => element.closest(`[data-testid=${part}]`) !== null"
    return part is not None and bool(page.locator(target).first.evaluate(inside, part))


def test_no_screen_has_a_violation(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(address)
    for path, title in (SCREENS | MORE_SCREENS).items():
        page.emulate_media(color_scheme="light")
        go_to(page, path)
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        settle(page)
        assert not violations(page), path
        page.emulate_media(color_scheme="dark")  # which changes colours and nothing else
        expect(page.locator("[data-testid=stApp]")).to_have_css("color-scheme", "dark")
        settle(page)
        assert not violations(page, COLOURS), f"{path}, dark"


def test_a_verdict_has_none_either(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(address)
    analyze(page, *photos())
    page.get_by_text("Why?").click()
    expect(page.locator(".sheet tbody tr").first).to_be_visible()
    assert not violations(page)
    page.get_by_role("button", name="Correct the verdict").click()
    expect(page.locator("[data-testid=stPopoverBody]")).to_be_visible()
    assert not violations(page)


def test_a_batch_has_none_either(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{address}/batch")
    page.locator("input[type=file]").set_input_files(photos())
    page.get_by_role("button", name="Analyze 2 files").click()
    expect(page.locator(".st-key-batch_grid .shot").first).to_be_visible()
    expect(page.get_by_role("button", name="Download results (CSV)")).to_be_visible()
    assert not violations(page)
