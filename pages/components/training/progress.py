"""Trainings that are going on: how far, how long yet, curves, log, and a way to end them."""

import streamlit as st

from ensemble import figures, jobs
from ensemble.jobs import Job
from ensemble.values.errors import QuorumError
from ensemble.values.language import NumberText, _, worded
from ensemble.values.titles import model_title
from pages.components.common.charts import show_figure
from pages.components.common.progress import progress_text
from pages.components.common.sheet import as_markdown
from pages.session import products, trainings
from pages.session.clock import local_time

LINES = 12  # of the log


def show_running_trainings() -> None:
    """Show every training that has not ended, as it is now."""
    for job in trainings.trainings():
        if job.is_open:
            _show_running(job.id)


@st.fragment(run_every=1.0)
def _show_running(number: int) -> None:
    try:
        job = jobs.job(products.models_root(), number)
    except QuorumError as error:
        st.error(as_markdown(worded(error)), icon=":material/report:")
        return
    if not job.is_open:
        st.rerun()
        return
    with st.container(border=True, key=f"training {number}"):
        st.markdown(f"**{as_markdown(_started(job))}**")
        with st.container(horizontal=True, vertical_alignment="center"):
            share = worded(NumberText(f"{job.share:.0%}"))
            text = progress_text(share, job.stage or _("Starting"), job.seconds_left)
            st.progress(job.share, text=as_markdown(text))
            st.button(
                _("Cancelling …") if job.cancel_asked else _("Cancel"),
                icon=":material/stop_circle:",
                disabled=job.cancel_asked is not None,
                on_click=trainings.cancel_training,
                args=(number,),
                key=f"cancel {number}",
            )
        with st.expander(_("Curves and log"), icon=":material/monitoring:"):
            _show_curves(job)
            _show_log(job)


def _started(job: Job) -> str:
    product, time = job.settings.product, local_time(job.asked)
    if job.author:
        return _("Training {product}: started {time} by {author}", product=product, time=time, author=job.author)
    return _("Training {product}: started {time}", product=product, time=time)


def _show_curves(job: Job) -> None:
    for member, curves in job.curves.items():
        if any(len(values) > 1 for values in curves.values()):
            st.caption(as_markdown(model_title(member)))
            key = f"live {job.id} {member}"
            show_figure(figures.curves(curves, products.scheme()), figures.curves_text(curves), key)


def _show_log(job: Job) -> None:
    lines = jobs.log(products.models_root(), job.id).splitlines()
    if lines:
        st.code("\n".join(lines[-LINES:]), language=None, wrap_lines=True)
