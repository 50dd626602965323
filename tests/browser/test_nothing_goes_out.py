"""Photos go nowhere: every socket of the dashboard, the API, a training, a notebook and the command line is watched.

They all run at once for longer than a minute, for a library's report may wait for half of one.
"""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.error import URLError

import httpx
import pytest
from playwright.sync_api import Page, expect

from ensemble.features.preprocessing import BUNDLED
from tests.support.dashboard import PATIENCE, ROOT

pytestmark = [
    pytest.mark.slow(95),
    pytest.mark.skipif(sys.platform != "linux", reason="strace watches sockets on Linux"),
]

SECONDS = 66.0
DOMAIN = 53  # the port that names are looked up on
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
PORT = re.compile(r"htons\((\d+)\)")
# What else libraries leave at home: caches that were asked for, nothing that tells one machine from another.
CACHES = (".cache/matplotlib", ".config/matplotlib", ".ipython", ".cache/quorum", ".local/share/jupyter", ".jupyter")
COMMAND = """
import sys, time
until = time.monotonic() + {seconds}
from ensemble.__main__ import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
time.sleep(max(0, until - time.monotonic()))
"""
CELL = """
import time
until = time.monotonic() + {seconds}
from pathlib import Path
from ensemble.inspection.inspector import Inspector
from ensemble.imaging.photos import read_photo
from ensemble.store import ModelStore
store = ModelStore(Path("models"))
print(Inspector.open(store).inspect([read_photo(Path("{photo}"))], store.policies()[0])[0].label)
time.sleep(max(0, until - time.monotonic()))
"""
NOTEBOOK = """
import nbformat
from nbclient import NotebookClient
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({cell!r})])
found = NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
assert "defective" in str(found.cells[0].outputs), found
"""


def foreign(trace: str) -> list[str]:
    """The lines of a trace that lead off this machine, or look a name up."""
    found = []
    for line in trace.splitlines():
        if match := ADDRESS.search(line):
            address = ip_address(match[1] or match[2])
            inner = getattr(address, "ipv4_mapped", None) or address
            port = PORT.search(line)
            if not inner.is_loopback or (port and int(port[1]) == DOMAIN):
                found.append(line)
    return found


@pytest.mark.parametrize(
    ("line", "is_foreign"),
    [
        ('connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("20.42.73.27")}, 16) = 0', True),
        ('connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0', True),
        ('sendto(4, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("8.8.8.8")}, 16) = 1', True),
        ('connect(5, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "2a00::1", &sin6_addr)}, 28)', True),
        ('connect(5, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "::1", &sin6_addr)}, 28)', False),
        ('connect(3, {sa_family=AF_INET, sin_port=htons(8501), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', False),
        ('connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT', False),
        ('sendto(7, "GET / HTTP/1.1", 14, MSG_NOSIGNAL, NULL, 0) = 14', False),
    ],
)
def test_a_trace_is_read(line: str, is_foreign: bool) -> None:
    assert bool(foreign(line)) == is_foreign


@contextmanager
def watched(trace: Path, home: Path, folder: Path, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process and all that it starts, in a folder, at a home of its own, with its sockets written down."""
    tool = shutil.which("strace")
    if tool is None:
        pytest.fail("This test needs strace: install it (on Debian: sudo apt-get install strace).", False)
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    line = [tool, "-f", "--seccomp-bpf", "-qq", "-e", calls, "-o", str(trace), sys.executable, *map(str, command)]
    environment = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    environment["QUORUM_RECORDS"] = str(trace.parent / "records")  # not beside photos that another test looks at
    environment["OMP_NUM_THREADS"] = "1"  # five processes at once: threads that wait for each other keep cores busy
    with trace.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(line, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            for child in _children(process.pid):  # the tracer ends with what it traces
                subprocess.run(["kill", str(child)], check=False, stderr=subprocess.DEVNULL)
            process.wait(timeout=60)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(address: str) -> None:
    last = time.monotonic() + 2 * PATIENCE / 1000
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (URLError, OSError):
            assert time.monotonic() < last, f"{address} does not answer"
            time.sleep(0.2)
        else:
            return


def _bound_to(port: int) -> set[str]:
    """The addresses that a port listens on, as the kernel writes them."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A"]
    return {local.split(":")[0] for local in listening if int(local.split(":")[1], 16) == port}


def test_nothing_goes_out_and_nothing_is_left(open_page: Callable[..., Page], tmp_path: Path, tiny_data: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    dashboard, api = _free_port(), _free_port()
    photo = next((ROOT / "data" / "test" / "defective").iterdir())
    waiting = COMMAND.format(seconds=SECONDS)
    cell = CELL.format(photo=photo, seconds=SECONDS)
    train = ("train", "--data", tiny_data, "--models", tmp_path / "made", "--members", "svm,rf", "--profile", "quick")
    train += ("--backbone", BUNDLED)
    app = ("-m", "streamlit", "run", ROOT / "streamlit_app.py", "--server.headless", "true")
    runs: dict[str, tuple[Path, tuple[object, ...]]] = {
        "dashboard": (elsewhere, (*app, "--server.port", dashboard)),
        "api": (ROOT, ("-m", "uvicorn", "ensemble.api:app", "--port", api)),
        "training": (ROOT, ("-c", waiting, *train)),
        "notebook": (ROOT, ("-c", NOTEBOOK.format(cell=cell))),
        "command line": (ROOT, ("-c", waiting, "inspect", photo)),
    }
    began = time.monotonic()
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(watched(tmp_path / name, home, folder, *command))
            for name, (folder, command) in runs.items()
        }
        _wait_until_up(f"http://127.0.0.1:{api}/")
        sent = {"file": (photo.name, photo.read_bytes())}
        answer = httpx.post(f"http://127.0.0.1:{api}/predict/", files=sent, timeout=120)
        assert answer.json()["verdict"] == "defective"
        _wait_until_up(f"http://127.0.0.1:{dashboard}/_stcore/health")
        assert _bound_to(dashboard) == {"0100007F"} and _bound_to(api) == {"0100007F"}  # 127.0.0.1
        _judge(open_page(), f"http://127.0.0.1:{dashboard}", photo)
        for name in ("training", "notebook", "command line"):
            assert processes[name].wait(timeout=240) == 0, (tmp_path / f"{name}.log").read_text()[-2000:]
        time.sleep(max(0.0, began + SECONDS - time.monotonic()))  # a minute is asked, not that something is ready
    for name in runs:
        trace = (tmp_path / name).read_text(errors="replace")
        assert "AF_INET" in trace or name in {"dashboard", "api", "training", "command line"}, f"{name} was not watched"
        assert not foreign(trace), f"{name}: {foreign(trace)[:5]}"
    left = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    assert [path for path in left if not path.startswith(CACHES)] == []


def _judge(page: Page, address: str, photo: Path) -> None:
    page.goto(address)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.get_by_role("button", name="Analyze").click()
    expect(page.locator(".verdict .word").first).to_have_text("NOK")
    page.close()
