"""The review queue: which inspection a person looks at next, lent to one person at a time, answered, undone."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from ensemble.records.database import Database
from ensemble.records.history import add_label, add_withdrawal, inspections_of, reviews_of
from ensemble.records.tables import inspections, reviews, waiting
from ensemble.records.values import BLIND, Inspection, Review, standing_reviews
from ensemble.records.waiting import QUEUE_WAYS, RANKS, QueueWay, no_longer_waits, place
from ensemble.values.errors import RecordsError

LEASE = timedelta(minutes=10)
BLIND_SHARE = 0.05  # of looks that are second looks at parts that another person has settled
SAMPLE_SHARE = 0.2  # of looks that are at the random sample while anything else waits
RECENT = 500  # reviews of late, of which second looks are drawn


@dataclass(frozen=True, slots=True)
class Looker:
    """A person at work: the name, and what tells two pages apart that are open under one name."""

    who: str
    holder: str


@dataclass(frozen=True, slots=True)
class QueuedPart:
    """An inspection that a person looks at now, and why it was chosen."""

    inspection: Inspection
    way: QueueWay


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person said of a part, to be undone."""

    part: QueuedPart
    review: Review


def next_part(
    database: Database,
    product: str,
    looker: Looker,
    *,
    skipped: Collection[int] = (),
    draw: float | None = None,
    at: datetime | None = None,
) -> QueuedPart | None:
    """Lend a person the next part of a product; None where none waits that is not skipped or lent to others.

    A part that was lent to this page before comes again. `draw`, from 0 to 1, decides whether it is a second look, the
    random sample's turn, or whatever is most pressing; chance draws it where it is None.
    """
    draw = random.random() if draw is None else draw  # of the order of work alone, which no statistic rests on
    began = at or datetime.now(UTC)
    with database.writing() as connection:
        found = _held(connection, product, looker)
        if found is None and draw < BLIND_SHARE:
            found = _second_look(connection, product, looker.who, skipped)
        if found is None:
            ranks = [RANKS["sample"]] if draw < BLIND_SHARE + SAMPLE_SHARE else []
            found = _waits(connection, product, skipped, began, ranks) or _waits(connection, product, skipped, began)
        if found is None:
            return None
        number, rank = found
        lent = {"holder": looker.holder, "until": _stamp(began + LEASE)}
        connection.execute(update(waiting).where(waiting.c.inspection == number).values(lent))
        return QueuedPart(inspections_of(connection, [number])[0], QUEUE_WAYS[rank])


def answer_part(database: Database, part: QueuedPart, looker: Looker, label: str, defect: str = "") -> Answered:
    """Keep what a person says of the part that is lent to this page; a RecordsError where it is lent no more."""
    with database.writing() as connection:
        row = _holder_of(connection, part.inspection.number)
        if row != looker.holder:
            raise RecordsError("The time for this part was over, and somebody else has it now. Nothing was kept.")
        (newest,) = inspections_of(connection, [part.inspection.number])
        return Answered(part, add_label(connection, newest, label, looker.who, defect=defect, way=part.way))


def give_part_back(database: Database, part: QueuedPart, looker: Looker) -> None:
    """Let somebody else have the part that is lent to this page."""
    with database.writing() as connection:
        if _holder_of(connection, part.inspection.number) == looker.holder:
            if part.way == BLIND:
                no_longer_waits(connection, part.inspection.number)
            else:
                mine = waiting.c.inspection == part.inspection.number
                connection.execute(update(waiting).where(mine).values(holder="", until=""))


def drop_part(database: Database, part: QueuedPart) -> None:
    """Take a part out of the queue that cannot be looked at: its photo is not kept any more."""
    with database.writing() as connection:
        no_longer_waits(connection, part.inspection.number)


def undo_answer(
    database: Database, answered: Answered, looker: Looker, at: datetime | None = None
) -> QueuedPart | None:
    """Take back what was said of a part, and lend it to this page again; None where others have changed it since."""
    number, way = answered.part.inspection.number, answered.part.way
    with database.writing() as connection:
        (newest,) = inspections_of(connection, [number])
        if any(each.number > answered.review.number and each.way != BLIND for each in newest.reviews):
            return None
        add_withdrawal(connection, newest, looker.who, answered.review.number)
        no_longer_waits(connection, number)
        until = _stamp((at or datetime.now(UTC)) + LEASE)
        row = place(number, str(newest.stored["product"]), way)
        connection.execute(insert(waiting).values(row | {"holder": looker.holder, "until": until}))
        return QueuedPart(inspections_of(connection, [number])[0], way)


