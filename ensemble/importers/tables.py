"""CSV files that people bring: any usual delimiter, encoding and line end, bounded before anything is made of them."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensemble.importers.listing import Lookup, Problem, Tree, legible, some
from ensemble.importers.values import FoundPhoto
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.vocabulary import PART_NAMES, part_called, plain

MAX_TABLE_BYTES = 20_000_000
MAX_COLUMNS = 200
MAX_ROWS = 200_000
DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r'\s*"?sep=([,;\t| ])"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file's header and its rows; the first row below the header is number 2, as in a spreadsheet."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def column(self, names: Sequence[str]) -> str | None:
        """The first of these names that the header has, as the header writes it; case and blanks do not matter."""
        known = {_plain_title(title): title for title in reversed(self.header)}
        return next((known[name] for name in map(_plain_title, names) if name in known), None)

    def records(self, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and cells of each row that is not blank; `columns` names them by what they mean."""
        places = {meaning: self.header.index(title) for meaning, title in columns.items()}
        for number, row in enumerate(self.rows, 2):
            if any(row):
                yield number, {meaning: row[at] if at < len(row) else "" for meaning, at in places.items()}


def read_table(path: Path, name: str, *, only_header: bool = False) -> CsvTable:
    """A whole CSV file, or the header alone of its first 64 kB; a DataError where it is none, or too large."""
    text, notes = _decoded_table(path, name, only_header=only_header)
    first = _first_line(text)
    told = SEPARATOR.fullmatch(first)  # a spreadsheet reads this line as a setting and hides it
    if told:
        text = text.partition(first)[2]
    try:
        delimiter = _delimiter(_first_line(text), told[1] if told else "")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        _check_columns(header, name)
        rows = () if only_header else _table_rows(reader, name)
    except csv.Error as error:
        raise DataError(
            "{name} is no CSV file that can be read ({error}). Save it as CSV in UTF-8 again.", name=name, error=error
        ) from error
    return CsvTable(name, tuple(cell.strip() for cell in header), rows, notes)


def _first_line(text: str) -> str:
    """The first line that is not blank, without its end."""
    return next((line.rstrip("\n") for line in io.StringIO(text, newline=None) if line.strip()), "")


def _delimiter(header: str, told: str) -> str:
    """What parts the cells of a header: what the file tells, unless that parts none, else what parts most."""
    cells = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in (*DELIMITERS, *told)}
    return told if cells.get(told, 0) > 1 else max(DELIMITERS, key=lambda mark: cells[mark])


def _table_rows(reader: Iterator[list[str]], name: str) -> tuple[tuple[str, ...], ...]:
    rows = []
    for row in reader:
        rows.append(tuple(cell.strip() for cell in row))
        if len(rows) > MAX_ROWS:
            raise DataError(
                "{name} has more than {max_rows:,} rows. Bring the photos in several parts.",
                name=name,
                max_rows=MAX_ROWS,
            )
    return tuple(rows)


def _check_columns(header: list[str], name: str) -> None:
    if not header:
        raise DataError("{name} is empty. Expected a header row and a row a photo.", name=name)
    if len(header) > MAX_COLUMNS:
        raise DataError(
            "{name} has {count:,} columns, such as {header}; at most {max_columns} are read. "
            "Expected a header row and a row a photo, so rows and columns may be swapped.",
            name=name,
            count=len(header),
            header=some(header),
            max_columns=MAX_COLUMNS,
        )


def _decoded_table(path: Path, name: str, *, only_header: bool) -> tuple[str, tuple[str, ...]]:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            size = path.stat().st_size / 1e6
            raise DataError(
                "{name} is too large ({size:.1f} MB, the limit is {max_table_bytes} MB). Split it.",
                name=name,
                size=size,
                max_table_bytes=MAX_TABLE_BYTES // 1000000,
            )
        with path.open("rb") as file:
            data = file.read(65_536 if only_header else MAX_TABLE_BYTES)
    except OSError as error:
        raise DataError(
            "{name} cannot be read ({strerror}). Check its permissions.", name=name, strerror=error.strerror
        ) from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # a spreadsheet's "Unicode text"
        return data.decode("utf-16", errors="replace"), ()
    if 2 * data[1::2].count(0) > len(data) // 2:  # the same without its mark
        return data.decode("utf-16-le", errors="replace"), ()
    if b"\0" in data:
        raise DataError("{name} holds NUL bytes, so it is no text. Save it as CSV in UTF-8 again.", name=name)
    try:
        return data.decode("utf-8-sig", errors="ignore" if only_header else "strict"), ()
    except UnicodeDecodeError:
        note = Message("{file} is not in UTF-8 and was read as Windows-1252: check umlauts in names.", file=name)
        return data.decode("cp1252", errors="replace"), (note,)


