"""The batches before: when, how many, what came of them, and a way back to each."""

import streamlit as st

from ensemble import figures
from ensemble.jobs.batch_folder import BatchJob
from ensemble.values.language import _, worded
from pages.components.batch.grid import REFUSED, batch_labels, shown_word
from pages.components.common.choices import show_page
from pages.components.common.jobs import STATES, show_past_job
from pages.components.common.sheet import as_html
from pages.components.common.style import shape
from pages.session import batches
from pages.session.clock import local_time

PAST_SHOWN = 10  # batches of a page


def show_past_batches(shown: batches.Batch | None) -> None:
    """Show the batches of this product but for the one on screen, the newest first."""
    past = batches.past_batches(shown)
    if not past:
        return
    with st.expander(_("Past batches"), expanded=shown is None, icon=":material/history:", key="batches_past"):
        for job in show_page(past, PAST_SHOWN, "batches_past_page"):
            show_past_job(job, _past(job), batches.open_batch)


def _past(job: BatchJob) -> str:
    kinds = job.request.kinds()
    more = job.sources - 1
    name = _("{name} and {count} more", "{name} and {count} more", name=job.title, count=more) if more else job.title
    counts = batches.counts(job)
    words = [
        f'<span class="past-count">{shape(figures.tone(label, kinds)) if label != REFUSED else ""}'
        f"{counts['' if label == REFUSED else label]} {as_html(shown_word(label))}</span>"
        for label in batch_labels(kinds)
        if counts.get("" if label == REFUSED else label)
    ]
    state = _(
        "{time}: {done} of {total} files, {state}",
        time=local_time(job.asked),
        done=job.done,
        total=job.total,
        state=worded(STATES[job.state]),
    )
    return f"<b>{as_html(name)}</b><small>{as_html(state)}</small><p>{''.join(words)}</p>"
