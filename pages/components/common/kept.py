"""One sentence that says what the history keeps of inspections."""

import streamlit as st

from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, worded
from pages.components.common.sheet import as_markdown
from pages.session import keeping, products

KEPT = {
    "everything": Message("The history keeps verdict, votes and photo. Change it under History, What is kept."),
    "votes": Message("The history keeps verdict and votes, no photo. Change it under History, What is kept."),
    "nothing": Message("The history keeps nothing of this product. Change it under History, What is kept."),
}
DEMO = Message("Demo verdicts are not kept in the history.")


def kept_sentence() -> str:
    """What is kept of the chosen product's inspections."""
    return DEMO if products.is_demo() else KEPT[keeping.keeping().keep]


def show_kept() -> None:
    """Say quietly what is kept; loudly, where nobody can tell."""
    try:
        st.caption(worded(kept_sentence()))
    except RecordsError as error:
        st.warning(as_markdown(error.message), icon=":material/history_toggle_off:")
