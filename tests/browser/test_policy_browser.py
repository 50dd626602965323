"""A policy on its way into force, as a person takes it there: 2000 stored scores, a real server and a real Chromium."""

import re
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page, expect

from ensemble.policies import from_json
from ensemble.policies.cases import Evidence
from ensemble.values.results import OK_NOK
from tests.support.dashboard import served, settle, work_of
from tests.support.drawn_cases import drawn_cases, keep_evidence
from tests.support.stub_product import write_product

pytestmark = [pytest.mark.slow(55), pytest.mark.browser]

MEMBERS = ("svm_a", "rf_a", "xgb_a")
CASES = 2000
SECOND = 1.0  # of the server's own work: what else a machine does takes none of it


def test_a_threshold_is_moved_saved_looked_at_put_in_force_and_taken_back(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    models = write_product(tmp_path / "models", MEMBERS)
    keep_evidence(models, Evidence(OK_NOK, drawn_cases(MEMBERS, CASES, 1), drawn_cases(MEMBERS, CASES, 2)))
    page = open_page()
    with served(models) as address:
        page.goto(f"{address}/policies?from=BALANCED&view=Adjust")
        tiles = page.locator(".tiles.draft")
        expect(tiles).to_contain_text("of 1000 defective")
        expect(page.locator(".in-force .word")).to_have_text("Majority")
        expect(page.locator(".st-key-save_bar_moved")).to_have_count(0)  # nothing has been moved yet

        settle(page)
        spent = [_move(page, address, key) for key in ("ArrowLeft", "PageDown", "PageDown", "ArrowLeft")]
        assert median(spent) < SECOND, spent
        bar = page.locator(".st-key-save_bar_moved")
        expect(bar).to_contain_text("Unsaved draft.")
        expect(bar).to_be_in_viewport(ratio=1)  # however long the page is
        _save(page, "TRIAL")
        assert _active(models) == "MAJORITY"

        settle(page)
        page.get_by_role("button", name="Preview changes").click()
        pending = page.locator(".st-key-pending")
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} verdicts change")
        expect(page.locator(".st-key-confirm_bar")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Activate TRIAL …").click()
        _sign(page, "Agreed.")
        page.get_by_role("button", name="Activate TRIAL", exact=True).click()
        expect(page.locator(".in-force .word")).to_have_text("TRIAL")
        assert _active(models) == "TRIAL"
        expect(pending).to_have_count(0)

        settle(page)
        page.get_by_role("tab", name="History").click()
        expect(page.get_by_role("button", name="Restore …")).to_be_visible()
        settle(page)  # the tab is drawn when it is first opened, and a click before its end may be lost
        page.get_by_role("button", name="Restore …").click()
        restore = re.compile(r"^Restore version \d+ …$")
        expect(page.get_by_role("button", name=restore)).to_be_visible()
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} verdicts change")
        assert _active(models) == "TRIAL"
        page.get_by_role("button", name=restore).click()
        _sign(page)
        page.get_by_role("button", name=re.compile(r"^Restore version \d+$")).click()
        expect(page.locator(".in-force .word")).to_have_text("Majority")
        assert _active(models) == "MAJORITY"
        page.close()  # before its server goes


def _move(page: Page, address: str, key: str) -> float:
    """Move the lower threshold by a key; the seconds that the server works until other counts are on screen."""
    before, worked = page.locator(".tiles.draft").inner_text(), work_of(address)
    page.locator(".st-key-cuts input[type=range]").first.focus()
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('.tiles.draft')?.innerText !== before", arg=before, polling=100
    )
    spent = work_of(address) - worked
    settle(page)
    return spent


def _sign(page: Page, reason: str = "") -> None:
    form = page.locator("[data-testid=stForm]", has=page.get_by_label("Your name"))
    form.get_by_label("Your name").fill("B. Rossi")
    if reason:
        form.get_by_label("Reason").fill(reason)


def _save(page: Page, name: str) -> None:
    page.get_by_role("button", name="Save draft …").click()
    form = page.locator("[data-testid=stForm]", has=page.get_by_role("button", name="Save draft"))
    form.get_by_label("Name", exact=True).fill(name)
    form.get_by_label("Your name").fill("A. Meier")
    form.get_by_label("Reason").fill("Fewer escapes.")
    form.get_by_role("button", name="Save draft", exact=True).click()
    expect(page.get_by_text(f"{name} saved, not active.")).to_be_visible()


def _active(models: Path) -> str:
    return from_json((models / "policies.json").read_text()).active
