"""What lies behind the answer, one view at a time: the members, how they depend on each other, how they learnt."""

import streamlit as st

from pages.components.performance.basis import Measured
from pages.components.performance.dependence import show_dependence
from pages.components.performance.members import show_performance_members
from pages.components.performance.training import show_training_curves

VIEWS = {"Members": show_performance_members, "Dependence": show_dependence, "Training": show_training_curves}


def show_performance_tabs(measured: Measured) -> None:
    """Show the views as tabs; one that is closed costs nothing."""
    for tab, show in zip(st.tabs(list(VIEWS), on_change="rerun", key="performance_view"), VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                show(measured)
