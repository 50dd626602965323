"""Review in tabs: the parts that wait, and what the reviews tell."""

from collections.abc import Callable, Mapping

import streamlit as st

from ensemble.values.language import Message, worded
from pages.components.review.desk import show_desk
from pages.components.review.statistics import show_statistics

REVIEWING: Mapping[str, Callable[[], None]] = {
    Message("Waiting parts"): show_desk,
    Message("Statistics"): show_statistics,
}


def show_review_tabs() -> None:
    """Show both as tabs; one that is closed costs nothing."""
    tabs = st.tabs([worded(name) for name in REVIEWING], on_change="rerun", key="review_view")
    for tab, show in zip(tabs, REVIEWING.values(), strict=True):
        if tab.open:
            with tab:
                show()
