"""Texts from elsewhere on a terminal or in a log: what would steer it, or break its lines, is written out instead."""

import unicodedata

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
