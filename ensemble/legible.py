"""Texts from elsewhere on a terminal or in a log: what would steer it, or break its lines, is written out instead."""

import logging
import sys
import traceback
import unicodedata
from types import TracebackType

STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # controls, bidi and invisible marks, half characters, line breaks
JOINERS = frozenset("\u200c\u200d")  # they stand within words of several scripts and within emoji, and steer nothing
LONGEST = 120  # characters of a name


def legible(text: str) -> str:
    """The text in one line of visible characters, every other one written out, as in `\\x1b` or `\\u202e`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def legible_lines(text: str) -> str:
    """The same for a text of several lines of our own making."""
    return "\n".join(map(legible, text.split("\n")))


def shortened(text: str) -> str:
    """A name, legible and in at most 120 characters."""
    visible = legible(text)
    return visible if len(visible) <= LONGEST else f"{visible[: LONGEST - 1]}…"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in STEERING or character in JOINERS:
        return character
    return character.encode("unicode_escape").decode()


class LegibleRecord(logging.LogRecord):
    """A line of a log in which names from elsewhere are legible, and a traceback too."""

    def getMessage(self) -> str:  # noqa: N802 - the library's own name
        """The message, each text that was put into it in one line."""
        if isinstance(self.args, tuple):
            self.args = tuple(legible(each) if isinstance(each, str) else each for each in self.args)
        return legible_lines(super().getMessage())


def make_logs_legible() -> None:
    """Have every log and every uncaught error of this process written legibly, whoever writes it."""
    made = logging.getLogRecordFactory()
    if made is not LegibleRecord:
        logging.setLogRecordFactory(LegibleRecord)
    logging.Formatter.formatException = _format_exception  # type: ignore[method-assign, assignment]
    sys.excepthook = _print_exception


def _format_exception(
    _: logging.Formatter, error: tuple[type[BaseException], BaseException, TracebackType | None]
) -> str:
    return legible_lines("".join(traceback.format_exception(*error)).rstrip("\n"))


def _print_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(legible_lines("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr)