def _plain_title(title: str) -> str:
    """`Nom de fichier` and `nom_de_fichier`, `Étiquette` and `etiquette` are one title."""
    return plain("".join(mark for mark in unicodedata.normalize("NFKD", title) if not unicodedata.combining(mark)))


def titles_of(table: CsvTable, names: Sequence[str], layout: str) -> dict[str, str]:
    """The table's own titles of fixed columns; a DataError where one is missing."""
    found = {name: title for name in names if (title := table.column((name,))) is not None}
    if missing := [name for name in names if name not in found]:
        raise DataError(
            "{table} lacks {missing}. {layout} expects the columns {names}; found {header}.",
            table=table.name,
            missing=", ".join(missing),
            layout=layout,
            names=",".join(names),
            header=legible(",".join(table.header)),
        )
    return found


@dataclass(slots=True)
class TableRows:
    """Collects entries and problems; the first row that names a photo counts."""

    tree: Tree
    lookup: Lookup = field(init=False)
    entries: dict[Path, FoundPhoto] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    strange_splits: dict[str, int] = field(default_factory=dict)
    first: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.tree)

    def file(self, written: str, where: str, base: str = "") -> Path | None:
        """The file that a cell names; a problem and None where there is none."""
        try:
            return self.lookup.find(written, base)
        except DataError as error:
            self.problems.append(
                Problem(legible(written) or where, Message("{file}: {problem}", file=where, problem=error))
            )
            return None

    def add(self, table: CsvTable, number: int, entry: FoundPhoto, mask: str = "", base: str = "") -> None:
        """Take a row's entry, whose path and name are not looked up yet: `entry.name` is what the row has written."""
        where = Message("{table}, row {row}", table=table.name, row=number)
        path = self.file(entry.name, where, base)
        if path is None:
            return
        name = self.tree.name(path)
        if (known := self.entries.get(path)) is not None:
            said = {"row": where, "file": name, "first": self.first[path]}
            if known.kind == entry.kind:
                reason = Message("{row}: {file} is named again. Row {first} counts; remove one of them.", **said)
            else:
                reason = Message(
                    "{row}: {file} is named again, as {kind} and no longer as {known}. "
                    "Row {first} counts; remove one of them.",
                    kind=entry.kind,
                    known=known.kind,
                    **said,
                )
            self.problems.append(Problem(name, reason))
            return
        if not entry.kind:
            self.problems.append(
                Problem(
                    name, Message("{row}: {file} has no label. Fill it in or remove the row.", row=where, file=name)
                )
            )
            return
        self.first[path] = number
        found = self.file(mask, where, base) if mask else None
        self.entries[path] = replace(entry, path=path, name=name, mask=found)

    def split(self, written: str) -> str:
        """The split that a cell means; one that is not known is counted and means none."""
        key, part = written.strip().casefold(), part_called(written)
        if key and not part:
            self.strange_splits[key] = self.strange_splits.get(key, 0) + 1
        return part

    def split_notes(self) -> tuple[str, ...]:
        """What was said in a split column and is no split."""
        if not self.strange_splits:
            return ()
        listed = ", ".join(f"{legible(name)} ({count})" for name, count in list(self.strange_splits.items())[:5])
        return (
            Message(
                "Not known as a split and left without one: {splits}. Known are {known}.",
                splits=listed,
                known=", ".join(PART_NAMES),
            ),
        )

    def used(self) -> list[Path]:
        """Every photo and every mask that a row names."""
        return [path for entry in self.entries.values() for path in (entry.path, entry.mask) if path]
