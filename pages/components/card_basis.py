"""Which product the card is of; where there is none, why."""

import streamlit as st

from ensemble.model_card import ModelCard
from pages.components import session
from pages.components.obstacle import show_missing_members
from pages.components.session.cards import card


def show_card_basis() -> ModelCard:
    """Give the card of the chosen product; in a demo, and where nothing is trained, say so and end the screen."""
    if session.is_demo():
        st.info(
            "A demo has no card: its members are dummies that nobody has trained or measured.",
            icon=":material/theater_comedy:",
        )
        st.button("Switch demo mode off", on_click=session.switch_demo, args=(False,), key="demo_off")
        st.stop()
    if not session.has_members():
        show_missing_members()
        st.stop()
    return card()
