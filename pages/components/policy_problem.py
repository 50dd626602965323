"""Why the policies that count are not those of the file."""

import streamlit as st

from ensemble.errors import QuorumError
from pages.components import session
from pages.components.sheet import as_markdown


def show_policy_problem() -> None:
    """Show what is wrong with the product's policies, where the last good ones are in force."""
    try:
        problem = session.in_force().problem
    except QuorumError:
        return  # there are none at all, and the screens that need one say why
    if problem:
        st.warning(as_markdown(problem), icon=":material/rule:")
