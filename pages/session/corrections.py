"""Verdicts that a person puts right: their photos wait in the product's collection for the next training."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from ensemble.datasets.collection import Added, Collection, folder_name
from ensemble.datasets.loading import photo_path
from ensemble.imaging.looking import look_at_photo
from ensemble.imaging.out_of_distribution import doubt
from ensemble.imaging.photo_statistics import measure_photo
from ensemble.imaging.photos import open_photo, read_photo_bytes
from ensemble.policies.cases import Case
from ensemble.records.history import record_review, withdraw_review
from ensemble.records.recording import recorder
from ensemble.store import ModelStore
from ensemble.store.seeing import view_in_force
from ensemble.training.own_photos import bring_along, is_brought
from ensemble.values.errors import DataError, QuorumError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Verdict
from pages.session import person
from pages.session.background import Progress, start_work, work
from pages.session.owners import make_own_collection, own_collection, product_called
from pages.session.photo import Chosen
from pages.session.policy_evidence import evidence
from pages.session.products import is_demo, manifest, mode, products, store
from pages.session.told import CONFIRMED, refusals_told, tell

ASKED, TOLD_HISTORY = "_asked_to_confirm", "_told_history"


@dataclass(frozen=True, slots=True)
class Correction:
    """A photo with its true class, what was said of it, and why it may not show the part at all."""

    data: bytes = field(repr=False)
    name: str
    label: str
    verdict: str
    doubt: str = ""
    inspection: str = ""  # what the history finds the verdict by


@dataclass(frozen=True, slots=True)
class Question:
    """Corrections whose photos may not show the part, so that a person has to confirm them once more."""

    corrections: tuple[Correction, ...]
    mode: str


def product_collection() -> str:
    """The name of the collection that corrections of the chosen product go into."""
    found = own_collection()
    return found.name if found else folder_name(product_called())


def confirm_mistake(chosen: Chosen, label: str, verdict: Verdict) -> None:
    """Keep the photo on the table with its true class; for a button's callback."""
    _ask_or_keep([Correction(chosen.data, chosen.photo.name, label, verdict.label, verdict.doubt, verdict.id)], [])


def confirm_cases(found: Sequence[tuple[Case, str]]) -> None:
    """Keep cases and what was said of them as mistakes; for a button's callback.

    A photo that is gone, or that is another one than was judged, is left out and named; the others are kept.
    """
    corrections, left_out = [], []
    try:
        for case, verdict in found:
            try:
                corrections.append(_correction(case, verdict))
            except QuorumError as error:
                left_out.append(error.message)
    except QuorumError as error:
        tell(CONFIRMED, Message("They cannot be confirmed: {error}", error=error), wrong=True)
        return
    _ask_or_keep(corrections, left_out)


def question() -> Question | None:
    """What a person has to confirm once more before it is kept; None where nothing is asked."""
    asked: Question | None = st.session_state.get(ASKED)
    if asked is not None and asked.mode != mode():
        st.session_state.pop(ASKED)
        return None
    return asked


def keep_all_the_same() -> None:
    """Keep what was asked about; for a button's callback."""
    asked = question()
    st.session_state.pop(ASKED, None)
    if asked is not None:
        _keep(asked.corrections, ())


def keep_none_of_them() -> None:
    """Keep nothing of what was asked about; for a button's callback."""
    st.session_state.pop(ASKED, None)


def _correction(case: Case, verdict: str) -> Correction:
    """A case with its bytes; a DataError where they are not those that were judged."""
    path = photo_path(store().folder, evidence(), case)
    if not path.is_file():
        raise DataError("{photo} no longer lies where it was: it is not kept.", photo=case.photo)
    data = read_photo_bytes(path)
    if hashlib.sha256(data).hexdigest() != case.sha256:
        raise DataError("{photo} is another photo than the one that was judged: it is not kept.", photo=case.photo)
    photo = open_photo(data, path.name, manifest().view)
    look = look_at_photo(photo.picture, view_in_force(store()))
    unfit, shown = (look.doubt, look.picture) if look else ("", photo.picture)
    doubts = photo.doubt or unfit or doubt(measure_photo(shown), manifest().photo_range)
    return Correction(data, path.name, case.label, verdict, case.doubt or doubts)


