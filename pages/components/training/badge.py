"""A training that goes on or has ended, told beside the menu of every screen."""

import streamlit as st

from ensemble.jobs import Job
from ensemble.values.errors import QuorumError
from ensemble.values.language import _
from pages.components.common.sheet import as_markdown
from pages.session import trainings

EVERY = 4.0  # seconds between two looks
SCREEN = "pages/screens/training.py"


def show_training_badge() -> None:
    """Show how far trainings are, and what has ended since this visitor opened Training; nothing where none was ever
    started."""
    if trainings.was_ever_training():
        _show_badge()


@st.fragment(run_every=EVERY)
def _show_badge() -> None:
    try:
        going_on, ended = trainings.news()
    except QuorumError:  # the screen Training says what is wrong
        return
    for job in going_on:
        with st.container(border=True, key=f"training_badge {job.id}", gap="small"):
            st.page_link(SCREEN, label=as_markdown(_going_on(job)), icon=":material/model_training:")
            st.progress(min(job.share, 1.0))
    if ended is not None:
        with st.container(border=True, key="training_badge ended", gap="small"):
            icon = ":material/report:" if ended.state == "failed" else ":material/publish:"
            st.page_link(SCREEN, label=as_markdown(_ended(ended)), icon=icon)
            st.button(
                _("Dismiss"),
                icon=":material/close:",
                on_click=trainings.have_seen_news,
                args=(ended.id,),
                key="dismiss_training",
                width="stretch",
            )


def _going_on(job: Job) -> str:
    product, share, left = job.settings.product or job.folder.name, job.share, job.seconds_left
    if job.cancel_asked:
        return _("Cancelling the training of {product} …", product=product)
    if left is None:
        return _("Training {product}: {share:.0%}", product=product, share=share)
    if left < 90:
        return _("Training {product}: {share:.0%}, about {left:.0f} s left", product=product, share=share, left=left)
    minutes = left / 60
    return _(
        "Training {product}: {share:.0%}, about {minutes:.0f} min left", product=product, share=share, minutes=minutes
    )


def _ended(job: Job) -> str:
    if job.state == "failed":
        return _("Training of {product} failed", product=job.settings.product)
    return _("Training of {product} finished: compare and publish", product=job.settings.product)
