"""Names from outside as text: what a person sees of them, and what every disk can call them.

A name is cleaned first, and what was cleaned is checked; `names` makes a path of it.
"""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

MAX_NAME = 120  # characters of a label
LONGEST = 200  # bytes of one name on a disk; 255 are usual, and a number must still fit behind it
ENDING = 16  # characters of an ending, its dot among them, that a shortened name keeps

FORBIDDEN = '<>:"/\\|?*'  # by Windows; a colon there opens another stream of the same file
SLASHES = "\u2044\u2215\u2216\u29f5\u29f8\u29f9\u2571\u2572"  # look like one, and no normal form says so
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks that show nothing
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # controls, marks of direction and width, breaks of lines
UNSHOWN = ("Cs", "Co", "Cn")  # not UTF-8, or without a shape of its own
PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")
# Windows opens these in the place of a file, whatever the ending.
DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", "clock$", *PORTS))
_SIMPLE = re.compile(r"\w[\w-]*(\.[\w-]+)*", re.ASCII)  # most names: nothing of them needs to change


def safe_name(name: str) -> str:
    """The last part of a path-like name as a label: legible, in at most 120 characters, and never a path."""
    visible = _visible(re.split(r"[/\\]", name)[-1])
    if not visible.strip(". "):
        return "photo"
    return _shortened(visible, MAX_NAME, len)


def shown(name: str, longest: int | None = None) -> str:
    """A path-like name as a label with its folders; the first of them go where it would be longer than `longest`."""
    parts = [safe_name(part) for part in re.split(r"[/\\]", name) if _visible(part).strip(". ")] or [safe_name(name)]
    while longest is not None and len("/".join(parts)) > longest and len(parts) > 1:
        del parts[0]
    return "/".join(parts)


def clean(name: str) -> str:
    """One name as every system can keep it, legible; empty where nothing is left. What is clean stays as it is."""
    if _SIMPLE.fullmatch(name) and len(name) <= LONGEST and name.partition(".")[0].lower() not in DEVICES:
        return name
    whole = _trimmed(unicodedata.normalize("NFC", "".join(map(_plain, unicodedata.normalize("NFC", name)))))
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
    return [cleaned for part in parts if (cleaned := clean(part))]


def numbered(path: Path, number: int) -> Path:
    """The same path with a number behind its name, before its ending."""
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def _visible(name: str) -> str:
    """A name without what cannot be seen."""
    kept = (c for c in name if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" and c not in BLANK)
    return "".join(kept).strip()


def _plain(character: str) -> str:
    """A character as it may stand in a file's name: itself, what it stands for, an underscore, or nothing."""
    category = unicodedata.category(character)
    if category in INVISIBLE or character in BLANK:
        return ""
    if character in FORBIDDEN or character in SLASHES or category in UNSHOWN:
        return "_"
    if category == "Zs":
        return " "
    like = unicodedata.normalize("NFKC", character)
    return "".join("_" if c in FORBIDDEN else c for c in like) if set(like) & set(FORBIDDEN + ".") else character


def _fitting(name: str) -> str:
    return _trimmed(_shortened(name, LONGEST, lambda text: len(text.encode())))


def _trimmed(name: str) -> str:
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
