"""Results as files that leave the house: JSON for one photo, CSV for many; a demo says so in name and content."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Number

from ensemble.values.results import Verdict

# A spreadsheet splits lines at the separator of its country, whatever a file was written with, and calculates a cell
# whose first visible sign is one of these, full-width and small ones too: blanks and quotes before it do not matter.
SEPARATORS = r";|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
SIGNS = r"=+\-@" "\uff1d\uff0b\uff0d\uff20" "\ufe66\ufe62\ufe63\ufe6b" "\u207c\u207a\u208c\u208a\ufb29"
LETTERS_UNSEEN = "\u115f\u1160\u3164\uffa0"  # letters to Unicode, blanks to the eye
FORMULA = re.compile(rf"(^|[{SEPARATORS}])(?=(?:[^\w{SEPARATORS}]|[{LETTERS_UNSEEN}])*[{SIGNS}])|^(?=[\t\r\n])")


def verdict_json(verdict: Verdict) -> bytes:
    """One verdict as the JSON that command line and API give too."""
    return (json.dumps(verdict.as_json(), indent=2, ensure_ascii=False) + "\n").encode()


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows as CSV that a spreadsheet opens as it is meant: UTF-8 with a mark, and no cell that it would calculate."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)  # so that no separator but the comma splits a cell
    writer.writerow([guarded(name) for name in columns])
    writer.writerows([[guarded(row.get(name, "")) for name in columns] for row in rows])
    return stream.getvalue().encode("utf-8-sig")


def guarded(cell: object) -> object:
    """A text with an apostrophe wherever some spreadsheet would begin a formula; numbers stay numbers."""
    return cell if cell is None or isinstance(cell, Number) else FORMULA.sub(lambda found: f"{found[0]}'", str(cell))


def file_name(kind: str, content: bytes, ending: str, *, demo: bool) -> str:
    """A name with a digest of the content in it: browsers and proxies can then never confuse two results."""
    return f"{'DEMO-' if demo else ''}quorum-{kind}-{hashlib.sha256(content).hexdigest()[:12]}{ending}"
