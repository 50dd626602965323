"""Names that a table writes, found among the files that a folder really holds; nothing else is ever opened."""

import re
from collections.abc import Iterator
from pathlib import Path

from ensemble.importers.listing import Tree, is_photo_name, legible
from ensemble.values.errors import DataError
from ensemble.values.safe_names import clean

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
            raise DataError(f"{legible(written)} leads out of the folder and is not opened.")
        for names in self._candidates(key, _key(base)):
            if len(names) == 1:
                return self.tree.files[names[0]]
            if names:
                raise DataError(f"{legible(written)} may be any of {len(names)} files, such as {legible(names[0])}.")
        raise DataError(f"{legible(written)} is not there.")

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
    return "/".join(clean(part) or part for part in parts).casefold()
