"""What was done last for a visitor, and what was refused: kept until a screen has told it, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from ensemble.values.errors import QuorumError

CONFIRMED, DATA, TRAINING = "_confirmed", "_told_of_data", "_told_of_training"  # who tells it


@dataclass(frozen=True, slots=True)
class Told:
    """The sentence, whether it is a refusal, and the number of the decision to take back."""

    sentence: str = ""
    wrong: bool = False
    decision: int | None = None


def tell(key: str, sentence: str, *, wrong: bool = False, decision: int | None = None) -> None:
    """Keep a sentence in the place of the last one of that key."""
    st.session_state[key] = Told(sentence, wrong, decision)


def told(key: str) -> Told:
    """What was done last; empty where nothing was, or it has been told."""
    found: Told = st.session_state.pop(key, Told())
    return found


@contextmanager
def refusals_told(key: str) -> Iterator[None]:
    """Tell what cannot be done, and why, in the place of doing it."""
    try:
        yield
    except QuorumError as error:
        tell(key, error.message, wrong=True)
