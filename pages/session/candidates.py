"""Versions of the models that are tried on kept photos: jobs that go on by themselves, found again by the address."""

from dataclasses import dataclass

import streamlit as st

from ensemble.inspection.candidate import CandidateComparison
from ensemble.jobs import reinspection_running as running
from ensemble.jobs.reinspection_folder import ReinspectionJob
from ensemble.policies import Policy
from ensemble.records.browsing import all_inspections
from ensemble.records.recording import recorder
from ensemble.store.versions import Summary
from pages.session import person, replays
from pages.session.products import store
from pages.session.told import TRIED, refusals_told

ADDRESS, VERSION = "comparison", "version"  # in the page's address
LOOKED_AT = 500  # the newest inspections, to see whether photos are kept


@dataclass(frozen=True, slots=True)
class Meant:
    """How many inspections of a stretch are kept, and whether photos are among what is kept of the newest."""

    count: int
    with_photos: bool


def candidates() -> tuple[Summary, ...]:
    """The versions of the chosen product that can be tried, the newest first."""
    return running.candidates_of(store())


def wished_version(known: tuple[Summary, ...]) -> int:
    """The version that the page's address names, else the newest."""
    numbers = [each.number for each in known]
    wished = st.query_params.get(VERSION, "")
    return int(wished) if wished.isdecimal() and int(wished) in numbers else numbers[0]


def keep_version(version: int, known: tuple[Summary, ...]) -> None:
    """Let the page's address name this version."""
    if version != wished_version(known):
        st.query_params[VERSION] = str(version)


def policies_with(version: int) -> tuple[Policy, ...]:
    """The policies that there would be with a version, the active one first."""
    return store().at(version).policies()


def meant(span: str) -> Meant:
    """What is kept of this stretch of history."""
    database, filters = recorder().database, replays.filters(span)
    count = replays.count(span)
    newest = all_inspections(database, filters, LOOKED_AT)
    return Meant(count, count > LOOKED_AT or any(each.stored["kept_photo"] for each in newest))


def start_trying(version: int, policy: str, span: str) -> None:
    """Try a version on a stretch of history; for a button's callback."""
    with refusals_told(TRIED):
        database = recorder().database
        filters = replays.filters(span)
        request = running.reinspection_of(store(), version, database, filters, policy, person.name())
        open_comparison(running.start_reinspection(request, database).id)


def comparisons() -> list[ReinspectionJob]:
    """All comparisons with versions of the chosen product, the newest first."""
    return running.reinspection_jobs(store().folder)


def shown_comparison(known: list[ReinspectionJob]) -> ReinspectionJob | None:
    """The one that the page's address names, else one that goes on; None where there is neither."""
    called = st.query_params.get(ADDRESS, "")
    named = next((job for job in known if job.id == called), None)
    return named or next((job for job in known if job.is_open), None)


def is_another_trying(job: ReinspectionJob) -> bool:
    """Whether a comparison waits until another one has ended."""
    return job.state == "queued" and any(each.state == "running" for each in comparisons())


def comparison_job(called: str) -> ReinspectionJob:
    """A comparison as it is now; a JobError where that cannot be told, or it was removed."""
    return running.reinspection_job(called)


def open_comparison(called: str) -> None:
    """Let the page's address name this comparison; for a button's callback."""
    st.query_params[ADDRESS] = called


def stop_trying(called: str) -> None:
    """Go no further; what was compared stays. For a button's callback."""
    with refusals_told(TRIED):
        running.stop_reinspection(called)


def resume_trying(called: str) -> None:
    """Go on with a comparison that has ended before its end; for a button's callback."""
    with refusals_told(TRIED):
        open_comparison(running.resume_reinspection(called).id)


def remove_comparison(called: str) -> None:
    """Remove a comparison; for a button's callback."""
    with refusals_told(TRIED):
        running.remove_reinspection(called)
        if st.query_params.get(ADDRESS) == called:
            del st.query_params[ADDRESS]


def comparison(job: ReinspectionJob) -> CandidateComparison:
    """What it comes to so far."""
    return _comparison(job.id, job.done)


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparison(called: str, done: int) -> CandidateComparison:
    return running.reinspection_folder(called).comparison()
