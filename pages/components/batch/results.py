"""What came of a batch."""

import streamlit as st

from ensemble.inspection.batches import batch_csv
from pages.components.batch.table import show_batch_summary, show_batch_table
from pages.components.common.charts import show_file
from pages.components.common.progress import progress_text
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
            "The product has changed since. Analyze the files again to update the verdicts.",
            icon=":material/history:",
        )
    rows = batches.batch_rows(batch)
    if rows:
        if not batch.running:
            content = batch_csv(rows, demo=batch.demo)
            show_file(content, "batch", ".csv", "Download results (CSV)", quiet=False)
        show_batch_table(batch, rows)


def _show_whose(batch: batches.Batch) -> None:
    product = as_markdown(batch.product)
    if batch.demo:
        said = "A batch is running in demo mode." if batch.running else "The last batch ran in demo mode."
    else:
        said = f"A batch is running for {product}." if batch.running else f"The last batch ran for {product}."
    st.info(said, icon=":material/stacks:")
    if batch.demo or batch.product in products.products():
        label = "Switch to demo mode" if batch.demo else f"Switch to {product}"
        st.button(label, on_click=batches.show_product_of_batch, key="whose_batch")


@st.fragment(run_every=1.0)
def show_batch_progress() -> None:
    """Show how far the batch is, and its numbers so far; ends by showing the whole screen anew."""
    batch = batches.batch()
    if batch is None or batch.work is None or not batch.running:
        st.rerun()
        return
    done = len(batch.rows)
    stage = f"{done} of {batch.total} files" if done else "Starting …"
    text = progress_text("Batch", stage, batch.work.seconds_left())
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
    if may_stop:
        st.caption("Continues in the background.")
    else:
        st.caption("Continues in the background. Started on another open page: only that page can stop it.")
    if done and batches.is_of_this_product(batch):
        show_batch_summary(batch, batches.batch_rows(batch))
