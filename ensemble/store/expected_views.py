"""Which views of a part a product expects, and how file names tell part and view; kept in the product's folder."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from ensemble.disk.files import JSONError, parsed, read_text, write_atomically
from ensemble.store.places import VIEWS, place_of
from ensemble.values.errors import StoreError, brief
from ensemble.values.language import Message
from ensemble.values.trace import TRACE, Trace

LONGEST_PATTERN = 200  # characters
_FIELD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class ExpectedViews:
    """The views that every part must have, by name, and the pattern that file names follow, such as `{part}_{view}`.

    Without names no view is expected, and each photo is a part of its own.
    """

    names: tuple[str, ...] = ()
    pattern: str = ""

    def __post_init__(self) -> None:
        if not all(name.strip() for name in self.names) or len({name.lower() for name in self.names}) < len(self.names):
            raise StoreError("Each view needs a name of its own. Got {names}.", names=", ".join(self.names))
        fields = _FIELD.findall(self.pattern)
        if self.pattern and (set(fields) - set(TRACE) or len(set(fields)) < len(fields) or "part" not in fields):
            raise StoreError(
                "A pattern over file names has {{part}}, and may have {known}, each once. Got {pattern}.",
                known=", ".join(f"{{{name}}}" for name in TRACE[1:]),
                pattern=self.pattern[:LONGEST_PATTERN],
            )

    def named_in(self, file: str) -> Mapping[str, str]:
        """What a file's name says by the pattern, by field; empty where it does not follow it."""
        if not self.pattern:
            return {}
        name = PurePath(file.replace("\\", "/")).name
        found = _expression(self).fullmatch(name if "." in self.pattern else PurePath(name).stem)
        return {} if found is None else found.groupdict()

    def trace_of(self, file: str, given: Mapping[str, str] = MappingProxyType({})) -> Trace:
        """What a part is called by its file's name; what is `given` besides goes before that."""
        return Trace(**{**self.named_in(file), **{name: value for name, value in given.items() if value}})


@lru_cache(maxsize=16)
def _expression(expected: ExpectedViews) -> re.Pattern[str]:
    """A part may hold the signs that part fields; the other fields are as short as they can be."""
    views = "|".join(map(re.escape, sorted(expected.names, key=len, reverse=True)))
    forms = {"part": "[^/]+", "view": f"{views}|[^_. -]+" if views else "[^_. -]+"}
    pieces = _FIELD.split(expected.pattern)
    made = (
        f"(?P<{piece}>{forms.get(piece, '[^/]+?')})" if place % 2 else re.escape(piece)
        for place, piece in enumerate(pieces)
    )
    return re.compile("".join(made), re.IGNORECASE)


_VIEWS_READER = TypeAdapter(ExpectedViews)


def expected_views(folder: Path) -> ExpectedViews:
    """The views that a product expects; a StoreError where its file is broken: nobody knows then what is missing."""
    path = place_of(folder, VIEWS)
    if not path.is_file():
        return ExpectedViews()
    try:
        return _VIEWS_READER.validate_python(parsed(read_text(path)))
    except (JSONError, StoreError, ValidationError) as error:
        raise StoreError(
            "{path} cannot be read ({problem}). {advice}",
            path=path,
            problem=brief(error),
            advice=Message("Mend it, or name the views of the product again."),
        ) from error


def write_expected_views(folder: Path, expected: ExpectedViews) -> None:
    """Name the views that a product expects from now on."""
    text = json.dumps(asdict(expected), indent=2, ensure_ascii=False)
    write_atomically(place_of(folder, VIEWS), f"{text}\n".encode())
