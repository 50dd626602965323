"""The history: a page of what matches, one inspection with its evidence, and what a visitor says of it."""

import contextlib
from collections.abc import Mapping

import streamlit as st

from ensemble.imaging.photos import Photo, open_photo
from ensemble.inspection.kept import kept_policy, kept_verdict
from ensemble.policies import Policy
from ensemble.records.browsing import neighbours, newer_page
from ensemble.records.history import (
    Filters,
    Page,
    history_count,
    history_page,
    inspection_called,
    policy_text,
    record_review,
    withdraw_review,
)
from ensemble.records.objects import unpacked_map
from ensemble.records.recording import recorder
from ensemble.records.values import Inspection, label_of
from ensemble.values.errors import QuorumError, RecordsError
from ensemble.values.language import Message
from ensemble.values.results import AnomalyMap, Verdict
from ensemble.values.trace import TRACE
from pages.session import corrections, person
from pages.session.history_address import ONE, TEXTS, Asked
from pages.session.owners import own_collection
from pages.session.products import products, view
from pages.session.told import HISTORY, refusals_told, tell

SHOWN = 24  # inspections on a page


def page(wanted: Asked) -> tuple[Page, int]:
    """What is shown, and how many match, counted up to a limit and one more."""
    database = recorder().database
    return history_page(database, wanted.filters, wanted.before, SHOWN), history_count(database, wanted.filters)


def page_before(wanted: Asked) -> int | None:
    """What the page before this one begins before."""
    return None if wanted.before is None else newer_page(recorder().database, wanted.filters, wanted.before, SHOWN)


def is_empty() -> bool:
    """Whether the history holds nothing at all."""
    return not history_count(recorder().database, Filters(), 1)


def is_one_asked() -> bool:
    """Whether the address names one inspection."""
    return bool(st.query_params.get(ONE))


def one() -> Inspection:
    """The inspection that the address names; a RecordsError where there is no such one."""
    return inspection_called(recorder().database, st.query_params.get(ONE, ""))


def beside(wanted: Asked, inspection: Inspection) -> tuple[str | None, str | None]:
    """The ids of the next newer and the next older inspection among those that match."""
    return neighbours(recorder().database, wanted.filters, inspection.number)


def verdict_then(inspection: Inspection, *, with_map: bool = True) -> Verdict:
    """The verdict as it was given, with its heat map where that is kept."""
    stored = inspection.stored
    heat = map_of(inspection) if with_map else None
    return kept_verdict(stored, _policy_then(stored["policy_digest"]), heat)


@st.cache_data(max_entries=256, show_spinner=False)
def _policy_then(digest: str) -> Policy | None:
    try:
        return kept_policy(policy_text(recorder().database, digest))
    except QuorumError:
        return None


def policy_kept(inspection: Inspection) -> str:
    """The policy that decided, as it is kept; empty where it is not."""
    with contextlib.suppress(RecordsError):
        return policy_text(recorder().database, inspection.stored["policy_digest"])
    return ""


def object_of(inspection: Inspection, kind: str) -> bytes | None:
    """The bytes that are kept beside an inspection: `kept_photo`, `thumbnail` or `heat_map`; None where none are."""
    digest = inspection.stored[kind]
    return recorder().objects.get(digest) if digest else None


def thumbnail_of(inspection: Inspection) -> bytes | None:
    """The small copy of a photo; None where none is kept, or it is damaged."""
    with contextlib.suppress(RecordsError):
        return object_of(inspection, "thumbnail")
    return None


def photo_of(inspection: Inspection) -> Photo | None:
    """The photo as it came; None where it is not kept."""
    data = object_of(inspection, "kept_photo")
    return open_photo(data, inspection.stored["photo"], view()) if data else None


def map_of(inspection: Inspection) -> AnomalyMap | None:
    """The heat map of then; None where none is kept."""
    with contextlib.suppress(RecordsError, ValueError, KeyError, OSError):
        data = object_of(inspection, "heat_map")
        return unpacked_map(data) if data else None
    return None


def correct(called: str) -> None:
    """Keep what a person says of an inspection, and its photo for the next training; for a button's callback."""
    label = str(st.session_state.get("history_label") or "")
    reason, defect = (str(st.session_state.get(f"history_{name}") or "").strip() for name in ("reason", "defect"))
    with refusals_told(HISTORY):
        if not _who():
            return
        record_review(recorder().database, called, label, _who(), reason=reason, defect=defect, way="history")
        for name in ("history_reason", "history_defect"):
            st.session_state.pop(name, None)
        try:
            tell(HISTORY, _teach(inspection_called(recorder().database, called), label))
        except QuorumError as error:  # what was said is kept whatever becomes of the photo
            problem = Message("Kept beside the verdict. The photo is not used for training: {problem}", problem=error)
            tell(HISTORY, problem, wrong=True)


def undo(called: str) -> None:
    """Take back what was said last of an inspection, and its photo out of the collection; for a button's callback."""
    with refusals_told(HISTORY):
        if not _who():
            return
        withdrawn = withdraw_review(recorder().database, called, _who())
        try:
            _unteach(inspection_called(recorder().database, called), withdrawn.before)
            tell(HISTORY, Message("Undone. What was said stays in the list."))
        except QuorumError as error:
            tell(HISTORY, Message("Undone, but the photo stays in training: {problem}", problem=error), wrong=True)


def _teach(inspection: Inspection, label: str) -> Message:
    """Put the photo with its true class into the collection of its product; gives what is told.

    A photo that is not kept or may not show the part teaches nothing, nor does one of a product that is here no more.
    """
    stored, product = inspection.stored, str(inspection.stored["product"])
    data = object_of(inspection, "kept_photo")
    if data is None or product not in products():
        return Message("Kept beside the verdict.")
    if doubt := verdict_then(inspection, with_map=False).doubt:
        return Message(
            "Kept beside the verdict. The photo may not show this part ({doubt}): it is not used for training.",
            doubt=doubt,
        )
    correction = corrections.Correction(data, stored["photo"], label, stored["verdict"])
    collection, _ = corrections.take_in([correction], product)
    corrections.bring_own_photos(collection, product)
    return Message("Kept beside the verdict. The photo is saved to {name} for training.", name=collection.name)


def _unteach(inspection: Inspection, withdrawn: str) -> None:
    """Take the photo out of its product's collection, unless what is said of another inspection of it is the same."""
    product, sha256 = str(inspection.stored["product"]), str(inspection.stored["sha256"])
    if product not in products() or (collection := own_collection(product)) is None:
        return
    said = history_page(recorder().database, Filters(product=product, sha256=sha256, reviewed=True)).inspections
    standing = {label for each in said if (label := label_of(each.reviews))}
    if withdrawn not in standing and (decision := collection.confirmed(sha256)) is not None:
        collection.undo(decision.number)


def _who() -> str:
    """Who says so; where no name is given that is told."""
    person.remember(str(st.session_state.get("history_who") or ""))
    if not person.name():
        tell(HISTORY, Message("Give your name first: the history keeps who said what."), wrong=True)
    return person.name()


def trace_of(inspection: Inspection) -> Mapping[str, str]:
    """What the part is called outside, by what a person calls each field; empty ones are left out."""
    trace = inspection.stored["trace"]
    return {TEXTS[name][1]: trace[name] for name in TRACE if trace.get(name)}
