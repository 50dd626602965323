"""Rows of a collection's tables to values and back; every change goes with the decision that says so."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ensemble.collection.values import Decision
from ensemble.errors import DataError
from ensemble.results import OK_NOK, Classes

COLUMNS = ("file", "name", "label", "split", "defect", "category", "part", "mask", "dropped")


def now() -> str:
    """The time of now (UTC)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def classes_of(connection: sqlite3.Connection) -> Classes | None:
    """The classes that the photos belong to; None while there are no photos."""
    text = fact(connection, "classes")
    if text is None:
        return None
    data = json.loads(text)
    return Classes(tuple(data["names"]), data["defect"])


def widened(known: Classes | None, labels: Iterable[str]) -> Classes:
    """The classes with those of new photos among them; a DataError where they do not go together."""
    names = sorted(set(labels))
    if known is None:
        return OK_NOK if set(names) <= set(OK_NOK.names) else _named(names)
    if set(names) <= set(known.names):
        return known
    strange = ", ".join(sorted(set(names) - set(known.names)))
    if known.defect is not None:
        raise DataError(
            f"This collection tells {' from '.join(known.names)} parts, and {strange} is neither. Say for each kind "
            "which of the two it means, or make a collection of its own."
        )
    return Classes((*known.names, *sorted(set(names) - set(known.names))))


def _named(names: Sequence[str]) -> Classes:
    try:
        return Classes(tuple(names))
    except ValueError as error:
        raise DataError(f"These cannot be the classes of a product. {error}") from error


def keep_classes(connection: sqlite3.Connection, classes: Classes) -> None:
    """Keep the classes."""
    keep_fact(connection, "classes", json.dumps({"names": list(classes.names), "defect": classes.defect}))


def fact(connection: sqlite3.Connection, name: str) -> str | None:
    """One fact about the collection; None where it is not kept."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row["value"])


def keep_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a fact in the place of what was known of it."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def splits_of_parts(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """In which split the photos of each part lie."""
    rows = connection.execute("SELECT category, part, split FROM photos WHERE part != '' AND NOT dropped")
    return {(row["category"], row["part"]): row["split"] for row in rows}


def files(connection: sqlite3.Connection) -> set[str]:
    """The folders of all photos and masks that some row names."""
    rows = connection.execute("SELECT file, mask FROM photos").fetchall()
    return {Path(file).parent.as_posix() for row in rows for file in (row["file"], row["mask"]) if file}


def as_decision(row: sqlite3.Row) -> Decision:
    """A row as a decision."""
    known = dict(row)
    known |= {"before": json.loads(known["before"]), "after": json.loads(known["after"])}
    return Decision(**{**known, "undone": bool(known["undone"])})


def write_decision(
    connection: sqlite3.Connection,
    at: str,
    author: str,
    action: str,
    reason: str,
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
) -> Decision:
    """Write a decision down."""
    cursor = connection.execute(
        "INSERT INTO decisions (at, author, action, reason, before, after) VALUES (?, ?, ?, ?, ?, ?)",
        (at, author, action, reason, json.dumps(before), json.dumps(after)),
    )
    return Decision(int(cursor.lastrowid or 0), at, author, action, reason, before, after, undone=False)


def change(
    connection: sqlite3.Connection, action: str, after: Mapping[str, Mapping[str, Any]], reason: str, author: str
) -> Decision | None:
    """Write what changes, with the decision that says so; a DataError names a photo that is not there."""
    before = {digest: state_of(connection, digest, change) for digest, change in after.items()}
    changed = {digest: change for digest, change in after.items() if before[digest] != change}
    if not changed:
        return None
    update(connection, changed)
    return write_decision(
        connection, now(), author, action, reason, {digest: before[digest] for digest in changed}, changed
    )


def state_of(connection: sqlite3.Connection, digest: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """What the changing columns of a photo hold now; a DataError where the photo is not there."""
    row = connection.execute("SELECT * FROM photos WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        raise DataError(f"The collection holds no photo with the SHA-256 {digest[:12]}….")
    return {column: row[column] for column in change}


def update(connection: sqlite3.Connection, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Write columns of photos."""
    for digest, change in changes.items():
        columns = [column for column in change if column in COLUMNS]
        assigned = ", ".join(f"{column} = ?" for column in columns)
        connection.execute(
            f"UPDATE photos SET {assigned} WHERE sha256 = ?",
            (*(change[column] for column in columns), digest),
        )


def refuse_later(connection: sqlite3.Connection, decision: Decision) -> None:
    """A DataError where a later decision has changed what this one would bring back."""
    for digest, change in decision.after.items():
        if state_of(connection, digest, change) != change:
            raise DataError(
                f"Decision {decision.number} cannot be taken back on its own: a later one rests on it. Take the later "
                "one back first."
            )
