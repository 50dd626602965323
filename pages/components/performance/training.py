"""How the trainings of the members went, for those that learn in epochs."""

from collections.abc import Mapping

import streamlit as st

from ensemble import figures
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown
from pages.components.performance.basis import Measured
from pages.session import products


def show_training_curves(measured: Measured) -> None:
    """Show what was measured at each epoch of each member's training, where it has any."""
    found = {name: _curves(record.training.get("curves")) for name, record in products.records().items()}
    learnt = {name: curves for name, curves in found.items() if curves}
    if not learnt:
        st.info("No member of this product learns in epochs, so there is no training to follow.")
    for name, curves in learnt.items():
        st.markdown(f"**{as_markdown(name)}**")
        show_chart(figures.training_curves(curves, products.scheme()), f"training-{name}")


def _curves(kept: object) -> dict[str, list[float]]:
    curves = kept.items() if isinstance(kept, Mapping) else ()
    return {
        name: values
        for name, values in curves
        if isinstance(values, list) and values and all(isinstance(value, int | float) for value in values)
    }
