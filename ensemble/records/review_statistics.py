"""What the reviews of a product tell: escapes from the random sample, how far people agree, and how quick they are."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON

from ensemble.disk.files import parsed
from ensemble.metrics.agreement import Estimated, Kappa, cohens_kappa
from ensemble.metrics.escapes import (
    Drawn,
    SecondLooks,
    corrected_escape_rate,
    drawn_parts,
    escape_rate,
    escapes_per_defective,
)
from ensemble.records.chain import REMOVAL
from ensemble.records.database import Database
from ensemble.records.recording import INSPECTION
from ensemble.records.tables import entries, inspections, reviews, waiting
from ensemble.records.values import BLIND, Review, last_review, standing_reviews
from ensemble.records.waiting import RANKS
from ensemble.values.language import Message
from ensemble.values.results import REVIEW, Classes

BREAK = timedelta(minutes=5)  # a longer gap between two reviews is no work at the second part
LEAST_GAPS = 10  # between parts of one person, to say how many an hour
ZERO: ColumnElement[int] = literal_column("0")  # as it stands in the index of the sample: else it would not be used

Table = tuple[tuple[int, ...], ...]
SaidByBoth = Counter[tuple[str, str]]  # how often the one said this and the other that


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often one judge said this and another that of the same parts, and their kappa; rows are the first's."""

    first: str
    second: str
    labels: tuple[str, ...]
    table: Table
    kappa: Kappa


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person: how many parts were looked at, how many an hour, and how far others and the verdicts agree."""

    who: str
    parts: int
    an_hour: float | None
    with_others: Agreement
    with_verdicts: Agreement


@dataclass(frozen=True, slots=True)
class Escapes:
    """Escapes from the random sample: as reviewers saw them, corrected for their errors, and of all defective parts.

    What cannot be said is None, and a reason says why.
    """

    sample: tuple[Drawn, ...]
    waiting: int
    rate: Estimated | None
    looks: SecondLooks
    corrected: Estimated | None
    why_not_corrected: Message | None
    caught: int
    of_defective: Estimated | None
    why_not_of_defective: Message | None


@dataclass(frozen=True, slots=True)
class ReviewStatistics:
    """All of it; `escapes` is None for a product without a defect among its classes."""

    classes: Classes
    parts: int
    people: tuple[Reviewer, ...]
    pairs: tuple[Agreement, ...]
    between_people: Agreement
    with_verdicts: Agreement
    escapes: Escapes | None


@dataclass(frozen=True, slots=True)
class _Part:
    """An inspection that people said something of."""

    number: int
    verdict: str
    reviews: tuple[Review, ...]


@dataclass(slots=True)
class _ReviewCounts:
    """What is counted of parts, one after the other."""

    parts: int = 0
    times: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    pairs: dict[tuple[str, str], SaidByBoth] = field(default_factory=lambda: defaultdict(Counter))
    verdicts: dict[str, SaidByBoth] = field(default_factory=lambda: defaultdict(Counter))
    looks: Counter[str] = field(default_factory=Counter)
    overturned: int = 0
    found: int = 0
    settled: dict[int, str] = field(default_factory=dict)


def review_statistics(database: Database, product: str, since: str = "") -> ReviewStatistics | None:
    """What people said of the product's inspections from a time on, in UTC; None where no inspection is kept.

    It reads reviews and the parts that chance drew, and no other inspection.
    """
    with database.reading() as connection:
        classes = _classes_of(connection, product)
        if classes is None:
            return None
        first = _first_number(connection, since)
        if first is None:
            return _told(_ReviewCounts(), classes, None)
        rates = _drawn_rates(connection, product, since, first)
        counted = _ReviewCounts()
        for part in _reviewed_parts(connection, product, since, first):
            _count(counted, part, classes, sampled=part.number in rates)
        escapes = None
        if classes.good is not None:
            waits = _still_waiting(connection, product, first, since)
            nok = _nok_verdicts(connection, product, since, first, classes)
            whole = not _was_removed(connection, first)
            escapes = _escapes(counted, rates, classes, waits, nok if whole else None)
    return _told(counted, classes, escapes)


def _classes_of(connection: Connection, product: str) -> Classes | None:
    """The classes of the product's newest inspection."""
    newest = select(func.max(inspections.c.number)).where(inspections.c.product == product).scalar_subquery()
    body = connection.execute(select(entries.c.body).where(entries.c.number == newest)).scalar()
    if body is None:
        return None
    stored = parsed(body)
    return Classes(tuple(stored["classes"]), stored["defect"])


