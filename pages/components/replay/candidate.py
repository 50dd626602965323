"""A version of the models on kept photos: choose one and a stretch of history, and see what it votes and decides."""

from collections.abc import Sequence

import streamlit as st

from ensemble.jobs.reinspection_folder import ReinspectionJob
from ensemble.store.versions import Summary
from ensemble.values.errors import JobError, QuorumError
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import policy_title
from pages.components.common.choices import show_page
from pages.components.common.jobs import STATES, show_job_progress, show_past_job
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown, refusals_shown
from pages.components.replay.compared import show_compared
from pages.components.replay.stretch import show_span
from pages.session import candidates, told
from pages.session.clock import local_time

EARLIER_SHOWN = 5  # comparisons of a page
STATE_WORDS = {"candidate": Message("not published"), "published": Message("published before")}


def show_candidate() -> None:
    """Show what can be chosen, the comparison that is looked at, and the earlier ones."""
    st.markdown(
        _("What would another version of the models say? It inspects kept photos again; the history stays as it is.")
    )
    show_told(told.TRIED)
    with refusals_shown(errors=(QuorumError,)):
        _show_choices()
        known = candidates.comparisons()
        job = candidates.shown_comparison(known)
        if job is not None:
            _show_job(job)
        _show_earlier([each for each in known if job is None or each.id != job.id])


def _show_choices() -> None:
    known = candidates.candidates()
    if not known:
        st.info(
            _("There is no version to try yet. Each training adds one; a version that was replaced can be tried too."),
            icon=":material/model_training:",
        )
        st.page_link("pages/screens/training.py", label=_("Training"), icon=":material/model_training:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        version, policy = _show_version(known)
        span = show_span()
    meant = candidates.meant(span)
    if not meant.count:
        st.info(_("No inspections are kept of this time. Inspect photos, or choose a longer time."))
        return
    if not meant.with_photos:
        st.info(
            _(
                "No photos are kept of these inspections. Choose *Everything: verdict, votes and photo* on History, "
                "under *What is kept*: from then on there are photos to try a version on."
            ),
            icon=":material/no_photography:",
        )
        return
    st.button(
        _("Try on {count} inspection", "Try on {count} inspections", count=meant.count),
        type="primary",
        icon=":material/play_arrow:",
        on_click=candidates.start_trying,
        args=(version, policy, span),
        key="start_trying",
    )


def _show_version(known: Sequence[Summary]) -> tuple[int, str]:
    numbers = {each.number: each for each in known}
    version = st.selectbox(
        _("Version"),
        list(numbers),
        index=list(numbers).index(candidates.wished_version(tuple(known))),
        format_func=lambda number: _version(numbers[number]),
        key="try_version",
        filter_mode=None,
        width=280,
    )
    candidates.keep_version(version, tuple(known))
    titles = {policy.name: worded(policy_title(policy.name)) for policy in candidates.policies_with(version)}
    policy = st.selectbox(
        _("Policy"),
        list(titles),
        format_func=titles.__getitem__,
        key=f"try_policy {version}",
        filter_mode=None,
        width=240,
    )
    return version, policy


def _version(found: Summary) -> str:
    state = STATE_WORDS[found.state]
    return _("{number}, {time}, {state}", number=found.number, time=local_time(found.at), state=worded(state))


def _show_job(job: ReinspectionJob) -> None:
    title = _("Version {number} on kept photos", number=job.request.version)
    st.header(as_markdown(title), anchor=False)
    if job.is_open:
        _show_progress(job.id)
        return
    if job.error:
        st.error(as_markdown(job.error), icon=":material/report:")
    if job.may_go_on:
        left = max(0, job.total - job.done)
        st.button(
            _("Resume: {count} inspection left", "Resume: {count} inspections left", count=left),
            icon=":material/play_arrow:",
            type="primary",
            on_click=candidates.resume_trying,
            args=(job.id,),
            key="resume_trying",
        )
    if job.done:
        show_compared(job, candidates.comparison(job))
    st.button(
        _("Remove this comparison"),
        icon=":material/close:",
        on_click=candidates.remove_comparison,
        args=(job.id,),
        key="remove_comparison",
    )


@st.fragment(run_every=1.0)
def _show_progress(called: str) -> None:
    try:
        job = candidates.comparison_job(called)
    except JobError as error:
        st.error(as_markdown(worded(error)), icon=":material/report:")
        return
    if not job.is_open:
        st.rerun()
        return
    stage = _("{done} of {total} inspections", done=job.done, total=job.total) if job.done else _("Starting …")
    if candidates.is_another_trying(job):
        stage = _("waiting for another comparison …")
    show_job_progress(job, _("Inspecting again"), stage, candidates.stop_trying, ("trying", "stop_trying"))


def _show_earlier(jobs: Sequence[ReinspectionJob]) -> None:
    if not jobs:
        return
    with st.expander(_("Earlier comparisons"), icon=":material/history:", key="comparisons_past"):
        for job in show_page(jobs, EARLIER_SHOWN, "comparisons_page"):
            show_past_job(job, _earlier(job), candidates.open_comparison)


def _earlier(job: ReinspectionJob) -> str:
    policy = policy_title(job.request.decides().name)
    title = _("Version {number}, {policy}", number=job.request.version, policy=policy)
    said = _(
        "{time}: {done} of {total} inspections, {state}",
        time=local_time(job.asked),
        done=job.done,
        total=job.total,
        state=worded(STATES[job.state]),
    )
    return f"<b>{as_html(title)}</b><small>{as_html(said)}</small>"
