"""The chain of the history: every entry carries the digest of the one before it, as the blocks of a ledger do.

S. Haber, W. S. Stornetta: How to time-stamp a digital document, Journal of Cryptology 3, 1991.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from ensemble.disk.files import digest_of, is_whole, now, parsed, read_text, write_atomically
from ensemble.records.tables import entries
from ensemble.values.errors import MISSHAPEN, RecordsError

BEFORE_ALL = "0" * 64  # what the first entry follows
HEAD_FILE = "head.json"
REMOVAL = "removal"  # the kind of the entries that say which bodies were taken out, why, and by whom


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain: whoever keeps it elsewhere can tell later whether the chain was rebuilt."""

    number: int = 0
    digest: str = BEFORE_ALL
    at: str = ""

    def to_json(self) -> str:
        """The text of a head's file."""
        return json.dumps({"number": self.number, "digest": self.digest, "at": self.at}) + "\n"

    @classmethod
    def from_file(cls, path: Path) -> "Head":
        """Read a head that was exported; a RecordsError where the file is none."""
        try:
            found = parsed(read_text(path))
            head = cls(found["number"], found["digest"], found["at"])
        except MISSHAPEN as error:
            raise RecordsError(
                "{path} is no exported head ({problem}). Expected number, digest and at.", path=path, problem=error
            ) from error
        if type(head.number) is not int or not isinstance(head.digest, str) or len(head.digest) != len(BEFORE_ALL):
            raise RecordsError("{path} is no exported head. Expected a number and a SHA-256.", path=path)
        return head

    def write(self, folder: Path) -> None:
        """Leave it beside the database, where a chain that was cut short is noticed; one that lies there stays."""
        data = self.to_json().encode()
        if not is_whole(folder / HEAD_FILE, digest_of(data)):
            write_atomically(folder / HEAD_FILE, data)


def canonical(body: Mapping[str, Any] | list[Any]) -> str:
    """Plain JSON values as the one text that they are hashed as: keys in order, no blanks."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def entry_digest(previous: str, number: int, kind: str, at: str, body_digest: str) -> str:
    """The digest of an entry, which the next one carries."""
    return digest_of(canonical([previous, number, kind, at, body_digest]).encode())


def head_of(connection: Connection) -> Head:
    """The newest entry of the chain."""
    newest = select(entries.c.number, entries.c.digest, entries.c.at).order_by(entries.c.number.desc()).limit(1)
    row = connection.execute(newest).first()
    return Head() if row is None else Head(*row)


def append(connection: Connection, kind: str, body: Mapping[str, Any]) -> int:
    """Add an entry within a transaction that no other writer shares; gives its number."""
    last = head_of(connection)
    number, at, text = last.number + 1, now("milliseconds"), canonical(body)
    body_digest = digest_of(text.encode())
    digest = entry_digest(last.digest, number, kind, at, body_digest)
    row = {"number": number, "kind": kind, "at": at, "body": text, "body_digest": body_digest}
    connection.execute(insert(entries).values(row | {"previous": last.digest, "digest": digest}))
    return number
