"""Processes by their number and the time of their birth, as three systems know them; a number alone is used again."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

NICE = 10  # of 19: what runs in the background comes after a line's inspection on the same machine
SAME = 1.0  # seconds that two readings of one birth may differ by


def start_apart(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a process that outlives this one, and its terminal; what it says goes into the log. Gives its number."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # elsewhere than on Windows
            creationflags=flags,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that none is left as a zombie
    return process.pid


def born(pid: int) -> float | None:
    """When a process was started, in seconds since 1970; None where there is none of that number."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def lives(pid: int | None, birth: float | None) -> bool:
    """Whether the process of that number is the one that was born then, and has not ended."""
    found = None if pid is None or birth is None else born(pid)
    return found is not None and birth is not None and abs(found - birth) < SAME


def end(pid: int, *, politely: bool) -> None:
    """End a process and all that it has started; politely it may tidy up first, where the system knows such a wish."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                each.terminate() if politely else each.kill()


def step_back() -> None:
    """Let all other processes go first from now on."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(NICE)


def peak_memory() -> int:
    """The most bytes that this process has had in memory so far."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # which Windows lacks

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def load() -> float:
    """How many processes have wanted a core at once in the last minute, on average."""
    return psutil.getloadavg()[0]
