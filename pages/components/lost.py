"""A product or a policy that was picked and is gone: said, and nothing is judged until a person chooses."""

import streamlit as st

from pages.components import session
from pages.components.sheet import as_markdown

OFFERED = 6


def show_lost(key: str, title: str) -> None:
    """Say what is gone and offer what is there, then end the screen of this title."""
    if key == session.PRODUCT:
        names = [name for name in session.products() if name not in session.broken_products()]
    else:
        names = [policy.name for policy in session.policies()]
    with st.container(border=True, key="lost"):
        st.subheader(f"Which {key}?", anchor=False)
        st.error(as_markdown(session.lost_sentence(key)), icon=":material/report:")
        verb = "Analyze with " if title.startswith("Inspect") else ""
        with st.container(horizontal=True, gap="small"):
            for name in names[:OFFERED]:
                label = as_markdown(f"{verb}{name}")
                st.button(label, on_click=session.work_with, args=(key, name), key=f"choose {key} {name}")
    st.stop()
