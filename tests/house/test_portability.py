"""What only one kind of system has keeps no module from being imported, and no file from being read, on another."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow(15)

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path for folder in ("ensemble", "pages", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)  # with no name that needs a system of its own
SCREENS = ROOT / "pages" / "screens"

# Libraries ask for themselves what a system has; here our own modules see what they would see on Windows.
AS_ON_WINDOWS = """
import builtins, importlib, os, signal, sys, types

REFUSED = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "crypt", "readline"}
MISSING = {
    "os": "chown chroot ctermid fchmod fchown fdatasync fork forkpty fstatvfs getegid geteuid getgid getgroups "
    "getloadavg getpgid getpgrp getpriority getresuid getsid getuid initgroups killpg lchown lockf mkfifo mknod nice "
    "openpty pathconf posix_fadvise posix_fallocate pread preadv pwrite pwritev register_at_fork "
    "sched_getaffinity sched_setaffinity sendfile setegid seteuid setgid setpgid setpriority setsid setuid statvfs "
    "sync sysconf tcsetpgrp ttyname uname wait wait3 wait4 waitid WNOHANG O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK",
    "signal": "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause setitimer",
    "socket": "AF_UNIX socketpair fromfd",
    "time": "tzset clock_settime",
}
OURS = ("ensemble", "pages", "benchmarks", "__main__")
original = builtins.__import__


def without(module, names):
    kept = types.ModuleType(module.__name__)
    kept.__dict__.update({name: value for name, value in vars(module).items() if name not in names})
    return kept


KNOWN = {name: without(importlib.import_module(name), set(names.split())) for name, names in MISSING.items()}


def as_on_windows(name, given=None, local=None, fromlist=(), level=0):
    asker = (given or {}).get("__name__", "")
    if level == 0 and asker.split(".")[0] in OURS:
        if name in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}, which {asker} asks for")
        if name in KNOWN:
            return KNOWN[name]
    return original(name, given, local, fromlist, level)


os.environ["USERNAME"] = "ada"  # Windows always names it
builtins.__import__ = as_on_windows
for name in sys.argv[1:]:
    importlib.import_module(name)

from streamlit.testing.v1 import AppTest
app = AppTest.from_file("streamlit_app.py", default_timeout=180).run()
assert not app.exception, app.exception
print(len(sys.argv) - 1, "modules,", app.title[0].value)
"""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_is_imported_and_the_first_screen_comes_up_without_what_windows_lacks() -> None:
    run_by_others = [path for path in MODULES if path.name == "__main__.py" or "migrations" in path.parts]
    names = [name_of(path) for path in MODULES if not path.is_relative_to(SCREENS) and path not in run_by_others]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AS_ON_WINDOWS, *names, "ensemble.cli.main"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.strip().endswith(f"{len(names) + 1} modules, Inspect a photo")


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def is_open_as_text(call: ast.Call) -> bool:
    """Whether a call opens a file as text without saying how its letters are stored: each system has its own way."""
    if not isinstance(call.func, ast.Attribute):
        return isinstance(call.func, ast.Name) and call.func.id == "open"
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if call.func.attr in ("read_text", "write_text"):
        return len(call.args) < (1 if call.func.attr == "read_text" else 2)
    owner = call.func.value
    if call.func.attr != "open" or (isinstance(owner, ast.Name) and owner.id[0].isupper()) or owner_is_os(owner):
        return False  # Inspector.open, Image.open, os.open
    mode = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "mode"), None)
    return mode is None or (isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "b" not in mode.value)


def owner_is_os(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Name) and owner.id in ("os", "webbrowser")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_is_stored_alike_and_dates_are_written_alike_on_every_system(path: Path) -> None:
    assert not [f"{path}:{call.lineno}" for call in calls(path) if is_open_as_text(call)]
    assert "%-" not in path.read_text(encoding="utf-8")  # such a date is refused by Windows