def _ask_or_keep(corrections: Sequence[Correction], left_out: Sequence[str]) -> None:
    st.session_state.pop(ASKED, None)
    sound = [each for each in corrections if not each.doubt]
    if len(sound) < len(corrections):
        st.session_state[ASKED] = Question(tuple(each for each in corrections if each.doubt), mode())
    if sound or left_out:
        _keep(sound, left_out)


def _keep(corrections: Sequence[Correction], left_out: Sequence[str]) -> None:
    if is_demo():
        tell(CONFIRMED, Message("A demo keeps nothing. Turn demo mode off to confirm mistakes."), wrong=True)
        return
    if not corrections:
        tell(CONFIRMED, paragraph(*left_out), wrong=True)
        return
    try:
        collection, decisions = take_in(corrections)
        _tell_history(corrections, decisions)
        along = bring_own_photos(collection)
    except QuorumError as error:
        tell(CONFIRMED, error.message, wrong=True)
        return
    said = Message(
        "Saved to {collection}. Add it to the training set under Data.",
        "{count} photos saved to {collection}. Add them to the training set under Data.",
        count=len(corrections),
        collection=collection.name,
    )
    made = decisions[0] if len(decisions) == 1 else None
    tell(CONFIRMED, paragraph(*left_out, said, *along), wrong=bool(left_out), decision=made)


def take_in(corrections: Sequence[Correction], product: str = "") -> tuple[Collection, list[int | None]]:
    """Keep photos with their true classes in the collection of a product, else of the chosen one, under the visitor's
    name.

    Gives it with the number of each decision, to be undone; None where the photo was there with that class.
    """
    collection, author = own_collection(product) or make_own_collection(product), person.name()
    decisions = [
        collection.confirm(each.data, each.name, each.label, each.verdict, author=author)[1] for each in corrections
    ]
    return collection, [None if made is None else made.number for made in decisions]


def _tell_history(corrections: Sequence[Correction], numbers: Sequence[int | None]) -> None:
    """Keep what was said beside the inspections that it was said of, and remember it for an undo."""
    told = st.session_state.setdefault(TOLD_HISTORY, {})
    for correction, number in zip(corrections, numbers, strict=True):
        if correction.inspection:
            record_review(recorder().database, correction.inspection, correction.label, person.name())
            if number is not None:
                told[number] = correction.inspection


def undo_confirmed(number: int) -> None:
    """Take back what a person said of a verdict; for a button's callback."""
    with refusals_told(CONFIRMED):
        if (collection := own_collection()) is not None:
            undone = collection.undo(number)
            if told := st.session_state.get(TOLD_HISTORY, {}).pop(number, ""):
                withdraw_review(recorder().database, told, person.name())
            if undone.action == "import":
                tell(CONFIRMED, Message("Undone: the photo is not saved."))
            else:
                tell(CONFIRMED, Message("Undone: the photo is as it was before."))


def bring_own_photos(collection: Collection, called: str = "") -> list[str]:
    """Have the own photos of a product, else of the chosen one, brought into its collection, so that it can be trained
    on; what is said of it."""
    product, called = ModelStore(products()[called]) if called else store(), called or product_called()
    if is_brought(product, collection):
        return []

    def do(progress: Progress) -> Added:
        return bring_along(product, collection, progress)

    key, title = f"import {collection.folder}", _title(collection, called)
    began = start_work(key, title, do)
    going_on = work(key)
    if began or (going_on is not None and going_on.title == title):
        return [Message("The photos of {product} are imported too.", product=called)]
    said = Message(
        "The photos of {product} are imported with the next correction: another import is running.",
        product=called,
    )
    return [said]


def _title(collection: Collection, called: str) -> Message:
    return Message("Import of the photos of {product} into {collection}", product=called, collection=collection.name)
