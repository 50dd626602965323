"""Who chose what is kept of a product's inspections: the choice stands in the chain, beside what it decides about."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from ensemble.disk.files import parsed
from ensemble.records.chain import append
from ensemble.records.database import Database
from ensemble.records.settings import Keeping, change_settings, settings_of
from ensemble.records.tables import entries
from ensemble.values.errors import RecordsError

KEEPING_KIND = "keeping"  # the kind of its entries


@dataclass(frozen=True, slots=True)
class Choice:
    """Who has chosen what is kept, and when."""

    who: str
    at: str


def choose_keeping(database: Database, product: str, keeping: Keeping, who: str) -> None:
    """Keep so from now on; a RecordsError where nobody says who wants it, or nothing would change."""
    if not who.strip():
        raise RecordsError("Give your name first: the history keeps who changed what is kept.")
    before = settings_of(database.folder, product)
    if before == keeping:
        raise RecordsError("Nothing has changed.")
    with database.writing() as connection:
        body = {"product": product, "who": who.strip(), "before": asdict(before), "after": asdict(keeping)}
        append(connection, KEEPING_KIND, body)
        change_settings(database.folder, product, keeping)


def last_choice(database: Database, product: str) -> Choice | None:
    """Who has chosen last what is kept of a product; None where nobody has on a screen."""
    chosen = select(entries.c.at, entries.c.body).where(entries.c.kind == KEEPING_KIND)
    with database.reading() as connection:
        for row in connection.execute(chosen.order_by(entries.c.number.desc()).limit(200)):
            body: dict[str, Any] = parsed(row.body)
            if body["product"] == product:
                return Choice(str(body["who"]), str(row.at))
    return None
