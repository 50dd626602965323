"""Rows of a table as photos that may come in: each row's files are looked up, and what cannot enter is named."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensemble.importers.listing import Problem, Tree, legible
from ensemble.importers.lookup import Lookup
from ensemble.importers.tables import Table
from ensemble.importers.values import Entry
from ensemble.values.errors import DataError
from ensemble.values.vocabulary import PARTS, part_called


def columns_of(table: Table, titles: Mapping[str, str], layout: str) -> dict[str, str]:
    """The table's own titles of fixed columns; a DataError where one is missing."""
    found = {meaning: table.column((title,)) for meaning, title in titles.items()}
    if missing := [titles[meaning] for meaning, title in found.items() if title is None]:
        raise DataError(
            f"{table.name} lacks {', '.join(missing)}. {layout} expects the columns {','.join(titles.values())}; found "
            f"{legible(','.join(table.header))}."
        )
    return {meaning: title for meaning, title in found.items() if title is not None}


@dataclass(slots=True)
class Rows:
    """Collects entries and problems; the first row that names a photo counts."""

    tree: Tree
    lookup: Lookup = field(init=False)
    entries: dict[Path, Entry] = field(default_factory=dict)
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
            self.problems.append(Problem(legible(written) or where, f"{where}: {error}"))
            return None

    def add(self, table: Table, number: int, entry: Entry, mask: str = "", base: str = "") -> None:
        """Take a row's entry, whose path and name are not looked up yet: `entry.name` is what the row has written."""
        where = f"{table.name}, row {number}"
        path = self.file(entry.name, where, base)
        if path is None:
            return
        name = self.tree.name(path)
        if (known := self.entries.get(path)) is not None:
            said = "again" if known.kind == entry.kind else f"again, as {entry.kind} and no longer as {known.kind}"
            reason = f"{where}: {name} is named {said}. Row {self.first[path]} counts; remove one of them."
            self.problems.append(Problem(name, reason))
            return
        if not entry.kind:
            self.problems.append(Problem(name, f"{where}: {name} has no label. Fill it in or remove the row."))
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
        return (f"Not known as a split and left without one: {listed}. Known are {', '.join(PARTS)}.",)

    def used(self) -> list[Path]:
        """Every photo and every mask that a row names."""
        return [path for entry in self.entries.values() for path in (entry.path, entry.mask) if path]
