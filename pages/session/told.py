"""What was done last for a visitor, and what was refused: kept until a screen has told it, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st

from ensemble.values.errors import QuorumError
from ensemble.values.language import Message

CONFIRMED, DATA, TRAINING, HISTORY, REVIEWED, TRIED = (
    "_confirmed",
    "_told_of_data",
    "_told_of_training",
    "_told_of_history",
    "_told_of_review",
    "_told_of_candidates",
)  # who tells it


@dataclass(frozen=True, slots=True)
class Told:
    """The sentence, whether it is a refusal, the number of the decision to take back, and whether it is told again."""

    sentence: str = ""
    wrong: bool = False
    decision: int | None = None
    again: bool = False


def tell(key: str, sentence: str, *, wrong: bool = False, decision: int | None = None) -> None:
    """Keep a sentence in the place of the last one of that key."""
    st.session_state[key] = Told(sentence, wrong, decision)


def told(key: str) -> Told:
    """What was done last; empty where nothing was, or it has been told."""
    found: Told = st.session_state.pop(key, Told())
    st.session_state[_before(key)] = found
    return found


def tell_once_more(key: str) -> None:
    """Keep a decision that can be undone, and that a screen has just told, for the photo after it; for a callback."""
    last: Told = st.session_state.get(key) or st.session_state.get(_before(key)) or Told()
    if last.decision is not None and not last.again:
        said = Message("Photo before: {sentence}", sentence=last.sentence)
        st.session_state[key] = replace(last, sentence=said, again=True)


def _before(key: str) -> str:
    return f"{key}_before"


@contextmanager
def refusals_told(key: str) -> Iterator[None]:
    """Tell what cannot be done, and why, in the place of doing it."""
    try:
        yield
    except QuorumError as error:
        tell(key, error.message, wrong=True)
