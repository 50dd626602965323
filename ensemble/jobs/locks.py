"""The lock of a product while it is trained: held by the training's process for its life, and gone with it.

It is taken before that process is started and handed to it open, so that at no moment nobody holds it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ensemble.errors import JobError

LOCK = ".training.lock"


def take(folder: Path, owner: str) -> int | None:
    """An open file that holds the lock for `owner` until every copy of it is closed; None where another holds it."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise JobError(
                f"{folder} cannot be written ({error.strerror}). Check its permissions, or name another folder."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        if _is_at(folder / LOCK, handle):
            os.ftruncate(handle, 0)
            os.pwrite(handle, owner.encode(), 0)
            return handle
        os.close(handle)  # whoever held it has removed it in the meantime


def _is_at(path: Path, handle: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else trains the product meanwhile; a JobError where somebody does already."""
    made = not folder.exists()
    handle = take(folder, "command line")
    if handle is None:
        raise JobError(f"{folder} is being trained by somebody else. Wait for the end of that training.")
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()
        os.close(handle)


def is_held(folder: Path, owner: str) -> bool:
    """Whether the lock is held, and by this owner."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        return os.pread(handle, 4096, 0).decode(errors="replace") == owner
    finally:
        os.close(handle)
