"""Files that are read whole and written whole or not at all."""

import os
import tempfile
from pathlib import Path

from ensemble.errors import StoreError


def read_text(path: Path) -> str:
    """The text of a file; a StoreError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none: beside its place first, then moved into it; a StoreError where it cannot be."""
    try:
        _write_atomically(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{path} cannot be written ({reason}). Check the folder's permissions and space.") from error


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
