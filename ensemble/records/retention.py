"""Retention: inspections that are older or take more room than a product's settings allow go, and the chain says so.

What a person has reviewed stays, and so does what waits for a review.
"""

import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, not_, select, true, update

from ensemble.disk.files import now, parsed, read_text, write_atomically
from ensemble.records.chain import REMOVAL, append
from ensemble.records.database import Database
from ensemble.records.objects import Objects
from ensemble.records.settings import Keeping
from ensemble.records.tables import entries, inspections, reviews, waiting
from ensemble.records.uses import BODIES, bytes_taken, change_uses, evidence_of, remove_unneeded, uses_of
from ensemble.values.errors import MISSHAPEN, QuorumError
from ensemble.values.language import as_stored, restored
from ensemble.values.results import REVIEW

LAST_FILE = "retention.json"
OFTEN = timedelta(hours=1)
TAKEN_AT_ONCE = 500  # inspections in one transaction, so that nobody who keeps a verdict waits long
MOST_BY_ITSELF = 10_000  # inspections, while an inspection waits for it
MEGABYTE = 1_000_000

_retention_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removal:
    """How many inspections were taken out, the bytes of files that went with them, and why, where it has failed."""

    inspections: int = 0
    bytes: int = 0
    at: str = ""
    problem: str = ""


def remove_old(
    database: Database, files: Objects, product: str, keeping: Keeping, who: str, most: int | None = None
) -> Removal:
    """Take out the oldest inspections of a product that its limits do not allow, at most so many.

    Their texts and rows go in the transaction that says so in the chain, their files after it.
    """
    taken = 0
    if keeping.days is not None:
        limit = (datetime.now(UTC) - timedelta(days=keeping.days)).isoformat(timespec="seconds")
        reason = f"older than {keeping.days} days"
        while more := _take_oldest(database, product, (reason, who), _left(most, taken), inspections.c.time < limit):
            taken += more
    if keeping.megabytes is not None:
        reason, limit_bytes = f"more than {keeping.megabytes} MB", keeping.megabytes * MEGABYTE
        while more := _take_oldest(database, product, (reason, who), _left(most, taken), room=limit_bytes):
            taken += more
    return Removal(taken, remove_unneeded(database, files), now())


def _left(most: int | None, taken: int) -> int:
    return TAKEN_AT_ONCE if most is None else min(TAKEN_AT_ONCE, most - taken)


def may_go(product: str) -> ColumnElement[bool]:
    """Which inspections of a product retention may take: nobody has said anything of them, and nobody has to."""
    said = exists().where(reviews.c.inspection == inspections.c.number)
    waits = (inspections.c.verdict == REVIEW) | (inspections.c.sampled == 1)
    return and_(inspections.c.product == product, not_(waits), not_(said))


def _take_oldest(
    database: Database,
    product: str,
    reason: tuple[str, str],
    most: int,
    old: ColumnElement[bool] | None = None,
    room: int | None = None,
) -> int:
    """Take out the oldest that may go, until they fit into the `room`; gives how many in one transaction."""
    numbers = select(inspections.c.number).where(may_go(product), true() if old is None else old)
    numbers = numbers.order_by(inspections.c.number).limit(most)
    with database.reading() as connection:
        too_much = None if room is None else bytes_taken(connection, product) - room
        if most < 1 or (too_much is not None and too_much <= 0) or connection.execute(numbers).first() is None:
            return 0
    with database.writing() as connection:
        wanted = select(entries.c.number, entries.c.body).where(entries.c.number.in_(numbers))
        rows = connection.execute(wanted.order_by(entries.c.number)).all()
        return _take_out(connection, product, rows, reason, too_much)


def _take_out(
    connection: Connection, product: str, rows: Sequence[Any], reason: tuple[str, str], too_much: int | None
) -> int:
    needs = {row.number: evidence_of(parsed(row.body)) for row in rows}
    uses = uses_of(connection, product, {BODIES}.union(*needs.values()))
    freed, numbers = 0, []
    for row in rows:
        if too_much is not None and freed >= too_much:
            break
        numbers.append(row.number)
        text = len(row.body.encode())
        taken, bodies = uses.get(BODIES, (text, 1))
        uses[BODIES] = (taken - text, bodies - 1)
        freed += text
        for digest in needs[row.number]:
            size, count = uses.get(digest, (0, 1))
            uses[digest] = (size, count - 1)
            freed += size if count == 1 else 0
    change_uses(connection, product, uses)
    connection.execute(delete(inspections).where(inspections.c.number.in_(numbers)))
    connection.execute(delete(waiting).where(waiting.c.inspection.in_(numbers)))
    connection.execute(update(entries).where(entries.c.number.in_(numbers)).values(body=None))
    if numbers:
        append(connection, REMOVAL, {"numbers": numbers, "reason": reason[0], "who": reason[1]})
    return len(numbers)


def prune_at_times(database: Database, files: Objects, product: str, keeping: Keeping) -> None:
    """The same by itself, at most once an hour; where it fails, that is logged and noted, and no verdict is touched."""
    last = last_removal(database.folder, product).at
    today = datetime.now(UTC)
    with contextlib.suppress(ValueError, TypeError):
        if timedelta() <= today - datetime.fromisoformat(last) < OFTEN:  # a clock that was set back begins anew
            return
    try:
        removal = remove_old(database, files, product, keeping, "", MOST_BY_ITSELF)
    except (*MISSHAPEN, QuorumError) as error:  # whatever it is, the verdict is kept
        _retention_log.warning("Retention of %s has failed. %s", product, error)
        removal = Removal(at=now(), problem=as_stored(error.message if isinstance(error, QuorumError) else str(error)))
    noted = {**_noted_removals(database.folder), product: asdict(removal)}
    try:
        write_atomically(database.folder / LAST_FILE, (json.dumps(noted, indent=2) + "\n").encode())
    except QuorumError as error:
        _retention_log.warning("Retention of %s is done again with the next inspection. %s", product, error)


def last_removal(folder: Path, product: str) -> Removal:
    """What retention has done by itself last; an empty one where it never has."""
    try:
        found = Removal(**_noted_removals(folder).get(product, {}))
        return replace(found, problem=restored(found.problem))
    except (TypeError, AttributeError):
        return Removal()


def _noted_removals(folder: Path) -> Mapping[str, Any]:
    path = folder / LAST_FILE
    try:
        return dict(parsed(read_text(path))) if path.is_file() else {}
    except (*MISSHAPEN, QuorumError):  # a note, and no more: it is written anew
        return {}
