"""What waits for a person: one row an inspection, in the order of the queue, lent to one person at a time.

It is no part of the chain: it can be made anew from the inspections and what people said of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select

from ensemble.records.tables import inspections, waiting
from ensemble.values.results import REVIEW

NEAR = 0.1  # from the defect score to a threshold: what lies closer is looked at
QueueWay = Literal["review", "disagreement", "threshold", "sample", "blind"]
QUEUE_WAYS: tuple[QueueWay, ...] = ("review", "disagreement", "threshold", "sample", "blind")
RANKS: Mapping[QueueWay, int] = {way: rank for rank, way in enumerate(QUEUE_WAYS)}
COLUMNS = ("number", "product", "verdict", "dissent", "margin", "trial", "sampled")


def waiting_row(columns: Mapping[str, Any]) -> dict[str, Any] | None:
    """The place in the queue of an inspection with these columns; None where nobody needs to look at it."""
    if columns["trial"]:
        return None
    if columns["verdict"] == REVIEW:
        way, first = "review", 0.0
    elif columns["sampled"]:  # before the others: only so is every drawn part as likely to be seen
        way, first = "sample", 0.0
    elif columns["dissent"]:
        way, first = "disagreement", -float(columns["dissent"])
    elif columns["margin"] is not None and columns["margin"] < NEAR:
        way, first = "threshold", float(columns["margin"])
    else:
        return None
    return place(columns["number"], columns["product"], way, first)  # type: ignore[arg-type]


def place(number: int, product: str, way: QueueWay, first: float = 0.0) -> dict[str, Any]:
    """A place in the queue that is lent to nobody yet; among its like the lowest `first` is shown first."""
    row = {"inspection": number, "product": product, "rank": RANKS[way], "first": first}
    return row | {"holder": "", "until": ""}


def line_up_for_review(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let inspections wait that a person should look at, by their columns."""
    if found := [row for row in map(waiting_row, rows) if row is not None]:
        connection.execute(insert(waiting), found)


def no_longer_waits(connection: Connection, number: int) -> None:
    """Take an inspection out of the queue."""
    connection.execute(delete(waiting).where(waiting.c.inspection == number))


def waits_again(connection: Connection, number: int) -> None:
    """Let an inspection wait as it did before a person said something of it."""
    no_longer_waits(connection, number)
    wanted = select(*(inspections.c[name] for name in COLUMNS)).where(inspections.c.number == number)
    row = connection.execute(wanted).one()
    line_up_for_review(connection, [dict(row._mapping)])
