"""Uploads laid out as plain files in a temporary folder, so that importers see what they would see on a disk.

Whatever happens, the folder goes at the end; that of a process which was killed goes at the next call.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.archives import MAX_TOTAL, inner_paths, read_archive
from ensemble.errors import ArchiveError, DataError
from ensemble.importers.tree import Problem, is_photo_name, legible
from ensemble.photos import safe_name

PREFIX = ".incoming-"
MAX_FILES = 20_000
DEEPEST = 16  # folders within one another
LONGEST = 200  # bytes of one name, so that a number still fits behind it
File = tuple[str, Callable[[], bytes]]  # a name and what reads the bytes, so that they are read when it is their turn


@dataclass(frozen=True, slots=True)
class Staged:
    """The folder that uploads lie in, and what of them could not be laid out."""

    folder: Path
    problems: tuple[Problem, ...]

    def said(self, sentence: str) -> str:
        """A sentence about the files, without the temporary folder that nobody has chosen."""
        return sentence.replace(str(self.folder), "the upload")


@contextmanager
def staged(files: Iterable[File], below: Path) -> Iterator[Staged]:
    """Lay out uploads in a temporary folder below another for as long as the block runs; zips are unpacked.

    A zip's files keep their inner folders; where it holds photos that lie in none, all its files go into a folder of
    the zip's name. Two files of one name both stay. A DataError where the uploads are too many, too large, or cannot
    be written; a zip or an entry of it that is refused is a problem.
    """
    with _incoming(below) as folder:
        tray = _Tray(folder)
        for name, read in files:
            _lay_out(tray, name, read)
        yield Staged(folder, tuple(tray.problems))


def _lay_out(tray: "_Tray", name: str, read: Callable[[], bytes]) -> None:
    if not name.lower().endswith(".zip"):
        tray.put(_parts(name), read(), legible(name))
        return
    label = legible(_parts(name)[-1])
    data = read()
    try:
        loose = any("/" not in path and is_photo_name(path) for path in inner_paths(data))
        above = [_short(label[: -len(".zip")])] if loose else []
        for entry in read_archive(data):
            shown = f"{label}/{legible(entry.path)}"
            if entry.data is not None:
                tray.put([*above, *_parts(entry.path)], entry.data, shown)
            else:
                tray.refuse(shown, str(entry.problem).removeprefix(entry.name).strip())
    except ArchiveError as error:
        tray.problems.append(Problem(label, f"{label}: {error}"))


@dataclass(slots=True)
class _Tray:
    """Writes files below a folder and keeps count; a name that is taken gets a number."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)
    folders: set[Path] = field(default_factory=set)
    copies: dict[Path, int] = field(default_factory=dict)
    total: int = 0  # bytes

    def refuse(self, name: str, reason: str) -> None:
        self.problems.append(Problem(name, f"{name} {reason}"))

    def put(self, parts: list[str], data: bytes, shown: str) -> None:
        if len(parts) > DEEPEST:
            self.refuse(
                shown, f"lies {len(parts) - 1} folders deep, the limit is {DEEPEST - 1}. Bring it in with fewer."
            )
            return
        self.total += len(data)
        if self.total > MAX_TOTAL or len(self.files) == MAX_FILES:
            limits = f"{MAX_FILES:,} files and {MAX_TOTAL / 1e9:.0f} GB"
            raise DataError(f"These uploads hold more than {limits}. Bring them in several times.")
        path = self._free(parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise DataError(f"{shown} cannot be laid out ({error.strerror}). Check the disk's free space.") from error
        self.files.add(path)

    def _free(self, parts: list[str]) -> Path:
        """A path of these names that no file has; a folder may be shared, but never with a file."""
        place = self.folder
        for part in parts[:-1]:
            wanted, number = place / part, 1
            place = wanted
            while place in self.files:
                number += 1
                place = _numbered(wanted, number)
            self.folders.add(place)
        wanted = free = place / parts[-1]
        while free in self.files or free in self.folders:
            self.copies[wanted] = self.copies.get(wanted, 1) + 1
            free = _numbered(wanted, self.copies[wanted])
        return free


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def _parts(name: str) -> list[str]:
    """The cleaned names of the folders that a file lies in, and its own."""
    return [_short(safe_name(part)) for part in re.split(r"[/\\]", name) if part.strip(". ")] or ["file"]


def _short(name: str) -> str:
    """A name of not too many bytes, with its ending."""
    stem, ending = Path(name).stem, Path(name).suffix
    while len(f"{stem}{ending}".encode()) > LONGEST and stem:
        stem = stem[:-1]
    return f"{stem}{ending}"


@contextmanager
def _incoming(below: Path) -> Iterator[Path]:
    """A locked temporary folder; a lock ends with its process, so what nobody locks is left over from a dead one."""
    try:
        below.mkdir(parents=True, exist_ok=True)
        with _locked(below, wait=True):  # nobody may sweep between making a folder and locking it
            _sweep(below)
            outer = Path(tempfile.mkdtemp(prefix=PREFIX, dir=below))
            lock = os.open(outer, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise DataError(f"{below} cannot take uploads ({error.strerror}). Check its permissions and space.") from error
    try:
        folder = outer / "upload"
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        os.close(lock)


def _sweep(below: Path) -> None:
    for left in below.glob(f"{PREFIX}*"):
        if left.is_dir() and not left.is_symlink():
            with suppress(OSError), _locked(left, wait=False):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, *, wait: bool) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
