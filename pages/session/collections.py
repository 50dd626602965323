"""The workbench of a visitor: which collection, which files to bring in, what is odd, what was decided."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from ensemble.datasets import workbench
from ensemble.datasets.collection import (
    Added,
    CollectedPhoto,
    Collection,
    Correction,
    Finding,
    collections,
    find_collection,
)
from ensemble.datasets.workbench import Reading
from ensemble.imaging.outlines import Outlines
from ensemble.values.errors import DataError, QuorumError
from ensemble.values.language import Message
from ensemble.values.training import Progress
from pages.session.background import forget_work, start_work
from pages.session.owners import collections_root, own_collection, product_called
from pages.session.pictures import thumbnail_of
from pages.session.products import products, view
from pages.session.sources import Source
from pages.session.told import DATA, refusals_told, tell

COLLECTION, STEP = "collection", "step"  # keys of widgets, and names in the page's address
OVERVIEW, BRING_IN, CLEAN, SPLIT = Message("Overview"), Message("Import"), Message("Check"), Message("Split")
MARK, VIEW = Message("Mark"), Message("View")
STEPS = (OVERVIEW, BRING_IN, CLEAN, MARK, SPLIT, VIEW)
NEXT, PICKED, GONE = "_next", "_picked_collection", "_gone_collection"
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


def go_on(step: str, key: str = "") -> None:
    """Go to a step, and forget work that is done; for a button's callback."""
    st.session_state[STEP] = step
    forget_work(key)


def arrive() -> None:
    """Go where the last run has sent the visitor, before any widget is shown; at first to the overview."""
    st.session_state.setdefault(STEP, next((step for step in STEPS if step == st.query_params.get(STEP)), OVERVIEW))
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


def note_in_address(step: str) -> None:
    """Put the collection and the step that are shown into the page's address, so that a link to them finds them again.

    No widget is bound to them: a bound one leaves its first choice out of the address, or writes it in one language.
    """
    if st.query_params.get(STEP, OVERVIEW) != step:
        st.query_params[STEP] = str(step)
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
        progress(Message("Unpacking"), 0.0)
        with workbench.opened(source.files, root, reading) as found:
            return workbench.bring_into(
                found, target, origin=source.title, meaning=meaning, split=split, author=author, progress=progress
            )

    if not start_work(f"import {target.folder}", Message("Import into {name}", name=target.name), do):
        raise DataError("Another import into {target} is running. Wait for it.", target=target.name)
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
    if (found := collection()) is not None:
        with refusals_told(DATA):
            tell(DATA, found.undo(number).undone_sentence())


def mark(sha256: str, outlines: Outlines) -> None:
    """Say where the damage on a photo is; for a button's callback, too."""
    _do(lambda found: found.mark(sha256, outlines))


def look_through(*, label_errors: bool) -> None:
    """Look for what is odd in the background."""
    found = collection()
    if found is not None:
        start_work(
            f"clean {found.folder}",
            Message("Check of {name}", name=found.name),
            lambda progress: workbench.look_through(found, label_errors=label_errors, progress=progress),
        )


def _do(decision: Callable[[Collection], Correction | None]) -> None:
    if (found := collection()) is None:
        return
    with refusals_told(DATA):
        if (made := decision(found)) is None:
            tell(DATA, Message("No change."))
        else:
            tell(DATA, made.sentence(), decision=made.number)


# ------------------------------------------------------------------------------------------------------------- pictures


def kept_thumbnail(photo: CollectedPhoto, side: int) -> bytes | None:
    """A small copy of a photo of the collection, at most `side` pixels a side; None where its file is gone."""
    try:
        return thumbnail_of(photo.path, side=side, view=view())
    except (QuorumError, OSError):
        return None
