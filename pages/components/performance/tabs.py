"""What lies behind the answer, one view at a time: the vote, types of defects, the members, how they learnt."""

import streamlit as st

from ensemble import figures
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import model_title
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown
from pages.components.performance.basis import Measured
from pages.components.performance.dependence import show_dependence
from pages.components.performance.members import show_performance_curves, show_performance_members
from pages.components.performance.tables import show_performance_tables
from pages.components.performance.vote import show_performance_vote
from pages.session import products


def show_training_curves(_measured: Measured) -> None:
    """Show what was measured at each epoch of each member's training, where it has any."""
    found = {name: curves for name, record in products.records().items() if (curves := record.curves())}
    if not found:
        st.info(_("No training curves: no model of this product is trained in epochs."))
    for name, curves in found.items():
        st.markdown(f"**{as_markdown(model_title(name))}**")
        show_chart(figures.training_curves(curves, products.scheme()), f"training-{name}")


VIEWS = {
    Message("Ensemble"): show_performance_vote,
    Message("Breakdown"): show_performance_tables,
    Message("Models"): show_performance_members,
    Message("Curves"): show_performance_curves,
    Message("Correlation"): show_dependence,
    Message("Training"): show_training_curves,
}


def show_performance_tabs(measured: Measured) -> None:
    """Show the views as tabs; one that is closed costs nothing."""
    tabs = st.tabs([worded(name) for name in VIEWS], on_change="rerun", key="performance_view")
    for tab, show in zip(tabs, VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                show(measured)
