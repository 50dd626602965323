"""The verdict on a part that several photos show."""

import streamlit as st

from ensemble import figures
from ensemble.values.results import word
from pages.components.common.sheet import as_html
from pages.components.common.style import shape


def show_part_card(facts: str, label: str, reason: str, look: figures.Tone) -> None:
    """Show the verdict on a part as large as that on a photo, with what decided and which part it is."""
    st.html(
        f'<div class="verdict {look}" role="status">{shape(look)}<div><div class="word">{as_html(word(label))}</div>'
        f'<div class="reason">{as_html(reason)}</div><div class="facts">{as_html(facts)}</div>'
        "</div></div>"
    )
