"""Locks and processes: one holder at a time, gone with its process; a number is nobody without its birth."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ensemble.disk.locks import is_held, locked, locked_alone
from ensemble.jobs import processes

PATIENCE = 180.0  # seconds; only what never ends is to fail
HOLDING = (
    "import sys, time; from pathlib import Path; from ensemble.disk.locks import locked\n"
    "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
)
WITH_CHILD = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, flush=True); time.sleep(600)"
)


def started(code: str, *arguments: object) -> tuple[subprocess.Popen[str], str]:
    """A process of its own and the first line that it says."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    process, said = started(HOLDING, path)
    with process:
        assert said == "held" and is_held(path)
        with locked_alone(path) as is_ours:
            assert not is_ours
        process.kill()
        process.wait()
        assert not is_held(path)
        with locked(path):
            assert is_held(path)
    assert not is_held(path) and not is_held(tmp_path / "nowhere")


def test_to_look_whether_a_lock_is_held_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "1.lock"
    path.touch()  # as a process leaves it that was killed
    assert not is_held(path) and not path.exists()


def test_threads_take_turns_and_a_lock_that_is_left_elsewhere_is_free(tmp_path: Path) -> None:
    path, inside, most = tmp_path / ".lock", [], []

    def work(number: int) -> None:
        with locked(path):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert most == [1] * 40
    held = locked(path)
    held.__enter__()
    thread = threading.Thread(target=held.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert not is_held(path)


def test_a_lock_that_was_had_alone_leaves_no_file(tmp_path: Path) -> None:
    with locked_alone(tmp_path / ".lock") as is_ours:
        assert is_ours and is_held(tmp_path / ".lock")
        with locked_alone(tmp_path / ".lock", 0.05) as is_another:
            assert not is_another
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_known_by_its_number_and_its_birth_and_ends_with_what_it_has_started() -> None:
    process, said = started(WITH_CHILD)
    with process:
        birth, child = processes.born(process.pid), processes.born(int(said))
        assert birth is not None and child is not None
        assert processes.lives(process.pid, birth) and not processes.lives(process.pid, birth - 60)
        assert not processes.lives(None, birth) and not processes.lives(process.pid, None)
        processes.end(process.pid, politely=False)
        assert process.wait() != 0
        last = time.monotonic() + PATIENCE
        while processes.lives(process.pid, birth) or processes.lives(int(said), child):
            assert time.monotonic() < last, "what it has started lives on"
            time.sleep(0.01)
    processes.end(process.pid, politely=True)  # nobody: nothing happens


def test_what_this_process_has_had_and_what_the_machine_does_are_numbers() -> None:
    assert processes.peak_memory() > 10_000_000 and processes.processor_load() >= 0
    assert processes.lives(os.getpid(), processes.born(os.getpid()))
