"""The sections of a model card as plain sheets, with the charts that belong to them."""

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from ensemble.model_card import ModelCard, Section, Table
from pages.components.card_charts import show_epochs, show_worth
from pages.components.sheet import as_markdown, show_sheet

ON_DEMAND = ("Files", "Digests", "Libraries")  # what is looked up, not read
CHARTS: Mapping[str, Callable[[Section], None]] = {"members": show_worth, "training": show_epochs}


def show_sections(card: ModelCard) -> None:
    """Show every section: its sentences, its charts, its tables."""
    for section in card.sections:
        st.header(as_markdown(section.title), anchor=section.key)
        _show_sentences(section)
        if section.key in CHARTS:
            CHARTS[section.key](section)
        for table in section.tables:
            if table.title in ON_DEMAND:
                with st.expander(table.title):
                    _show_table(table)
            else:
                if table.title:
                    st.subheader(as_markdown(table.title), anchor=False)
                _show_table(table)


def _show_sentences(section: Section) -> None:
    if section.key == "limits":
        st.markdown("\n".join(f"- {as_markdown(said)}" for said in section.sentences))
    else:
        st.markdown("\n\n".join(map(as_markdown, section.sentences)))


def _show_table(table: Table) -> None:
    show_sheet(table.columns, [[_cell(cell) for cell in row] for row in table.rows], folding=len(table.columns) > 2)


def _cell(text: str) -> str:
    """What stands in brackets at the end of a cell goes below it, in small letters."""
    head, bracket, rest = text.partition(" (")
    shown = escape(head).replace(" %", "\N{NO-BREAK SPACE}%").replace("_", "_<wbr>")
    if not bracket or not rest.endswith(")") or "(" in rest:
        return escape(text).replace("_", "_<wbr>")
    return f"<div>{shown}<small>{escape(rest[:-1])}</small></div>"