def count_waiting(database: Database, product: str) -> dict[QueueWay, int]:
    """How many parts of a product wait, by why they were chosen; second looks are no part of it."""
    wanted = select(waiting.c.rank, func.count()).where(waiting.c.product == product).group_by(waiting.c.rank)
    with database.reading() as connection:
        found = {QUEUE_WAYS[rank]: count for rank, count in connection.execute(wanted)}
    return {way: found.get(way, 0) for way in QUEUE_WAYS if way != BLIND}


def known_defects(database: Database, product: str, most: int = 9) -> tuple[str, ...]:
    """Defect kinds that people have named of late, the most frequent first."""
    late = select(reviews.c.inspection, reviews.c.defect).where(reviews.c.defect != "")
    few = late.order_by(reviews.c.number.desc()).limit(RECENT * 4).subquery()
    wanted = (
        select(few.c.defect)
        .join(inspections, inspections.c.number == few.c.inspection)
        .where(inspections.c.product == product)
        .group_by(few.c.defect)
        .order_by(func.count().desc(), few.c.defect)
        .limit(most)
    )
    with database.reading() as connection:
        return tuple(connection.execute(wanted).scalars())


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _holder_of(connection: Connection, number: int) -> str | None:
    holder = select(waiting.c.holder).where(waiting.c.inspection == number)
    return connection.execute(holder).scalar()


def _held(connection: Connection, product: str, looker: Looker) -> tuple[int, int] | None:
    mine = (waiting.c.holder == looker.holder, waiting.c.product == product)
    row = connection.execute(select(waiting.c.inspection, waiting.c.rank).where(*mine).limit(1)).first()
    return None if row is None else (row.inspection, row.rank)


def _waits(
    connection: Connection, product: str, skipped: Collection[int], at: datetime, ranks: Collection[int] = ()
) -> tuple[int, int] | None:
    """The first that waits and is lent to nobody; of these ranks, or of all but second looks, which pass by."""
    wanted = (
        select(waiting.c.inspection, waiting.c.rank)
        .join(inspections, inspections.c.number == waiting.c.inspection)  # retention may have removed it
        .where(waiting.c.product == product, waiting.c.until < _stamp(at))
        .where(waiting.c.rank.in_(ranks) if ranks else waiting.c.rank < RANKS[BLIND])
        .where(waiting.c.inspection.not_in(skipped))
        .order_by(waiting.c.rank, waiting.c.first, waiting.c.inspection)
        .limit(1)
    )
    row = connection.execute(wanted).first()
    return None if row is None else (row.inspection, row.rank)


def _second_look(connection: Connection, product: str, who: str, skipped: Collection[int]) -> tuple[int, int] | None:
    """A part that one other person settled of late and that nobody has looked at twice; put into the queue."""
    late = select(reviews.c.inspection).where(reviews.c.withdraws.is_(None)).order_by(reviews.c.number.desc())
    few = late.limit(4 * RECENT).subquery()
    lent = select(waiting.c.inspection).where(waiting.c.rank == RANKS[BLIND], waiting.c.product == product)
    wanted = (
        select(few.c.inspection)
        .distinct()
        .join(inspections, inspections.c.number == few.c.inspection)
        .where(inspections.c.product == product, inspections.c.trial == 0)
        .where(few.c.inspection.not_in(skipped), few.c.inspection.not_in(lent))
        .limit(RECENT)
    )
    numbers = list(connection.execute(wanted).scalars())
    random.shuffle(numbers)
    for number, every in reviews_of(connection, numbers[:20]).items():
        said = standing_reviews(every)
        if len(said) != 1 or said[0].who in ("", who):
            continue
        if inspections_of(connection, [number])[0].stored["kept_photo"]:
            connection.execute(insert(waiting).values(place(number, product, BLIND)))
            return number, RANKS[BLIND]
    return None
