"""Uploads laid out as plain files in a temporary folder, so that importers see what they would see on a disk.

Whatever happens, the folder goes at the end; that of a process which was killed goes at the next call.
"""

import errno
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble.disk.files import why_not_written
from ensemble.disk.locks import locked_alone
from ensemble.disk.names import any_path_below
from ensemble.importers.archives import MAX_TOTAL, ZipEntry, inner_paths, read_archive
from ensemble.importers.listing import Problem, is_photo_name, legible
from ensemble.values.errors import ArchiveError, DataError
from ensemble.values.language import Message, as_message
from ensemble.values.safe_names import clean_name, clean_parts, free_path, numbered
from ensemble.values.vocabulary import same_name

PREFIX, LOCK, UPLOAD = ".incoming-", ".lock", "upload"
MOST_STAGED = 20_000
DEEPEST_FOLDERS = 16  # folders within one another
LONGEST_ON_WINDOWS = 259  # characters of a whole path
TOO_LONG = (3, 206)  # of Windows: a path that is not found although its folders were made, a name out of range
OPENING = re.compile(r"\{(\w+)")  # a placeholder that a sentence begins with
NAMELESS = "file"  # what is called so has no name of which anything can be kept
Upload = tuple[str, Callable[[], bytes]]  # a name and what reads the bytes, so that they are read when it is their turn


@dataclass(frozen=True, slots=True)
class Staged:
    """The folder that uploads lie in, and what of them could not be laid out."""

    folder: Path
    problems: tuple[Problem, ...]

    def said(self, sentence: str) -> str:
        """A sentence about the files, without the temporary folder that nobody has chosen."""
        if not isinstance(sentence, Message):
            return sentence.replace(str(self.folder), "the upload")
        values = {name: self._named(value) for name, value in sentence.values.items()}
        first = OPENING.match(sentence.text)
        if first and isinstance(value := values.get(first[1]), str) and value.startswith("the upload"):
            values[first[1]] = Message("The upload") if value == "the upload" else f"T{value[1:]}"
        return Message(sentence.text.replace(str(self.folder), "the upload"), sentence.several, **values)

    def _named(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return Message("the upload") if value == str(self.folder) else self.said(value)


@contextmanager
def staged(files: Iterable[Upload], below: Path) -> Iterator[Staged]:
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
        tray.put(_seen_parts(clean_parts(name)), read(), legible(name))
        return
    parts = clean_parts(name)
    own = parts[-1] if parts else name
    label = legible(own)
    data = read()
    try:
        loose = any("/" not in path and is_photo_name(path) for path in inner_paths(data))
        above = [tray.folder_of_zip(name, own[: -len(".zip")])] if loose else []
        for entry in read_archive(data):
            shown = f"{label}/{legible(entry.path)}"
            if entry.data is not None:
                tray.put([*above, *(clean_parts(entry.path) or [NAMELESS])], entry.data, shown)
            else:
                tray.problems.append(Problem(shown, _said_of(shown, entry)))
    except ArchiveError as error:
        tray.problems.append(Problem(label, Message("{file}: {problem}", file=label, problem=error)))


def _said_of(shown: str, entry: ZipEntry) -> str:
    """Why an entry is refused, by the name that it is shown under here."""
    problem = as_message(entry.problem or "")
    return Message(problem.text, **{**problem.values, "photo": shown})


def _seen_parts(parts: list[str]) -> list[str]:
    """The same parts; a photo that somebody has chosen is seen, though its name begins with a dot."""
    *folders, last = parts or [NAMELESS]
    if last.startswith(".") and not last.startswith("._") and is_photo_name(f"x{last}"):
        last = clean_name(last.lstrip(". ")) if Path(last.lstrip(". ")).suffix else f"{NAMELESS}{last}"
    return [*folders, last]


@dataclass(slots=True)
class _Tray:
    """Writes files below a folder and keeps count; a name that is taken gets a number."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    copies: dict[Path, int] = field(default_factory=dict)
    zips: dict[str, str] = field(default_factory=dict)  # whose a folder is that a zip's photos have lain in
    total: int = 0  # bytes

    def folder_of_zip(self, name: str, cleaned: str) -> str:
        """The folder for loose photos of a zip: that of its name, with a number where it is another zip's already.

        Zips of one name share theirs, wherever they lie: names that are only alike once they are clean do not.
        """
        whose = same_name(re.split(r"[/\\]", name)[-1][: -len(".zip")])
        wanted, number = clean_name(cleaned) or NAMELESS, 1
        folder = wanted
        while self.zips.setdefault(same_name(folder), whose) != whose:
            number += 1
            folder = f"{wanted} ({number})"
        return folder

    def put(self, parts: list[str], data: bytes, shown: str) -> None:
        if len(parts) > DEEPEST_FOLDERS:
            reason = Message(
                "{file} lies {depth} folders deep, the limit is {limit}. Bring it in with fewer.",
                file=shown,
                depth=len(parts) - 1,
                limit=DEEPEST_FOLDERS - 1,
            )
            self.problems.append(Problem(shown, reason))
            return
        self.total += len(data)
        if self.total > MAX_TOTAL or self.files == MOST_STAGED:
            raise DataError(
                "These uploads hold more than {files:,} files and {size:.0f} GB. Bring them in several times.",
                files=MOST_STAGED,
                size=MAX_TOTAL / 1e9,
            )
        wanted = self.folder.joinpath(*parts)
        try:
            path = self._free(self._folder(parts[:-1]) / parts[-1])
            any_path_below(self.folder, path.relative_to(self.folder).as_posix(), DataError)
            with path.open("xb") as file:  # what lies there is never written over
                file.write(data)
        except OSError as error:
            if _is_too_long(wanted, error):
                reason = Message(
                    "{file} has a longer path than this machine's disk takes. Shorten the folders' names.", file=shown
                )
                self.problems.append(Problem(shown, reason))
                return
            raise DataError(
                "{file} cannot be laid out: {problem}", file=shown, problem=why_not_written(error, self.folder.parent)
            ) from error
        self.files += 1

    def _folder(self, parts: list[str]) -> Path:
        """The folder of these names, made where it is missing; a name that a file has gets a number."""
        place = self.folder
        for part in parts:
            place = free_path(place / part, lambda path: path.exists() and not path.is_dir())
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _free(self, wanted: Path) -> Path:
        """A path of this name that nothing has, in the disk's own view of capitals and umlauts."""
        free = wanted
        while free.exists():
            self.copies[wanted] = self.copies.get(wanted, 1) + 1
            free = numbered(wanted, self.copies[wanted])
        return free


def _is_too_long(path: Path, error: OSError) -> bool:
    """Whether a path could not be written for its length, which Windows says in several ways or not at all."""
    told = error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) in TOO_LONG
    return told or (sys.platform == "win32" and len(str(path)) > LONGEST_ON_WINDOWS)


