"""The workbench of a visitor: which collection, which files to bring in, what is odd, what was decided."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ensemble.datasets import workbench
from ensemble.datasets.collection import (
    Added,
    CollectedPhoto,
    Collection,
    Correction,
    Finding,
    Mistake,
    collections,
    find_collection,
)
from ensemble.datasets.workbench import Reading
from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import read_photo
from ensemble.values.errors import DataError, QuorumError
from ensemble.values.training import Progress
from pages.session.background import forget_work, start_work
from pages.session.owners import collections_root, own_collection, product_called
from pages.session.products import products
from pages.session.sources import Source

COLLECTION, STEP = "collection", "step"  # keys of widgets, and names in the page's address
OVERVIEW, BRING_IN, CLEAN, SPLIT = "Overview", "Bring in", "Clean", "Split"
STEPS = (OVERVIEW, BRING_IN, CLEAN, SPLIT)
TOLD, NEXT, PICKED, GONE = "_told_of_data", "_next", "_picked_collection", "_gone_collection"
SHOWN_FOR = "_collection_shown_for"  # the product that was chosen when this screen was shown last


def collection_names() -> list[str]:
    """The collections that there are."""
    return list(collections(collections_root()))


def collection() -> Collection | None:
    """The collection that was picked, else that of the chosen product, else the first; None where there is none yet.

    None also where one was asked for that is no more: another is never taken in its place.
    """
    if missing_collection():
        return None
    found = collections(collections_root())
    name = st.session_state.get(COLLECTION)
    if name:
        return Collection(found[name]) if name in found else None
    return own_collection() or next(map(Collection, found.values()), None)


def pick_collection() -> None:
    """Somebody has picked a collection by hand; for a picker's callback."""
    st.session_state.pop(GONE, None)
    st.session_state[PICKED] = st.session_state.get(COLLECTION)


def import_target() -> Collection | None:
    """Where photos go unless somebody says otherwise: the collection that was picked by hand, else that of the chosen
    product; None for a new one, so that no product's photos come among another's."""
    found = collection()
    if found is not None and (found.name == st.session_state.get(PICKED) or not products()):
        return found
    return own_collection()


def findings() -> tuple[Finding, ...]:
    """What is odd about the photos of the picked collection and still open."""
    found = collection()
    return found.findings() if found else ()


def decisions() -> tuple[Correction, ...]:
    """What was decided about the picked collection, the newest first."""
    found = collection()
    return found.decisions() if found else ()


def torn() -> list[list[str]]:
    """Photos of the picked collection that belong together and lie in different splits, group by group."""
    found = collection()
    return workbench.torn(found) if found else []


def mistakes() -> tuple[Mistake, ...]:
    """Confirmed mistakes of the picked collection that wait for the next training."""
    found = collection()
    return found.mistakes() if found else ()


def photos() -> tuple[CollectedPhoto, ...]:
    """All photos of the picked collection."""
    found = collection()
    return found.photos() if found else ()


@dataclass(frozen=True, slots=True)
class Told:
    """What was done last: the sentence, whether it is a refusal, and the number of the decision to take back."""

    sentence: str
    wrong: bool = False
    decision: int | None = None


def told_of_data() -> Told | None:
    """What was done last, told once."""
    found: Told | None = st.session_state.pop(TOLD, None)
    return found


def go_on(step: str, key: str = "") -> None:
    """Go to a step, and forget work that is done; for a button's callback."""
    st.session_state[STEP] = step
    forget_work(key)


def arrive() -> None:
    """Go where the last run has sent the visitor, before any widget is shown; at first to the overview."""
    st.session_state.setdefault(STEP, OVERVIEW)
    if found := st.session_state.pop(NEXT, None):
        st.session_state[COLLECTION], st.session_state[STEP] = found
        pick_collection()
    _follow_product()
    asked = st.session_state.get(COLLECTION) or st.query_params.get(COLLECTION)
    if asked and not missing_collection():
        if asked in collection_names():
            st.session_state[COLLECTION] = asked
        else:
            st.session_state.pop(COLLECTION, None)
            st.session_state[GONE] = asked


