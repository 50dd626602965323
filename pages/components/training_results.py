"""What trainings have left: a version to compare and to put in force or give up; or why there is none."""

import streamlit as st

from ensemble.jobs import Job
from ensemble.store.versions import Summary
from pages.components import session
from pages.components.comparison import show_comparison
from pages.components.sheet import as_markdown, show_sheet

ENDED = {"failed": "has failed", "cancelled": "was cancelled"}


def show_training_results() -> None:
    """Show the newest training of each product that has ended, and what waits for a decision."""
    sentence, wrong = session.told_of_training()
    if sentence:
        (st.error if wrong else st.success)(as_markdown(sentence))
    seen = set()
    for job in session.trainings():
        if job.is_open or job.folder in seen:
            continue
        seen.add(job.folder)
        if job.state == "done":
            _show_done(job)
        else:
            _show_ended(job)


def _show_ended(job: Job) -> None:
    reason = as_markdown(job.error) if job.error else "The model in force is as it was."
    with st.container(key=f"ended {job.id}"):
        show = st.error if job.state == "failed" else st.info
        show(f"**The training of {as_markdown(job.settings.product)} {ENDED[job.state]}.** {reason}")
        log = session.training_log(job.id)
        if log:
            with st.expander("What its process said"):
                st.code(log, language=None, wrap_lines=True)


def _show_done(job: Job) -> None:
    found = session.waiting_version(job)
    if found is None:
        return
    store = session.store_of(job)
    with st.container(border=True, key=f"candidate {job.id}"):
        st.subheader(f"Version {found.number} of {job.settings.product} is ready", anchor=False)
        comparison = session.comparison_of(found)
        if comparison is None:
            _show_first(found)
        else:
            show_comparison(comparison)
        for note in found.notes.get("said", ()):
            st.caption(as_markdown(note))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            author = st.text_input("Your name", value=job.author, key=f"publisher {job.id}", width=240)
            st.button(
                "Publish",
                type="primary",
                icon=":material/publish:",
                on_click=session.publish_version,
                args=(store, found.number, author, "Published after training."),
                key=f"publish {job.id}",
            )
            st.button(
                "Discard",
                icon=":material/delete:",
                on_click=session.discard_version,
                args=(store, found.number),
                key=f"discard {job.id}",
            )
        st.caption("Published, it votes from the next photo on; below it can be rolled back at any time.")


def _show_first(found: Summary) -> None:
    why = found.notes.get("not_compared")
    st.info(as_markdown(why) if why else "It is the first model of this product: there is none to compare it with.")
    show_sheet(("Member", "Right", "AUROC", "Escape", "Overkill", "Test photos"), _rows(found))


def _rows(found: Summary) -> list[list[str]]:
    return [
        [
            name,
            *(_share(figures.get(key)) for key in ("accuracy", "auroc", "escape_rate", "overkill_rate")),
            str(figures.get("photos", "–")),
        ]
        for name, figures in found.members.items()
    ]


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"
