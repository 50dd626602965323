"""A batch on its way: how far, how long yet, and a way to stop."""

import streamlit as st

from pages.components import session
from pages.components.batch_summary import show_batch_summary
from pages.components.work_progress import duration


@st.fragment(run_every=1.0)
def show_batch_progress() -> None:
    """Show how far the batch is, and its numbers so far; ends by showing the whole screen anew."""
    batch = session.batch()
    if batch is None or batch.work is None or not batch.running:
        st.rerun()
        return
    done, left = len(batch.rows), batch.work.seconds_left()
    text = f"{done} of {batch.total} files" if done else "Looking at the first photos …"
    text += "" if left is None else f" · about {duration(left)} left"
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        st.progress(min(done / batch.total, 1.0), text=text)
        may_stop = session.may_stop_batch()
        if may_stop:
            st.button(
                "Stopping …" if batch.work.stop else "Stop",
                icon=":material/stop_circle:",
                disabled=batch.work.stop,
                on_click=session.stop_batch,
                key="stop",
            )
    whose = "" if may_stop else " It was begun on another page that is open: only that one can stop it."
    st.caption(f"It goes on while you look at other screens.{whose}")
    if done and session.is_of_this_product(batch):
        show_batch_summary(batch, session.batch_rows(batch))
