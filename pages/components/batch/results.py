"""What came of a batch."""

import streamlit as st

from ensemble.inspection.batches import batch_csv
from pages.components.batch.table import show_batch_summary, show_batch_table
from pages.components.common.charts import show_file
from pages.components.common.progress import time_left
from pages.components.common.sheet import as_markdown
from pages.session import batches, products

EVERY = 4.0  # seconds from one look at the lines to the next while a batch is on its way


def show_batch_results() -> None:
    """Show the batch of this visitor: on its way, its numbers, its file and its lines."""
    batch = batches.batch()
    if batch is None:
        return
    own = batches.is_of_this_product(batch)
    if not own:
        _show_whose(batch)
    if batch.running:
        show_batch_progress()
        if own:
            st.fragment(_show_lines, run_every=EVERY)()
    elif own:
        show_batch_summary(batch, batches.batch_rows(batch))
        _show_lines()


def _show_lines() -> None:
    batch = batches.batch()
    if batch is None:
        return
    if batch.error:
        st.error(as_markdown(batch.error), icon=":material/report:")
    if not batches.is_up_to_date(batch):
        st.warning(
            "The product has changed since. These verdicts come from its models and its policy of before: analyze the "
            "files again for those of now.",
            icon=":material/history:",
        )
    rows = batches.batch_rows(batch)
    if rows:
        if not batch.running:
            content = batch_csv(rows, demo=batch.demo)
            show_file(content, "batch", ".csv", "Download all results (CSV)", quiet=False)
        show_batch_table(batch, rows)


def _show_whose(batch: batches.Batch) -> None:
    whose = "demo mode" if batch.demo else f"the product {as_markdown(batch.product)}"
    state = "A batch is being judged" if batch.running else "The last batch was judged"
    st.info(f"{state} in {whose}." if batch.demo else f"{state} for {whose}.", icon=":material/stacks:")
    if batch.demo or batch.product in products.products():
        name = "demo mode" if batch.demo else batch.product
        st.button(as_markdown(f"Show it: {name}"), on_click=batches.show_product_of_batch, key="whose_batch")


@st.fragment(run_every=1.0)
def show_batch_progress() -> None:
    """Show how far the batch is, and its numbers so far; ends by showing the whole screen anew."""
    batch = batches.batch()
    if batch is None or batch.work is None or not batch.running:
        st.rerun()
        return
    done = len(batch.rows)
    text = f"{done} of {batch.total} files" if done else "Looking at the first photos …"
    text += time_left(batch.work.seconds_left())
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        st.progress(min(done / batch.total, 1.0), text=text)
        may_stop = batches.may_stop_batch()
        if may_stop:
            st.button(
                "Stopping …" if batch.work.stop else "Stop",
                icon=":material/stop_circle:",
                disabled=batch.work.stop,
                on_click=batches.stop_batch,
                key="stop",
            )
    whose = "" if may_stop else " It was begun on another page that is open: only that one can stop it."
    st.caption(f"It goes on while you look at other screens.{whose}")
    if done and batches.is_of_this_product(batch):
        show_batch_summary(batch, batches.batch_rows(batch))
