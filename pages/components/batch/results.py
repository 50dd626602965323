"""What came of a batch."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from ensemble.inspection.batches import Judged, batch_csv
from ensemble.inspection.outlined_photos import outlined_zip
from ensemble.values.language import _
from ensemble.values.results import REVIEW
from pages.components.batch.detail import show_detail
from pages.components.batch.grid import attention_first, label_of, show_filtered, show_grid, show_tiles
from pages.components.batch.table import show_batch_table
from pages.components.common.charts import show_file
from pages.components.common.progress import progress_text
from pages.components.common.sheet import as_markdown
from pages.session import batches, products

EVERY = 3.0  # seconds from one look at the photos to the next while a batch is on its way


def show_batch_results() -> None:
    """Show the batch of this visitor: on its way, its numbers, its files and its photos."""
    batch = batches.batch()
    if batch is None:
        return
    own = batches.is_of_this_product(batch)
    if not own:
        _show_whose(batch)
    if batch.running:
        show_batch_progress()
    if own:
        st.fragment(_show_photos, run_every=EVERY if batch.running else None)()


def _show_photos() -> None:
    batch = batches.batch()
    if batch is None:
        return
    if batch.error:
        st.error(as_markdown(batch.error), icon=":material/report:")
    if not batches.is_up_to_date(batch):
        st.warning(
            _("The product has changed since. Analyze the files again to update the verdicts."),
            icon=":material/history:",
        )
    rows = batches.batch_rows(batch)
    if not batch.running or rows:
        show_tiles(batch, rows)
    if not rows:
        return
    order = show_filtered(attention_first(rows, batch.classes), rows)
    picked = batches.picked_row(batch)
    if picked is None:
        show_grid(batch, rows, order)
    else:
        photos, detail = st.columns([2, 3])
        with photos, st.container(key="batch_beside"):
            show_grid(batch, rows, order)
        with detail:
            show_detail(batch, rows, order, picked)
    if order:
        with st.expander(_("Table"), icon=":material/table_rows:", key="batch_lines"):
            show_batch_table([rows[place] for place in order])
    if not batch.running:
        _show_files(batch, rows)


def _show_files(batch: batches.Batch, rows: Sequence[Judged]) -> None:
    """Offer the verdicts as a table and, where a class is the defect, its photos with what stands out on them."""
    with st.container(horizontal=True, vertical_alignment="center", key="batch_files_out"):
        content = batch_csv(rows, demo=batch.demo)
        show_file(content, "batch", ".csv", _("Download results (CSV)"), quiet=False)
        defect = batch.classes.defect
        if defect not in batch.classes.names or not any(label_of(row) in (defect, REVIEW) for row in rows):
            return
        labels = {defect}
        if any(label_of(row) == REVIEW for row in rows) and st.toggle(_("With REVIEW photos"), key="zip_review"):
            labels.add(REVIEW)
        wanted = [row for row in rows if label_of(row) in labels]
        if wanted:
            count = len(wanted)
            label = _("Download {count} outlined photo (ZIP)", "Download {count} outlined photos (ZIP)", count=count)
            outlined = partial(outlined_zip, rows, labels, demo=batch.demo)
            show_file(outlined, "outlined", ".zip", label, quiet=False)
    if gone := sum(not row.data for row in wanted):
        st.caption(
            _(
                "{count} photo is no longer in memory: the ZIP names it and does not hold it.",
                "{count} photos are no longer in memory: the ZIP names them and does not hold them.",
                count=gone,
            )
        )


def _show_whose(batch: batches.Batch) -> None:
    product = as_markdown(batch.product)
    if batch.demo:
        said = _("A batch is running in demo mode.") if batch.running else _("The last batch ran in demo mode.")
    elif batch.running:
        said = _("A batch is running for {product}.", product=product)
    else:
        said = _("The last batch ran for {product}.", product=product)
    st.info(said, icon=":material/stacks:")
    if batch.demo or batch.product in products.products():
        label = _("Switch to demo mode") if batch.demo else _("Switch to {product}", product=product)
        st.button(label, on_click=batches.show_product_of_batch, key="whose_batch")


@st.fragment(run_every=1.0)
def show_batch_progress() -> None:
    """Show how far the batch is and a way to stop it; ends by showing the whole screen anew."""
    batch = batches.batch()
    if batch is None or batch.work is None or not batch.running:
        st.rerun()
        return
    done = len(batch.rows)
    stage = _("{done} of {total} files", done=done, total=batch.total) if done else _("Starting …")
    text = progress_text(_("Batch"), stage, batch.work.seconds_left())
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        st.progress(min(done / batch.total, 1.0), text=text)
        may_stop = batches.may_stop_batch()
        if may_stop:
            st.button(
                _("Stopping …") if batch.work.stop else _("Stop"),
                icon=":material/stop_circle:",
                disabled=batch.work.stop,
                on_click=batches.stop_batch,
                key="stop",
            )
    if may_stop:
        st.caption(_("Continues in the background."))
    else:
        st.caption(_("Continues in the background. Started on another open page: only that page can stop it."))
