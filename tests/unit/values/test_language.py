"""Messages: English texts that remember what they are made of."""

import copy
import json
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.values.errors import DataError, QuorumError
from ensemble.values.language import (
    FRENCH,
    PSEUDO,
    Message,
    NumberText,
    _,
    as_stored,
    listed,
    paragraph,
    pseudo,
    restored,
    speaking,
    worded,
    written_number,
)

words = st.text("ab {}<%é", max_size=8)
values = st.recursive(
    words | st.integers(-9, 9) | st.builds(NumberText, words),
    lambda inner: st.builds(lambda value: Message("It is {value}.", value=value), inner),
    max_leaves=4,
)
counted = st.builds(
    lambda count, value: Message("{count} photo of {value}", "{count} photos of {value}", count=count, value=value),
    st.integers(0, 3),
    values,
)


@given(counted)
def test_a_message_comes_back_from_json_pickle_and_copies_as_it_was(message: Message) -> None:
    stored = Message.from_json(json.loads(json.dumps(message.as_json())))
    for again in (stored, pickle.loads(pickle.dumps(message)), copy.deepcopy(message), restored(as_stored(message))):
        assert isinstance(again, Message) and again == message
        assert (again.text, again.several, again.as_json()) == (message.text, message.several, message.as_json())
        for language in (FRENCH, PSEUDO):
            with speaking(language):
                assert worded(again) == worded(message)


@given(words)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert worded(text) == restored(as_stored(text)) == text
    assert Message(text) == text  # braces and all


def test_counts_have_two_texts() -> None:
    said = [Message("{count} photo", "{count} photos", count=count) for count in (0, 1, 2)]
    assert said == ["0 photos", "1 photo", "2 photos"]


def test_messages_stand_in_messages_in_the_same_language() -> None:
    error = DataError("{file} is empty.", file="a.png")
    message = paragraph(Message("Read: {problem}", problem=error), "", Message("Choose {names}.", names=listed("ab")))
    assert message == "Read: a.png is empty. Choose a, b."
    with speaking(PSEUDO):
        assert worded(message).count("⟦") == worded(message).count("⟧") == 5
        assert "is empty" not in worded(message) and "a.png" in worded(message)


@pytest.mark.parametrize(
    ("english", "french"),
    [("30.3%", "30,3\u202f%"), ("50 %", "50\u202f%"), ("1,234.5", "1\u202f234,5"), ("−0.02", "−0,02"), ("7", "7")],
)
def test_numbers_are_written_as_the_language_does(english: str, french: str) -> None:
    assert written_number(english, FRENCH) == french and written_number(english, "en") == english
    with speaking(FRENCH):
        assert worded(NumberText(english)) == french
        assert _("{share:.1%} of {many:,} at {text}", share=0.303, many=1234, text=NumberText(english)).endswith(french)


def test_an_error_keeps_its_message_across_processes() -> None:
    error = pickle.loads(pickle.dumps(DataError("{count} photo", "{count} photos", count=2)))
    assert isinstance(error, DataError) and str(error) == "2 photos"
    assert isinstance(error.message, Message) and error.message.values == {"count": 2}
    assert str(QuorumError(Message("Kept."))) == "Kept."


@given(st.lists(st.sampled_from(["{name}", "<b>", "`code`", "](a.md)", "word ", ":red[", "&amp;", "n: "]), max_size=9))
def test_the_pseudo_language_keeps_what_machines_read(parts: list[str]) -> None:
    text = "".join(parts)
    fixed = re.compile(r"\{name\}|<b>|&amp;")
    assert fixed.findall(pseudo(text)) == fixed.findall(text)
    assert pseudo(text).startswith("⟦") and pseudo(text).endswith("⟧")


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"text": "{a.__class__}", "values": {"a": 1}},
        {"text": "{a:>99999999}", "values": {"a": 1}},
        {"text": "{b}", "values": {"a": 1}},
        {"text": "{count} photo", "several": "{count} photos", "values": {"count": "x"}},
        {"text": 7, "values": {}},
    ],
)
def test_what_is_no_message_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Message.from_json(stored)
