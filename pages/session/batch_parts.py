"""Parts of several views in a batch: their verdicts by the policy that is chosen now, and which one is looked at."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ensemble.jobs.batch_parts import BatchPart, batch_parts
from ensemble.jobs.batch_results import BatchLine
from ensemble.store.expected_views import ExpectedViews, expected_views
from pages.session import batches

PICKED, SHOWN = "_batch_part_picked", "_batch_parts_shown"
BY = "batch_by"  # key of the choice between parts and photos
PARTS, PHOTOS = "parts", "photos"


def expected_of(found: batches.Batch) -> ExpectedViews:
    """The views that the product of a batch expects; none in a demo. A StoreError where its file is broken."""
    return ExpectedViews() if found.demo else expected_views(Path(found.job.request.models))


def parts_of(found: batches.Batch, lines: Sequence[BatchLine], expected: ExpectedViews) -> list[BatchPart]:
    """The parts among these files."""
    return batch_parts(lines, expected, found.classes, found.job.request.trace)


def show_parts_with(label: str) -> None:
    """Show parts with this verdict alone; an empty one shows all. For a button's callback."""
    st.session_state[SHOWN] = label
    st.session_state[PICKED] = None
    st.session_state.pop("batch_parts_page", None)


def shown_verdict() -> str:
    """The verdict whose parts alone are shown; empty where all are."""
    label: str = st.session_state.get(SHOWN, "")
    return label


def pick_part(found: batches.Batch, key: tuple[str, str] | None) -> None:
    """Look at one part of a batch, by its lot and id; None goes back to all. For a button's callback."""
    st.session_state[PICKED] = None if key is None else (found.key, key)
    st.session_state.pop("batch_views_page", None)


def picked_part(found: batches.Batch) -> tuple[str, str] | None:
    """The lot and id of the part that is looked at; None where that is of another batch, or nobody has picked one."""
    batch, key = st.session_state.get(PICKED) or ("", None)
    return key if batch == found.key else None


def open_photo_of_part(found: batches.Batch, place: int) -> None:
    """Look at one photo alone, among all photos of the batch; for a button's callback."""
    st.session_state[BY] = PHOTOS
    batches.show_label("")
    batches.pick_row(found, place)
