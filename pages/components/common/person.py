"""Who does it: one field for the name, wherever one is asked for."""

from typing import Any

import streamlit as st

from ensemble.values.language import _
from pages.session import person


def show_name_field(key: str, *, required: bool = True, start: str = "", **look: Any) -> str:
    """Show the field with the name that is known, or with `start`; gives what stands in it."""
    label = _("Your name") if required else _("Your name (optional)")
    given = st.text_input(label, value=start or person.name(), key=key, max_chars=person.MOST_LETTERS, **look)
    person.remember(given)
    return given


def show_name_kept() -> None:
    """Have the browser keep a name that was given anew."""
    if script := person.name_to_keep():
        st.html(script, unsafe_allow_javascript=True)
