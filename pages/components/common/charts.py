"""A chart with its words beside it, and numbers to take away as files."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from ensemble import figures
from ensemble.inspection import exports
from pages.components.common.votes import STILL
from pages.session import products

NUMBERS = "Data (CSV)"
MIME = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown"}


def show_chart(chart: figures.Chart, kind: str) -> None:
    """Show a chart with its text alternative and offer its numbers; `kind` names it in the page and in the file."""
    st.plotly_chart(chart.figure, theme=None, config=STILL, key=f"chart {kind}", alt=chart.text)
    show_csv(kind, chart.columns, chart.rows)


def show_csv(kind: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]], label: str = NUMBERS) -> None:
    """Offer rows as a file; in a demo each of them says so."""
    demo = products.is_demo()
    marked = [{**row, "demo": "DEMO"} for row in rows] if demo else rows
    show_file(exports.as_csv((*columns, "demo") if demo else columns, marked), kind, ".csv", label)


def show_file(content: bytes, kind: str, ending: str, label: str) -> None:
    """Offer a file under a name with its digest, which says DEMO in a demo."""
    st.download_button(
        label,
        content,
        file_name=exports.file_name(kind, content, ending, demo=products.is_demo()),
        mime=MIME[ending],
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        key=f"file {kind}{ending}",
    )


def picture(jpeg: bytes | None, name: str) -> str:
    """A small JPEG under the name of its photo; a plain field where there is none."""
    if jpeg is None:
        return f'<div class="photo-gone">{escape(name)}<br>cannot be shown</div>'
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return f'<img src="{address}" alt="{escape(name)}" title="{escape(name)}" loading="lazy">'
