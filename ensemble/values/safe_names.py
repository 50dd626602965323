"""Texts and names from outside that can be shown and kept: no control characters, no paths, no reserved names."""

import logging
import re
import sys
import threading
import traceback
import unicodedata
from collections.abc import Callable, Mapping
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any

MAX_NAME = 120  # characters of a label
MOST_NAME_BYTES = 200  # bytes of one name on a disk; 255 are usual, and a number must still fit behind it
ENDING = 16  # characters of an ending, its dot among them, that a shortened name keeps

FORBIDDEN = '<>:"/\\|?*'  # by Windows; a colon there opens another stream of the same file
SLASHES = "\u2044\u2215\u2216\u29f5\u29f8\u29f9\u2571\u2572"  # look like one, and no normal form says so
BLANK_CHARACTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks that show nothing
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # controls, marks of direction and width, breaks of lines
UNSHOWN = ("Cs", "Co", "Cn")  # not UTF-8, or without a shape of its own
PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")
# Windows opens these in the place of a file, whatever the ending.
DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", "clock$", *PORTS))
_SIMPLE = re.compile(r"\w[\w-]*(\.[\w-]+)*", re.ASCII)  # most names: nothing of them needs to change


def safe_name(name: str) -> str:
    """The last part of a path-like name as a label: legible, in at most 120 characters, and never a path."""
    visible = _without_invisible(re.split(r"[/\\]", name)[-1])
    if not visible.strip(". "):
        return "photo"
    return _shortened(visible, MAX_NAME, len)


def shown(name: str, longest: int | None = None) -> str:
    """A path-like name as a label with its folders; the first of them go where it would be longer than `longest`."""
    parts = [safe_name(part) for part in re.split(r"[/\\]", name) if _without_invisible(part).strip(". ")] or [
        safe_name(name)
    ]
    while longest is not None and len("/".join(parts)) > longest and len(parts) > 1:
        del parts[0]
    return "/".join(parts)


def clean_name(name: str) -> str:
    """One name as every system can keep it, legible; empty where nothing is left. What is clean stays as it is."""
    if _SIMPLE.fullmatch(name) and len(name) <= MOST_NAME_BYTES and name.partition(".")[0].lower() not in DEVICES:
        return name
    whole = _without_ends(
        unicodedata.normalize("NFC", "".join(map(_plain_character, unicodedata.normalize("NFC", name))))
    )
    plain = _fitting(whole)
    if plain.partition(".")[0].rstrip(" ").lower() in DEVICES:  # of what is left: to shorten a name may bring one out
        plain = _fitting(f"_{plain}")
    legible = any(unicodedata.category(character)[0] in "LNPS" for character in plain.replace(".", ""))
    return plain if legible else ""


def clean_parts(name: str) -> list[str]:
    """The clean names of the folders that a path-like name goes through, and its last; whatever climbs is left out."""
    parts = re.split(r"[/\\]", name)
    if len(parts) > 1 and re.fullmatch("[A-Za-z]:", parts[0]):
        del parts[0]  # a drive
    return [cleaned for part in parts if (cleaned := clean_name(part))]


def numbered(path: Path, number: int) -> Path:
    """The same path with a number behind its name, before its ending."""
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def free_path(path: Path, is_taken: Callable[[Path], bool]) -> Path:
    """The same path, with a number from 2 on where it is taken."""
    candidates = chain((path,), (numbered(path, number) for number in count(2)))
    return next(each for each in candidates if not is_taken(each))


def _without_invisible(name: str) -> str:
    """A name without what cannot be seen."""
    kept = (
        c for c in name if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" and c not in BLANK_CHARACTERS
    )
    return "".join(kept).strip()


def _plain_character(character: str) -> str:
    """A character as it may stand in a file's name: itself, what it stands for, an underscore, or nothing."""
    category = unicodedata.category(character)
    if category in INVISIBLE or character in BLANK_CHARACTERS:
        return ""
    if character in FORBIDDEN or character in SLASHES or category in UNSHOWN:
        return "_"
    if category == "Zs":
        return " "
    like = unicodedata.normalize("NFKC", character)
    return "".join("_" if c in FORBIDDEN else c for c in like) if set(like) & set(FORBIDDEN + ".") else character


def _fitting(name: str) -> str:
    return _without_ends(_shortened(name, MOST_NAME_BYTES, lambda text: len(text.encode())))


def _without_ends(name: str) -> str:
    return name.strip().rstrip(". ")


def _shortened(name: str, longest: int, size: Callable[[str], int]) -> str:
    """A name of at most this size, with its ending."""
    if size(name) <= longest:
        return name
    dot = name.rfind(".")
    ending = name[dot:] if 0 < len(name) - dot <= ENDING and dot > 0 else ""
    stem = name.removesuffix(ending)
    while stem and size(stem) + size(ending) > longest:
        stem = stem[: min(len(stem) - 1, longest)]
    return stem.rstrip() + ending


STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))  # controls, bidi and invisible marks, half characters, line breaks
JOINERS = frozenset("\u200c\u200d")  # they stand within words of several scripts and within emoji, and steer nothing
LONGEST_TEXT = 120  # characters of a name
_COLOUR = re.compile(r"(\x1b\[[\d;]*m)")


def legible(text: str) -> str:
    """The text in one line of visible characters, every other one written out, as in `\\x1b` or `\\u202e`."""
    return text if text.isascii() and text.isprintable() else "".join(map(_printable, text))


def legible_lines(text: str) -> str:
    """The same for a text of several lines of our own making."""
    return "\n".join(map(legible, text.split("\n")))


def shortened(text: str) -> str:
    """A name, legible and in at most 120 characters."""
    visible = legible(text)
    return visible if len(visible) <= LONGEST_TEXT else f"{visible[: LONGEST_TEXT - 1]}…"


def _printable(character: str) -> str:
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
