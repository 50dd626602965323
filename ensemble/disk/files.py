"""Files that are read whole and written whole or not at all, and stay so when the power fails."""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ensemble.disk.strict_json import JSONError, decoded
from ensemble.values.errors import StoreError

# Seconds to wait for whoever reads a file that is to be replaced: elsewhere than on Windows nobody needs to.
READERS = 2.0 if sys.platform == "win32" else 0.0


def read_text(path: Path, limit: int | None = None) -> str:
    """The text of a file, without a byte-order mark; a StoreError where it cannot be read, or is not in UTF-8.

    `limit` is the most bytes that it may have.
    """
    try:
        if limit is not None and path.stat().st_size > limit:
            raise StoreError(f"{path} is too large ({path.stat().st_size:,} bytes, the limit is {limit:,}).")
        return decoded(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
    except JSONError as error:
        raise StoreError(f"{path}, {error}") from error


def digest_of(data: bytes) -> str:
    """The SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def is_whole(path: Path, digest: str) -> bool:
    """Whether a file is there and its bytes have this SHA-256."""
    try:
        return digest_of(path.read_bytes()) == digest
    except OSError:
        return False


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none: beside its place first, then moved into it; a StoreError where it cannot be."""
    try:
        _write_atomically(path, data)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {why_not_written(error, path.parent)}") from error


def write_durably(path: Path, data: bytes) -> None:
    """Write a file in its place and wait until the disk has it; an OSError may leave it unfinished."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows which files a folder has: what has been renamed may otherwise come back."""
    if sys.platform == "win32":  # there a folder cannot be opened; its file system keeps a journal of names
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_over(fresh: Path, path: Path) -> None:
    """Move a file into the place of another, which somebody may be reading."""
    last = time.monotonic() + READERS
    while True:
        try:
            fresh.replace(path)
        except PermissionError:
            if time.monotonic() >= last:
                raise
            time.sleep(0.02)
        else:
            return


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        move_over(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
FULL_ON_WINDOWS = frozenset((39, 112))  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
FULL_OF_SQLITE = 13  # SQLITE_FULL
LEAST = 65_536  # bytes; with less free, a database says only that it could not be opened or written


def is_full(error: Exception, place: Path) -> bool:
    """Whether writing at a place has failed because its disk is full, or what may be used of it."""
    if getattr(error, "errno", None) in FULL or getattr(error, "winerror", None) in FULL_ON_WINDOWS:
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code == FULL_OF_SQLITE or _free(place) < LEAST)


def why_not_written(error: Exception, place: Path) -> str:
    """Why a place cannot be written and what to do about it: the end of a sentence, its full stop among it."""
    if is_full(error, place):
        return f"the disk that holds {place} is full. Make room on it, then do this again."
    return f"{getattr(error, 'strerror', None) or error}. Check the permissions of {place}."


def _free(place: Path) -> int:
    """Bytes that are free where a place is or will be; plenty where nobody knows."""
    for there in (place, *place.parents):
        try:
            return shutil.disk_usage(there).free
        except FileNotFoundError:
            continue
        except OSError:
            break
    return LEAST
