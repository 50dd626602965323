"""Why something could not be written: a full disk is named as such, and not the file, which is whole."""

import errno
import shutil
from pathlib import Path

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
