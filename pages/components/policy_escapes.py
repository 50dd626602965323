"""The parts that would escape, as pictures."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.cases import Case
from ensemble.policies import Policy
from pages.components import session
from pages.components.policy_words import many
from pages.components.sheet import as_markdown
from pages.components.votes import show_votes

MOST = 24  # each is a small picture to send, every time a cut moves


def show_policy_escapes(draft: Policy, known: Sequence[Case]) -> None:
    """Show every defective part that the draft would pass as OK, and on demand how each member voted on it."""
    classes = session.classes()
    labels = session.labels(draft, known)
    found = [
        case
        for case, label in zip(known, labels, strict=True)
        if case.label == classes.defect and label == classes.good
    ]
    st.markdown(f"**{many(len(found), 'defective part')} passed as OK**")
    if not found:
        st.html('<p class="calm">No defective part of these photos would pass.</p>')
        return
    chosen = next((case for case in found if case.photo == session.looked_into()), None)
    with st.container(horizontal=True, gap="small", key="escapes"):
        for number, case in enumerate(found[:MOST]):
            with st.container(width=136, gap=None):
                _show_photo(case)
                st.button(
                    as_markdown(_name(case)),
                    key=f"escape {number}",
                    on_click=session.look_into,
                    args=(case.photo,),
                    type="primary" if case is chosen else "secondary",
                    width="stretch",
                )
    if len(found) > MOST:
        st.caption(f"The first {MOST} of {len(found)}.")
    if chosen is None:
        st.caption("Choose one to see how each member voted.")
    else:
        _show_case(draft, chosen)


def _show_photo(case: Case) -> None:
    """Show a small copy of a case's photo; a grey tile with its name where the photo is gone."""
    picture = session.case_thumbnail(case)
    if picture is None:
        st.html(f'<div class="photo-gone">{escape(_name(case))}<small>photo not here</small></div>')
    else:
        st.image(picture, width=136, alt=f"Photo {_name(case)}")


def _show_case(draft: Policy, case: Case) -> None:
    verdict = case.decided_by(draft, session.classes())
    kind = f" · {case.defect}" if case.defect not in ("", case.label) else ""
    with st.container(border=True, key="escaped"):
        st.markdown(f"**{as_markdown(case.photo)}**{as_markdown(kind)}")
        st.text(verdict.reason)
        show_votes(verdict, key="escape votes")


def _name(case: Case) -> str:
    return case.photo.rpartition("/")[2].rpartition(".")[0] or case.photo
