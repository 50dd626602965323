"""The band that no screenshot of a demo can lose."""

import streamlit as st

from pages.components import session


def show_demo_band() -> None:
    """Show the striped band at the top of the page while dummy members vote."""
    if session.is_demo():
        st.html(
            '<div class="demo-band" role="alert"><span><b>DEMO</b> · made-up votes, no model looks at the photo'
            "</span></div>"
        )
