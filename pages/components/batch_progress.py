"""A batch on its way: how far, how long yet, and a way to stop."""

import time

import streamlit as st

from pages.components import session


def show_batch_progress(batch: session.Batch) -> None:
    """Judge what is still to come; another touch on the page may interrupt this, and the next run goes on here."""
    if batch.coming is None:
        return
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center", key="progress"):
        bar = st.progress(0.0, text="Looking at the first photos …")
        st.button("Stop", icon=":material/stop_circle:", on_click=session.stop_batch, key="stop")
    while True:
        start = time.perf_counter()
        row = next(batch.coming, None)
        batch.seconds += time.perf_counter() - start
        if row is None:
            break
        batch.rows.append(row)
        bar.progress(min(len(batch.rows) / batch.total, 1.0), text=_progress_text(batch))
    batch.coming = None
    place.empty()


def _progress_text(batch: session.Batch) -> str:
    left = batch.seconds / len(batch.rows) * max(batch.total - len(batch.rows), 0)
    return f"{len(batch.rows)} of {batch.total} files · about {_duration(left)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
