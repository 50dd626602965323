"""Paths as people type and paste them: with blanks and quotes around them, as a file address, with a tilde."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ensemble.values.errors import DataError
from ensemble.values.safe_names import shortened

QUOTES = ('"', "'", "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}", "`")


def as_path(text: str) -> Path:
    """The path that is meant; a DataError where it names the home of a user who is not there."""
    plain = text.strip()
    while len(plain) > 1 and plain[0] in QUOTES and plain[-1] in QUOTES:
        plain = plain[1:-1].strip()
    if plain.lower().startswith("file:"):
        plain = unquote(urlsplit(plain).path)
        plain = plain[1:] if re.match("/[A-Za-z]:", plain) else plain  # of Windows, as in file:///C:/photos
    try:
        return Path(plain).expanduser()
    except RuntimeError as error:
        user = shortened(Path(plain).parts[0])
        raise DataError(
            "{user} is no user's home on the machine that Quorum runs on. Write the whole path.", user=user
        ) from error
