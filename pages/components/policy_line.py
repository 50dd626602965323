"""What mistakes cost on this line, and how many of its parts are truly defective."""

import streamlit as st

from ensemble.costs import Line, Prices
from ensemble.results import Classes

USUAL = Prices()


def show_policy_line(classes: Classes) -> Line:
    """Show the prices, the real share of defects and the pace of the line; each is part of the page's address.

    Without a defect among the classes there is no escape to have a price, and nothing is shown.
    """
    if classes.defect is None:
        return Line()
    with st.container(horizontal=True, gap="medium", key="policy_line"):
        prices = Prices(*(_price(name) for name in ("escape", "overkill", "review")))
        share = st.number_input(
            "Defects on the line, %",
            min_value=0.0,
            max_value=100.0,
            value=None,
            step=0.1,
            placeholder="as photos",
            key="defects",
            bind="query-params",
            width=160,
        )
        pace = st.number_input(
            "Parts an hour",
            min_value=0.0,
            value=None,
            step=100.0,
            format="%.0f",
            placeholder="unknown",
            key="pace",
            bind="query-params",
            width=160,
        )
    return Line(prices, None if share is None else share / 100, pace or 0.0)


def _price(name: str) -> float:
    usual = float(getattr(USUAL, name))
    found = st.number_input(
        f"{name.capitalize()} costs",
        min_value=0.0,
        value=usual,
        step=0.5,
        format="%.2f",
        key=f"{name}_price",
        bind="query-params",
        width=160,
    )
    return usual if found is None else found  # an emptied field
