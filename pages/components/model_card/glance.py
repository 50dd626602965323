"""What a person sees of a model in three seconds: its name, what for, how good, and what it learnt from."""

import re

import streamlit as st

from ensemble.evaluation.model_card import Fact, ModelCard
from ensemble.values.language import _
from pages.components.common.charts import show_file, show_json
from pages.components.common.obstacle import show_missing_members
from pages.components.common.sheet import as_html, tied
from pages.components.common.style import shape
from pages.session import products
from pages.session.cards import card


def show_glance(card: ModelCard) -> None:
    """Show the answer at a glance, and offer the whole card as files."""
    st.html(
        f'<div class="in-force"><div class="word">{as_html(card.product)}</div><p>{as_html(card.purpose)}</p></div>'
    )
    st.html(f'<div class="tiles wide glance">{"".join(map(_tile, card.glance))}</div>')
    with st.container(horizontal=True, gap="medium"):
        show_file(card.to_markdown().encode(), "card", ".md", _("Model card (Markdown)"))
        show_json(card.as_json(), "card", _("Model card (JSON)"))


def _tile(fact: Fact) -> str:
    number = re.sub(r"^(\d+)( .+)$", r"\1<small>\2</small>", as_html(fact.number))
    look, mark = ("nok", shape("nok")) if fact.alert else ("none", "")
    name, basis = f"{mark}{as_html(fact.name)}", tied(fact.basis)
    return f'<div class="tile {look}"><b>{number}</b><span>{name}</span><p>{basis}</p></div>'


def show_card_basis() -> ModelCard:
    """Give the card of the chosen product; in a demo, and where nothing is trained, say so and end the screen."""
    if products.is_demo():
        st.info(
            _("No model card in demo mode: demo models are not trained."),
            icon=":material/theater_comedy:",
        )
        st.button(_("Turn off demo mode"), on_click=products.switch_demo, args=(False,), key="demo_off")
        st.stop()
    if not products.has_members():
        show_missing_members()
        st.stop()
    return card()
