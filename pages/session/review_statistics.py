"""What reviews tell of the chosen product, in the stretch of time that the page's address names."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import streamlit as st

from ensemble.records.recording import recorder
from ensemble.records.review_statistics import ReviewStatistics, review_statistics
from ensemble.values.language import Message
from pages.session.products import manifest

SPAN, FIELD = "span", "review_span"  # the former is a name in the page's address, as on Replay
SPANS: Mapping[str, str] = {"7": Message("7 days"), "30": Message("30 days"), "all": Message("All times")}
USUAL_SPAN = "30"


def span() -> str:
    """The span that the page's address names, else the usual one."""
    wished = st.query_params.get(SPAN, USUAL_SPAN)
    return wished if wished in SPANS else USUAL_SPAN


def keep_span() -> None:
    """Let the page's address name the span that was chosen; for a widget's callback."""
    st.query_params[SPAN] = str(st.session_state[FIELD])


def statistics() -> ReviewStatistics | None:
    """What people said of the parts of that stretch; None where no inspection is kept."""
    return _read(manifest().product, span(), str(recorder().database.folder))


@st.cache_data(ttl=5.0, max_entries=16, show_spinner=False)
def _read(product: str, wished: str, _folder: str) -> ReviewStatistics | None:
    days = timedelta(days=int(wished)) if wished != "all" else None
    since = (datetime.now(UTC) - days).isoformat(timespec="seconds") if days else ""
    return review_statistics(recorder().database, product, since)
