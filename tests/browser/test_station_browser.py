"""The station beside a line in a real browser: read from afar, heard, awake, and back by itself after an outage."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_accessibility import violations
from tests.browser.test_browser import photos
from tests.browser.test_walk import CLIPPED, OVERLAPPING, asked
from tests.support.dashboard import PATIENCE, served

pytestmark = [pytest.mark.browser, pytest.mark.slow(45)]

# Notes what the page asks of its browser, which here knows of no touch yet, as after it has been started.
NOTED = """
Object.defineProperty(Navigator.prototype, 'userActivation', {get: () => ({hasBeenActive: false})});
window.tones = [];
window.locks = 0;
const create = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
    const tone = create.call(this), start = tone.start.bind(tone);
    tone.start = (when) => { window.tones.push(tone.frequency.value); start(when); };
    return tone;
};
WakeLock.prototype.request = async () => { window.locks += 1; return new EventTarget(); };
"""
SIZES = ((1920, 1080), (1280, 720), (390, 844))


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that outlive their server."""
    contexts = []

    def open_one(scheme: str = "light") -> Page:
        contexts.append(browser.new_context(viewport={"width": 1920, "height": 1080}, color_scheme=scheme))
        contexts[-1].add_init_script(NOTED)
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield open_one
    for context in contexts:
        context.close()


def counts(page: Page) -> list[str]:
    return page.locator(".st-key-station .tile b").all_inner_texts()


def judge(page: Page, place: int, word: str) -> None:
    page.locator("input[type=file]").set_input_files(photos()[place])
    expect(page.locator(".verdict .word")).to_have_text(word)
    expect(page.locator(".st-key-evidence img")).to_be_visible()


def check_sizes(page: Page) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        verdict, photo = (page.locator(each).bounding_box() for each in (".verdict", ".st-key-evidence img"))
        assert verdict["height"] >= height / 3 and verdict["width"] >= 0.9 * width, (width, verdict)
        assert photo["y"] >= verdict["y"] + verdict["height"] and photo["y"] + photo["height"] <= height, (width, photo)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not (asked(page, CLIPPED) + asked(page, OVERLAPPING)), width
    page.set_viewport_size({"width": 1920, "height": 1080})


def test_a_station_is_read_heard_and_back_by_itself_after_its_server(opened: Callable[..., Page]) -> None:
    page = opened()
    with served() as address:
        page.goto(f"{address}/?station=1&lang=fr&demo=true&policy=FUSED")
        start = page.get_by_role("button", name="Démarrer")
        expect(start).to_be_visible()
        expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
        start.click()
        expect(start).to_be_hidden()
        assert page.evaluate("window.locks") == 1
        judge(page, 0, "NOK")
        expect(page.locator(".st-key-station .tile b").nth(1)).to_have_text("1")
        page.wait_for_function("window.tones.length === 2")
        assert max(page.evaluate("window.tones")) < 250
        check_sizes(page)
        assert not violations(page)
        judge(page, 1, "OK")
        expect(page.locator(".st-key-station .tile b").first).to_have_text("1")
        assert len(page.evaluate("window.tones")) == 2  # what is as it should be makes no sound
        news = page.locator(".station-news")
        news.evaluate("news => { news.dataset.tone = 'review'; news.dataset.mark = 'another' }")
        page.wait_for_function("window.tones.length === 6")
        assert min(page.evaluate("window.tones.slice(2)")) > 800
        page.keyboard.press("m")
        news.evaluate("news => { news.dataset.mark = 'a third' }")
        page.wait_for_function("sessionStorage.quorumHeard === 'a third'")
        assert len(page.evaluate("window.tones")) == 6
    expect(page.locator(".station-lost")).to_be_visible()
    expect(page.locator(".station-lost")).to_have_text("Connexion perdue, nouvel essai en cours…")
    with served(port=urlsplit(address).port or 0):
        expect(page.locator(".station-lost")).to_be_hidden()
        expect(page.locator(".past .chip")).to_have_text("OK")
        expect(page.locator(".past")).to_contain_text(photos()[1].name)
        assert counts(page) == ["1", "1", "0"]
        expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
        expect(page.locator(".demo-band")).to_be_visible()
        asked_for = dict(parse_qsl(urlsplit(page.url).query))
        wanted = {"station": "1", "lang": "fr", "demo": "true", "policy": "FUSED"}
        assert {name: asked_for.get(name) for name in wanted} == wanted
        expect(page.locator("html")).to_have_attribute("data-station-muted", "yes")
        page.wait_for_function("window.locks >= 1")
        judge(page, 0, "NOK")
        expect(page.locator(".st-key-station .tile b").nth(1)).to_have_text("2")
        page.get_by_role("button", name="Quitter").click()
        expect(page.locator("[data-testid=stSidebar]")).to_be_visible()
