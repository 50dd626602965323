"""Numbers of the policy desk as files."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble import exports
from pages.components import session


def show_policy_table_file(columns: Sequence[str], rows: Sequence[Mapping[str, object]], kind: str, label: str) -> None:
    """Offer rows as CSV; in a demo each row says so."""
    demo = session.is_demo()
    if demo:
        columns, rows = (*columns, "demo"), [{**row, "demo": "DEMO"} for row in rows]
    show_policy_file(exports.as_csv(columns, rows), kind, ".csv", label)


def show_policy_file(content: bytes, kind: str, ending: str, label: str) -> None:
    """Offer a file under a name with its digest."""
    st.download_button(
        label,
        content,
        file_name=exports.file_name(kind, content, ending, demo=session.is_demo()),
        mime="text/csv" if ending == ".csv" else "application/json",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        key=f"{kind} file",
    )
