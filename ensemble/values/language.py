"""Texts in the language of whoever reads them: English as it stands in the code, others from gettext catalogues.

`_` words a text at once, for what is shown now. A `Message` is for what is kept or raised: it is its English sentence,
and remembers its text and values, so that `worded` can say it in another language when it is shown.
"""

import gettext
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import chain
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any

ENGLISH, FRENCH, PSEUDO = "en", "fr", "qps"
LANGUAGES: Mapping[str, str] = MappingProxyType({ENGLISH: "English", FRENCH: "Français"})
LONGEST_FORM = 6  # characters of how a number is written: `,.2f`
CATALOGUES = Path(__file__).with_name("locale")

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_sources: list[Callable[[], str | None]] = []


def ask_for_language(source: Callable[[], str | None]) -> None:
    """Let a function tell the language of whoever reads now; None where nobody does, and English is spoken."""
    _sources[:] = [source]


def language() -> str:
    """The language that is spoken now."""
    spoken = _spoken.get() or next((said for source in _sources if (said := source())), ENGLISH)
    return spoken if spoken in LANGUAGES or spoken == PSEUDO else ENGLISH


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speak this language in the block, whoever reads."""
    token = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(token)


class NumberText(str):
    """A number as English writes it; where it stands in a text, it is written as the reader's language does."""

    __slots__ = ()


class Message(str):
    """A sentence: English for everybody who takes it as text, and its text and values for `worded`.

    Where there are two texts the first is for a `count` of one. Values are texts, numbers, other messages or errors.
    """

    text: str
    several: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, several: str = "", /, **values: Any) -> "Message":
        """The English sentence; without values a text is taken as it is, braces and all."""
        kept = {name: _kept(value) for name, value in values.items()}
        made = super().__new__(cls, _filled(several if several and kept["count"] != 1 else text, kept, ENGLISH))
        made.text, made.several, made.values = str(text), several, kept
        return made

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    def as_json(self) -> dict[str, Any]:
        """Text and values as plain JSON values, for whoever says it again later."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"text": self.text, **({"several": self.several} if self.several else {}), "values": values}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Message":
        """The message that was stored so; a ValueError, KeyError or TypeError where that is none."""
        values = {name: _restored(value) for name, value in stored["values"].items()}
        text, several = stored["text"], stored.get("several", "")
        for _text, name, form, _conversion in chain(Formatter().parse(text), Formatter().parse(several)):
            if name is not None and values and not (name.isidentifier() and len(form or "") <= LONGEST_FORM):
                raise ValueError(f"A placeholder is a name with a short form. Got {name!r}.")
        if several and not isinstance(values["count"], int):
            raise ValueError(f"A count is a whole number. Got {values['count']!r}.")
        return cls(text, several, **values)


def as_message(text: str) -> Message:
    """A text as a message: one that is none is looked up as it stands."""
    return text if isinstance(text, Message) else Message(text)


def as_stored(text: str) -> str:
    """A message as one text with its values, for a column of a table; any other text as it is."""
    return json.dumps(text.as_json(), ensure_ascii=False) if isinstance(text, Message) else text


def restored(stored: str) -> str:
    """The message that was stored so; any other text as it is."""
    if not stored.startswith('{"text": '):
        return stored
    try:
        return Message.from_json(json.loads(stored))
    except (ValueError, LookupError, TypeError, AttributeError):  # a person's text, or a damaged one
        return stored


def paragraph(*parts: str) -> Message:
    """Whole sentences, one after the other; those that are empty are left out."""
    return _joined(" ", [part for part in parts if part])


def listed(parts: Iterable[str]) -> Message:
    """Names, numbers or clauses with commas between them."""
    return _joined(", ", list(parts))


def _joined(between: str, parts: Sequence[str]) -> Message:
    named = {f"part_{number}": part for number, part in enumerate(parts)}
    return Message(between.join(f"{{{name}}}" for name in named), **named)


def _(text: str, several: str = "", /, **values: Any) -> str:
    """A text in the language that is spoken now, its {placeholders} filled in; the second is for any count but one."""
    kept = {name: _kept(value) for name, value in values.items()}
    return _said(text, several, kept, language())


def worded(value: object) -> str:
    """A message, a number or an error in the language that is spoken now; any other text as it is."""
    return _worded(_kept(value), language())


def _kept(value: object) -> Any:
    """What a message keeps of a value: a message, a number, or text."""
    if value is None or isinstance(value, str | int | float | list | tuple | dict):
        return value
    message = getattr(value, "message", None)
    return message if isinstance(message, Message) else str(value)


def _worded(value: Any, spoken: str) -> str:
    if isinstance(value, Message):
        return _said(value.text, value.several, value.values, spoken)
    return written_number(value, spoken) if isinstance(value, NumberText) else str(value)


def written_number(number: str, spoken: str) -> str:
    """A number that was written in English, as another language writes it: `30.3%` is `30,3 %` in French."""
    if spoken != FRENCH:
        return str(number)
    text = str(number).translate({ord(","): "\N{NARROW NO-BREAK SPACE}", ord("."): ","})
    return re.sub(r"\s*%", "\N{NARROW NO-BREAK SPACE}%", text)


def _said(text: str, several: str, values: Mapping[str, Any], spoken: str) -> str:
    if spoken == PSEUDO:
        found = pseudo(several if several and values["count"] != 1 else text)
    elif several:
        found = catalogue(spoken).ngettext(text, several, int(values["count"]))
    else:
        found = catalogue(spoken).gettext(text) if text else text
    return _filled(found, values, spoken)


class _Filler(Formatter):
    """Fills placeholders in: other messages in the same language, numbers as that language writes them."""

    def __init__(self, spoken: str) -> None:
        self.spoken = spoken

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return written_number(format(value, format_spec), self.spoken)
        return format(_worded(value, self.spoken), format_spec)


def _filled(text: str, values: Mapping[str, Any], spoken: str) -> str:
    return _Filler(spoken).vformat(text, (), values) if values else str(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    return {"number": str(value)} if isinstance(value, NumberText) else value


def _restored(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return NumberText(value["number"]) if "number" in value else Message.from_json(value)


@cache
def catalogue(name: str) -> gettext.NullTranslations:
    """The translations into a language; none for English, which the code is written in."""
    path = CATALOGUES / name / "LC_MESSAGES" / "quorum.po"
    if not path.is_file():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # only who speaks another language waits for it
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


ACCENTS = str.maketrans("AEIOUYaceinouy", "ÅÉÎÖÛÝåçéîñöûý")
FIXED = re.compile(r"(\{[^}]*\}|<[^>]*>|`[^`]*`|\]\([^)]*\)|:[a-z]+\[|&\w+;)")  # placeholders, tags, code, addresses


def pseudo(text: str) -> str:
    """A text in a language that nobody speaks: accents, a third longer, and in brackets that show where it ends."""
    parts = FIXED.split(text)
    accented = "".join(part if place % 2 else part.translate(ACCENTS) for place, part in enumerate(parts))
    longer = " ".join(["ẋẋẋẋ"] * (len(text) // 15 + (len(text) > 3)))
    return f"⟦{accented}{' ' if longer else ''}{longer}⟧"
