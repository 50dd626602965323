"""A policy on its way into force, as a person takes it there: 2000 stored scores, a real server and a real Chromium."""

from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page, expect

from ensemble.policies import from_json
from ensemble.policies.cases import Evidence
from ensemble.values.results import OK_NOK
from tests.support.dashboard import served, settle, work_of_servers
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
        page.goto(f"{address}/policies?from=BALANCED")
        tiles = page.locator(".tiles.draft")
        expect(tiles).to_contain_text("of 1000 defective")
        expect(page.locator(".in-force .word")).to_have_text("Majority")
        expect(page.get_by_role("heading", name="History")).to_be_visible()

        settle(page)
        spent = [_move(page, key) for key in ("ArrowLeft", "PageDown", "PageDown", "ArrowLeft")]
        assert median(spent) < SECOND, spent
        _save(page, "TRIAL")
        assert _active(models) == "MAJORITY"

        settle(page)  # before, the box may still name another policy, and that one would be laid out
        page.get_by_role("button", name="Preview changes").click()
        pending = page.locator(".st-key-pending")
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} verdicts change")
        pending.get_by_label("Author").fill("B. Rossi")
        pending.get_by_label("Reason").fill("Agreed.")
        pending.get_by_role("button", name="Activate TRIAL").click()
        expect(page.locator(".in-force .word")).to_have_text("TRIAL")
        assert _active(models) == "TRIAL"
        expect(pending).to_have_count(0)

        page.get_by_role("button", name="Restore …").click()
        expect(pending.get_by_role("button", name="Restore version")).to_be_visible()
        expect(pending.locator(".difference")).to_contain_text(f"of {CASES} verdicts change")
        assert _active(models) == "TRIAL"
        pending.get_by_label("Author").fill("B. Rossi")
        pending.get_by_role("button", name="Restore version").click()
        expect(page.locator(".in-force .word")).to_have_text("Majority")
        assert _active(models) == "MAJORITY"
        page.close()  # before its server goes


def _move(page: Page, key: str) -> float:
    """Move the lower threshold by a key; the seconds that the server works until other counts are on screen."""
    before, worked = page.locator(".tiles.draft").inner_text(), work_of_servers()
    page.locator(".st-key-cuts input[type=range]").first.focus()
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('.tiles.draft')?.innerText !== before", arg=before, polling=100
    )
    spent = work_of_servers() - worked
    settle(page)
    return spent


def _save(page: Page, name: str) -> None:
    form = page.locator("[data-testid=stForm]", has=page.get_by_role("button", name="Save draft"))
    form.get_by_label("Name").fill(name)
    form.get_by_label("Author").fill("A. Meier")
    form.get_by_label("Reason").fill("Fewer escapes.")
    form.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text(f"{name} saved, not active.")).to_be_visible()


def _active(models: Path) -> str:
    return from_json((models / "policies.json").read_text()).active
