"""Members, loaded once a process, and what gives photos their verdicts."""

import threading
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ensemble.imaging.photos import Photo
from ensemble.inspection import batches
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.shared import SharedInspector
from ensemble.store import ModelStore, Quarantined
from ensemble.values.results import Verdict
from pages.session.products import classes, is_demo, manifest, policy, store

turn = threading.Lock()  # one search for what decided at a time: two at once would take turns on the same cores anyway


@st.cache_resource(max_entries=2, show_spinner="Loading the models …")
def _loaded(folder: str, fingerprint: str, version: int | None) -> SharedInspector:
    return SharedInspector(Inspector.open(ModelStore(Path(folder))))


def inspector() -> Inspector:
    """The members of the chosen product, loaded once a process; or dummies in demo mode."""
    if is_demo():
        return Inspector.for_demo(classes())
    return trained()


def trained() -> Inspector:
    """The trained members of the chosen product, whatever mode is on; a StoreError where there are none."""
    return _shared().alone


def _shared() -> SharedInspector:
    chosen = store()
    manifest()
    return _loaded(str(chosen.folder), chosen.fingerprint(), chosen.origin().version)


def quarantine() -> list[Quarantined]:
    """Model files of the chosen product that nobody vouches for; none of them has been opened."""
    chosen = store()
    return _quarantined(str(chosen.folder), chosen.fingerprint()) if chosen.folder.is_dir() else []


@st.cache_data(max_entries=8, show_spinner=False)
def _quarantined(folder: str, fingerprint: str) -> list[Quarantined]:
    return ModelStore(Path(folder)).quarantine()


def inspection() -> batches.Inspect:
    """What gives photos their verdicts, by the members and the policy of this moment; visitors share passes.

    It asks Streamlit for nothing, so that no touch on the page can break it off halfway.
    """
    members, decide = inspector() if is_demo() else _shared(), policy()

    def inspect(photos: Sequence[Photo]) -> list[Verdict]:
        return members.inspect(photos, decide)

    return inspect
