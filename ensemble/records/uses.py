"""How many inspections need each file of the history, and how many bytes a product's inspections take."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, select, text, update

from ensemble.disk.locks import locked_alone
from ensemble.records.database import PATIENCE, Database
from ensemble.records.objects import Objects
from ensemble.records.tables import objects

EVIDENCE = ("kept_photo", "thumbnail", "heat_map")  # where an inspection's JSON names the digests of its files
BODIES = ""  # in place of a digest: the texts of a product's inspections in the chain
FILES_LOCK = ".objects.lock"  # held by whoever removes files, and by whoever needs that none is removed
FILES_AT_ONCE = 500

_ONE_MORE = text(
    "INSERT INTO objects (digest, product, bytes, uses) VALUES (:digest, :product, :bytes, 1) "
    "ON CONFLICT (digest, product) DO UPDATE SET uses = objects.uses + 1, "
    "bytes = CASE WHEN objects.digest = '' THEN objects.bytes + excluded.bytes ELSE excluded.bytes END"
)


def evidence_of(stored: Mapping[str, Any]) -> set[str]:
    """The digests of the files that an inspection needs."""
    return {str(stored[name]) for name in EVIDENCE} - {""}


def count_uses(connection: Connection, product: str, sizes: Mapping[str, int]) -> None:
    """One more inspection of a product needs these, by digest with their bytes."""
    rows = [{"digest": digest, "product": product, "bytes": size} for digest, size in sizes.items()]
    connection.execute(_ONE_MORE, rows)


def uses_of(connection: Connection, product: str, digests: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Bytes and uses by digest, of one product."""
    wanted = select(objects).where(objects.c.product == product, objects.c.digest.in_([*digests]))
    return {row.digest: (row.bytes, row.uses) for row in connection.execute(wanted)}


def change_uses(connection: Connection, product: str, changed: Mapping[str, tuple[int, int]]) -> None:
    """Write bytes and uses by digest, of one product."""
    for digest, (size, uses) in changed.items():
        row = update(objects).where(objects.c.product == product, objects.c.digest == digest)
        connection.execute(row.values(bytes=size, uses=uses))


def bytes_taken(connection: Connection, product: str) -> int:
    """How many bytes the files and texts of a product's inspections take, each file once."""
    wanted = select(func.coalesce(func.sum(objects.c.bytes), 0)).where(objects.c.product == product, objects.c.uses > 0)
    return int(connection.execute(wanted).scalar_one())


def remove_unneeded(database: Database, files: Objects) -> int:
    """Remove the files that no inspection needs any more; gives their bytes. A backup that runs keeps them for now."""
    freed = 0
    with locked_alone(database.folder / FILES_LOCK) as is_mine:
        is_more = is_mine
        while is_more:
            with database.writing() as connection:  # so that nobody begins to need one in the meantime
                wanted = select(objects.c.digest).where(objects.c.uses == 0).distinct().limit(FILES_AT_ONCE)
                digests = set(connection.execute(wanted).scalars())
                needed = select(objects.c.digest).where(objects.c.digest.in_(digests), objects.c.uses > 0)
                for digest in digests - {BODIES} - set(connection.execute(needed).scalars()):
                    freed += files.remove(digest)
                connection.execute(delete(objects).where(objects.c.digest.in_(digests), objects.c.uses == 0))
            is_more = len(digests) == FILES_AT_ONCE
    return freed


def no_file_goes(database: Database) -> Any:
    """Whether no file is removed for as long as a block runs."""
    return locked_alone(database.folder / FILES_LOCK, PATIENCE)
