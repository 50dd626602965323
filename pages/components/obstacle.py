"""The empty states: why nothing can be inspected, and the one button that helps."""

import streamlit as st

from pages.components import session
from pages.components.sheet import as_code, as_markdown


def show_obstacle() -> None:
    """Say why no member can vote and offer demo mode, then end the screen; do nothing where members can vote."""
    reason = session.obstacle()
    if reason is not None:
        _show_reason(reason)
        st.stop()


def show_missing_members() -> None:
    """Say why there is no member to show."""
    _show_reason(session.members_obstacle() or "")


def _show_reason(reason: str) -> None:
    with st.container(border=True, key="obstacle"):
        st.subheader("No trained member can vote yet", anchor=False)
        st.error(as_markdown(reason), icon=":material/report:")
        if not session.products():
            data, models = (session.shown_path(folder) for folder in (session.data_root(), session.models_root()))
            st.markdown(
                f"Train on the sample photos: {as_code(f'python -m ensemble train --data {data} --models {models}')}"
            )
        if not session.is_demo():
            st.markdown("Or look around first: in demo mode dummy members vote, and everything is marked DEMO.")
            st.button("Switch demo mode on", on_click=session.switch_demo, args=(True,), type="primary", key="demo_on")
