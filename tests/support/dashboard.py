"""A dashboard that was really started, and what a browser needs to look at it."""

import os
import re
import shutil
import socket
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.support.forked_dashboard import forked

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--process-per-site",  # a page that is opened after another need not compile the same scripts again
    "--js-flags=--max-lazy --no-opt",  # pages live too short for compiling what they may never run to pay
)
PATIENCE = 180_000  # milliseconds; others may use the machine too, and only what never comes is to fail
expect.set_options(timeout=PATIENCE)
PAGES: list[Page] = []  # those that are open
SERVERS: dict[str, psutil.Process] = {}  # the dashboards that run, by their addresses
PROBE = r"/_stcore/(health|host-config)$"  # the end of where Streamlit's page asks whether its server is there
OUT_OF_REACH = "Streamlit server is not responding"  # said once a probe has failed
LOST = "requested does not seem to exist. Running the app's main page."


def chromium() -> str:
    """The browser's path; without one the tests fail with the sentence that says what to install."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("The browser tests need Chromium: install it (on Debian: sudo apt-get install chromium).", False)
    return found


@contextmanager
def served(models: Path | None = None, port: int = 0) -> Iterator[str]:
    """Start the dashboard on that port, or on a free one, with its libraries imported; gives its address."""
    with _run(Path("streamlit_app.py"), port, _fork, models) as address:
        yield address


@contextmanager
def served_alone(entry: Path = ROOT / "streamlit_app.py") -> Iterator[str]:
    """Start a dashboard in an interpreter of its own, as people do; gives its address."""
    with _run(entry, 0, _start) as address:
        yield address


def _start(module: str, arguments: Sequence[str], log: str, environment: Mapping[str, str]) -> psutil.Process:
    command = [sys.executable, "-m", module, *arguments]
    with Path(log).open("wb") as said:
        return psutil.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)


def _fork(*order: Any) -> psutil.Process:
    return psutil.Process(forked(*order))


@contextmanager
def _run(entry: Path, port: int, start: Callable[..., psutil.Process], models: Path | None = None) -> Iterator[str]:
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    environment = os.environ | ({"QUORUM_MODELS": str(models)} if models else {})
    arguments = ["run", str(entry), "--server.port", str(port), *options]
    address = f"http://127.0.0.1:{port}"
    server = SERVERS[address] = start("streamlit", arguments, os.devnull, environment)
    try:
        _wait_until_up(f"{address}/_stcore/health")
        yield address
    finally:
        close_pages()  # before the server goes: a page that loses it complains
        with suppress(psutil.NoSuchProcess):  # a test may have ended it
            server.terminate()
            server.wait()
        del SERVERS[address]


def close_pages() -> None:
    """Close all pages that are open."""
    while PAGES:
        PAGES.pop().close()


def go_to(page: Page, path: str) -> None:
    """Open another screen by its link in the menu, for a third of what a page that is loaded anew costs."""
    page.locator(f"[data-testid=stSidebarNavLink][href$='/{path}']").evaluate("link => link.click()")
    expect(page.locator(f"[data-testid=stSidebarNavLink][href$='/{path}'][aria-current=page]")).to_have_count(1)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the screen has been drawn to its end: until then a click is sent with what the widgets held before."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-stale=true]")).to_have_count(0)  # what is about to go, and pale until then


def _wait_until_up(address: str) -> None:
    last = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > last:
                raise
            time.sleep(0.2)


def work_of(address: str) -> float:
    """Seconds on a core that the dashboard at that address has taken so far."""
    times = SERVERS[address].cpu_times()
    return times.user + times.system


def is_error(message: ConsoleMessage) -> bool:
    """Whether a page has complained of something other than its server's own probe."""
    return message.type == "error" and not is_forgiven(message.text, message.location["url"])


def is_forgiven(text: str, url: str) -> bool:
    """Whether Streamlit's page complains that its probe was not answered, which a busy or ended server cannot.

    On a deep link it also asks below the screen's own name first and is answered 404 before it finds the way, and in a
    fresh process it misses the page until it is loaded again, see `pages/components/common/faults.py`.
    """
    asked = (urllib.parse.urlsplit(url).path, text.partition(" when attempting to reach ")[2])
    return any(re.search(PROBE, each) for each in asked) or text.startswith(OUT_OF_REACH) or LOST in text


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
