"""Whole files: written at once or not at all, read as text or strict JSON, and why a full disk refuses them.

And where what is once computed is kept on this machine.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ensemble.values.errors import StoreError
from ensemble.values.language import Message

# Seconds to wait for whoever reads a file that is to be replaced: elsewhere than on Windows nobody needs to.
READERS = 2.0 if sys.platform == "win32" else 0.0
CACHE_SETTING = "QUORUM_CACHE"
OFF = "off"  # the setting's value that lets nothing be kept


def read_text(path: Path, limit: int | None = None) -> str:
    """The text of a file, without a byte-order mark; a StoreError where it cannot be read, or is not in UTF-8.

    `limit` is the most bytes that it may have.
    """
    try:
        if limit is not None and path.stat().st_size > limit:
            raise StoreError(
                "{path} is too large ({st_size:,} bytes, the limit is {limit:,}).",
                path=path,
                st_size=path.stat().st_size,
                limit=limit,
            )
        return decoded(path.read_bytes())
    except OSError as error:
        raise StoreError(
            "{path} cannot be read ({strerror}). Check its permissions.", path=path, strerror=error.strerror
        ) from error
    except JSONError as error:
        raise StoreError("{path}, {error}", path=path, error=error) from error


def now(precision: str = "seconds") -> str:
    """The time of now in UTC, as stored files keep it (ISO 8601); `precision` is `seconds` or `milliseconds`."""
    return datetime.now(UTC).isoformat(timespec=precision)


def fingerprint(path: Path) -> tuple[int, ...]:
    """What tells a file from what it was before, without reading it; empty where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


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
    with whole_or_none(path) as beside:
        write_durably(beside, data)


@contextlib.contextmanager
def whole_or_none(path: Path) -> Iterator[Path]:
    """A file to fill beside a path, which it takes when the block ends; it is for the block to wait for the disk.

    A StoreError says where that fails, and the path is then as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            yield Path(temporary)
            Path(temporary).chmod(0o644)
            move_over(Path(temporary), path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            "{path} cannot be written: {error}", path=path, error=why_not_written(error, path.parent)
        ) from error


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


FULL_DISK = frozenset((errno.ENOSPC, errno.EDQUOT))
FULL_ON_WINDOWS = frozenset((39, 112))  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
FULL_OF_SQLITE = 13  # SQLITE_FULL
LEAST_FREE_BYTES = 65_536  # bytes; with less free, a database says only that it could not be opened or written


def is_full(error: Exception, place: Path) -> bool:
    """Whether writing at a place has failed because its disk is full, or what may be used of it."""
    if getattr(error, "errno", None) in FULL_DISK or getattr(error, "winerror", None) in FULL_ON_WINDOWS:
        return True
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code == FULL_OF_SQLITE or _free_bytes(place) < LEAST_FREE_BYTES)


def why_not_written(error: Exception, place: Path) -> Message:
    """Why a place cannot be written and what to do about it: the end of a sentence, its full stop among it."""
    if is_full(error, place):
        return Message("the disk that holds {place} is full. Make room on it, then do this again.", place=place)
    problem = getattr(error, "strerror", None) or error
    return Message("{problem}. Check the permissions of {place}.", problem=problem, place=place)


def _free_bytes(place: Path) -> int:
    """Bytes that are free where a place is or will be; plenty where nobody knows."""
    for there in (place, *place.parents):
        try:
            return shutil.disk_usage(there).free
        except FileNotFoundError:
            continue
        except OSError:
            break
    return LEAST_FREE_BYTES


DEEPEST_JSON = 32  # brackets within brackets; no file of Quorum's own has more than seven
LONGEST_NUMBER = 4000  # characters; Python itself refuses whole numbers of more than 4300 digits
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]|\d[\d.eE+-]*')
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


class JSONError(ValueError):
    """What is wrong with a text that should be JSON, and in which line; the sentence begins with that line."""

    def __init__(self, line: int, reason: str) -> None:
        self.message = Message("line {line}: {reason}", line=line, reason=reason)
        super().__init__(self.message)


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, a byte-order mark left out; a JSONError where it is anything else."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JSONError(line, Message("the text is not in UTF-8. Save the file in that encoding.")) from error


def parsed(text: str) -> Any:
    """The values of a JSON text, each key once in its object; a JSONError says what is wrong and where."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            places = [match.start() for match in re.finditer(re.escape(f'"{key}"') + r"\s*:", text)]
            line = line_at(text, places[-1] if places else 0)
            raise JSONError(line, Message("{key!r} stands twice in one entry. Keep one of them.", key=key))
        return values

    text = text.removeprefix("\ufeff")
    try:
        values = json.loads(text, object_pairs_hook=once, parse_int=_parse_number, parse_float=_parse_number)
    except json.JSONDecodeError as error:
        raise JSONError(error.lineno, Message("not JSON ({problem}). Mend that line.", problem=error.msg)) from error
    except JSONError:
        raise
    except (RecursionError, ValueError) as error:  # too deep, or a number of more digits than Python reads
        _check_tokens(text)
        raise JSONError(1, Message("cannot be read as JSON ({problem}). Restore the file.", problem=error)) from error
    if _is_too_deep(values) or (_HALF_CHARACTER.search(text) and not _is_text(json.dumps(values, ensure_ascii=False))):
        _check_tokens(text)  # slow on a large file: only where something is wrong, to say in which line
    return values


def line_at(text: str, place: int) -> int:
    """The number of the line that a place in a text lies in."""
    return text.count("\n", 0, max(place, 0)) + 1


def _parse_number(number: str) -> int | float:
    if len(number.lstrip("-")) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return float(number) if set(number) & set(".eE") else int(number)


def _is_too_deep(values: Any) -> bool:
    """Whether brackets lie more than DEEPEST within one another; a level at a time, as fast as reading them was."""
    level = [values]
    for _ in range(DEEPEST_JSON):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        level = inner
    return any(isinstance(value, dict | list) for value in level)


def _check_tokens(text: str) -> None:
    """What JSON allows and nothing here can work with: nesting without end, endless numbers, half characters."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        reason = ""
        if token in "[{":
            depth += 1
            reason = Message("nested too deeply. Restore the file.") if depth > DEEPEST_JSON else ""
        elif token in "]}":
            depth -= 1
        elif token[0] != '"':
            digits = sum(map(str.isdigit, token))
            if len(token) > LONGEST_NUMBER:
                reason = Message("a number has {digits} digits. Shorten it.", digits=digits)
        elif "\\u" in token and not _is_text(json.loads(token)):
            reason = Message("a text holds half a character (a lone surrogate). Write that text again.")
        if reason:
            raise JSONError(line_at(text, match.start()), reason)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def folder_of_setting() -> Path | None:
    """Where features and graphs are kept: QUORUM_CACHE, else ~/.cache/quorum or build/cache.

    None where QUORUM_CACHE is `off`.
    """
    named = os.environ.get(CACHE_SETTING)
    if named:
        return None if named == OFF else Path(named)
    home = Path("~/.cache/quorum").expanduser()
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    return home if os.access(home, os.W_OK) else Path("build/cache")
