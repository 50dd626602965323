"""What is shown to the public starts as it is, in demo mode, and is content with little memory."""

import tomllib
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_browser import analyze, read_verdict, switch_demo
from tests.support.dashboard import ROOT, SERVERS, served_alone, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow(40)]

CLOUD = ROOT / "deploy" / "community-cloud"
MEGABYTE = 1_000_000


def memory(address: str) -> int:
    """Bytes that a dashboard holds."""
    return int(SERVERS[address].memory_info().rss)


def test_the_pinned_versions_are_installed_with_a_torch_without_cuda() -> None:
    assert "-r ../../requirements.txt" in (CLOUD / "requirements.txt").read_text(encoding="utf-8").splitlines()
    docker = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "UV_TORCH_BACKEND=cpu" in docker and "uv pip install --system -r requirements.txt" in docker
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["uv"]["pip"]["torch-backend"] == "cpu"


def test_it_begins_in_demo_mode_and_keeps_to_its_memory(open_page: Callable[..., Page]) -> None:
    with served_alone(CLOUD / "streamlit_app.py") as address:
        page = open_page()
        page.goto(address)
        expect(page.locator(".demo-band").first).to_be_visible()
        analyze(page, next((ROOT / "data" / "test" / "defective").glob("*.jpg")))
        expect(page.locator(".verdict .demo")).to_be_visible()
        settle(page)
        demo = memory(address)
        print(f"{demo / MEGABYTE:.0f} MB in demo mode")
        assert 100 * MEGABYTE < demo < 690 * MEGABYTE
        switch_demo(page)
        expect(page.locator(".demo-band")).to_have_count(0)
        page.get_by_role("button", name="Analyze").click()
        read_verdict(page)
        settle(page)
        print(f"{memory(address) / MEGABYTE:.0f} MB with the product that ships")
        assert memory(address) < 1200 * MEGABYTE
