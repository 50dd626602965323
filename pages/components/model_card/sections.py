"""The sections of a model card as plain sheets, with the charts that belong to them."""

import re

import streamlit as st

from ensemble import figures
from ensemble.evaluation.model_card import CardTable, ModelCard, Section
from ensemble.figures.comparisons import Limits
from ensemble.values.language import Message, worded
from ensemble.values.titles import model_title
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown, show_sheet, tied
from pages.session import products

MANY = 3  # sentences that are read as a list
FIRST_PAGE = ("use", "verdicts", "limits")  # what a person must know before relying on the product
MANY_ROWS = 8  # more are looked up, too
ON_DEMAND = ("Files", "Digests", "Libraries")  # what is looked up, not read
FIGURES = {"auroc": Message("AUROC"), "right": Message("Accuracy")}


def show_sections(card: ModelCard) -> None:
    """Show use, figures and limits, and every other section for those who open it."""
    with st.container(key="card"):
        for key in FIRST_PAGE:
            section = card.section(key)
            st.header(as_markdown(section.title), anchor=section.key)
            _show_section(section)
        for section in card.sections:
            if section.key in FIRST_PAGE:
                continue
            with st.expander(as_markdown(section.title), key=f"card {section.key}"):
                _show_section(section)


def _show_section(section: Section) -> None:
    """Show its sentences, its charts, its tables."""
    _show_sentences(section)
    if section.key == "members":
        show_worth(section)
    elif section.key == "training":
        show_epochs(section)
    for table in section.tables:
        _show_table(table)


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
            show_chart(figures.estimates(found, products.scheme(), worded(unit)), f"card-{key}")
            return


def show_epochs(section: Section) -> None:
    """Show what was measured at each epoch, for members that learn in epochs."""
    for name, curves in section.data["epochs"].items():
        st.markdown(f"**{as_markdown(model_title(name))}**")
        show_chart(figures.training_curves(curves, products.scheme()), f"card-training-{name}")


def _show_sentences(section: Section) -> None:
    listed = section.key == "limits" or len(section.sentences) >= MANY
    said = [as_markdown(each) for each in section.sentences]
    st.markdown("\n".join(f"- {each}" for each in said) if listed else "\n\n".join(said))


def _show_table(table: CardTable) -> None:
    if table.title in ON_DEMAND or len(table.rows) > MANY_ROWS:
        with st.expander(as_markdown(table.title)):
            _show_rows(table)
        return
    if table.title:
        st.subheader(as_markdown(table.title), anchor=False)
    _show_rows(table)


def _show_rows(table: CardTable) -> None:
    show_sheet(table.columns, [[_cell(cell) for cell in row] for row in table.rows], folding=len(table.columns) > 3)


def _cell(text: str) -> str:
    """What stands in brackets at the end of a cell goes below it, in small letters."""
    said = worded(text)
    head, bracket, rest = said.partition(" (")
    if not bracket or not rest.endswith(")") or "(" in rest:
        return _tied(said)
    return f"<div>{_tied(head)}<small>{_tied(rest[:-1])}</small></div>"


def _tied(text: str) -> str:
    """A text as HTML that breaks neither before a unit nor between two limits, but within long names."""
    shown = tied(text).replace("_", "_<wbr>")
    return re.sub(r"(\d(?:\N{NO-BREAK SPACE}%)?) to (\d)", "\\1\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}\\2", shown)