def _first_number(connection: Connection, since: str) -> int | None:
    wanted = select(func.min(inspections.c.number))
    return connection.execute(wanted.where(inspections.c.time >= since) if since else wanted).scalar()


def _meant(product: str, since: str) -> list[ColumnElement[bool]]:
    """Which inspections are meant; in words that let the database begin with the few rows of another table."""
    product_column, time = (func.coalesce(inspections.c[name], "") for name in ("product", "time"))
    return [product_column == product, time >= since, inspections.c.trial == 0]


def _reviewed_parts(connection: Connection, product: str, since: str, first: int) -> Iterator[_Part]:
    wanted = (
        select(reviews, inspections.c.verdict)
        .join(inspections, inspections.c.number == reviews.c.inspection)
        .where(reviews.c.inspection >= first, *_meant(product, since))
        .order_by(reviews.c.inspection, reviews.c.number)
        .execution_options(yield_per=1000)
    )
    for (number, verdict), rows in groupby(connection.execute(wanted), lambda row: (row.inspection, row.verdict)):
        yield _Part(number, verdict, tuple(_review_of(row) for row in rows))


def _review_of(row: Any) -> Review:
    values = dict(row._mapping)
    return Review(**{name: value for name, value in values.items() if name not in ("inspection", "verdict")})


def _drawn_rates(connection: Connection, product: str, since: str, first: int) -> dict[int, float]:
    """The parts that chance drew, and how likely each was drawn; retention never takes one of them."""
    rate: ColumnElement[Any] = func.json_extract(entries.c.body, "$.sample_rate")
    if connection.dialect.name != "sqlite":
        rate = entries.c.body.cast(JSON)["sample_rate"].astext
    wanted = (
        select(inspections.c.number, rate)
        .join(entries, entries.c.number == inspections.c.number)
        .where(inspections.c.product == product, inspections.c.number >= first, inspections.c.sampled > ZERO)
        .where(func.coalesce(inspections.c.time, "") >= since, inspections.c.trial == 0)
    )
    return {number: float(rate) for number, rate in connection.execute(wanted)}


def _still_waiting(connection: Connection, product: str, first: int, since: str) -> int:
    """How many parts of the random sample nobody has looked at yet."""
    wanted = (
        select(func.count())
        .select_from(waiting.join(inspections, inspections.c.number == waiting.c.inspection))
        .where(waiting.c.product == product, waiting.c.rank == RANKS["sample"], waiting.c.inspection >= first)
        .where(func.coalesce(inspections.c.time, "") >= since)
    )
    return int(connection.execute(wanted).scalar_one())


def _nok_verdicts(connection: Connection, product: str, since: str, first: int, classes: Classes) -> int:
    meant = inspections.c.number >= first, inspections.c.verdict == classes.defect
    wanted = select(func.count()).select_from(inspections).where(*meant, *_meant(product, since))
    return int(connection.execute(wanted).scalar_one())


def _was_removed(connection: Connection, first: int) -> bool:
    """Whether retention has taken inspections since this one, so that those that are left are not all."""
    removals = select(entries.c.number).where(entries.c.kind == REMOVAL, entries.c.number > first).limit(1)
    if connection.execute(removals).first() is None:
        return False
    told = select(func.count()).where(entries.c.kind == INSPECTION, entries.c.number >= first)
    left = select(func.count()).where(inspections.c.number >= first)
    return bool(connection.execute(told).scalar_one() > connection.execute(left).scalar_one())


def _count(counted: _ReviewCounts, part: _Part, classes: Classes, *, sampled: bool) -> None:
    standing = standing_reviews(part.reviews)
    if not standing:
        return
    counted.parts += 1
    for look in standing:
        counted.times[look.who].append(look.at)
        if part.verdict != REVIEW:
            counted.verdicts[look.who][look.label, part.verdict] += 1
        if look.way == BLIND:
            _count_second_look(counted, part, look, classes)
    last = last_review(part.reviews)
    if last is None:
        return
    if sampled:
        counted.settled[part.number] = last.label
    counted.overturned += part.verdict == classes.defect and last.label != classes.defect
    counted.found += part.verdict == REVIEW and last.label == classes.defect


