"""Texts from elsewhere on a terminal or in a log: what would steer it, or break its lines, is written out instead."""

import logging
import re
import sys
import threading
import traceback
import unicodedata
from collections.abc import Mapping
from types import TracebackType
from typing import Any

STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # controls, bidi and invisible marks, half characters, line breaks
JOINERS = frozenset("\u200c\u200d")  # they stand within words of several scripts and within emoji, and steer nothing
LONGEST = 120  # characters of a name
_COLOUR = re.compile(r"(\x1b\[[\d;]*m)")


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
        """The message, each value that was put into it in one line; only the template's own colours stay."""
        if not self.args:
            return legible_lines(super().getMessage())
        if isinstance(self.args, Mapping):
            self.args = {key: _in_one_line(value) for key, value in self.args.items()}
        else:
            self.args = tuple(map(_in_one_line, self.args))
        parts = _COLOUR.split(str(self.msg))  # the odd ones are colours: those of a server's own lines on a terminal
        template = "".join(part if place % 2 else legible_lines(part) for place, part in enumerate(parts))
        return template % self.args


class _Shown:
    """Stands in a log for a value whose text would steer."""

    def __init__(self, value: object) -> None:
        self._text, self._written = legible(str(value)), legible(repr(value))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._written


def _in_one_line(value: Any) -> Any:
    """What may be put into the line of a log: the value itself wherever its text is legible, numbers above all."""
    if isinstance(value, str):
        return legible(value)
    shown = _Shown(value)
    return value if (str(shown), repr(shown)) == (str(value), repr(value)) else shown


def make_logs_legible() -> None:
    """Have every log and every uncaught error of this process written legibly, whoever writes it."""
    made = logging.getLogRecordFactory()
    if made is not LegibleRecord:
        logging.setLogRecordFactory(LegibleRecord)
    logging.Formatter.formatException = _format_exception  # type: ignore[method-assign, assignment]
    sys.excepthook = _print_exception
    if threading.excepthook is threading.__excepthook__:  # else somebody else has them in hand
        threading.excepthook = _print_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _print_unraisable


def _format_exception(
    _: logging.Formatter, error: tuple[type[BaseException], BaseException, TracebackType | None]
) -> str:
    return legible_lines("".join(traceback.format_exception(*error)).rstrip("\n"))


def _print_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(legible_lines("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr)


def _print_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit:  # a thread may end itself so, as Python sees it
        return
    name = failed.thread.name if failed.thread else "without a name"
    _print_failure(f"Exception in thread {legible(name)}:", failed.exc_value, failed.exc_traceback)


def _print_unraisable(failed: "sys.UnraisableHookArgs") -> None:
    heading = failed.err_msg or "Exception ignored in"
    _print_failure(f"{legible(heading)}: {legible(repr(failed.object))}", failed.exc_value, failed.exc_traceback)


def _print_failure(heading: str, error: BaseException | None, trace: TracebackType | None) -> None:
    if sys.stderr is None:  # while Python ends
        return
    print(heading, file=sys.stderr)
    if error is not None:
        _print_exception(type(error), error, trace)
