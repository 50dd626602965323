"""What trainings have left: a version to compare and to put in force or give up; or why there is none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from ensemble import jobs
from ensemble.evaluation.comparison import Comparison
from ensemble.jobs import Job
from ensemble.store import ModelStore
from ensemble.store.versions import Summary
from ensemble.values.language import NumberText, _, restored, worded
from ensemble.values.titles import model_title
from pages.components.common.person import show_name_field
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown, show_sheet
from pages.components.training.comparison import show_answer, show_differences
from pages.components.training.policies import ask_about_policies
from pages.components.training.versions import show_trying
from pages.session import products, trainings
from pages.session.told import TRAINING


def show_training_results() -> bool:
    """Show the newest training of each product that has ended; gives whether one waits for a decision."""
    show_told(TRAINING)
    decided: set[Path] = set()
    waiting: set[Path] = set()
    for job in trainings.trainings():  # the newest first
        if job.is_open:
            continue
        if job.folder not in waiting and trainings.waiting_version(job) is not None:
            waiting.add(job.folder)
            _show_done(job)
        elif job.folder not in decided | waiting and job.state != "done":
            _show_ended(job)
        decided.add(job.folder)
    return bool(waiting)


@contextmanager
def section(title: str, icon: str, *, folded: bool) -> Iterator[None]:
    """A part of the screen under its heading, or folded away while something more urgent stands above it."""
    if folded:
        with st.expander(title, icon=icon):
            yield
    else:
        st.header(title, anchor=False)
        yield


def _show_ended(job: Job) -> None:
    with st.container(key=f"ended {job.id}"):
        show = st.error if job.state == "failed" else st.info
        show(_ended(job))
        log = jobs.log(products.models_root(), job.id)
        if log:
            with st.expander(_("Log")):
                st.code(log, language=None, wrap_lines=True)


def _ended(job: Job) -> str:
    product = as_markdown(job.settings.product)
    reason = as_markdown(job.error or _("The active model is unchanged."))
    if job.state == "failed":
        return _("**Training of {product} failed.** {reason}", product=product, reason=reason)
    return _("**Training of {product} cancelled.** {reason}", product=product, reason=reason)


def _show_done(job: Job) -> None:
    found = trainings.waiting_version(job)
    if found is None:
        return
    stored, notes = found.notes.get("comparison"), [restored(str(note)) for note in found.notes.get("said", ())]
    comparison = Comparison.from_json(stored) if stored else None
    with st.container(border=True, key=f"candidate {job.id}"):
        title = _("Version {number} of {product} is ready", number=found.number, product=job.settings.product)
        st.subheader(as_markdown(title), anchor=False)
        if comparison is not None:
            show_answer(comparison)
            compared_with = found.notes.get("compared_with")
            if compared_with not in {None, trainings.current_version(job)}:
                said = _("Compared with version {number}, which is no longer active.", number=compared_with)
                st.warning(as_markdown(said))
        _show_decision(job, found)
        if comparison is not None:
            show_differences(comparison, notes)
        else:
            _show_first(found)
            _show_notes(notes)


def _show_decision(job: Job, found: Summary) -> None:
    """Show what would become of the policies, and the buttons that publish a version or give it up."""
    store = ModelStore(job.folder)
    set_aside = ask_about_policies(store, found.number, "publish")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        author = show_name_field(f"publisher {job.id}", start=job.author, width=240)
        publish = st.button(
            _("Publish"),
            type="primary",
            icon=":material/publish:",
            key=f"publish {job.id}",
            disabled=set_aside is None,
            help=_("Takes effect with the next photo. Can be rolled back."),
        )
        discard = st.button(_("Discard"), icon=":material/delete:", key=f"discard {job.id}")
    if store.folder == products.store().folder:
        show_trying(found.number)
    if publish:  # no callback: it would get the name as it was when the page was last shown
        trainings.publish_version(store, found.number, author, "Published after training.", set_aside=set_aside or ())
    if discard:
        trainings.discard_version(store, found.number)
    if publish or discard:
        st.rerun()


def _show_notes(said: Sequence[str]) -> None:
    if said:
        with st.expander(_("Notes of the training ({count})", count=len(said)), icon=":material/notes:"):
            for note in said:
                st.caption(as_markdown(note))


def _show_first(found: Summary) -> None:
    why = restored(str(found.notes.get("not_compared", "")))
    st.info(as_markdown(why or _("First version of this product: nothing to compare with.")))
    rows = [
        [
            as_html(model_title(name)),
            *(_share(figures.get(key)) for key in ("accuracy", "auroc", "escape_rate", "overkill_rate")),
            str(figures.get("photos", "–")),
        ]
        for name, figures in found.members.items()
    ]
    show_sheet((_("Model"), _("Accuracy"), _("AUROC"), _("Escapes"), _("Overkills"), _("Test photos")), rows)


def _share(value: object) -> str:
    return worded(NumberText(f"{value:.3f}")) if isinstance(value, int | float) else "–"
