"""Moving about in the history: to the page before, to the next inspection, and by the values that there are."""

from collections.abc import Iterator

from sqlalchemy import func, select

from ensemble.records.database import Database
from ensemble.records.history import PAGE, Filters, history_page
from ensemble.records.tables import entries, inspections
from ensemble.records.values import Inspection

MOST_EXPORTED = 50_000  # inspections in a file or a report


def newer_page(database: Database, filters: Filters, before: int, most: int = PAGE) -> int | None:
    """What the page begins before that comes before the one of `before`; None where that is the first one."""
    newer = (
        select(inspections.c.number)
        .where(filters.condition(), inspections.c.number >= before)
        .order_by(inspections.c.number)
        .limit(most + 1)
    )
    with database.reading() as connection:
        numbers = list(connection.execute(newer).scalars())
    return numbers[most] if len(numbers) > most else None


def neighbours(database: Database, filters: Filters, number: int) -> tuple[str | None, str | None]:
    """The ids of the next newer and the next older inspection that are meant; None where there is none."""
    meant = select(inspections.c.id).where(filters.condition()).limit(1)
    newer = meant.where(inspections.c.number > number).order_by(inspections.c.number)
    older = meant.where(inspections.c.number < number).order_by(inspections.c.number.desc())
    with database.reading() as connection:
        return connection.execute(newer).scalar(), connection.execute(older).scalar()


def values_of(database: Database, column: str, most: int = 200) -> tuple[str, ...]:
    """What stands in a column that can be searched by, without a look at every row: from one value to the next."""
    searched = inspections.c[column]
    found: list[str] = []
    with database.reading() as connection:
        last = connection.execute(select(func.min(searched))).scalar()
        while last is not None and len(found) < most:
            if last != "":
                found.append(str(last))
            last = connection.execute(select(func.min(searched)).where(searched > last)).scalar()
    return tuple(found)


def all_inspections(
    database: Database, filters: Filters, most: int | None = None, at_once: int = 500, before: int | None = None
) -> Iterator[Inspection]:
    """The inspections that are meant, before the one of this number, the newest first, at most so many.

    They are read a few at a time.
    """
    seen = 0
    while most is None or seen < most:
        page = history_page(database, filters, before, at_once if most is None else min(at_once, most - seen))
        yield from page.inspections
        seen += len(page.inspections)
        before = page.before
        if before is None:
            return


def entry_digest_of(database: Database, number: int) -> str:
    """The digest of an entry, which the next one carries."""
    with database.reading() as connection:
        return str(connection.execute(select(entries.c.digest).where(entries.c.number == number)).scalar_one())
