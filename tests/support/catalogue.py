"""The texts of the project as a gettext catalogue. `python -m tests.support.catalogue` brings each language up to date.

What is new gets an empty translation, what is gone is taken out; a test refuses a catalogue with either.
"""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from ensemble.values import errors
from ensemble.values.language import CATALOGUES, FRENCH
from tests.house.test_architecture import HOUSE, ROOT

ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and name.endswith("Error")}
WORDING = {"_", "Message", *ERRORS}  # what takes a text, and a second one for counts
IDLE = ('"POT-Creation', '"PO-Revision', '"Generated-By', '"Report-Msgid', '"Last-Trans', '"Language-Team')  # headers
PLURALS = "nplurals=2; plural=(n > 1);"  # of French; that of millions is left out
OUTSIDE = ("ensemble/cli/", "ensemble/drawing/", "ensemble/api/")  # they speak English


def texts(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each text of a module that can be said in another language: for one, for several or empty, and its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called not in WORDING:
            continue
        given = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if given and given[0].strip():
            yield given[0], given[1] if len(given) > 1 else "", node.lineno


def template() -> Catalog:
    """Every text of the house with where it stands, none of them translated."""
    catalog = Catalog(fuzzy=False, project="Quorum", charset="utf-8")
    for path in HOUSE:
        place = str(path.relative_to(ROOT))
        if not place.startswith(OUTSIDE):
            for one, several, _line in texts(path):
                catalog.add((one, several) if several else one, locations=[(place, 0)])
    return catalog


def path_of(language: str) -> Path:
    """The file of a language's catalogue."""
    return CATALOGUES / language / "LC_MESSAGES" / "quorum.po"


def stored(language: str) -> Catalog:
    """A language's catalogue as it lies in the project; an empty one where there is none."""
    path = path_of(language)
    if not path.is_file():
        return Catalog(language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def brought_up_to_date(language: str) -> Catalog:
    """The template's texts with the translations that there are."""
    before, now = stored(language), Catalog(language, fuzzy=False, project="Quorum", charset="utf-8")
    now.mime_headers = [("Plural-Forms", PLURALS)]
    for message in template():
        if message.id:
            known = before.get(message.id[0] if isinstance(message.id, tuple) else message.id)
            string = known.string if known is not None and known.id == message.id else None
            now.add(message.id, string, locations=message.locations)
    return now


def rendered(language: str) -> str:
    """A language's catalogue anew as text, sorted by text, without the time of day."""
    content = io.BytesIO()
    write_po(content, brought_up_to_date(language), width=120, sort_output=True, include_lineno=False)
    lines = content.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(IDLE))


def write(language: str) -> None:
    """Write a language's catalogue anew."""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered(language), encoding="utf-8")


if __name__ == "__main__":
    write(FRENCH)
