"""The French catalogue has every text of the house, whole, with the same placeholders, and nothing else."""

import re
from string import Formatter

import pytest
from babel.messages.catalog import Message

from ensemble.values.language import FRENCH
from tests.support.catalogue import path_of, rendered, stored, template

TAGS = re.compile(r"</?\w+|\*\*|`[^`]*`|\]\([^)]*\)")


def key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else str(message.id)


def forms(of: object) -> list[str]:
    return [str(each) for each in of] if isinstance(of, tuple | list) else [str(of)]


def placeholders(text: str) -> set[tuple[str, str, str]]:
    """What is filled in, with its conversion and format."""
    if not re.search(r"\{\w+(![rsa])?(:[^}]*)?\}", text):
        return set()
    return {(name, spec or "", conversion or "") for _, name, spec, conversion in Formatter().parse(text) if name}


FRENCH_TEXTS = [message for message in stored(FRENCH) if message.id]


def test_every_text_stands_in_it_and_no_other() -> None:
    wanted, found = {message.id for message in template() if message.id}, {message.id for message in FRENCH_TEXTS}
    assert sorted(map(str, wanted - found)) == [], "bring it up to date: make texts"
    assert sorted(map(str, found - wanted)) == [], "bring it up to date: make texts"


def test_nothing_is_left_to_translate() -> None:
    assert [key(message) for message in FRENCH_TEXTS if message.fuzzy or not all(forms(message.string or ""))] == []


def test_placeholders_and_tags_are_those_of_the_text() -> None:
    wrong = []
    for message in FRENCH_TEXTS:
        english = placeholders(" ".join(forms(message.id)))
        for french in forms(message.string):
            known = placeholders(french)
            if (
                not known <= english
                or {name for name, *_ in english - known} - {"count"}
                or sorted(TAGS.findall(french)) != sorted(TAGS.findall(forms(message.id)[-1]))
            ):
                wrong.append((key(message), french))
    assert wrong == []


@pytest.mark.parametrize("sign", [":", "?", "!", ";"])
def test_french_signs_stand_behind_a_blank_that_does_not_break(sign: str) -> None:
    wrong = re.compile(rf"(?<=[\wéèêàù»)]) {re.escape(sign)}(?=\s|$)")  # an ordinary blank
    assert [key(message) for message in FRENCH_TEXTS for french in forms(message.string) if wrong.search(french)] == []


def test_the_catalogue_is_as_the_command_writes_it() -> None:
    assert path_of(FRENCH).read_text(encoding="utf-8") == rendered(FRENCH), "bring it up to date: make texts"
