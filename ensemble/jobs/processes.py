"""Processes by their number and the time of their birth, as three systems know them; a number alone is used again."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from ensemble.disk.files import why_not_written
from ensemble.disk.locks import locked_alone
from ensemble.values.errors import JobError

BACKGROUND_NICENESS = 10  # of 19: what runs in the background comes after a line's inspection on the same machine
THREADS_SLEEP = {"OMP_WAIT_POLICY": "PASSIVE"}  # one that spins at a barrier takes the core of the one it waits for
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
            env={**THREADS_SLEEP, **environment},
            start_new_session=True,  # elsewhere than on Windows
            creationflags=flags,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that none is left as a zombie
    return process.pid


def let_threads_sleep() -> None:
    """Let threads of this process that wait for each other leave their cores to others; before torch is imported."""
    for name, value in THREADS_SLEEP.items():
        os.environ.setdefault(name, value)


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
        process.nice(BACKGROUND_NICENESS)


def peak_memory() -> int:
    """The most bytes that this process has had in memory so far."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":  # where getrusage tells what a larger process had that has started this one
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    import resource  # which Windows lacks

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def processor_load() -> float:
    """How many processes have wanted a core at once in the last minute, on average."""
    return psutil.getloadavg()[0]


LOCK = ".training.lock"
LOOK_PATIENCE = 2.0  # seconds; whoever only looks whether it is held has it for a moment


@contextlib.contextmanager
def only_training(folder: Path) -> Iterator[None]:
    """Nobody else trains the product meanwhile; a JobError where somebody does already."""
    with _asked_for(folder, LOOK_PATIENCE) as is_ours:
        if not is_ours:
            raise JobError("A training of {folder} is already running. Wait for it.", folder=folder)
        yield


def is_taken(folder: Path) -> bool:
    """Whether the product is being trained; a JobError where its folder cannot be written."""
    if not folder.exists():  # to make it and take it away again would take it from whoever begins meanwhile
        return False
    with _asked_for(folder, 0.0) as is_ours:
        return not is_ours


@contextlib.contextmanager
def _asked_for(folder: Path, patience: float) -> Iterator[bool]:
    made = not folder.exists()
    try:
        with contextlib.ExitStack() as held:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                is_ours = held.enter_context(locked_alone(folder / LOCK, patience))
            except OSError as error:
                raise JobError(
                    "{folder} cannot be written: {error}", folder=folder, error=why_not_written(error, folder)
                ) from error
            yield is_ours
    finally:
        if made:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()
