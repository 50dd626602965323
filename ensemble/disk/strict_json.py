"""JSON that people and other programs have written: read strictly, and whatever is wrong is a line and a reason."""

import json
import re
from collections import Counter
from typing import Any

DEEPEST = 32  # brackets within brackets; no file of Quorum's own has more than seven
LONGEST_NUMBER = 4000  # characters; Python itself refuses whole numbers of more than 4300 digits
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]|\d[\d.eE+-]*')
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


class JSONError(ValueError):
    """What is wrong with a text that should be JSON, and in which line; the sentence begins with that line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, a byte-order mark left out; a JSONError where it is anything else."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JSONError(line, "the text is not in UTF-8. Save the file in that encoding.") from error


def parsed(text: str) -> Any:
    """The values of a JSON text, each key once in its object; a JSONError says what is wrong and where."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
            places = [match.start() for match in re.finditer(re.escape(f'"{key}"') + r"\s*:", text)]
            line = line_at(text, places[-1] if places else 0)
            raise JSONError(line, f"{key!r} stands twice in one entry. Keep one of them.")
        return values

    text = text.removeprefix("\ufeff")
    try:
        values = json.loads(text, object_pairs_hook=once, parse_int=_whole, parse_float=_fraction)
    except json.JSONDecodeError as error:
        raise JSONError(error.lineno, f"not JSON ({error.msg}). Mend that line.") from error
    except JSONError:
        raise
    except (RecursionError, ValueError) as error:  # too deep, or a number of more digits than Python reads
        _check_tokens(text)
        raise JSONError(1, f"cannot be read as JSON ({error}). Restore the file.") from error
    if _is_too_deep(values) or (_HALF_CHARACTER.search(text) and not _is_text(json.dumps(values, ensure_ascii=False))):
        _check_tokens(text)  # slow on a large file: only where something is wrong, to say in which line
    return values


def line_at(text: str, place: int) -> int:
    """The number of the line that a place in a text lies in."""
    return text.count("\n", 0, max(place, 0)) + 1


def _whole(number: str) -> int:
    return int(_short(number))


def _fraction(number: str) -> float:
    return float(_short(number))


def _short(number: str) -> str:
    if len(number.lstrip("-")) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return number


def _is_too_deep(values: Any) -> bool:
    """Whether brackets lie more than DEEPEST within one another; a level at a time, as fast as reading them was."""
    level = [values]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        level = inner
    return any(isinstance(value, dict | list) for value in level)


def _check_tokens(text: str) -> None:
    """What JSON allows and nothing here can work with: nesting without end, endless numbers, half characters."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        reason = ""
        if token in "[{":
            depth += 1
            reason = "nested too deeply. Restore the file." if depth > DEEPEST else ""
        elif token in "]}":
            depth -= 1
        elif token[0] != '"':
            digits = sum(map(str.isdigit, token))
            reason = f"a number has {digits} digits. Shorten it." if len(token) > LONGEST_NUMBER else ""
        elif "\\u" in token and not _is_text(json.loads(token)):
            reason = "a text holds half a character (a lone surrogate). Write that text again."
        if reason:
            raise JSONError(line_at(text, match.start()), reason)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
