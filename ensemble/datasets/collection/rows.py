"""Rows of a collection's tables to values and back; every change goes with the decision that says so."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ensemble.datasets.collection.values import CONTRADICTION, COPIES, WAITS, Correction, Finding
from ensemble.datasets.splits import group_numbers
from ensemble.disk.files import now
from ensemble.values.errors import DataError
from ensemble.values.language import as_stored, restored
from ensemble.values.results import OK_NOK, Classes
from ensemble.values.samples import Sample

PHOTO_COLUMNS = ("file", "name", "label", "split", "defect", "category", "part", "mask", "dropped")
MISTAKE = "mistake"  # in what was before a correction: the mistake that waited with the photo, null for none


def labels_of(connection: sqlite3.Connection) -> list[str]:
    """The classes that photos which take part belong to, by name."""
    rows = connection.execute("SELECT DISTINCT label FROM photos WHERE NOT dropped ORDER BY label")
    return [row["label"] for row in rows]


def collection_classes(connection: sqlite3.Connection) -> Classes | None:
    """Good and defective where all photos are one of them, else their classes; None for fewer than two."""
    names = labels_of(connection)
    if names and set(names) <= set(OK_NOK.names):
        return OK_NOK
    return Classes(tuple(names)) if len(names) > 1 else None


def refuse_mixture(connection: sqlite3.Connection, labels: Iterable[str]) -> None:
    """A DataError where new photos belong to classes that do not go together with those that are there."""
    known, new = labels_of(connection), set(labels)
    if known and set(known) <= set(OK_NOK.names) and not new <= set(OK_NOK.names):
        strange = ", ".join(sorted(new - set(OK_NOK.names)))
        raise DataError(
            "This collection tells {names} parts, and {strange} is neither. Say for each kind which "
            "of the two it means, or make a collection of its own.",
            names=" from ".join(OK_NOK.names),
            strange=strange,
        )


def decided_by_people(connection: sqlite3.Connection) -> set[str]:
    """The photos whose class a person has said: what a file says of them later does not count."""
    found = {row["sha256"] for row in connection.execute("SELECT sha256 FROM mistakes")}
    for row in connection.execute("SELECT after FROM decisions WHERE action = 'relabel' AND NOT undone"):
        found |= {digest for digest, change in json.loads(row["after"]).items() if "label" in change}
    return found


def labels_in_doubt(connection: sqlite3.Connection, digests: Iterable[str]) -> set[str]:
    """The classes that photos came in under which wait for a decision."""
    asked = set(digests)
    rows = connection.execute(
        "SELECT sha256, label, suggestion FROM photos JOIN findings USING (sha256) WHERE dropped = ? AND kind = ?",
        (WAITS, CONTRADICTION),
    )
    return {label for row in rows if row["sha256"] in asked for label in (row["label"], row["suggestion"])}


def left_waiting(connection: sqlite3.Connection) -> set[str]:
    """The photos that the last import which stands brought in under two labels, and whose class nobody has said."""
    waits: dict[str, bool] = {}
    rows = connection.execute("SELECT after FROM decisions WHERE action = 'import' AND NOT undone ORDER BY number")
    for row in rows:
        changes = json.loads(row["after"]).items()
        waits |= {digest: change["dropped"] == WAITS for digest, change in changes if "dropped" in change}
    return {digest for digest, waiting in waits.items() if waiting} - decided_by_people(connection)


def mistake_of(connection: sqlite3.Connection, digest: str) -> dict[str, Any] | None:
    """The confirmed mistake that waits with a photo, as it is kept; None where there is none."""
    row = connection.execute("SELECT * FROM mistakes WHERE sha256 = ?", (digest,)).fetchone()
    return dict(row) if row else None


def keep_mistake(connection: sqlite3.Connection, mistake: Mapping[str, Any]) -> None:
    """Keep a confirmed mistake in the place of the one that waited with the photo."""
    connection.execute(
        "INSERT INTO mistakes VALUES (:sha256, :kind, :label, :verdict, :at, :author) ON CONFLICT (sha256) DO UPDATE "
        "SET kind = :kind, label = :label, verdict = :verdict, at = :at, author = :author",
        mistake,
    )


def restore_mistakes(connection: sqlite3.Connection, before: Mapping[str, Mapping[str, Any]]) -> None:
    """Let those mistakes wait again that did before a correction, and no others of its photos."""
    for digest, change in before.items():
        if earlier := change.get(MISTAKE):
            keep_mistake(connection, earlier)
        else:
            connection.execute("DELETE FROM mistakes WHERE sha256 = ?", (digest,))


def insert_findings(connection: sqlite3.Connection, found: Iterable[Finding]) -> None:
    """Put findings beside those that are there."""
    connection.executemany(
        "INSERT OR REPLACE INTO findings VALUES (:key, :kind, :sha256, :others, :score, :sentence, :suggestion)",
        [
            asdict(each) | {"key": each.key(), "others": json.dumps(each.others), "sentence": as_stored(each.sentence)}
            for each in found
        ],
    )


def keep_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a fact in the place of what was known of it."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def groups_of(connection: sqlite3.Connection) -> dict[str, int]:
    """The group of each photo that takes part, by SHA-256: photos of one part, and copies of each other."""
    rows = connection.execute("SELECT * FROM photos WHERE NOT dropped ORDER BY rowid").fetchall()
    items = [
        Sample(Path(each["file"]), each["label"], category=each["category"], part=each["part"], sha256=each["sha256"])
        for each in rows
    ]
    found = connection.execute("SELECT kind, sha256, others FROM findings").fetchall()
    copies = [(each["sha256"], *json.loads(each["others"])) for each in found if each["kind"] in COPIES]
    return dict(zip((item.sha256 for item in items), group_numbers(items, copies), strict=True))


def with_siblings(connection: sqlite3.Connection, digests: Iterable[str]) -> list[str]:
    """These photos and all that belong to the same parts or are copies of them."""
    groups, asked = groups_of(connection), list(dict.fromkeys(digests))
    wanted = {groups[digest] for digest in asked if digest in groups}
    return list(dict.fromkeys((*asked, *(digest for digest, group in groups.items() if group in wanted))))


def homes_of(connection: sqlite3.Connection, new: Iterable[str]) -> dict[str, str]:
    """The split that new photos follow, where others of their part lie in one already."""
    fresh, groups = set(new), groups_of(connection)
    rows = connection.execute("SELECT sha256, split FROM photos WHERE NOT dropped AND split != ''")
    homes = {groups[row["sha256"]]: row["split"] for row in rows if row["sha256"] not in fresh}
    return {digest: homes[groups[digest]] for digest in fresh if groups[digest] in homes}


def files(connection: sqlite3.Connection) -> set[str]:
    """The folders of all photos and masks that some row names, or that taking a decision back would name."""
    rows = connection.execute("SELECT file, mask FROM photos").fetchall()
    named = [file for row in rows for file in (row["file"], row["mask"])]
    for decision in connection.execute("SELECT before FROM decisions"):
        named += [change.get("mask", "") for change in json.loads(decision["before"]).values()]
    return {Path(file).parent.as_posix() for file in named if file}


def as_decision(row: sqlite3.Row) -> Correction:
    """A row as a decision."""
    before, after = json.loads(row["before"]), json.loads(row["after"])
    reason = restored(row["reason"])
    return Correction(**{**row, "reason": reason, "before": before, "after": after, "undone": bool(row["undone"])})


def write_decision(
    connection: sqlite3.Connection,
    at: str,
    author: str,
    action: str,
    reason: str,
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
) -> Correction:
    """Write a decision down."""
    cursor = connection.execute(
        "INSERT INTO decisions (at, author, action, reason, before, after) VALUES (?, ?, ?, ?, ?, ?)",
        (at, author, action, as_stored(reason), json.dumps(before), json.dumps(after)),
    )
    return Correction(int(cursor.lastrowid or 0), at, author, action, reason, before, after, undone=False)


def insert(
    connection: sqlite3.Connection, digest: str, row: Mapping[str, Any], size: tuple[int, int], at: str, origin: str
) -> None:
    """A new photo."""
    known = {**row, "sha256": digest, "width": size[0], "height": size[1], "added_at": at, "origin": origin}
    names, places = ", ".join(known), ", ".join("?" * len(known))
    connection.execute(f"INSERT INTO photos ({names}) VALUES ({places})", tuple(known.values()))


def change(
    connection: sqlite3.Connection,
    action: str,
    after: Mapping[str, Mapping[str, Any]],
    reason: str,
    author: str,
    *,
    also_before: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Correction | None:
    """Write what changes, with the decision that says so; a DataError names a photo that is not there.

    `also_before` is what else the decision remembers of each photo, for whoever takes it back.
    """
    before = {digest: state_of(connection, digest, change) for digest, change in after.items()}
    changed = {digest: change for digest, change in after.items() if before[digest] != change}
    if not changed:
        return None
    update(connection, changed)
    kept = {digest: {**before[digest], **also_before.get(digest, {})} for digest in changed}
    return write_decision(connection, now(), author, action, reason, kept, changed)


def state_of(connection: sqlite3.Connection, digest: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """What the changing columns of a photo hold now; a DataError where the photo is not there."""
    row = connection.execute("SELECT * FROM photos WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        raise DataError("The collection holds no photo with the SHA-256 {digest}….", digest=digest[:12])
    return {column: row[column] for column in change}


def update(connection: sqlite3.Connection, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Write columns of photos."""
    for digest, change in changes.items():
        columns = [column for column in change if column in PHOTO_COLUMNS]
        assigned = ", ".join(f"{column} = ?" for column in columns)
        connection.execute(
            f"UPDATE photos SET {assigned} WHERE sha256 = ?",
            (*(change[column] for column in columns), digest),
        )


def refuse_later(connection: sqlite3.Connection, decision: Correction) -> None:
    """A DataError where a later decision has changed what this one would bring back, or remembers its mistake."""
    later = connection.execute("SELECT before FROM decisions WHERE number > ? AND NOT undone", (decision.number,))
    remembered = {
        digest
        for row in later
        for digest, change in json.loads(row["before"]).items()
        if isinstance(change, Mapping) and change.get(MISTAKE)
    }
    for digest, change in decision.after.items():
        if state_of(connection, digest, change) != change or digest in remembered:
            raise DataError(
                "Decision {number} cannot be taken back on its own: a later one rests on it. Take the "
                "later one back first.",
                number=decision.number,
            )
