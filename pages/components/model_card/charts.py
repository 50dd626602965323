"""The charts of a model card: what each vote is worth, and how trainings in epochs went."""

import streamlit as st

from ensemble import figures
from ensemble.evaluation.model_card import Section
from ensemble.figures.comparisons import Limits
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown
from pages.session import products

FIGURES = {"auroc": "AUROC", "right": "Share decided rightly"}


def show_worth(section: Section) -> None:
    """Show each member's AUROC with its limits; without a defect among the classes its share of right votes."""
    members = section.data["members"]
    for key, unit in FIGURES.items():
        found: dict[str, Limits] = {
            name: (entry[key]["value"], entry[key]["low"], entry[key]["high"])
            for name, entry in members.items()
            if entry.get(key) and entry[key]["value"] is not None
        }
        if found:
            show_chart(figures.estimates(found, products.scheme(), unit), f"card-{key}")
            return


def show_epochs(section: Section) -> None:
    """Show what was measured at each epoch, for members that learn in epochs."""
    for name, curves in section.data["epochs"].items():
        st.markdown(f"**{as_markdown(name)}, by epoch**")
        show_chart(figures.training_curves(curves, products.scheme()), f"card-training-{name}")
