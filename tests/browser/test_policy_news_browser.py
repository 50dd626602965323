"""Two pages at once: what one puts in force the other learns within seconds, and by whom."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ensemble.policies.cases import Evidence
from ensemble.values.results import OK_NOK
from tests.support.dashboard import PATIENCE, served
from tests.support.drawn_cases import drawn_cases, keep_evidence
from tests.support.stub_product import write_product

pytestmark = [pytest.mark.slow(35), pytest.mark.browser]

MEMBERS = ("svm_a", "rf_a")


SHOWN = """([key, text]) => {
    const box = document.querySelector(`.st-key-${key}`);
    return box && (box.innerText + [...box.querySelectorAll("input")].map((each) => each.value)).includes(text);
}"""


def test_both_pages_learn_which_policy_is_in_force(open_page: Callable[..., Page], tmp_path: Path) -> None:
    models = write_product(tmp_path / "models", MEMBERS)
    keep_evidence(models, Evidence(OK_NOK, drawn_cases(MEMBERS, 40, 1), drawn_cases(MEMBERS, 40, 2)))
    here, there = open_page(), open_page()
    with served(models) as address:
        there.goto(f"{address}/help")
        _shows(there, "policy", "Majority (active)")
        here.goto(f"{address}/policies?view=Activate")
        expect(here.locator(".in-force .word")).to_have_text("Majority")
        here.get_by_role("button", name="Preview changes").click()
        here.get_by_role("button", name="Activate Fused score …").click()
        form = here.locator("[data-testid=stForm]", has=here.get_by_label("Reason"))
        form.get_by_label("Your name").fill("Ada")
        form.get_by_label("Reason").fill("Agreed.")
        form.get_by_role("button", name="Activate Fused score").click()
        expect(here.locator(".in-force .word")).to_have_text("Fused score")
        here.get_by_role("tab", name="Adjust").click()
        _shows(here, "from", "Fused score (active)")
        for page in (here, there):
            expect(page.get_by_test_id("stSidebar")).to_contain_text("Ada activated Fused score")
            _shows(page, "policy", "Fused score (active)")
            page.close()  # before their server goes


def _shows(page: Page, key: str, text: str) -> None:
    page.wait_for_function(SHOWN, arg=[key, text], timeout=PATIENCE, polling=200)