@contextmanager
def _incoming(below: Path) -> Iterator[Path]:
    """A locked temporary folder; a lock ends with its process, so what nobody locks is left over from a dead one."""
    with ExitStack() as held:
        try:
            below.mkdir(parents=True, exist_ok=True)
            _sweep(below)
            outer = below / f"{PREFIX}{secrets.token_hex(8)}"
            held.enter_context(locked_alone(_lock_of(outer)))  # before the folder is there: nobody sweeps it then
            held.callback(shutil.rmtree, outer, ignore_errors=True)
            outer.mkdir(mode=0o700)
            folder = outer / UPLOAD
            folder.mkdir()
        except OSError as error:
            raise DataError(
                "{folder} cannot take uploads: {problem}", folder=below, problem=why_not_written(error, below)
            ) from error
        yield folder


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{LOCK}")


def _sweep(below: Path) -> None:
    names = {left.name.removesuffix(LOCK) for left in below.glob(f"{PREFIX}*") if not left.is_symlink()}
    for left in (below / name for name in sorted(names) if re.fullmatch(f"{re.escape(PREFIX)}[0-9a-f]{{16}}", name)):
        with suppress(OSError), locked_alone(_lock_of(left)) as is_nobodys:
            if is_nobodys and not left.is_symlink() and {path.name for path in left.iterdir()} <= {UPLOAD}:
                shutil.rmtree(left, ignore_errors=True)
