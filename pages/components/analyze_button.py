"""The one thing to press."""

import streamlit as st

from pages.components import session


def show_analyze_button(chosen: session.Chosen | None) -> None:
    """Show the button that has the chosen photo judged; it waits until there is one."""
    pressed = st.button(
        "Analyze image",
        type="primary",
        width="stretch",
        disabled=chosen is None,
        key="analyze",
        icon=":material/search:",
        shortcut="Ctrl+Enter",
    )
    if pressed and chosen is not None:
        with st.spinner("The members are looking at the photo …"):
            session.analyze(chosen)
