"""What a person does while a batch is on its way, and after: in a real Chromium, with a real product."""

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as TooLateError

from ensemble.jobs.batch_running import batch_folder
from ensemble.records.database import Database
from ensemble.records.history import Filters, history_page
from ensemble.values.titles import policy_title
from tests.support.bad_photos import jpeg, quarters
from tests.support.dashboard import SERVERS, served, settle

pytestmark = [pytest.mark.slow(110), pytest.mark.browser]
PHOTOS, POLICIES = 60, ("ALL", "ANY")
ELSEWHERE = ("Models", "Help")


@pytest.fixture(scope="module")
def address(tiny_product: Path) -> Iterator[str]:
    with served(tiny_product) as found:
        yield found


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixty photos, each another one, large enough that a batch of them lasts some seconds."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"part {number:02}.jpg" for number in range(PHOTOS)]
    for number, path in enumerate(paths):
        path.write_bytes(jpeg(quarters((1600 + number, 1200))))
    return paths


def choose_policy(page: Page, name: str) -> None:
    sidebar = page.locator("[data-testid=stSidebar]")
    option = page.get_by_role("option", name=policy_title(name), exact=True)
    for _ in range(9):  # a list that is open closes once, when the batch is done: whoever chooses opens it again
        sidebar.get_by_role("combobox", name="Policy").click()
        with contextlib.suppress(TooLateError):
            option.click(timeout=10_000)
            break
        page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"[?&]policy={name}\b"))


def visit(page: Page, name: str) -> None:
    page.locator("[data-testid=stSidebarNavLink]", has_text=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_sixty_photos_ten_policies_and_five_visits_give_sixty_verdicts(
    address: str, open_page: Callable[..., Page], photos: list[Path]
) -> None:
    page = open_page()
    page.goto(f"{address}/batch")
    page.locator("input[type=file]").set_input_files(photos)
    page.get_by_role("button", name=f"Analyze {PHOTOS} files").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    for number in range(5):
        for name in POLICIES:
            choose_policy(page, name)
        visit(page, ELSEWHERE[number % 2])
        visit(page, "Inspect a batch")
    expect(page.get_by_text(f"{PHOTOS} of {PHOTOS} files in")).to_be_visible()
    check(page)
    page.reload()
    check(page)


def test_a_killed_server_and_a_killed_worker_cost_no_verdict(
    tiny_product: Path, open_page: Callable[..., Page], photos: list[Path]
) -> None:
    with served(tiny_product) as address:
        page = open_page()
        page.goto(f"{address}/batch?policy=ANY")
        page.locator("input[type=file]").set_input_files(photos)
        page.get_by_role("button", name=f"Analyze {PHOTOS} files").click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        page.reload()
        expect(page.get_by_text(re.compile(rf"Batch: \d+ of {PHOTOS} files"))).to_be_visible()
        called = re.search(r"[?&]batch=([\w-]+)", page.url)
        assert called
        page.close()
        kill_at(address, called[1])
    with served(tiny_product) as address:
        page = open_page()
        page.goto(f"{address}/batch?policy=ANY&batch={called[1]}")
        expect(page.get_by_text("nothing is judged twice")).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text(f"{PHOTOS} of {PHOTOS} files in")).to_be_visible()
        check(page)
    kept = history_page(Database(), Filters(batch=called[1]), most=2 * PHOTOS).inspections
    assert sorted(each.stored["photo"] for each in kept) == [path.name for path in photos]


def kill_at(address: str, batch: str) -> None:
    """End the server of an address and the process of its batch, as a cut of the power does."""
    worker = batch_folder(batch).job().pid
    ended = [psutil.Process(worker), SERVERS[address]]
    for process in ended:
        process.kill()
    psutil.wait_procs(ended, timeout=60)


def check(page: Page) -> None:
    """Every photo has its verdict, by the policy ANY: in the numbers and in the file."""
    settle(page)  # before that, the tiles of the run before may stand beside those of this one
    expect(page.locator(".tile b")).to_have_count(5)
    numbers = page.locator(".tile b").all_inner_texts()
    everything, _nok, _review, refused, _ok = map(int, numbers)
    assert everything == sum(map(int, numbers[1:])) == PHOTOS and refused == 0, numbers
    with page.expect_download() as download:
        page.get_by_role("button", name="Download results").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["photo"] for row in rows] == [f"part {number:02}.jpg" for number in range(PHOTOS)]
    assert all(row["verdict"] and row["policy"] == "ANY" and row["product"] == "disc" for row in rows)


def test_a_photo_and_its_verdict_survive_another_screen_and_a_reload(
    address: str, open_page: Callable[..., Page], photos: list[Path]
) -> None:
    page = open_page()
    page.goto(address)
    page.locator("input[type=file]").set_input_files(photos[0])
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_be_visible()
    page.get_by_role("button", name="Analyze").click()
    word = page.locator(".verdict .word")
    said = word.inner_text()
    visit(page, "Help")
    visit(page, "Inspect a photo")
    for _ in range(2):
        expect(word).to_have_text(said)
        expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_be_visible()
        expect(page.locator(".st-key-in_turn")).to_contain_text(photos[0].name)
        page.reload()
    page.locator("input[type=file]").set_input_files(photos[1])
    expect(page.locator(".waiting")).to_be_visible()
    expect(page.locator(".st-key-evidence")).to_contain_text(photos[1].name)
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(".st-key-evidence [data-testid=stImage] img")).to_have_count(0)
