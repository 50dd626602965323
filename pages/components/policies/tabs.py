"""What can be done with policies, one thing at a time."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ensemble.values.language import worded
from pages.session import drafts


def show_policy_tabs() -> Sequence[DeltaGenerator]:
    """Show the tabs, the open one as the page's address says, and give each."""
    drafts.settle_tab()
    return st.tabs([worded(name) for name in drafts.TABS], key=drafts.TAB, bind="query-params")
