"""Batches: jobs that go on whatever their visitor does, each found again by its id in the address of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import streamlit as st

from ensemble.inspection.batches import Judged
from ensemble.jobs.batch_folder import BatchFolder, BatchJob, BatchRequest
from ensemble.jobs.batch_results import BatchLine, BatchResults
from ensemble.jobs.batch_running import (
    batch_folder,
    batch_job,
    batch_jobs,
    remove_batch,
    resume_batch,
    start_batch,
    stop_batch,
)
from ensemble.policies import Policy
from ensemble.values.errors import JobError
from ensemble.values.results import Classes
from pages.session.occasions import occasion
from pages.session.products import BATCH, DEMO, classes, is_demo, policy, product_name, store
from pages.session.told import refusals_told
from pages.session.wishes import PRODUCT, pick

ADDRESS = "batch"  # in the page's address
TOLD = "_told_of_batches"
PICKED, SHOWN, DECIDED, BEGUN = "_batch_picked", "_batch_shown", "_batch_decided", "_batches_begun"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is now, and the folder that holds it."""

    job: BatchJob
    folder: BatchFolder

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.job.id

    @property
    def product(self) -> str:
        """What a person calls its product."""
        return self.job.request.product

    @property
    def demo(self) -> bool:
        """Whether dummies judge it."""
        return self.job.request.demo

    @property
    def classes(self) -> Classes:
        """The classes that its parts may have."""
        return self.job.request.kinds()


def batch() -> Batch | None:
    """The batch that this visitor looks at, of whatever product; None where there is none, or it was removed."""
    called = st.session_state.get(BATCH, st.query_params.get(ADDRESS, ""))
    if not called:
        return None
    try:
        found = Batch(batch_job(called), batch_folder(called))
    except JobError:
        open_batch("")
        return None
    open_batch(called)
    return found


def open_batch(called: str) -> None:
    """Look at the batch of this id, or at none; for a button's callback."""
    if st.session_state.get(BATCH) != called:
        st.session_state[BATCH] = called
        show_label("")


def show_batch_in_address() -> None:
    """Let the address of the page lead back to the batch that is looked at."""
    called = st.session_state.get(BATCH, "")
    if called and st.query_params.get(ADDRESS) != called:
        st.query_params[ADDRESS] = called
    elif not called and ADDRESS in st.query_params:
        del st.query_params[ADDRESS]


def past_batches(shown: Batch | None) -> list[BatchJob]:
    """All other batches of the product that is chosen now, in the same mode, the newest first."""
    return [job for job in batch_jobs() if _is_of_this_product(job) and (shown is None or job.id != shown.key)]


def is_of_this_product(found: Batch) -> bool:
    """Whether a batch was begun with the product that is chosen now, and in the same mode."""
    return _is_of_this_product(found.job)


def _is_of_this_product(job: BatchJob) -> bool:
    return (job.request.models, job.request.demo) == (str(store().folder.resolve()), is_demo())


def is_up_to_date(found: Batch) -> bool:
    """Whether the members that judge now are those that this batch began with."""
    return is_of_this_product(found) and found.job.request.fingerprint == _fingerprint()


def _fingerprint() -> str:
    chosen = store()
    return chosen.fingerprint() if chosen.folder.is_dir() else ""


def begun() -> int:
    """How many batches this visitor has begun: with each, what was uploaded for it leaves the memory."""
    count: int = st.session_state.get(BEGUN, 0)
    return count


def begin_batch(files: Sequence[Any]) -> None:
    """Begin a batch of uploaded files; for a button's callback."""
    with refusals_told(TOLD):
        chosen, kinds, by = policy(), classes(), occasion("batch")
        request = BatchRequest(
            str(store().folder.resolve()),
            product_name(),
            **BatchRequest.told(chosen),
            demo=is_demo(),
            classes=kinds.names,
            defect=kinds.defect,
            fingerprint=_fingerprint(),
            who=by.who,
            zone=by.zone,
        )
        open_batch(start_batch([(file.name, partial(_opened_upload, file)) for file in files], request).id)
        st.session_state[BEGUN] = begun() + 1


def _opened_upload(file: BinaryIO) -> BinaryIO:
    return file


def stop(called: str) -> None:
    """Judge no further; what has been judged stays. For a button's callback."""
    with refusals_told(TOLD):
        stop_batch(called)


def resume(called: str) -> None:
    """Go on with a batch that has ended before its end; for a button's callback."""
    with refusals_told(TOLD):
        open_batch(resume_batch(called).id)


def close(called: str) -> None:
    """Remove a batch from the list; its verdicts in the history stay there. For a button's callback."""
    with refusals_told(TOLD):
        remove_batch(called)
        open_batch("")


def counts(job: BatchJob) -> dict[str, int]:
    """How many files of a batch have which label, by the policy that it began with; refused ones have none."""
    return batch_folder(job.id).counts()


def is_another_at_work(found: Batch) -> bool:
    """Whether a batch waits until another one has ended."""
    return found.job.state == "queued" and any(job.state == "running" for job in batch_jobs())


def show_product_of_batch(found: Batch) -> None:
    """Choose the product of the batch again; for a button's callback."""
    st.session_state[DEMO] = found.demo
    if found.product:
        pick(PRODUCT, found.product)


def _decider(found: Batch) -> Policy:
    """The policy that is chosen now, where it decides on votes of the same members; else that of the batch."""
    return policy() if is_up_to_date(found) else found.job.request.decides()


def batch_lines(found: Batch) -> list[BatchLine]:
    """What has been judged so far, in short, by the policy that is chosen now."""
    chosen, asked = _decider(found), found.job.request.decides()
    results = BatchResults(found.folder, chosen)
    lines = results.lines()
    if (chosen, chosen.state, chosen.trial) == (asked, asked.state, asked.trial):
        return lines
    key = (found.key, chosen.state, chosen.trial)
    known_key, known_policy, decided = st.session_state.get(DECIDED, ((), None, {}))
    if (known_key, known_policy) != (key, chosen):
        decided = {}
    left = [line.place for line in lines if line.place not in decided]
    decided |= {line.place: line for line in results.decided(left)}
    st.session_state[DECIDED] = key, chosen, decided
    return [decided.get(line.place, line) for line in lines]


def batch_rows(found: Batch, places: Sequence[int], **how: bool) -> list[Judged]:
    """Some files with their verdicts by the policy that is chosen now; see `BatchResults.judged`."""
    return list(results_of(found).judged(places, **how))


def results_of(found: Batch) -> BatchResults:
    """What came of a batch, by the policy that is chosen now."""
    return BatchResults(found.folder, _decider(found))


def pick_row(found: Batch, place: int | None) -> None:
    """Look at one file of a batch, by its place; None goes back to all. For a button's callback."""
    st.session_state[PICKED] = None if place is None else (found.key, place)


def picked_row(found: Batch) -> int | None:
    """The place of the file that is looked at; None where that is of another batch, or nobody has picked one."""
    key, place = st.session_state.get(PICKED) or ("", 0)
    return place if key == found.key else None


def show_label(label: str) -> None:
    """Show files with this verdict alone; an empty one shows all. For a button's callback."""
    st.session_state[SHOWN] = label
    st.session_state[PICKED] = None
    for key in ("batch_page", "batch_table_page"):
        st.session_state.pop(key, None)


def shown_label() -> str:
    """The verdict whose files alone are shown; empty where all are."""
    label: str = st.session_state.get(SHOWN, "")
    return label
