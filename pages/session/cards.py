"""The model card of the chosen product, made anew whenever one of its files changes."""

from pathlib import Path

import streamlit as st

from ensemble.disk.files import fingerprint
from ensemble.evaluation.model_card import ModelCard, card_of
from ensemble.store import ModelStore
from ensemble.store.places import POLICIES
from pages.session.products import mode, store


def card() -> ModelCard:
    """What is known of the chosen product; a StoreError where there is none."""
    folder = store().folder
    return _card(str(folder), f"{mode()} {fingerprint(folder / POLICIES)}")


@st.cache_resource(max_entries=4, ttl=60, show_spinner="Loading …")
def _card(folder: str, key: str) -> ModelCard:
    return card_of(ModelStore(Path(folder)))
