"""The files below a folder: listed once, by name, without opening any and without following a link out of it.

Every door reads this one listing: training, measuring, importing, labels, the MVTec AD commands. A file whose name
cannot be kept (no UTF-8, control characters) is named and left out, and the files beside it take part.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ensemble.imaging.photos import MAX_PHOTO_BYTES, PHOTO_ENDINGS
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.safe_names import clean_name
from ensemble.values.safe_names import shortened as legible
from ensemble.values.vocabulary import is_litter

MOST_LISTED = 200_000
COLLECTION = "collection.db"  # marks photos that were brought in before, as in data/collections/ beside data/train/
JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT, which only Windows' own Python knows
NAMES_SHOWN = 5  # names in a sentence about many


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot enter, and a whole sentence why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The plain files below a folder, by their posix path from there; litter of machines is left out."""

    root: Path
    files: Mapping[str, Path]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    above: str = ""  # the lone top folders that were looked into

    @classmethod
    def below(cls, folder: Path) -> "Tree":
        """List a folder; a DataError where there is none, it cannot be read, or it holds too many files."""
        if not folder.is_dir():
            shown = legible(str(folder))
            if folder.exists():
                raise DataError("{folder} is a file and not a folder. Name a folder of photos.", folder=shown)
            raise DataError("{folder} does not exist. Name a folder of photos.", folder=shown)
        if not _can_be_kept(str(folder.resolve())):
            raise DataError(
                "{folder} has control characters in its name, or one that is not UTF-8. Rename it.",
                folder=legible(str(folder)),
            )
        files: dict[str, Path] = {}
        problems: list[Problem] = []
        litter: list[str] = []
        home = folder.resolve()
        for path, is_folder in _walk(folder, problems, litter):
            name = path.relative_to(folder).as_posix()
            if reason := _refused(path, name, home, is_folder=is_folder):
                problems.append(Problem(legible(name), reason))
            elif not is_folder:
                files[name] = path
            if len(files) > MOST_LISTED:
                raise DataError(
                    "{folder} holds more than {count:,} files. Name a folder of photos alone.",
                    folder=folder,
                    count=MOST_LISTED,
                )
        listed = dict(sorted(files.items(), key=lambda each: each[0].split("/")))
        note = Message(
            "Left out as folders that machines leave behind, though photos lie in them: {folders}.",
            folders=some(litter),
        )
        return cls(folder, listed, tuple(problems), (note,) if litter else ())

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

    def within(self, name: str) -> "Tree":
        """The tree of a folder, itself where the name is empty; problems and notes stay with the whole."""
        return Tree(self.root / name, self.below_folder(name), above=f"{self.above}{name}/") if name else self

    def at_top(self) -> dict[str, Path]:
        """The files that lie in no folder."""
        return {name: path for name, path in self.files.items() if "/" not in name}

    def inner(self) -> "Tree | None":
        """The tree of the one folder that everything lies in, as in most zips of a folder; None without such a one."""
        folders = self.folders()
        if len(folders) != 1 or any(path.suffix.lower() in _TELLING for path in self.at_top().values()):
            return None
        (top,) = folders
        note = Message("Everything lies in the folder {folder}, which was looked into.", folder=top)
        return Tree(self.root / top, self.below_folder(top), self.problems, (*self.notes, note), f"{self.above}{top}/")

    def holds(self) -> Message:
        """What lies at the top, in one sentence for a person."""
        folders, files = self.folders(), list(self.at_top())
        with_folders = Message(
            "{count} folder ({names})", "{count} folders ({names})", count=len(folders), names=some(folders)
        )
        with_files = Message("{count} file ({names})", "{count} files ({names})", count=len(files), names=some(files))
        if folders and files:
            return Message("It holds {folders} and {files}.", folders=with_folders, files=with_files)
        if folders or files:
            return Message("It holds {files}.", files=with_folders if folders else with_files)
        return Message("It holds no files.")

    def folder_problems(self, folders: Iterable[str]) -> Iterator[Problem]:
        """A problem for each folder that takes no part and holds photos."""
        for folder in folders:
            count = sum(map(is_photo_name, self.below_folder(folder)))
            if count:
                name = legible(f"{self.above}{folder}/")
                reason = Message(
                    "{folder} holds {count} photo and takes no part. Folders of photos are train, validation and test, "
                    "or one a class: call it so, or move it away.",
                    "{folder} holds {count} photos and takes no part. Folders of photos are train, validation and "
                    "test, or one a class: call it so, or move it away.",
                    folder=name,
                    count=count,
                )
                yield Problem(name, reason)

    def idle(self, used: Iterable[Path]) -> tuple[str, ...]:
        """A note on the files that are none of those used."""
        known = set(used)
        rest = [name for name, path in self.files.items() if path not in known]
        if not rest:
            return ()
        others = Message(
            "Left out: {count} other file ({names}).",
            "Left out: {count} other files ({names}).",
            count=len(rest),
            names=some(rest),
        )
        return (others,)


