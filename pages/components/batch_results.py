"""What came of a batch."""

import streamlit as st

from pages.components import session
from pages.components.batch_progress import show_batch_progress
from pages.components.batch_summary import show_batch_summary
from pages.components.batch_table import show_batch_table, show_csv_download
from pages.components.sheet import as_markdown

EVERY = 4.0  # seconds from one look at the lines to the next while a batch is on its way


def show_batch_results() -> None:
    """Show the batch of this visitor: on its way, its numbers, its file and its lines."""
    batch = session.batch()
    if batch is None:
        return
    own = session.is_of_this_product(batch)
    if not own:
        _show_whose(batch)
    if batch.running:
        show_batch_progress()
        if own:
            st.fragment(_show_lines, run_every=EVERY)()
    elif own:
        show_batch_summary(batch, session.batch_rows(batch))
        _show_lines()


def _show_lines() -> None:
    batch = session.batch()
    if batch is None:
        return
    if batch.error:
        st.error(as_markdown(batch.error), icon=":material/report:")
    if not session.is_up_to_date(batch):
        st.warning(
            "The product has changed since. These verdicts come from its models and its policy of before: analyze the "
            "files again for those of now.",
            icon=":material/history:",
        )
    rows = session.batch_rows(batch)
    if rows:
        if not batch.running:
            show_csv_download(batch, rows)
        show_batch_table(batch, rows)


def _show_whose(batch: session.Batch) -> None:
    whose = "demo mode" if batch.demo else f"the product {as_markdown(batch.product)}"
    state = "A batch is being judged" if batch.running else "The last batch was judged"
    st.info(f"{state} in {whose}." if batch.demo else f"{state} for {whose}.", icon=":material/stacks:")
    if batch.demo or batch.product in session.products():
        name = "demo mode" if batch.demo else batch.product
        st.button(as_markdown(f"Show it: {name}"), on_click=session.show_product_of_batch, key="whose_batch")
