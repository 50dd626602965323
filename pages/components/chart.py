"""A chart with its words beside it, and its numbers as a file."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble import exports, figures
from pages.components import session
from pages.components.votes import STILL


def show_chart(chart: figures.Chart, kind: str) -> None:
    """Show a chart with its text alternative and offer its numbers; `kind` names it in the page and in the file."""
    st.plotly_chart(chart.figure, theme=None, config=STILL, key=f"chart {kind}", alt=chart.text)
    show_csv(kind, chart.columns, chart.rows)


def show_csv(kind: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Offer rows as a file; in a demo each of them says so."""
    demo = session.is_demo()
    marked = [{**row, "demo": "DEMO"} for row in rows] if demo else rows
    content = exports.as_csv((*columns, "demo") if demo else columns, marked)
    st.download_button(
        "Data (CSV)",
        content,
        file_name=exports.file_name(kind, content, ".csv", demo=demo),
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        key=f"csv {kind}",
    )
