"""A chart of the policy desk: drawn, told in words, and to take away as numbers."""

import streamlit as st

from ensemble.figures import Chart
from pages.components.policy_file import show_policy_table_file
from pages.components.votes import STILL


def show_policy_chart(chart: Chart, kind: str) -> None:
    """Show a chart with its text alternative and its numbers as a file; `kind` is in the file's name."""
    st.plotly_chart(chart.figure, theme=None, config=STILL, key=f"{kind} chart", alt=chart.text)
    show_policy_table_file(chart.columns, chart.rows, kind, "Numbers of this chart (CSV)")
