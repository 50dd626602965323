"""Whether the history is as it was written: every entry, the columns it is searched by, and where the chain ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ensemble.disk.files import digest_of, parsed
from ensemble.records.chain import BEFORE_ALL, HEAD_FILE, REMOVAL, Head, entry_digest, head_of
from ensemble.records.database import Database
from ensemble.records.history import REVIEW_KIND
from ensemble.records.recording import INSPECTION, columns_of
from ensemble.records.tables import entries, inspections, policies, reviews
from ensemble.values.errors import MISSHAPEN
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
        for row in _entries_in_order(connection):
            if problem := _problem_of(connection, row, expected, previous):
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


def _entries_in_order(connection: Connection) -> Iterator[Row[Any]]:
    last = 0
    while rows := connection.execute(
        select(entries).where(entries.c.number > last).order_by(entries.c.number).limit(AT_ONCE)
    ).all():
        yield from rows
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


def _problem_of(connection: Connection, row: Row[Any], expected: int, previous: str) -> str:
    """What is wrong with an entry; empty where nothing is."""
    if row.number != expected:
        return Message("It is missing: the next one is number {number}.", number=row.number)
    if row.previous != previous:
        return Message("It does not follow the one before it: an entry was removed, added or moved.")
    if row.body is not None and digest_of(row.body.encode()) != row.body_digest:
        return Message("What it says was changed.")
    if entry_digest(row.previous, row.number, row.kind, row.at, row.body_digest) != row.digest:
        return Message("Its kind, time or digest was changed.")
    return "" if row.body is None else _problem_of_columns(connection, row)


def _problem_of_columns(connection: Connection, row: Row[Any]) -> str:
    """What is wrong with the columns that an entry is searched by; empty where nothing is."""
    body = parsed(row.body)  # its digest is right, so that it is what was written
    if row.kind == INSPECTION:
        found = connection.execute(select(inspections).where(inspections.c.number == row.number)).first()
        wanted = {**columns_of(body), "number": row.number}
        kept = select(policies.c.text).where(policies.c.digest == body["policy_digest"])
        text = connection.execute(kept).scalar()
        if text is None or digest_of(text.encode()) != body["policy_digest"]:
            return Message("The policy that decided was changed or removed.")
    elif row.kind == REVIEW_KIND:
        found = connection.execute(select(reviews).where(reviews.c.number == row.number)).first()
        about = select(inspections.c.number).where(inspections.c.id == body["inspection"])
        number = connection.execute(about).scalar()
        wanted = {name: body[name] for name in REVIEWED} | {"number": row.number, "at": row.at, "inspection": number}
    else:
        return ""
    if found is None:
        return Message("It cannot be searched for: its row was removed.")
    return "" if dict(found._mapping) == wanted else Message("What it is searched by was changed.")


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
