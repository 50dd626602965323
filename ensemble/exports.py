"""Results as files that leave the house: JSON for one photo, CSV for many; a demo says so in name and content."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from ensemble.results import Verdict

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def verdict_json(verdict: Verdict) -> bytes:
    """One verdict as the JSON that command line and API give too."""
    return (json.dumps(verdict.as_json(), indent=2, ensure_ascii=False) + "\n").encode()


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as CSV that a spreadsheet opens as it is meant: UTF-8 with a mark, and no cell that it would calculate."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([guarded(name) for name in columns])
    writer.writerows([[guarded(row.get(name, "")) for name in columns] for row in rows])
    return stream.getvalue().encode("utf-8-sig")


def guarded(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def file_name(kind: str, content: bytes, ending: str, *, demo: bool) -> str:
    """A name with a digest of the content in it: browsers and proxies can then never confuse two results."""
    return f"{'DEMO-' if demo else ''}quorum-{kind}-{hashlib.sha256(content).hexdigest()[:12]}{ending}"