def _follow_product() -> None:
    """With another product comes its own collection, unless the one that is shown was picked by hand."""
    product = product_called()
    before = st.session_state.get(SHOWN_FOR, product)
    st.session_state[SHOWN_FOR] = product
    asked = missing_collection() or st.session_state.get(COLLECTION) or st.query_params.get(COLLECTION)
    if product == before or (asked and asked == st.session_state.get(PICKED)):
        return
    for state in (st.session_state, st.query_params):
        state.pop(COLLECTION, None)
    st.session_state.pop(GONE, None)
    if found := collection():
        st.session_state[COLLECTION] = found.name


def missing_collection() -> str:
    """The collection that was asked for and is no more, until another is picked; empty where there is none such."""
    return str(st.session_state.get(GONE, ""))


def note_in_address() -> None:
    """Put the collection that is shown into the page's address, so that a link to it finds it again.

    No widget is bound to it: a bound one leaves its first choice out of the address.
    """
    found = collection()
    if found is not None and st.query_params.get(COLLECTION) != found.name:
        st.query_params[COLLECTION] = found.name


def bring_in(
    source: Source, reading: Reading, meaning: Mapping[str, str | None], name: str, split: str | None, author: str
) -> None:
    """Bring a source into a collection, a new one where none has that name; a DataError where it cannot be made."""
    root = collections_root()
    known = find_collection(root, name)
    target = Collection(known) if known else Collection.create(root, name)

    def do(progress: Progress) -> Added:
        progress("Unpacking", 0.0)
        with workbench.opened(source.files, root, reading) as found:
            return workbench.bring_into(
                found, target, origin=source.title, meaning=meaning, split=split, author=author, progress=progress
            )

    if not start_work(f"import {target.folder}", f"Bringing photos into {target.name}", do):
        raise DataError(
            f"Other photos are being brought into {target.name}. Wait until they are in, then bring these in."
        )
    st.session_state[NEXT] = target.name, BRING_IN


# ----------------------------------------------------------------------------------------------------- what was decided


def decide(action: str, digests: Sequence[str], value: str = "", reason: str = "") -> None:
    """Decide about photos of the picked collection; for a button's callback."""
    _do(lambda found: found.decide(action, digests, value, reason=reason))


def keep(findings: Sequence[Finding]) -> None:
    """Say that what is odd may stay as it is; for a button's callback."""
    _do(lambda found: found.keep(findings))


def split_anew(shares: Mapping[str, int], seed: int, *, copies_together: bool) -> None:
    """Deal the photos out anew."""
    _do(lambda found: workbench.split_anew(found, shares, seed=seed, copies_together=copies_together))


def pull_mistakes() -> None:
    """Put confirmed mistakes into the training split; for a button's callback."""
    _do(lambda found: found.pull())


def take_back(number: int | None = None) -> None:
    """Take a decision back, by default the last; for a button's callback."""
    found = collection()
    if found is None:
        return
    try:
        st.session_state[TOLD] = Told(found.undo(number).undone_sentence())
    except QuorumError as error:
        st.session_state[TOLD] = Told(str(error), wrong=True)


def look_through(*, label_errors: bool) -> None:
    """Look for what is odd in the background."""
    found = collection()
    if found is not None:
        start_work(
            f"clean {found.folder}",
            f"Looking through {found.name}",
            lambda progress: workbench.look_through(found, label_errors=label_errors, progress=progress),
        )


def _do(decision: Callable[[Collection], Correction | None]) -> None:
    found = collection()
    if found is None:
        return
    try:
        made = decision(found)
    except QuorumError as error:
        st.session_state[TOLD] = Told(str(error), wrong=True)
        return
    st.session_state[TOLD] = Told(made.sentence(), decision=made.number) if made else Told("Nothing changes by that.")


# ------------------------------------------------------------------------------------------------------------- pictures


def some_of(found: Sequence[CollectedPhoto], count: int) -> list[CollectedPhoto]:
    """A few photos, the same ones each time they are asked for."""
    return random.Random(0).sample(list(found), min(count, len(found)))


def kept_thumbnail(photo: CollectedPhoto) -> bytes | None:
    """A small copy of a photo of the collection; None where its file is gone."""
    try:
        return _small(str(photo.path), photo.path.stat().st_mtime_ns)
    except (QuorumError, OSError):
        return None


@st.cache_data(max_entries=512, show_spinner=False)
def _small(path: str, changed: int) -> bytes:
    return thumbnail(read_photo(Path(path)).picture)
