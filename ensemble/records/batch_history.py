"""What the history holds of a batch: the verdicts of its files, by their ids or the newest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from ensemble.disk.files import parsed
from ensemble.records.database import Database
from ensemble.records.tables import entries, inspections

BODIES_AT_ONCE = 200  # inspections of one question


def stored_by_id(database: Database, called: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The JSON of inspections by their ids; those that were removed are left out."""
    found: dict[str, Mapping[str, Any]] = {}
    with database.reading() as connection:
        for start in range(0, len(called), BODIES_AT_ONCE):
            wanted = _bodies().where(inspections.c.id.in_(called[start : start + BODIES_AT_ONCE]))
            found |= {row.id: parsed(row.body) for row in connection.execute(wanted)}
    return found


def newest_of_batch(database: Database, batch: str) -> Iterator[Mapping[str, Any]]:
    """The JSON of a batch's inspections, the newest first."""
    before: int | None = None
    while True:
        wanted = (
            _bodies().where(inspections.c.batch == batch).order_by(inspections.c.number.desc()).limit(BODIES_AT_ONCE)
        )
        if before is not None:
            wanted = wanted.where(inspections.c.number < before)
        with database.reading() as connection:
            rows = list(connection.execute(wanted))
        for row in rows:
            yield parsed(row.body)
        if len(rows) < BODIES_AT_ONCE:
            return
        before = rows[-1].number


def _bodies() -> Select[Any]:
    joined = select(inspections.c.id, inspections.c.number, entries.c.body)
    return joined.join(entries, entries.c.number == inspections.c.number).where(entries.c.body.is_not(None))
