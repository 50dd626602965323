"""A process that has imported what the dashboard needs, and forks its servers and the workers of their jobs.

An order is one connection to its socket: JSON with a module, its arguments, its log and its environment; the answer is
the number of the process. All is as it is with a process of its own (`python -m MODULE ARGUMENTS`), but for the seconds
that an interpreter takes to import the libraries. One serves all workers of a run.
"""

import contextlib
import fcntl
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from pages.session import memory

HOME = Path(__file__).resolve().parents[2]
HELPERS: list[subprocess.Popen[bytes]] = []  # the one that this process has started
LATE = (  # what servers and workers import once they need it
    *("streamlit.web.bootstrap", "streamlit.web.server.starlette", "plotly.graph_objects", "pandas", "xgboost"),
    *("ensemble.training", "ensemble.jobs.estimate", "ensemble.jobs.worker", "ensemble.jobs.batch_worker"),
    *("ensemble.evaluation.publication", "ensemble.jobs.reinspection_worker"),
)


def forked(module: str, arguments: Sequence[str], log: str, environment: Mapping[str, str], door: str = "") -> int:
    """Have the process that stands behind that door, or the one of these tests, fork one that runs a module."""
    order = {"module": module, "arguments": list(arguments), "log": log, "environment": dict(environment)}
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(door or _door())
        asked.sendall(json.dumps(order).encode() + b"\n")
        return int(asked.makefile().readline())


def ended(pid: int) -> None:
    """Wait until a process that was forked so is at its end."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it was sooner
        psutil.Process(pid).wait()


@cache
def _door() -> str:
    """Where the process of this run listens; the first worker that asks starts it, and it ends with the run."""
    run, whose = os.environ.get("PYTEST_XDIST_TESTRUNUID"), os.getppid()
    if run is None:  # there are no workers
        run = whose = os.getpid()
    folder = Path(tempfile.gettempdir(), f"quorum_fork_{run}")
    folder.mkdir(mode=0o700, exist_ok=True)
    door = folder / "door"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not door.exists():
            command = [sys.executable, "-m", "tests.support.forked_dashboard", str(door), str(whose)]
            pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
            helper = subprocess.Popen(command, cwd=HOME, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)
            assert helper.stdout is not None and helper.stdout.readline() == b"ready\n"
            HELPERS.append(helper)
    return str(door)


def _start_apart(door: str) -> Any:
    """What stands in for `start_apart` in a server that was forked: it may have threads, and must not fork itself."""

    def start(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
        assert list(command[:2]) == [sys.executable, "-m"]
        return forked(command[2], command[3:], str(log), environment, door)

    return start


def _run(order: dict[str, Any], door: str) -> None:
    from ensemble.jobs import job_running, running

    os.setsid()
    said = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(said, stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = [order["module"], *order["arguments"]]
    job_running.start_apart = running.start_apart = _start_apart(door)
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _fork(order: dict[str, Any], door: str, hears: socket.socket) -> int:
    if pid := os.fork():
        return pid
    try:
        hears.close()
        _run(order, door)
    finally:
        sys.stdout.flush()
        os._exit(0)


def main(door: str, run: int) -> None:
    """Obey until the process with that number, whose run it is, is gone."""
    views = [*(HOME / "pages" / "components").rglob("*.py"), *(HOME / "pages" / "session").glob("*.py")]
    for name in (*LATE, *(".".join(view.relative_to(HOME).with_suffix("").parts) for view in views)):
        importlib.import_module(name.removesuffix(".__init__"))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that none is left as a zombie
    memory.settle_modules()  # not in each server, which would copy what it looks through
    with socket.socket(socket.AF_UNIX) as hears:
        hears.bind(door)
        hears.listen()
        print("ready", flush=True)
        while psutil.pid_exists(run):
            if not select.select([hears], [], [], 1.0)[0]:
                continue
            asked, _ = hears.accept()
            with asked, asked.makefile("rw") as told:
                told.write(f"{_fork(json.loads(told.readline()), door, hears)}\n")
    shutil.rmtree(Path(door).parent, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
