"""What a member without a map of its own looked at, on demand: it costs some seconds."""

import streamlit as st

from ensemble import overlays
from ensemble.previews import canvas, png
from ensemble.results import Verdict, Vote, word
from pages.components import session
from pages.components.sheet import as_markdown


def show_look(chosen: session.Chosen, verdict: Verdict) -> None:
    """Offer to ask each member that learns from all classes; the others point at places by themselves."""
    asked = [vote for vote in verdict.votes if session.learns_from_all(vote.member)]
    if verdict.demo or not asked:
        return
    box = st.expander("What did a model look at?", icon=":material/visibility:", on_change="rerun", key="look")
    if box.open:
        with box:
            _show_choice(chosen, asked)


def _show_choice(chosen: session.Chosen, asked: list[Vote]) -> None:
    votes = {vote.member: vote for vote in asked}
    name = st.selectbox("Member", list(votes), key="looker", filter_mode=None)
    vote = votes[name]
    if st.button("Show what it looked at", key="look_at", icon=":material/visibility:"):
        with st.spinner("The member looks at the photo again, without one place after the other …"):
            session.look(chosen, vote)
    found = session.look_of(chosen, vote)
    if found is None:
        return
    if not found.values.any():
        st.info(
            f"No single place made {as_markdown(name)} say {as_markdown(word(vote.label))}; it went by the whole photo."
        )
        return
    drawn = overlays.looked_at(canvas(chosen.photo.picture), found.values)
    st.image(png(drawn), output_format="PNG", width="stretch", alt=f"What {name} looked at on {chosen.photo.name}")
    st.html(
        '<div class="look-scale"><i></i><span>did not matter</span><span>mattered most</span></div>'
        '<p class="calm"><b>What the model looked at, not a defect.</b> Bright: with this place smoothed, it would be '
        "less sure of its vote. The brightness is relative to this photo.</p>"
    )
