"""Looking things up in the history: filtered pages, the newest first, and one inspection with its reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, insert, not_, select

from ensemble.disk.files import parsed
from ensemble.records.chain import append
from ensemble.records.database import Database
from ensemble.records.tables import entries, inspections, policies, reviews
from ensemble.records.values import BLIND, Inspection, Review, label_of, standing_reviews
from ensemble.records.waiting import no_longer_waits, waits_again
from ensemble.values.errors import RecordsError
from ensemble.values.trace import TRACE

REVIEW_KIND = "review"  # the kind of its entries
COUNTED_UP_TO = 10_000  # inspections; more are said to be more
PAGE = 50
FEW = frozenset(("sha256", "part", "serial", "lot", "batch"))  # a value of these is shared by few inspections


@dataclass(frozen=True, slots=True)
class Filters:
    """Which inspections are meant; what is empty or None does not narrow them.

    Times are ISO 8601 in UTC, `until` is left out itself. `reviewed` and `disagreement` are yes or no.
    """

    since: str = ""
    until: str = ""
    product: str = ""
    verdict: str = ""
    policy: str = ""
    model_version: int | None = None
    batch: str = ""
    part: str = ""
    serial: str = ""
    lot: str = ""
    station: str = ""
    shift: str = ""
    view: str = ""
    sha256: str = ""
    reviewed: bool | None = None
    disagreement: bool | None = None
    trial: bool | None = None

    def condition(self) -> ColumnElement[bool]:
        """The same for the database."""
        names = ("product", "verdict", "policy", "batch", *TRACE, "sha256")
        given = {name: getattr(self, name) for name in names if getattr(self, name)}
        by_few = not FEW.isdisjoint(given)
        found = [
            # No index of what many share is tried where one of what few share is there: SQLite cannot tell them apart.
            (func.coalesce(inspections.c[name], "") if by_few and name not in FEW else inspections.c[name]) == value
            for name, value in given.items()
        ]
        if self.model_version is not None:
            found.append(inspections.c.model_version == self.model_version)
        found += self._times()
        if self.disagreement is not None:
            found.append(inspections.c.dissent > 0 if self.disagreement else inspections.c.dissent == 0)
        if self.trial is not None:
            found.append(inspections.c.trial == int(self.trial))
        if self.reviewed is not None:
            seen = exists().where(reviews.c.inspection == inspections.c.number)
            found.append(seen if self.reviewed else not_(seen))
        return and_(True, *found)

    def _times(self) -> list[ColumnElement[bool]]:
        """The times that are meant, and between which numbers they lie: pages go by number, and so skip all others."""
        same = inspections.alias("timed")
        within = [same.c.time >= self.since] if self.since else []
        within += [same.c.time < self.until] if self.until else []
        found: list[ColumnElement[bool]] = []
        if self.since:
            first = select(func.min(same.c.number)).where(*within).scalar_subquery()
            found += [inspections.c.time >= self.since, inspections.c.number >= first]
        if self.until:
            last = select(func.max(same.c.number)).where(*within).scalar_subquery()
            found += [inspections.c.time < self.until, inspections.c.number <= last]
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Some inspections, the newest first, and what the next page begins before; None where there is none."""

    inspections: tuple[Inspection, ...]
    before: int | None


def history_page(database: Database, filters: Filters, before: int | None = None, most: int = PAGE) -> Page:
    """The newest inspections that are meant, before the one of this number."""
    wanted = select(inspections.c.number).where(filters.condition()).order_by(inspections.c.number.desc())
    if before is not None:
        wanted = wanted.where(inspections.c.number < before)
    with database.reading() as connection:
        numbers = list(connection.execute(wanted.limit(most + 1)).scalars())
        shown = inspections_of(connection, numbers[:most])
    return Page(shown, numbers[most - 1] if len(numbers) > most else None)


def newest_number(database: Database) -> int:
    """The number of the newest inspection; 0 where there is none."""
    with database.reading() as connection:
        return int(connection.execute(select(func.max(inspections.c.number))).scalar() or 0)


def history_count(database: Database, filters: Filters, most: int = COUNTED_UP_TO) -> int:
    """How many inspections are meant, counted up to `most` and one more."""
    some = select(inspections.c.number).where(filters.condition()).limit(most + 1).subquery()
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def inspection_called(database: Database, called: str) -> Inspection:
    """One inspection by its id; a RecordsError where there is none, or it was removed."""
    with database.reading() as connection:
        found = inspections_of(connection, [_number_called(connection, called)])
    return found[0]


