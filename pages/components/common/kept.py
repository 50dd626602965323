"""What the history keeps of inspections, in one sentence, and the share of accepted parts that chance draws."""

import streamlit as st

from ensemble.records.settings import Keeping
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, _, worded
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


def show_share_field(now: Keeping, key: str) -> None:
    """Show the share of accepted parts that are drawn for the review, to be changed."""
    st.number_input(
        _("Accepted parts for a second look, %"),
        0.0,
        100.0,
        value=now.sample_rate * 100,
        step=0.5,
        key=key,
        help=_("Chance draws them for the review: the only way to see escapes."),
        width=260,
    )
