"""A policy on its way into force, as a person takes it there: 2000 stored scores, a real server and a real Chromium."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from dashboard import served
from drawn_cases import drawn_cases, keep_evidence
from playwright.sync_api import Page, expect
from stub_product import write_product

from ensemble.cases import Evidence
from ensemble.policies import from_json
from ensemble.results import OK_NOK

pytestmark = pytest.mark.browser

MEMBERS = ("svm_a", "rf_a", "xgb_a")
CASES = 2000
SECOND = 1.0


def test_a_cut_is_moved_saved_looked_at_put_in_force_and_taken_back(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    models = write_product(tmp_path / "models", MEMBERS)
    keep_evidence(models, Evidence(OK_NOK, drawn_cases(MEMBERS, CASES, 1), drawn_cases(MEMBERS, CASES, 2)))
    page = open_page()
    with served(models) as address:
        page.goto(f"{address}/policies?from=BALANCED")
        tiles = page.locator(".tiles.draft")
        expect(tiles).to_contain_text("of 1000 defective")
        expect(page.locator(".in-force .word")).to_have_text("MAJORITY")
        expect(page.get_by_role("heading", name="History")).to_be_visible()

        seconds = [_move(page, key) for key in ("ArrowLeft", "PageDown", "PageDown", "ArrowLeft")]
        assert median(seconds) < SECOND, seconds
        _save(page, "TRIAL")
        assert _active(models) == "MAJORITY"

        page.get_by_role("button", name="Show what would change").click()
        pending = page.locator(".st-key-pending")
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} test photos")
        expect(pending.locator(".difference .word")).to_contain_text("parts change their verdict")
        pending.get_by_label("Author").fill("B. Rossi")
        pending.get_by_label("Reason").fill("Agreed.")
        pending.get_by_role("button", name="Put TRIAL in force").click()
        expect(page.locator(".in-force .word")).to_have_text("TRIAL")
        assert _active(models) == "TRIAL"
        expect(pending).to_have_count(0)

        page.get_by_role("button", name="Roll back …").click()
        expect(pending.get_by_role("button", name="Roll back to state")).to_be_visible()
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} test photos")
        assert _active(models) == "TRIAL"
        pending.get_by_label("Author").fill("B. Rossi")
        pending.get_by_role("button", name="Roll back to state").click()
        expect(page.locator(".in-force .word")).to_have_text("MAJORITY")
        assert _active(models) == "MAJORITY"
        page.close()  # before its server goes


def _move(page: Page, key: str) -> float:
    """Move the lower cut by a key; the seconds until other counts are on screen."""
    tiles = page.locator(".tiles.draft")
    before = tiles.inner_text()
    page.locator(".st-key-cuts input[type=range]").first.focus()
    start = time.perf_counter()
    page.keyboard.press(key)
    while tiles.inner_text() == before:
        assert time.perf_counter() - start < 30, "the counts do not follow the cut"
        time.sleep(0.01)
    return time.perf_counter() - start


def _save(page: Page, name: str) -> None:
    form = page.locator("[data-testid=stForm]", has=page.get_by_role("button", name="Save the draft"))
    form.get_by_label("Name").fill(name)
    form.get_by_label("Author").fill("A. Meier")
    form.get_by_label("Reason").fill("Fewer escapes.")
    form.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text(f"{name} is saved, and not in force.")).to_be_visible()


def _active(models: Path) -> str:
    return from_json((models / "policies.json").read_text()).active
