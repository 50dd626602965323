"""Wrong verdicts that a person confirms: their photos wait in the product's collection for the next training."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ensemble.cases import Case
from ensemble.collection import Collection, collections, is_collection
from ensemble.errors import DataError, QuorumError
from ensemble.names import safe_name
from pages.components.session.collecting import collections_root
from pages.components.session.desk import evidence
from pages.components.session.one_photo import Chosen
from pages.components.session.product import is_demo, manifest, store

CONFIRMED = "_confirmed"


def product_collection() -> str:
    """The name of the collection that confirmed mistakes of the chosen product go into."""
    folder = _taught_by()
    return folder.resolve().name if folder else safe_name(manifest().product)


def confirm_mistake(chosen: Chosen, label: str, verdict: str) -> None:
    """Keep the photo on the table as a mistake with its true class; for a button's callback."""
    _do([(chosen.data, chosen.photo.name, label, verdict)])


def confirm_cases(found: Sequence[tuple[Case, str]]) -> None:
    """Keep cases and what was said of them as mistakes; for a button's callback."""
    try:
        photos = [(_bytes(case), Path(case.photo).name, case.label, verdict) for case, verdict in found]
    except (QuorumError, OSError) as error:
        st.session_state[CONFIRMED] = f"They cannot be confirmed: {error}", True
        return
    _do(photos)


def told_of_confirmed() -> tuple[str, bool]:
    """What was confirmed last and whether that failed, told once; empty where nothing was."""
    return st.session_state.pop(CONFIRMED, ("", False))


def _do(photos: Sequence[tuple[bytes, str, str, str]]) -> None:
    if is_demo():
        st.session_state[CONFIRMED] = "A demo keeps nothing. Turn demo mode off to confirm mistakes.", True
        return
    try:
        collection = _collection()
        for data, name, label, verdict in photos:
            collection.confirm(data, name, label, verdict)
    except QuorumError as error:
        st.session_state[CONFIRMED] = str(error), True
        return
    count = len(photos)
    waits = "It waits" if count == 1 else f"{count} photos wait"
    st.session_state[CONFIRMED] = (
        f"{waits} in the collection {collection.name} until somebody pulls into training.",
        False,
    )


def _collection() -> Collection:
    folder = _taught_by()
    if folder:
        return Collection(folder)
    root, name = collections_root(), product_collection()
    known = collections(root)
    return Collection(known[name]) if name in known else Collection.create(root, name)


def _taught_by() -> Path | None:
    """The collection that has taught the product, where one has."""
    try:
        folder = store().folder / evidence().folder
    except QuorumError:
        return None
    return folder if is_collection(folder) else None


def _bytes(case: Case) -> bytes:
    path = store().folder / evidence().folder / case.photo
    if not path.is_file():
        raise DataError(f"{case.photo} no longer lies where it was.")
    return path.read_bytes()
