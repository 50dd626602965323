"""One odd thing: the photos, what is odd in one sentence, and the buttons that end it."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from ensemble.collection import CONTRADICTION, Finding, Kept
from ensemble.results import word
from pages.components import session
from pages.components.pictures import picture
from pages.components.sheet import as_markdown

OTHERS = 3  # pictures of photos that it resembles
NAMES = {"train": "Train", "calibration": "Calibration", "test": "Test", "": "no split"}


def show_finding(finding: Finding, photos: Mapping[str, Kept]) -> None:
    """Show a finding with its photos side by side, and what can be decided."""
    photo = photos[finding.sha256]
    others = [photos[other] for other in finding.others[:OTHERS] if other in photos]
    key = f"{finding.kind} {finding.sha256[:16]} {len(finding.others)}"
    key += f" {finding.suggestion}" if finding.kind == CONTRADICTION else ""
    with st.container(border=True, key=f"finding {key}"):
        st.html(
            f'<div class="finding"><div class="pair">{"".join(_figure(each) for each in (photo, *others))}</div>'
            f"<p>{escape(finding.sentence)}</p></div>"
        )
        with st.container(horizontal=True):
            if finding.kind == CONTRADICTION:
                _show_label_button(finding, photo.label, f"first {key}")
            else:
                st.button(_keep_words(finding), on_click=session.keep, args=([finding],), key=f"keep {key}")
            if finding.suggestion:
                _show_label_button(finding, finding.suggestion, f"relabel {key}")
            home = others[0].split if others else ""
            if home and home != photo.split:
                st.button(
                    f"Move to {NAMES[home]}",
                    icon=":material/swap_horiz:",
                    on_click=session.decide,
                    args=("move", [finding.sha256], home),
                    key=f"move {key}",
                )
            st.button(
                "Leave it out",
                icon=":material/delete:",
                on_click=session.decide,
                args=("drop", [finding.sha256]),
                key=f"drop {key}",
            )


def _show_label_button(finding: Finding, label: str, key: str) -> None:
    st.button(
        f"It is {as_markdown(word(label))}",
        icon=":material/label:",
        on_click=session.decide,
        args=("relabel", [finding.sha256], label),
        key=key,
    )


def _keep_words(finding: Finding) -> str:
    if finding.kind == "label":
        return "The label is right"
    return "Keep both" if finding.others else "Keep it"


def _figure(photo: Kept) -> str:
    facts = "two labels" if photo.dropped else f"{word(photo.label)} · {NAMES[photo.split]}"
    return (
        f"<figure>{picture(session.kept_thumbnail(photo), photo.name)}"
        f"<figcaption>{escape(facts)}<small>{escape(photo.name)}</small></figcaption></figure>"
    )
