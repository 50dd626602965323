"""A job that outlives the page: how far it is with a way to stop it, and its line among those of before."""

from collections.abc import Callable, Mapping

import streamlit as st

from ensemble.jobs.job_folder import FolderJob
from ensemble.values.language import Message, _
from pages.components.common.progress import progress_text

STATES: Mapping[str, Message] = {
    "queued": Message("waiting"),
    "running": Message("running"),
    "stopped": Message("stopped"),
    "done": Message("finished"),
    "broken": Message("interrupted"),
}


def show_job_progress(
    job: FolderJob, what: str, stage: str, stop: Callable[[str], None], keys: tuple[str, str]
) -> None:
    """Show how far a job is and a button that stops it; `keys` are those of the line and of the button."""
    stopping = job.stop_asked is not None
    line, button = keys
    with st.container(horizontal=True, vertical_alignment="center", key=line):
        text = progress_text(what, stage, job.seconds_left if job.state == "running" else None)
        st.progress(min(job.done / max(job.total, 1), 1.0), text=text)
        st.button(
            _("Stopping …") if stopping else _("Stop"),
            icon=":material/stop_circle:",
            disabled=stopping,
            on_click=stop,
            args=(job.id,),
            key=button,
        )
    st.caption(_("Continues in the background, also when you close this page."))


def show_past_job(job: FolderJob, told: str, open_job: Callable[[str], None]) -> None:
    """Show a job of before as HTML that was made safe, with a button that opens it."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"past_{job.id}"
    ):
        st.html(f'<div class="past">{told}</div>')
        st.button(_("Open"), icon=":material/folder_open:", on_click=open_job, args=(job.id,), key=f"open_{job.id}")
