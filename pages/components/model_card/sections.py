"""The sections of a model card as plain sheets, with the charts that belong to them."""

import re
from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from ensemble.evaluation.model_card import CardTable, ModelCard, Section
from pages.components.common.sheet import as_markdown, show_sheet
from pages.components.model_card.charts import show_epochs, show_worth

MANY = 3  # sentences that are read as a list
ON_DEMAND = ("Files", "Digests", "Libraries")  # what is looked up, not read
CHARTS: Mapping[str, Callable[[Section], None]] = {"members": show_worth, "training": show_epochs}


def show_sections(card: ModelCard) -> None:
    """Show every section: its sentences, its charts, its tables."""
    with st.container(key="card"):
        for section in card.sections:
            st.header(as_markdown(section.title), anchor=section.key)
            _show_sentences(section)
            if section.key in CHARTS:
                CHARTS[section.key](section)
            for table in section.tables:
                _show_table(table)


def _show_sentences(section: Section) -> None:
    listed = section.key == "limits" or len(section.sentences) >= MANY
    said = [as_markdown(each) for each in section.sentences]
    st.markdown("\n".join(f"- {each}" for each in said) if listed else "\n\n".join(said))


def _show_table(table: CardTable) -> None:
    if table.title in ON_DEMAND:
        with st.expander(table.title):
            _show_rows(table)
        return
    if table.title:
        st.subheader(as_markdown(table.title), anchor=False)
    _show_rows(table)


def _show_rows(table: CardTable) -> None:
    show_sheet(table.columns, [[_cell(cell) for cell in row] for row in table.rows], folding=len(table.columns) > 3)


def _cell(text: str) -> str:
    """What stands in brackets at the end of a cell goes below it, in small letters."""
    head, bracket, rest = text.partition(" (")
    if not bracket or not rest.endswith(")") or "(" in rest:
        return _tied(text)
    return f"<div>{_tied(head)}<small>{_tied(rest[:-1])}</small></div>"


def _tied(text: str) -> str:
    """A text as HTML that breaks neither before a unit nor between two limits, but within long names."""
    shown = escape(text).replace(" %", "\N{NO-BREAK SPACE}%").replace("_", "_<wbr>")
    return re.sub(r"(\d(?:\N{NO-BREAK SPACE}%)?) to (\d)", "\\1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}\\2", shown)
