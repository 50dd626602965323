"""What came of a batch, and the batches before it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from ensemble.inspection.batches import PartsOfFiles, batch_csv
from ensemble.inspection.outlined_photos import outlined_zip
from ensemble.jobs.batch_parts import BatchPart, part_of_files
from ensemble.jobs.batch_results import BatchLine, BatchResults
from ensemble.values.errors import StoreError
from ensemble.values.language import _, language, speaking
from ensemble.values.results import REVIEW
from ensemble.values.view import View
from pages.components.batch.detail import show_detail
from pages.components.batch.grid import attention_first, label_of, show_filtered, show_grid, show_tiles
from pages.components.batch.parts import show_by, show_parts
from pages.components.batch.past import show_past_batches
from pages.components.batch.table import show_batch_table
from pages.components.common.charts import show_file
from pages.components.common.jobs import show_job_progress
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_markdown
from pages.session import batch_parts, batches, products

EVERY = 3.0  # seconds from one look at the photos to the next while a batch is on its way


def show_batch_results() -> None:
    """Show the batch of this visitor: on its way, its numbers, its files and its photos; then those before it."""
    show_told(batches.TOLD)
    batch = batches.batch()
    batches.show_batch_in_address()
    if batch is not None:
        own = batches.is_of_this_product(batch)
        if not own:
            _show_whose(batch)
        if batch.job.is_open:
            show_batch_progress()
        if own and batch.job.may_go_on:
            _show_resume(batch)
        if own:
            st.fragment(_show_photos, run_every=EVERY if batch.job.is_open else None)()
            if not batch.job.is_open:
                _show_ends(batch)
    show_past_batches(batch)


def _show_photos() -> None:
    batch = batches.batch()
    if batch is None:
        return
    if batch.job.error:
        st.error(as_markdown(batch.job.error), icon=":material/report:")
    if not batches.is_up_to_date(batch):
        st.warning(
            _("The product has changed since. Analyze the files again to update the verdicts."),
            icon=":material/history:",
        )
    lines = batches.batch_lines(batch)
    if not lines:
        if not batch.job.is_open:
            show_tiles(batch, lines)
        return
    parts = _parts(batch, lines)
    if parts and show_by() == batch_parts.PARTS:
        show_parts(batch, parts, lines)
    else:
        show_tiles(batch, lines)
        _show_grid_and_table(batch, lines)
    if not batch.job.is_open:
        _show_files(batch, lines, parts)


def _parts(batch: batches.Batch, lines: Sequence[BatchLine]) -> list[BatchPart]:
    """The parts of several views; where views are expected and no name tells a part, that is said."""
    try:
        expected = batch_parts.expected_of(batch)
    except StoreError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        return []
    parts = batch_parts.parts_of(batch, lines, expected)
    if expected.names and not parts:
        said = _(
            "No file name tells its part: each photo has a verdict of its own. Views of a part are set on History."
        )
        st.warning(said, icon=":material/label_off:")
    return parts


def _show_grid_and_table(batch: batches.Batch, lines: Sequence[BatchLine]) -> None:
    """Show the photos, the one that was picked, and the table."""
    order = show_filtered(attention_first(lines, batch.classes))
    picked = batches.picked_row(batch)
    if picked is None:
        show_grid(batch, order)
    else:
        photos, detail = st.columns([2, 3])
        with photos, st.container(key="batch_beside"):
            show_grid(batch, order)
        with detail:
            show_detail(batch, order, picked)
    if order:
        with st.expander(_("Table"), icon=":material/table_rows:", key="batch_lines"):
            show_batch_table(batch, order)


def _show_files(batch: batches.Batch, lines: Sequence[BatchLine], parts: Sequence[BatchPart]) -> None:
    """Offer the verdicts as a table and, where a class is the defect, its photos with what stands out on them."""
    with st.container(horizontal=True, vertical_alignment="center", key="batch_files_out"):
        results = batches.results_of(batch)
        places = [line.place for line in lines]
        whole = partial(_csv, results, places, part_of_files(parts), language(), demo=batch.demo)
        show_file(whole, "batch", ".csv", _("Download results (CSV)"), quiet=False)
        if not batch.demo:
            st.page_link(
                "pages/screens/history.py",
                label=_("Open in the history"),
                icon=":material/history:",
                query_params={"batch": batch.key},
            )
        defect = batch.classes.defect
        if defect not in batch.classes.names or not any(label_of(line) in (defect, REVIEW) for line in lines):
            return
        labels = {defect}
        if any(label_of(line) == REVIEW for line in lines) and st.toggle(_("With REVIEW photos"), key="zip_review"):
            labels.add(REVIEW)
        wanted = [line.place for line in lines if label_of(line) in labels]
        if wanted:
            count = len(wanted)
            label = _("Download {count} outlined photo (ZIP)", "Download {count} outlined photos (ZIP)", count=count)
            outlined = partial(_outlined, results, wanted, whole, products.view(), demo=batch.demo)
            show_file(outlined, "outlined", ".zip", label, quiet=False)


def _csv(results: BatchResults, places: Sequence[int], parts: PartsOfFiles, spoken: str, *, demo: bool) -> bytes:
    """The CSV of these files; it is made when somebody asks for it, where nobody knows the reader's language."""
    with speaking(spoken):
        return batch_csv(results.judged(places), demo=demo, parts=parts)


def _outlined(
    results: BatchResults, wanted: Sequence[int], whole: Callable[[], bytes], view: View, *, demo: bool
) -> bytes:
    return outlined_zip(results.judged(wanted, whole=True), whole(), view, demo=demo)


def _show_resume(batch: batches.Batch) -> None:
    """Offer to go on with a batch that has ended before its end."""
    left = batch.job.total - batch.job.done
    st.button(
        _("Resume: {count} file left", "Resume: {count} files left", count=left),
        icon=":material/play_arrow:",
        type="primary",
        on_click=batches.resume,
        args=(batch.key,),
        key="resume",
    )


def _show_ends(batch: batches.Batch) -> None:
    """Offer to put a batch away that has ended."""
    if batch.job.own:
        st.caption(_("These results are not in the history: they are kept until you close the batch."))
    closing = _("Close and delete the results") if batch.job.own else _("Remove from the list")
    st.button(closing, icon=":material/close:", on_click=batches.close, args=(batch.key,), key="close_batch")


def _show_whose(batch: batches.Batch) -> None:
    product = as_markdown(batch.product)
    if batch.demo:
        said = _("A batch is running in demo mode.") if batch.job.is_open else _("The last batch ran in demo mode.")
    elif batch.job.is_open:
        said = _("A batch is running for {product}.", product=product)
    else:
        said = _("The last batch ran for {product}.", product=product)
    st.info(said, icon=":material/stacks:")
    if batch.demo or batch.product in products.products():
        label = _("Switch to demo mode") if batch.demo else _("Switch to {product}", product=product)
        st.button(label, on_click=batches.show_product_of_batch, args=(batch,), key="whose_batch")


@st.fragment(run_every=1.0)
def show_batch_progress() -> None:
    """Show how far the batch is and a way to stop it; ends by showing the whole screen anew."""
    batch = batches.batch()
    if batch is None or not batch.job.is_open:
        st.rerun()
        return
    job = batch.job
    stage = _("{done} of {total} files", done=job.done, total=job.total) if job.done else _("Starting …")
    if batches.is_another_at_work(batch):
        stage = _("waiting for another batch …")
    show_job_progress(job, _("Batch"), stage, batches.stop, ("progress", "stop"))