_TELLING = frozenset((*PHOTO_ENDINGS, ".csv", ".json"))


def is_photo_name(name: str) -> bool:
    """Whether a name ends as that of a photo does."""
    return Path(name).suffix.lower() in PHOTO_ENDINGS


def not_a_photo(path: Path, name: str) -> str:
    """The sentence that says why a file can be no photo, by its ending and size alone; empty where it may be one."""
    if not is_photo_name(name):
        return Message(
            "{file} is no photo by its ending. Expected one of {endings}.", file=name, endings=", ".join(PHOTO_ENDINGS)
        )
    try:
        size = path.stat().st_size
    except OSError as error:
        return Message("{file} cannot be read ({reason}). Check its permissions.", file=name, reason=error.strerror)
    if not size:
        return Message("{file} is empty (0 bytes). Copy it again.", file=name)
    if size >= MAX_PHOTO_BYTES:
        return Message(
            "{file} is too large ({size:.1f} MB, it must stay under {limit} MB). Save it smaller.",
            file=name,
            size=size / 1e6,
            limit=MAX_PHOTO_BYTES // 1_000_000,
        )
    return ""


def some(names: Iterable[str]) -> str:
    """The first few of many names."""
    listed = [legible(name) for name in names]
    return ", ".join(listed[:NAMES_SHOWN]) + (", …" if len(listed) > NAMES_SHOWN else "")


def _walk(folder: Path, problems: list[Problem], litter: list[str]) -> Iterable[tuple[Path, bool]]:
    """Every file and folder below, and whether it is a folder; a folder that cannot be read becomes a problem.

    `litter` takes the names of folders that are left out, are seen by whoever opens their own, and hold photos.
    """

    def unreadable(error: OSError) -> None:
        where = Path(error.filename)
        if where == folder:
            raise DataError(
                "{file} cannot be read ({reason}). Check its permissions.", file=folder, reason=error.strerror
            ) from error
        name = legible(where.relative_to(folder).as_posix())
        reason = Message("{file} cannot be read ({reason}). Check its permissions.", file=name, reason=error.strerror)
        problems.append(Problem(name, reason))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        if COLLECTION in names and Path(place) != folder:
            folders.clear()
            continue
        left_out = sorted(name for name in folders if is_litter(name, is_folder=True))
        seen = (Path(place, name) for name in left_out if not name.startswith("."))
        litter += [f"{path.relative_to(folder).as_posix()}/" for path in seen if _holds_photos(path)]
        folders[:] = sorted(set(folders) - set(left_out))
        yield from ((Path(place, name), True) for name in folders)
        folders[:] = [name for name in folders if not _is_junction(Path(place, name))]
        yield from ((Path(place, name), False) for name in sorted(names) if not is_litter(name))


def _holds_photos(folder: Path) -> bool:
    return any(is_photo_name(name) and not is_litter(name) for _, _, names in os.walk(folder) for name in names)


def _is_junction(path: Path) -> bool:
    """Whether a folder is Windows' other kind of link, which walks of Python 3.11 follow."""
    try:
        return getattr(path.lstat(), "st_reparse_tag", 0) == JUNCTION
    except OSError:  # it has gone; that is for whoever reads it
        return False


