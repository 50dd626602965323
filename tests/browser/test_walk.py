"""All screens at all widths, in every language and in a longer one: nothing is clipped, nothing overlaps."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from ensemble.values.language import ENGLISH, FRENCH, PSEUDO
from tests.browser.test_browser import MORE_SCREENS, SCREENS, photos
from tests.support.dashboard import go_to, served

pytestmark = [pytest.mark.browser, pytest.mark.slow(100)]
HIGHEST = 1800  # pixels
LANGUAGES: tuple[str, ...] = (ENGLISH, FRENCH, PSEUDO)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = ((1920, 1080), (1440, 900), (1280, 720), (1024, 768), (390, 844))

TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth
    || [...document.querySelectorAll('[data-testid=stMain]')].some(main => main.scrollWidth > main.clientWidth)"""
# Blocks that hold text of their own and show less than they hold, or stand wider than the page.
CLIPPED = """() => [...document.querySelectorAll('[data-testid=stMain] *, [data-testid=stSidebar] *')].filter(block => {
    const own = [...block.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const box = block.getBoundingClientRect(), look = getComputedStyle(block);
    if (!own || !box.width || !box.height || look.display === 'inline') return false;
    if (block.closest(HIDDEN) || !block.checkVisibility(SEEN)) return false;
    const scrolls = ['auto', 'scroll'].includes(look.overflowX);
    return !scrolls && block.scrollWidth > block.clientWidth + 1;
}).map(block => `${block.tagName}.${block.className}: ${block.textContent.trim().slice(0, 60)}`)"""

# Texts, buttons and pictures of which neither holds the other and that cover each other.
OVERLAPPING = """() => {
    const kinds = 'h1, h2, h3, h4, p, button, label, img, td, th, summary, .verdict, .tile';
    const every = [...document.querySelectorAll('[data-testid=stMain] :is(' + kinds + ')')]
        .filter(block => !block.closest(HIDDEN) && block.checkVisibility(SEEN))
        .map(block => {
            const text = document.createRange();  // a label may be wider than what it says
            text.selectNodeContents(block);
            return [block, (block.tagName === 'LABEL' ? text : block).getBoundingClientRect()];
        })
        .filter(([_block, box]) => box.width > 2 && box.height > 2);
    const found = [];
    for (const [place, [one, a]] of every.entries())
        for (const [other, b] of every.slice(place + 1)) {
            if (one.contains(other) || other.contains(one)) continue;
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 3 && high > 3) found.push([one, other].map(each =>
                `${each.tagName} ${(each.textContent || each.alt || '').trim().slice(0, 40)}`).join(' × '));
        }
    return found;
}"""
# What Streamlit hides or floats, what only a screen reader reads, and charts, which draw their own texts.
HIDDEN = (
    "[data-testid=stHeader], .stPlotlyChart, [data-testid=stDataFrame], [aria-hidden=true], [hidden], .st-key-bar, "
    "[data-baseweb=tooltip], [data-testid=stElementToolbar], [data-testid=stFileUploaderDropzone], "
    "[data-testid=stToast], input, style, script"
)

SEEN = "{contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true}"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


def asked(page: Page, question: str) -> list[str]:
    found: list[str] = page.evaluate(question.replace("HIDDEN", repr(HIDDEN)).replace("SEEN", SEEN))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_clipped_and_nothing_overlaps(address: str, open_page: Callable[..., Page], language: str) -> None:
    page, demo = open_page(1280, 720), language == ENGLISH  # where texts are shortest, so that others tell more of them
    wrong: list[str] = []
    for number, (path, title) in enumerate((SCREENS | MORE_SCREENS).items()):  # languages and screens in both themes
        scheme = SCHEMES[(number + LANGUAGES.index(language)) % len(SCHEMES)]
        page.emulate_media(color_scheme=scheme)
        if number:
            go_to(page, path)
        else:
            page.goto(f"{address}/?lang={language}&demo={str(demo).lower()}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if demo:
            expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
            expect(page).to_have_title(title)
            shown = page.locator("[data-testid=stSidebarNavLink][aria-current=page]")
            expect(shown).to_have_text(re.compile(f"{title}$"))
            expect(page.locator(".demo-band")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("[data-testid=stApp]")).to_have_css("color-scheme", scheme)
        if not path:
            page.locator("input[type=file]").set_input_files(photos())
            page.locator(".st-key-analyze button").click()
            expect(page.locator(".verdict .word")).to_be_visible()
        expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            where = f"/{path} in {language}, {scheme}, at {width}: "
            if page.evaluate(TOO_WIDE):
                wrong.append(f"{where}the page is wider than the window")
            wrong += [f"{where}clipped {each}" for each in asked(page, CLIPPED)]
            wrong += [f"{where}overlap {each}" for each in asked(page, OVERLAPPING)]
    assert not wrong, "\n".join(wrong)


def test_screens_to_read_are_short_before_anything_is_opened(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(1440, 900)
    for path in (
        "policies",
        "policies?view=Adjust",
        "policies?view=Activate",
        "policies?view=History",
        "performance",
        "card",
    ):
        page.goto(f"{address}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
        page.wait_for_timeout(500)  # charts take their height once they are drawn
        assert page.locator("[data-testid=stMainBlockContainer]").bounding_box()["height"] <= HIGHEST, path


def test_a_wrong_photo_is_whole_and_a_click_enlarges_it(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(1440, 900)
    page.goto(f"{address}/performance")
    part = page.locator("details.part").first
    photo = part.locator("img")
    expect(photo).to_have_css("object-fit", "contain")
    assert photo.bounding_box()["height"] >= 160
    expect(part.locator("ul")).to_be_hidden()
    part.locator("summary").click()
    expect(part.locator("ul")).to_be_visible()  # its votes
    assert photo.bounding_box()["height"] >= 400
