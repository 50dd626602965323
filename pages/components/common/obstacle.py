"""The empty states: why nothing can be inspected, and the one button that helps."""

import streamlit as st

from ensemble.values.language import _
from pages.components.common.sheet import as_code, as_markdown
from pages.session import products


def show_obstacle() -> None:
    """Say why no member can vote and offer demo mode, then end the screen; do nothing where members can vote."""
    reason = products.obstacle()
    if reason is not None:
        _show_reason(reason)
        st.stop()


def show_missing_members() -> None:
    """Say why there is no member to show."""
    _show_reason(products.members_obstacle() or "")


def train_command() -> str:
    """What trains the chosen product on the photos that ship, as Markdown."""
    data, models = products.shown_path(products.data_root()), products.shown_path(products.store().folder)
    return as_code(f"python -m ensemble train --data {data} --models {models}")


def _show_reason(reason: str) -> None:
    with st.container(border=True, key="obstacle"):
        st.header(_("No trained model yet"), anchor=False)
        st.error(as_markdown(reason), icon=":material/report:")
        if not products.products():
            st.markdown(_("Train on the sample photos: {command}", command=train_command()))
        if not products.is_demo():
            st.markdown(_("Or look around first with random results, marked DEMO."))
            label = _("Switch demo mode on")
            st.button(label, on_click=products.switch_demo, args=(True,), type="primary", key="demo_on")
