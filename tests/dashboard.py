"""A dashboard that was really started, and what a browser needs to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parent.parent
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 60_000  # milliseconds; loading models on a busy machine takes a while
expect.set_options(timeout=PATIENCE)


def chromium() -> str:
    """The browser's path; without one the tests fail with the sentence that says what to install."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("The browser tests need Chromium: install it (on Debian: sudo apt-get install chromium).", False)
    return found


@contextmanager
def served(models: Path | None = None) -> Iterator[str]:
    """Start the dashboard in a process of its own on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), "--server.port", str(port)]
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    environment = os.environ | ({"QUORUM_MODELS": str(models)} if models else {})
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, *options], cwd=ROOT, env=environment, **quiet) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(f"{address}/_stcore/health")
            yield address
        finally:
            server.terminate()


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


def is_error(message: object) -> bool:
    # On a deep link Streamlit asks below the screen's own name first, and is answered 404 before it finds the way; in a
    # fresh process it also misses the page until it is loaded again, see `pages/components/first_visit.py`.
    astray = "/_stcore/" in message.location["url"] or "does not seem to exist" in message.text  # type: ignore[attr-defined]
    return message.type == "error" and not astray  # type: ignore[attr-defined]


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
