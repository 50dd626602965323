"""A model card as plain values, and as the two files that it can be taken away as.

Its questions follow Mitchell et al. (2019), Model Cards for Model Reporting, arXiv:1810.03993.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know at a glance: its name, its number, what that rests on; `alert` where it wants attention."""

    name: str
    number: str
    basis: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title!r} has {len(self.columns)} columns. Got the row {row!r}.")


@dataclass(frozen=True, slots=True)
class Section:
    """One question: its answer in sentences and tables, and in `data` the same as plain JSON values."""

    key: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of one product: the answer at a glance, then section by section."""

    product: str
    purpose: str
    glance: tuple[Fact, ...]
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """One section by its key."""
        return next(section for section in self.sections if section.key == key)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: each section with its sentences and its figures."""
        glance = [{"name": fact.name, "number": fact.number, "basis": fact.basis} for fact in self.glance]
        sections = {
            section.key: {"title": section.title, "sentences": list(section.sentences), **section.data}
            for section in self.sections
        }
        return {
            "format": FORMAT,
            "product": self.product,
            "purpose": self.purpose,
            "glance": glance,
            "sections": sections,
        }

    def to_markdown(self) -> str:
        """The whole card as Markdown with pipe tables."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from (f"# {as_text(self.product)}: model card", "", as_text(self.purpose), "")
        for fact in self.glance:
            yield f"- **{as_text(fact.name)}: {as_text(fact.number)}.** {as_text(fact.basis)}"
        for section in self.sections:
            yield from ("", f"## {as_text(section.title)}")
            for said in section.sentences:
                yield from ("", as_text(said))
            for table in section.tables:
                yield from ("", *_table_lines(table))


def _table_lines(table: Table) -> Iterator[str]:
    if table.title:
        yield from (f"### {as_text(table.title)}", "")
    yield _row(table.columns)
    yield _row(["---"] * len(table.columns))
    for row in table.rows:
        yield _row([as_text(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def as_text(text: str) -> str:
    """A text that Markdown shows as it is, on one line; names keep their underscores readable."""
    plain = re.sub(r"([\\`*<>\[\]|#~$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", plain)
