"""What annotation tools say of photos: what they have marked and where, or a class chosen for the whole photo."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ensemble.imaging.outlines import AnyShape, Outlines, WidthHeight
from ensemble.importers.listing import Lookup, Problem, Tree, is_photo_name, legible, some
from ensemble.importers.values import FoundPhoto, Understood
from ensemble.values.errors import MISSHAPEN, DataError
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE
from ensemble.values.vocabulary import WHOLE, classes_by_name, is_bad, is_good, part_called

FREE, BOXED = "good", DEFECTIVE
MAX_DOCUMENT = 100_000_000  # bytes
BEGINNING = 65_536  # bytes that recognition reads
FEW_DOCUMENTS = 5  # files that recognition reads


@dataclass(slots=True)
class Marked:
    """One photo: the names of what is marked on it, the marks of all that is no good part, and what else is said.

    `kind` is the class that was chosen for the whole of it, empty for none.
    """

    size: WidthHeight | None = None
    shares: bool = False
    kind: str = ""
    split: str = WHOLE
    names: list[str] = field(default_factory=list)
    marks: list[AnyShape] = field(default_factory=list)

    def mark(self, name: str, *marks: AnyShape) -> None:
        """Take what is marked under one name."""
        self.names.append(name)
        self.marks += () if is_good(name) else marks


Records = Callable[[str, str], Iterable[tuple[str, Any]]]  # of a file's text and name, each with where it stands
Listing = Callable[[Any], Mapping[str, Marked]]  # of a record, by how it addresses photos


@dataclass(slots=True)
class MarkedPhotos:
    """The photos of a tree that annotations name, and what could not be taken."""

    tree: Tree
    lookup: Lookup = field(init=False)
    found: dict[Path, Marked] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    first: dict[Path, str] = field(default_factory=dict)  # how each photo was addressed

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.tree)

    def file(self, address: str, where: str) -> Path | None:
        """The file that an annotation names; a problem and None where there is none."""
        try:
            return self.lookup.find_tail(address, where.rpartition("/")[0])
        except DataError as error:
            said = Message("{file}: {problem}", file=self.tree.above + where, problem=error)
            self.problems.append(Problem(legible(address), said))
            return None

    def read(self, name: str, records: Records, one: Listing, expected: Message) -> None:
        """Take what a file says, record by record; of a record that is not as expected nothing is taken."""
        shown = self.tree.above + name
        try:
            for where, record in records(whole_text(self.tree.files[name], shown), shown):
                self._record(name, where, record, one, expected)
        except DataError as error:
            self.problems.append(Problem(shown, error.message))

    def _record(self, name: str, where: str, record: Any, one: Listing, expected: Message) -> None:
        try:
            listed = one(record)
        except DataError as error:
            self.problems.append(Problem(where, Message("{file}: {problem}", file=where, problem=error)))
        except MISSHAPEN as error:
            found = legible(f"{type(error).__name__} {error}")
            said = Message("{file}: expected {expected}, found {found}.", file=where, expected=expected, found=found)
            self.problems.append(Problem(where, said))
        else:
            for address, marked in listed.items():
                self.take(address, marked, name)

    def take(self, address: str, marked: Marked, where: str) -> None:
        """Take what the file `where` says of a photo; of one that is named again under another name, nothing holds."""
        path = self.file(address, where)
        if path is None:
            return
        known = self.found.setdefault(path, marked)
        if self.first.setdefault(path, address) != address or (known is not marked and known.kind != marked.kind):
            said = Message(
                "{file} is named as {first} and as {second}, so nobody knows which is meant. Leave one of them there.",
                file=self.tree.name(path),
                first=legible(self.first[path]),
                second=legible(address),
            )
            self.problems.append(Problem(self.tree.name(path), said))
            known.kind, known.names = DOUBTED, []
        elif known is not marked:
            known.names += marked.names
            known.marks += marked.marks

    def understood(
        self, used: Iterable[Path], notes: Iterable[str], masks: Mapping[Path, Path] = MappingProxyType({})
    ) -> Understood:
        """The photos as they come in, with the masks that lie beside some of them; what is not `used` is named."""
        entries = []
        for path, marked in self.found.items():
            if is_photo_name(path.name) and marked.kind != DOUBTED:
                try:
                    entries.append(self._entry(path, marked, masks.get(path)))
                except DataError as error:
                    self.problems.append(Problem(self.tree.name(path), error.message))
        kinds = classes_by_name(entry.kind for entry in entries)
        alone = Message(
            "There is one class only, {name}: a product needs photos of another one too.", name=next(iter(kinds), "")
        )
        said = (*notes, *((alone,) if len(kinds) == 1 else ()), *self.tree.idle([*self.found, *used]))
        return Understood(tuple(entries), kinds, tuple(self.problems), said)

    def _entry(self, path: Path, marked: Marked, mask: Path | None) -> FoundPhoto:
        name = self.tree.name(path)
        bad = sorted({each for each in marked.names if not is_good(each)})
        if bad and is_good(marked.kind):
            raise DataError(
                "{file} is called {kind}, but {names} is marked on it. Correct one of them.",
                file=name,
                kind=marked.kind,
                names=some(bad),
            )
        folders = path.relative_to(self.tree.root).parts[:-1]
        split = marked.split or next(filter(None, map(part_called, folders)), WHOLE)
        defect = ", ".join(each for each in bad if not is_bad(each))
        outlines = Outlines(tuple(marked.marks), marked.size, marked.shares) if marked.marks and mask is None else None
        kind = marked.kind or (BOXED if bad else FREE)
        return FoundPhoto(path, name, kind, split, defect, mask=mask, outlines=outlines)

    def names(self) -> list[str]:
        """Everything that is marked, by its name."""
        return sorted({name for marked in self.found.values() for name in marked.names})


DOUBTED = "\0doubted"


def marks_note(names: Iterable[str]) -> Message:
    """What becomes of marks."""
    if not (names := list(names)):
        return Message("Nothing is marked on any photo.")
    return Message(
        "Photos with a mark ({names}) are taken as defective, those without one as good. Marks become masks, boxes "
        "with all that lies in them.",
        names=some(names),
    )


def beginning(path: Path, size: int = BEGINNING) -> bytes:
    """The first bytes of a file; none where it cannot be read, which its reader will say."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def whole_text(path: Path, name: str, limit: int = MAX_DOCUMENT) -> str:
    """A text file; a DataError where it cannot be read, is too large or is no text in UTF-8."""
    try:
        if path.stat().st_size > limit:
            raise DataError("{file} is larger than {limit} MB. Split it.", file=name, limit=limit // 1_000_000)
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            "{file} cannot be read ({reason}). Check its permissions.", file=name, reason=error.strerror
        ) from error
    except ValueError as error:
        raise DataError("{file} is no text in UTF-8. Export it again.", file=name) from error


def json_in(text: str, name: str) -> Any:
    """The JSON in a text; a DataError where it is none."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError("{file} is nested too deeply to be read.", file=name) from error
    except ValueError as error:  # no JSON, or a number with thousands of digits
        raise DataError(
            "{file} is no JSON that can be read ({problem}).", file=name, problem=legible(str(error))
        ) from error
