"""The files below a folder: listed once, by name, without opening any and without following a link out of it."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.errors import DataError
from ensemble.legible import shortened as legible
from ensemble.photos import MAX_BYTES, PHOTO_ENDINGS

MAX_FILES = 200_000
LEFT_OUT = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
COLLECTION = "collection.db"  # marks photos that were brought in before, as in data/collections/ beside data/train/
NAMED = 5  # names in a sentence about many


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot enter, and a whole sentence why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The plain files below a folder, by their posix path from there; hidden ones are left out."""

    root: Path
    files: Mapping[str, Path]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    above: str = ""  # the lone top folders that were looked into

    @classmethod
    def below(cls, folder: Path) -> "Tree":
        """List a folder; a DataError where there is none, it cannot be read, or it holds too many files."""
        if not folder.is_dir():
            there = "is a file and not a folder" if folder.exists() else "does not exist"
            raise DataError(f"{folder} {there}. Name a folder of photos.")
        files: dict[str, Path] = {}
        problems: list[Problem] = []
        home = folder.resolve()
        for path, is_folder in _walk(folder, problems):
            name = path.relative_to(folder).as_posix()
            if reason := _refused(path, name, home, is_folder=is_folder):
                problems.append(Problem(legible(name), f"{legible(name)} {reason}."))
            elif not is_folder:
                files[name] = path
            if len(files) > MAX_FILES:
                raise DataError(f"{folder} holds more than {MAX_FILES:,} files. Name a folder of photos alone.")
        return cls(folder, dict(sorted(files.items())), tuple(problems))

    def name(self, path: Path) -> str:
        """What people call a file: its path below the folder that they have named."""
        return self.above + path.relative_to(self.root).as_posix()

    def folders(self) -> list[str]:
        """The names of the folders at the top that hold files."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.files if "/" in name))

    def below_folder(self, name: str) -> dict[str, Path]:
        """The files below one folder, by their path from there."""
        start = f"{name}/"
        return {file.removeprefix(start): path for file, path in self.files.items() if file.startswith(start)}

    def at_top(self) -> dict[str, Path]:
        """The files that lie in no folder."""
        return {name: path for name, path in self.files.items() if "/" not in name}

    def places(self) -> frozenset[Path]:
        """All files and the folders that they lie in."""
        folders = {folder for path in self.files.values() for folder in path.parents if folder != self.root}
        return frozenset((*self.files.values(), *folders))

    def inner(self) -> "Tree | None":
        """The tree of the one folder that everything lies in, as in most zips of a folder; None without such a one."""
        folders = self.folders()
        if len(folders) != 1 or any(path.suffix.lower() in _TELLING for path in self.at_top().values()):
            return None
        (top,) = folders
        note = f"Everything lies in the folder {top}, which was looked into."
        return Tree(self.root / top, self.below_folder(top), self.problems, (*self.notes, note), f"{self.above}{top}/")

    def holds(self) -> str:
        """What lies at the top, in one sentence for a person."""
        folders, files = self.folders(), list(self.at_top())
        counted = [_counted(names, noun) for names, noun in ((folders, "folder"), (files, "file")) if names]
        return f"It holds {' and '.join(counted) or 'no files'}."

    def idle(self, used: Iterable[Path]) -> tuple[str, ...]:
        """A note on the files that are none of those used."""
        known = set(used)
        rest = [name for name, path in self.files.items() if path not in known]
        return (f"Left out: {_counted(rest, 'other file')}.",) if rest else ()


_TELLING = frozenset((*PHOTO_ENDINGS, ".csv", ".json"))


def is_photo_name(name: str) -> bool:
    """Whether a name ends as that of a photo does."""
    return Path(name).suffix.lower() in PHOTO_ENDINGS


def not_a_photo(path: Path, name: str) -> str:
    """The sentence that says why a file can be no photo, by its ending and size alone; empty where it may be one."""
    if not is_photo_name(name):
        return f"{name} is no photo by its ending. Expected one of {', '.join(PHOTO_ENDINGS)}."
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"{name} cannot be read ({error.strerror}). Check its permissions."
    if not size:
        return f"{name} is empty (0 bytes). Copy it again."
    if size >= MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        return f"{name} is too large ({size / 1e6:.1f} MB, it must stay under {limit} MB). Save it smaller."
    return ""


def some(names: Iterable[str]) -> str:
    """The first few of many names."""
    listed = [legible(name) for name in names]
    return ", ".join(listed[:NAMED]) + (", …" if len(listed) > NAMED else "")


def _counted(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}" + (f" ({some(names)})" if names else "")


def _walk(folder: Path, problems: list[Problem]) -> Iterable[tuple[Path, bool]]:
    """Every file and folder below, and whether it is a folder; a folder that cannot be read becomes a problem."""

    def unreadable(error: OSError) -> None:
        where = Path(error.filename)
        if where == folder:
            raise DataError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from error
        name = legible(where.relative_to(folder).as_posix())
        problems.append(Problem(name, f"{name} cannot be read ({error.strerror}). Check its permissions."))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        if COLLECTION in names and Path(place) != folder:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not _left_out(name))
        yield from ((Path(place, name), True) for name in folders)
        yield from ((Path(place, name), False) for name in sorted(names) if not _left_out(name))


def _left_out(name: str) -> bool:
    return name.startswith(".") or name in LEFT_OUT


def _refused(path: Path, name: str, home: Path, *, is_folder: bool) -> str:
    """The end of the sentence that refuses a file by its name and kind, or nothing; it is never opened."""
    if not is_folder and any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "has control characters in its name, or one that is not UTF-8: rename it"
    try:
        if path.is_symlink():
            target = path.resolve(strict=True)
            if is_folder or not target.is_relative_to(home):
                return "is a link that leads elsewhere and is not followed: put the files themselves there"
        if not is_folder and not stat.S_ISREG(path.stat().st_mode):
            return "is no plain file: remove it"
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return "is a link that leads nowhere, or cannot be read: put the file itself there"
    return ""
