"""Photos of a collection as cards: large enough to judge, the class in a word and on the edge, the split below."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from ensemble.datasets.collection import UNSPLIT, CollectedPhoto
from ensemble.figures import tone
from ensemble.values.language import Message, _
from ensemble.values.results import OK_NOK, Classes
from pages.components.common.charts import picture
from pages.components.common.sheet import as_html, chip
from pages.session import collections

NAMES: Mapping[str, Message] = {
    "train": Message("Train"),
    "calibration": Message("Validation"),
    "test": Message("Test"),
    UNSPLIT: Message("No split"),
}
SMALL, LARGE = 320, 640  # pixels of a side, twice what is shown: sharp on a dense display


def kept_card(photo: CollectedPhoto, side: int = SMALL) -> str:
    """A photo as HTML with its class, its split and the name of its file; the picture is called by its whole name."""
    classes = OK_NOK if photo.label in OK_NOK.names else Classes((photo.label,))
    edge = "review" if photo.dropped else tone(photo.label, classes)
    facts = _("two labels") if photo.dropped else f"{chip(photo.label, classes)} {as_html(NAMES[photo.split])}"
    return (
        f'<figure class="kept {edge}">{picture(collections.kept_thumbnail(photo, side), photo.name)}'
        f"<figcaption><span>{facts}</span><small>{as_html(Path(photo.name).name)}</small></figcaption></figure>"
    )


def show_kept(cards: list[str], look: str = "") -> None:
    """Show cards side by side, as many in a row as there is room for."""
    st.html(f'<div class="kept-grid {look}">{"".join(cards)}</div>')