def policy_text(database: Database, digest: str) -> str:
    """The policy that decided, as JSON; a RecordsError where it is not kept."""
    with database.reading() as connection:
        text = connection.execute(select(policies.c.text).where(policies.c.digest == digest)).scalar()
    if text is None:
        raise RecordsError("The history holds no policy of the digest {digest}.", digest=digest)
    return str(text)


def record_review(
    database: Database, called: str, label: str, who: str, *, reason: str = "", defect: str = "", way: str = "screen"
) -> Review:
    """Keep what a person says of an inspection; what was said before stays beside it."""
    with database.writing() as connection:
        (inspection,) = inspections_of(connection, [_number_called(connection, called)])
        return add_label(connection, inspection, label, who, reason=reason, defect=defect, way=way)


def add_label(
    connection: Connection,
    inspection: Inspection,
    label: str,
    who: str,
    *,
    reason: str = "",
    defect: str = "",
    way: str = "screen",
) -> Review:
    """The same within a transaction."""
    classes = (*inspection.stored["classes"],)
    if label not in classes:
        raise RecordsError(
            "{label!r} is no class of this part. It is one of {known}.", label=label, known=", ".join(classes)
        )
    said = {"label": label, "before": inspection.settled, "reason": reason, "defect": defect, "way": way}
    return add_review(connection, inspection, said | {"who": who.strip(), "withdraws": None})


def withdraw_review(database: Database, called: str, who: str, number: int | None = None) -> Review:
    """Take back what was said last of an inspection, or the review of a number, by another row.

    A RecordsError where nothing was said.
    """
    with database.writing() as connection:
        (inspection,) = inspections_of(connection, [_number_called(connection, called)])
        return add_withdrawal(connection, inspection, who, number)


def add_withdrawal(connection: Connection, inspection: Inspection, who: str, number: int | None = None) -> Review:
    """The same within a transaction."""
    standing = standing_reviews(inspection.reviews)
    meant = [each for each in standing if (each.way != BLIND if number is None else each.number == number)]
    if not meant:
        raise RecordsError("Nobody has said anything of this part, so there is nothing to undo.")
    last = meant[-1]
    label = label_of(tuple(each for each in standing if each != last))
    said = {"label": label or str(inspection.stored["verdict"]), "before": last.label, "reason": "", "defect": ""}
    if not label and inspection.stored["kept_photo"]:
        waits_again(connection, inspection.number)
    return add_review(connection, inspection, said | {"way": last.way, "who": who.strip(), "withdraws": last.number})


def add_review(connection: Connection, inspection: Inspection, said: Mapping[str, Any]) -> Review:
    """Keep what is said of an inspection within a transaction; a label that settles it ends its waiting."""
    if said["withdraws"] is None:
        no_longer_waits(connection, inspection.number)
    number = append(connection, REVIEW_KIND, {"inspection": inspection.id, **said})
    at = connection.execute(select(entries.c.at).where(entries.c.number == number)).scalar_one()
    connection.execute(insert(reviews).values(number=number, inspection=inspection.number, at=at, **said))
    return Review(number, at, **said)


def _number_called(connection: Connection, called: str) -> int:
    number = connection.execute(select(inspections.c.number).where(inspections.c.id == called)).scalar()
    if number is None:
        raise RecordsError("The history holds no inspection {id}: it was removed, or never kept here.", id=called)
    return int(number)


def inspections_of(connection: Connection, numbers: Sequence[int]) -> tuple[Inspection, ...]:
    """Inspections by number, in this order, each with what was said of it."""
    wanted: Select[Any] = select(entries.c.number, entries.c.body).where(entries.c.number.in_(numbers))
    bodies: dict[int, str] = {row.number: row.body for row in connection.execute(wanted)}
    said = reviews_of(connection, numbers)
    return tuple(Inspection(number, parsed(bodies[number]), said[number]) for number in numbers)


def reviews_of(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[Review, ...]]:
    """What was said of inspections, by their numbers."""
    said: dict[int, list[Review]] = {number: [] for number in numbers}
    for row in connection.execute(select(reviews).where(reviews.c.inspection.in_(numbers)).order_by(reviews.c.number)):
        values = dict(row._mapping)
        said[values.pop("inspection")].append(Review(**values))
    return {number: tuple(each) for number, each in said.items()}
