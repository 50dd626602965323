"""A batch on its way, and what has been judged of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import streamlit as st

from ensemble import batches
from ensemble.batches import Judged
from pages.components.session.inspecting import inspection
from pages.components.session.product import BATCH, mode, policy


@dataclass(slots=True)
class Batch:
    """A batch on its way: what has been judged so far and where the rest comes from."""

    mode: str
    total: int
    coming: Iterator[Judged] | None
    rows: list[Judged] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False


def batch() -> Batch | None:
    """The batch of this visitor, unless it belongs to another mode."""
    found: Batch | None = st.session_state.get(BATCH)
    if found is not None and found.mode != mode():
        st.session_state.pop(BATCH)
        return None
    return found


def start_batch(files: Sequence[batches.File]) -> None:
    """Begin a new batch in the place of the last one; for a button's callback."""
    st.session_state[BATCH] = Batch(mode(), batches.count(files), batches.judge(batches.entries(files), inspection()))


def stop_batch() -> None:
    """Judge no further; what has been judged stays. For a button's callback."""
    found: Batch | None = st.session_state.get(BATCH)
    if found is not None:
        found.coming, found.stopped = None, True


def batch_rows(found: Batch) -> list[Judged]:
    """What has been judged so far, by the policy that is chosen now."""
    return batches.decided_by(policy(), found.rows)