def _can_be_kept(name: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def _refused(path: Path, name: str, home: Path, *, is_folder: bool) -> str:
    """The sentence that refuses a file by its name and kind, or nothing; it is never opened."""
    file = legible(name)
    if not is_folder and not _can_be_kept(name):
        return Message("{file} has control characters in its name, or one that is not UTF-8: rename it.", file=file)
    try:
        if path.is_symlink() or (is_folder and _is_junction(path)):
            target = path.resolve(strict=True)
            if is_folder or not target.is_relative_to(home):
                return Message(
                    "{file} is a link that leads elsewhere and is not followed: put the files themselves there.",
                    file=file,
                )
        if not is_folder and not stat.S_ISREG(path.stat().st_mode):
            return Message("{file} is no plain file: remove it.", file=file)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return Message("{file} is a link that leads nowhere, or cannot be read: put the file itself there.", file=file)
    return ""


LEADING_OUT = re.compile(r"^/|^~/|^[A-Za-z]:/|^[A-Za-z]+://|(^|/)\.\.(/|$)")


class Lookup:
    """Finds files by name whatever the case, the kind of slash, the way that umlauts are composed, and whether a name
    had to be cleaned for this disk."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.by_path: dict[str, list[str]] = {}
        self.by_last: dict[str, list[str]] = {}
        self.by_stem: dict[str, list[str]] = {}
        for name in tree.files:
            key = _key(name)
            last = key.rpartition("/")[2]
            self.by_path.setdefault(key, []).append(name)
            self.by_last.setdefault(last, []).append(name)
            if is_photo_name(last):
                self.by_stem.setdefault(last.rpartition(".")[0], []).append(name)

    def find(self, written: str, base: str = "") -> Path:
        """The file that a name means, seen from the folder `base` first; a DataError says why there is none.

        A name may leave out leading folders or the ending, or begin with the folder itself, as long as one file fits.
        """
        if found := self.tree.files.get(written):
            return found
        plain = written.strip().replace("\\", "/").removeprefix("./")
        key = _key(plain)
        if not key:
            raise DataError("No file is named.")
        if LEADING_OUT.search(plain):
            raise DataError("{file} leads out of the folder and is not opened.", file=legible(written))
        for names in self._candidates(key, _key(base)):
            if names:
                return self._only(names, written)
        raise DataError("{file} is not there.", file=legible(written))

    def find_tail(self, address: str, base: str = "") -> Path:
        """The file that a tool's own address means: in a bucket, on its server, with folders that are not here.

        The more of its folders a file shares the sooner it is taken; a DataError where several share as many, or none.
        """
        plain = unquote(re.sub(r"^[a-z0-9]+://[^/]*/|^.*[?&]d=", "", address.strip(), flags=re.IGNORECASE))
        parts = [part for part in plain.replace("\\", "/").split("/") if part not in ("", ".")]
        if ".." in parts:
            raise DataError("{file} leads out of the folder and is not opened.", file=legible(address))
        with suppress(DataError):
            return self.find("/".join(parts), base)
        for start in range(len(parts)):
            key = _key("/".join(parts[start:]))
            names = [name for name in self.by_last.get(_key(parts[-1]), ()) if f"/{_key(name)}".endswith(f"/{key}")]
            if names:
                return self._only(names, address)
        raise DataError("{file} is not there.", file=legible(address))

    def _only(self, names: Sequence[str], written: str) -> Path:
        """The file of the only name; a DataError where there are more."""
        if len(names) > 1:
            raise DataError(
                "{file} may be any of {count} files, such as {example}.",
                file=legible(written),
                count=len(names),
                example=legible(names[0]),
            )
        return self.tree.files[names[0]]

    def _candidates(self, key: str, base: str) -> Iterator[list[str]]:
        yield self.by_path.get(f"{base}/{key}", []) if base else []
        yield self.by_path.get(key, [])
        first, _, rest = key.partition("/")
        yield self.by_path.get(rest, []) if first in (base, _key(self.tree.root.name)) else []
        last = key.rpartition("/")[2]
        yield [name for name in self.by_last.get(last, []) if _key(name).endswith(f"/{key}")]
        yield self.by_stem.get(key, []) if "/" not in key else []
        yield self.by_path.get(last.lstrip(". "), [])  # as an upload is laid out, so that it is seen


def _key(name: str) -> str:
    parts = name.strip().replace("\\", "/").split("/")
    return "/".join(clean_name(part) or part for part in parts).casefold()
