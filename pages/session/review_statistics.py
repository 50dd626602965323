"""What reviews tell of the chosen product, in the stretch of time that the page's address names."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import streamlit as st

from ensemble.records.recording import recorder
from ensemble.records.review_statistics import ReviewStatistics, review_statistics
from ensemble.values.language import Message
from pages.session.products import manifest

STRETCH = "stretch"  # a name in the page's address, and the field's
STRETCHES: Mapping[str, str] = {"7": Message("7 days"), "30": Message("30 days"), "all": Message("All")}
USUAL_STRETCH = "30"


def stretch() -> str:
    """The stretch that the page's address names, else the usual one."""
    wished = st.query_params.get(STRETCH, USUAL_STRETCH)
    return wished if wished in STRETCHES else USUAL_STRETCH


def keep_stretch() -> None:
    """Let the page's address name the stretch that was chosen; for a widget's callback."""
    st.query_params[STRETCH] = str(st.session_state[STRETCH])


def statistics() -> ReviewStatistics | None:
    """What people said of the parts of that stretch; None where no inspection is kept."""
    return _read(manifest().product, stretch(), str(recorder().database.folder))


@st.cache_data(ttl=5.0, max_entries=16, show_spinner=False)
def _read(product: str, wished: str, _folder: str) -> ReviewStatistics | None:
    days = timedelta(days=int(wished)) if wished != "all" else None
    since = (datetime.now(UTC) - days).isoformat(timespec="seconds") if days else ""
    return review_statistics(recorder().database, product, since)
