"""What several tests share: drawn photos, random weights for a small backbone, and a product trained on both."""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch starts its threads: workers share the cores, each has one
    gc.disable()  # until all tests are loaded: modules are no garbage

import torch
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from ensemble.cli.main import main
from ensemble.drawing.sample import write_sample
from ensemble.features.backbones import build_network
from ensemble.members.classical import ForestMember
from ensemble.records.database import DATABASE_SETTING, Database
from ensemble.training import train
from tests.support.dashboard import FLAGS, PAGES, PATIENCE, chromium, close_pages, is_error, is_foreign
from tests.support.postgres import Server, binaries, running_server

# The same examples in every run: whether a change may land depends on the change. `make fuzz` looks for others.
settings.register_profile("tests", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "fuzz",
    max_examples=1000,
    deadline=None,
    print_blob=True,
    database=DirectoryBasedExampleDatabase(Path(__file__).resolve().parent.parent / "build" / "fuzz"),
)
settings.load_profile("tests")

TINY_BACKBONE = "squeezenet1_1"
TEMPLATE = "history"  # a PostgreSQL database with the tables and nothing in them
Run = Callable[..., tuple[int, str, str]]

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"  # servers under test are never behind a proxy
TESTED_ON = os.environ.get("QUORUM_TESTED_ON", "SQLite")  # what keeps the history where a test does not say
for setting in [name for name in os.environ if name.startswith("QUORUM_")]:
    del os.environ[setting]  # before any module reads it: a developer's own settings must not change what is tested
os.environ["QUORUM_CACHE"] = tempfile.mkdtemp(prefix="quorum_features_")  # nor may tests fill or read his cache
os.environ["QUORUM_RUNTIME"] = "torch"  # numbers that tests know by heart are the reference's
os.environ["QUORUM_RECORDS"] = tempfile.mkdtemp(prefix="quorum_records_")  # nor do their verdicts go into his history
for scratch in ("QUORUM_CACHE", "QUORUM_RECORDS"):
    atexit.register(shutil.rmtree, os.environ[scratch], ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn photos in train|test/{non_defective,defective}; read only."""
    folder = tmp_path_factory.mktemp("tiny_data") / "sample"
    write_sample(folder, photos=40, seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder for `TINY_BACKBONE`; random numbers, the same in every run; read only."""
    folder = tmp_path_factory.mktemp("tiny_weights")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(build_network(TINY_BACKBONE).state_dict(), folder / f"{TINY_BACKBONE}.pth")
    return folder


@pytest.fixture(scope="session")
def tiny_product(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_weights: Path) -> Path:
    """The folder of a trained product of two real members, svm and rf, and of little skill.

    Read only: a test that changes files works on a copy.
    """
    folder = tmp_path_factory.mktemp("tiny_product") / "disc"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForestMember, "trees", 30)  # it is loaded hundreds of times, and each tree takes its time then
        train(
            tiny_data,
            folder,
            backbones=(TINY_BACKBONE,),
            kinds=("svm", "rf"),
            weights=tiny_weights,
            pooling="average",
            product="disc",
        )
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One PostgreSQL for all tests of a process; `make test` installs what it needs."""
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: run `make postgres`")
    with running_server() as server:
        made = Database(tmp_path_factory.mktemp("template"), server.new_url(name=TEMPLATE))
        with made.reading():
            pass
        made.close()
        yield server


@pytest.fixture(autouse=True)
def history_kept_in(request: pytest.FixtureRequest) -> Iterator[str]:
    """SQLite or PostgreSQL: a test marked `both_databases` is run with each, the others with what the run is for."""
    kind = getattr(request, "param", TESTED_ON)
    if kind == "SQLite":
        yield kind
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.new_url(TEMPLATE)
    with pytest.MonkeyPatch.context() as patched:  # of its own: a test's must end before its folder is cleared away
        patched.setenv(DATABASE_SETTING, url)
        yield kind
    server.drop(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so with both databases, whatever the others are run with."""
    if metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("history_kept_in", ["SQLite", "PostgreSQL"], indirect=True)


@pytest.fixture(autouse=True)
def main_stays() -> Iterator[None]:
    """Leave `__main__` as it was: AppTest puts a screen in its place, which every spawned process would then run."""
    main_before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main_before


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line: arguments in, exit code, standard output and what is said to a person out."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ensemble", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
            raise SystemExit(0)
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, " ".join(printed.err.split())

    return call


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def context_for(browser: Browser) -> Callable[[bool], BrowserContext]:
    """A context for a mouse, and one for a finger, for all pages of a file: what one has loaded, the next has too."""

    @cache
    def opened(touch: bool) -> BrowserContext:
        context = browser.new_context(has_touch=touch, reduced_motion="reduce")  # what moves for show costs a core
        context.set_default_timeout(PATIENCE)
        context.new_page()  # an empty one: the process of the others does not end with them
        return context

    return opened


@pytest.fixture
def open_page(context_for: Callable[[bool], BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Open pages that note what goes wrong in them; nothing may."""
    wrong: list[str] = []

    def opened(width: int = 1440, height: int = 900, scheme: str = "light", *, touch: bool = False) -> Page:
        context = context_for(touch)
        if not PAGES:
            context.clear_cookies()  # whoever comes now is nobody yet
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.on("console", lambda message: wrong.append(message.text) if is_error(message) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if is_foreign(request.url) else None)
        PAGES.append(page)
        return page

    yield opened
    close_pages()
    assert not wrong


def pytest_collection_finish() -> None:
    """What is loaded by now stays: no search for garbage looks through it again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, by what their marks say: all workers then end at about the same time."""
    seconds = {item.path: mark.args[0] for item in items for mark in item.iter_markers("slow")}
    items.sort(key=lambda item: -seconds.get(item.path, 0))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Tests on real photos are collected where the photos are; the rest of the suite does without them."""
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    real = {"test_real_photos.py", "test_clothing_browser.py"}
    return True if collection_path.name in real and not shared.is_dir() else None
