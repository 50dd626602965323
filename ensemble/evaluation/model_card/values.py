"""A model card as plain values, and as the two files that it can be taken away as.

Its questions follow Mitchell et al. (2019), Model Cards for Model Reporting, arXiv:1810.03993.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence, typed
from ensemble.store import Manifest, ModelStore, Quarantined, Record, listings
from ensemble.store.listings import Version
from ensemble.store.places import MANIFEST
from ensemble.values.errors import QuorumError, StoreError
from ensemble.values.language import _, worded
from ensemble.values.results import Classes

CARD_FORMAT = 1
NOT_KNOWN = "–"
BLANKS = re.compile(r"[^\S\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+")  # those that may become a line break


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know at a glance: its name, its number, what that rests on; `alert` where it wants attention."""

    name: str
    number: str
    basis: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class CardTable:
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
    tables: tuple[CardTable, ...] = ()
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
            "format": CARD_FORMAT,
            "product": self.product,
            "purpose": self.purpose,
            "glance": glance,
            "sections": sections,
        }

    def to_markdown(self) -> str:
        """The whole card as Markdown with pipe tables."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from (_("# {product}: model card", product=as_text(self.product)), "", as_text(self.purpose), "")
        for fact in self.glance:
            yield _(
                "- **{name}: {number}.** {basis}",
                name=as_text(fact.name),
                number=as_text(fact.number),
                basis=as_text(fact.basis),
            )
        for section in self.sections:
            yield from ("", f"## {as_text(section.title)}")
            for said in section.sentences:
                yield from ("", as_text(said))
            for table in section.tables:
                yield from ("", *_table_lines(table))


def _table_lines(table: CardTable) -> Iterator[str]:
    if table.title:
        yield from (f"### {as_text(table.title)}", "")
    yield _row([worded(name) for name in table.columns])
    yield _row(["---"] * len(table.columns))
    for row in table.rows:
        yield _row([as_text(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def as_text(text: str) -> str:
    """A text that Markdown shows as it is, on one line; names keep their underscores readable."""
    plain = re.sub(r"([\\`*<>\[\]|#~$])", r"\\\1", BLANKS.sub(" ", worded(text)).strip())
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", plain)


@dataclass(frozen=True, slots=True)
class Sources:
    """The product's manifest, its policies with the active one first, and its cases; `problems` say what is missing.

    `photos` is where the cases' photos lay in training. `manifest_digest` is the SHA-256 of the manifest's bytes, which
    name all other files but the policies; `version` is the one that is kept of it, where there is one.
    """

    manifest: Manifest
    policies: tuple[Policy, ...]
    evidence: Evidence
    problems: tuple[str, ...]
    quarantine: tuple[Quarantined, ...]
    photos: Path
    manifest_digest: str
    version: Version | None

    @classmethod
    def of(cls, store: ModelStore) -> "Sources":
        """Read a product's folder; a StoreError where no product is there, any other trouble is a problem named."""
        manifest = store.manifest()
        if not manifest.names():
            raise StoreError("{folder} has no model yet, so there is no model card. Train one.", folder=store.folder)
        problems: list[str] = []
        policies: tuple[Policy, ...] = ()
        evidence = Evidence(manifest.classes)
        try:
            force = store.policies_in_force()
            policies = force.policies
            problems += [force.problem] if force.problem else []
        except QuorumError as error:
            problems.append(error.message)
        try:
            evidence = store.evidence()
        except QuorumError as error:
            problems.append(error.message)
        digest = hashlib.sha256(store.path_of(MANIFEST).read_bytes()).hexdigest()
        version = None
        try:
            kept = reversed(listings.versions(store.folder))
            version = next((each for each in kept if each.files.get(MANIFEST) == digest), None)
        except StoreError as error:
            problems.append(error.message)
        photos = store.folder / evidence.folder
        return cls(manifest, policies, evidence, tuple(problems), tuple(store.quarantine()), photos, digest, version)

    @property
    def classes(self) -> Classes:
        """The product's classes."""
        return self.manifest.classes

    @property
    def records(self) -> Mapping[str, Record]:
        """What the manifest knows of each member."""
        return self.manifest.members

    @property
    def test(self) -> tuple[Case, ...]:
        """The photos that only measure, with their types of defect where a folder or a file name tells them."""
        return typed(self.evidence.test, self.classes)

    @property
    def active(self) -> Policy | None:
        """The policy in force; None where no policy can be read."""
        return self.policies[0] if self.policies else None


def photos_learnt(record: Record) -> dict[str, int]:
    """How many photos of each class taught a member; empty where nobody noted it."""
    return {str(name): int(count) for name, count in record.noted("photos").items()}


def noted(sources: Sources, key: str) -> list[str]:
    """What trainings noted under one key, each text once, in the order of the members."""
    return list(dict.fromkeys(text for each in sources.records.values() if (text := str(each.training.get(key) or ""))))


def photos_digest(known: tuple[Case, ...]) -> str:
    """The digest that `datasets.digest` gives the same photos."""
    return hashlib.sha256("\n".join(sorted(f"{case.label} {case.sha256}" for case in known)).encode()).hexdigest()
