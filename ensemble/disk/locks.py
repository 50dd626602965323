"""Locks between processes and threads, each a file of its own; one ends with the process that holds it.

filelock asks each system for its own kind: flock where there is one, LockFileEx on Windows.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from ensemble.disk.files import why_not_written
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message

POLL_SECONDS = 0.02  # seconds between two looks at a lock that another holds


def locked(path: Path) -> FileLock:
    """Hold the lock for as long as a block runs, after whoever has it; an OSError where its file cannot be made."""
    # Shared by all threads: a block that was entered in one may be left in another, as those of generators are.
    return FileLock(path, mode=0o644, thread_local=False, poll_interval=POLL_SECONDS)


def locked_or_refused(path: Path, folder: Path, kind: type[QuorumError]) -> AcquireReturnProxy:
    """The same for a lock of a folder that may have to be made; an error of this kind says why it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return locked(path).acquire()
    except OSError as error:
        why = why_not_written(error, folder)
        raise kind(Message("{folder} cannot be written: {problem}", folder=folder, problem=why)) from error


@contextlib.contextmanager
def locked_alone(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Whether the lock was had within some seconds; it is held for as long as the block runs, and its file then goes.

    Patience is for locks that others look at with `is_held`: they have it themselves for that moment.
    """
    lock = locked(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        if sys.platform != "win32":  # there an open file cannot go, so that filelock removes it afterwards
            path.unlink(missing_ok=True)  # while it is held: whoever waits for it makes another
        lock.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock; a file that nobody holds goes. An OSError where it cannot be opened."""
    if not path.is_file():
        return False
    with locked_alone(path) as is_nobodys:
        return not is_nobodys