def _count_second_look(counted: _ReviewCounts, part: _Part, second: Review, classes: Classes) -> None:
    """Compare a blind look with what another person had said before."""
    before = [each for each in part.reviews if each.number < second.number]
    first = last_review(tuple(before))
    if first is None or not first.who or not second.who or first.who == second.who:
        return
    counted.pairs[first.who, second.who][first.label, second.label] += 1
    same = first.label == second.label
    if part.verdict == classes.good and second.label == classes.good:
        counted.looks += Counter(ok=1, ok_twice=int(same))
    elif part.verdict != classes.good and second.label == classes.defect:
        counted.looks += Counter(nok=1, nok_twice=int(same))


def _escapes(counted: _ReviewCounts, rates: dict[int, float], classes: Classes, waits: int, nok: int | None) -> Escapes:
    settled = counted.settled
    sample = drawn_parts(
        (rate, settled[number] == classes.defect if number in settled else None) for number, rate in rates.items()
    )
    looks = SecondLooks(**{name: counted.looks[name] for name in ("nok", "nok_twice", "ok", "ok_twice")})
    rate = escape_rate(sample)
    corrected, why = corrected_escape_rate(sample, looks)
    caught = (nok or 0) - counted.overturned + counted.found
    of_defective, why_not = None, None
    if rate is None:
        why_not = Message("No part of the random sample was looked at yet.")
    elif nok is None:
        why_not = Message("Old inspections were deleted, so nobody knows how many defective parts were caught.")
    else:
        of_defective = escapes_per_defective(rate, sum(each.stands_for for each in sample if each.seen), caught)
        why_not = None if of_defective else Message("No defective part is known.")
    return Escapes(sample, waits, rate, looks, corrected, why, caught, of_defective, why_not)


def _told(counted: _ReviewCounts, classes: Classes, escapes: Escapes | None) -> ReviewStatistics:
    people = tuple(_reviewer(counted, who, classes) for who in sorted(counted.times, key=lambda who: (not who, who)))
    pairs: dict[tuple[str, str], SaidByBoth] = defaultdict(Counter)
    for (first, second), said in counted.pairs.items():
        pair = (first, second) if first < second else (second, first)
        pairs[pair] += said if pair == (first, second) else _turned(said)
    return ReviewStatistics(
        classes,
        counted.parts,
        people,
        tuple(_agreement(*pair, said, classes) for pair, said in sorted(pairs.items())),
        _agreement("", "", sum(counted.pairs.values(), Counter()), classes),
        _agreement("", "", sum(counted.verdicts.values(), Counter()), classes),
        escapes,
    )


def _reviewer(counted: _ReviewCounts, who: str, classes: Classes) -> Reviewer:
    others: SaidByBoth = Counter()
    for (first, second), said in counted.pairs.items():
        others += said if first == who else _turned(said) if second == who else Counter()
    times = counted.times[who]
    return Reviewer(
        who,
        len(times),
        parts_an_hour(times),
        _agreement(who, "", others, classes),
        _agreement(who, "", counted.verdicts[who], classes),
    )


def parts_an_hour(times: Sequence[str]) -> float | None:
    """How many parts a person looks at in an hour of work, from the times of the reviews; None of too few.

    Longer gaps than a few minutes are breaks, and no work.
    """
    moments = sorted(map(datetime.fromisoformat, times))
    gaps = [after - before for before, after in pairwise(moments) if after - before <= BREAK]
    worked = sum(gaps, timedelta())
    if len(gaps) < LEAST_GAPS or not worked:
        return None
    return len(gaps) / (worked / timedelta(hours=1))


def _turned(said: SaidByBoth) -> SaidByBoth:
    return Counter({(second, first): count for (first, second), count in said.items()})


def _agreement(first: str, second: str, said: SaidByBoth, classes: Classes) -> Agreement:
    others = sorted({label for pair in said for label in pair} - set(classes.names))
    labels = (*classes.names, *others)
    table = tuple(tuple(said[one, other] for other in labels) for one in labels)
    return Agreement(first, second, labels, table, cohens_kappa(table))
