"""Whether the history is as it was written: every entry, the columns it is searched by, and where the chain ends."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from ensemble.disk.files import digest_of, parsed
from ensemble.records.chain import BEFORE_ALL, HEAD_FILE, REMOVAL, Head, entry_digest, head_of
from ensemble.records.database import Database
from ensemble.records.history import REVIEW_KIND
from ensemble.records.recording import INSPECTION, columns_of
from ensemble.records.tables import entries, inspections, policies, reviews
from ensemble.values.errors import MISSHAPEN, brief
from ensemble.values.language import Message

AT_ONCE = 1000  # entries read at a time
REVIEWED = ("who", "label", "before", "defect", "reason", "way", "withdraws")


@dataclass(frozen=True, slots=True)
class Verification:
    """How many entries were looked at, and the first that is not as it was written: its number and what is wrong."""

    entries: int
    number: int | None = None
    problem: str = ""


def verify_history(database: Database, head: Head | None = None) -> Verification:
    """Look at every entry in its order; with a `head` that was exported, a chain built anew is found too."""
    with database.reading() as connection:
        removed = _removed(connection)
        previous, expected, hidden = BEFORE_ALL, 1, []
        for rows in _entries_in_order(connection):
            searched = _Searched.of(connection, rows[0].number, rows[-1].number)
            for row in rows:
                if problem := _problem_of(row, expected, previous) or searched.problem_of(row):
                    return Verification(expected - 1, expected, problem)
                if row.body is None and row.number not in removed:
                    hidden.append(row.number)
                if head is not None and row.number == head.number and row.digest != head.digest:
                    problem = Message("It is another one than the exported head names: the chain was built anew.")
                    return Verification(expected, row.number, problem)
                previous, expected = row.digest, expected + 1
        return _whole(connection, expected - 1, hidden, (head, _head_beside(database.folder)))


def export_head(database: Database) -> Head:
    """The newest entry of the chain, to be kept elsewhere."""
    with database.reading() as connection:
        return head_of(connection)


def _head_beside(folder: Path) -> Head | None:
    path = folder / HEAD_FILE
    return Head.from_file(path) if path.is_file() else None


def _entries_in_order(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    last = 0
    while rows := connection.execute(
        select(entries).where(entries.c.number > last).order_by(entries.c.number).limit(AT_ONCE)
    ).all():
        yield rows
        last = rows[-1].number


def _removed(connection: Connection) -> set[int]:
    """Numbers of the entries whose bodies were taken out, as later entries say."""
    wanted = select(entries.c.body).where(entries.c.kind == REMOVAL, entries.c.body.is_not(None))
    found: set[int] = set()
    for body in connection.execute(wanted).scalars():
        try:
            found |= set(parsed(body)["numbers"])
        except MISSHAPEN:  # its own digest tells of it
            continue
    return found


def _problem_of(row: Row[Any], expected: int, previous: str) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if row.number != expected:
        return Message("It is missing: the next one is number {number}.", number=row.number)
    if row.previous != previous:
        return Message("It does not follow the one before it: an entry was removed, added or moved.")
    if row.body is not None and digest_of(row.body.encode()) != row.body_digest:
        return Message("What it says was changed.")
    if entry_digest(row.previous, row.number, row.kind, row.at, row.body_digest) != row.digest:
        return Message("Its kind, time or digest was changed.")
    return ""


@dataclass(frozen=True, slots=True)
class _Searched:
    """What some entries are searched by, by their number; the inspections that are reviewed, by their id."""

    inspections: Mapping[int, Mapping[str, Any]]
    reviews: Mapping[int, Mapping[str, Any]]
    reviewed: Mapping[str, int]
    policies: frozenset[str]  # digests of those whose text is as it was

    @classmethod
    def of(cls, connection: Connection, first: int, last: int) -> "_Searched":
        """Those of the entries from one number to another."""

        def rows_of(table: Table) -> dict[int, Mapping[str, Any]]:
            found = connection.execute(select(table).where(table.c.number.between(first, last)))
            return {row["number"]: dict(row) for row in found.mappings()}

        said = rows_of(reviews)
        numbers = {row["inspection"] for row in said.values()}
        about = select(inspections.c.id, inspections.c.number).where(inspections.c.number.in_(numbers))
        reviewed = {row.id: row.number for row in connection.execute(about)}
        texts = connection.execute(select(policies))
        whole = frozenset(row.digest for row in texts if digest_of(row.text.encode()) == row.digest)
        return cls(rows_of(inspections), said, reviewed, whole)

    def problem_of(self, row: Row[Any]) -> str:
        """What is wrong with the columns that an entry is searched by; empty where nothing is."""
        if row.body is None or row.kind not in (INSPECTION, REVIEW_KIND):
            return ""
        try:
            body = json.loads(row.body)  # its digest is right, so that it is what was written
            if row.kind == INSPECTION:
                found, wanted = self.inspections.get(row.number), {**columns_of(body), "number": row.number}
                if body["policy_digest"] not in self.policies:
                    return Message("The policy that decided was changed or removed.")
            else:
                found, wanted = self.reviews.get(row.number), {name: body[name] for name in REVIEWED}
                wanted |= {"number": row.number, "at": row.at, "inspection": self.reviewed.get(body["inspection"])}
        except MISSHAPEN as error:
            return Message("What it says cannot be read ({problem}).", problem=brief(error))
        if found is None:
            return Message("It cannot be searched for: its row was removed.")
        return "" if found == wanted else Message("What it is searched by was changed.")


def _whole(connection: Connection, count: int, hidden: list[int], heads: tuple[Head | None, ...]) -> Verification:
    """What no single entry shows: bodies that nobody said were removed, rows without an entry, a chain cut short."""
    if hidden:
        return Verification(count, hidden[0], Message("What it says was removed, and no later entry says so."))
    for table, kind in ((inspections, INSPECTION), (reviews, REVIEW_KIND)):
        rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
        written = select(func.count()).select_from(entries).where(entries.c.kind == kind, entries.c.body.is_not(None))
        if rows != connection.execute(written).scalar_one():
            stray = select(table.c.number).where(
                table.c.number.not_in(
                    select(entries.c.number).where(entries.c.kind == kind, entries.c.body.is_not(None))
                )
            )
            number = connection.execute(stray.order_by(table.c.number).limit(1)).scalar()
            return Verification(count, number, Message("It stands among what is searched, and no entry holds it."))
    newest = head_of(connection)
    for head in heads:
        if head is None or head.number == 0:
            continue
        kept = connection.execute(select(entries.c.digest).where(entries.c.number == head.number)).scalar()
        if kept is None:
            return Verification(count, newest.number + 1, Message("It is missing: the chain was cut short."))
        if kept != head.digest:
            return Verification(
                count, head.number, Message("It is another one than was written: the chain was built anew.")
            )
    return Verification(count)
