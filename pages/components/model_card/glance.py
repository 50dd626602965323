"""What a person sees of a model in three seconds: its name, what for, how good, and what it learnt from."""

from html import escape

import streamlit as st

from ensemble.evaluation.model_card import Fact, ModelCard
from pages.components.common.charts import show_file, show_json
from pages.components.common.obstacle import show_missing_members
from pages.components.common.sheet import tied
from pages.components.common.style import shape
from pages.session import products
from pages.session.cards import card


def show_glance(card: ModelCard) -> None:
    """Show the answer at a glance, and offer the whole card as files."""
    st.html(f'<div class="in-force"><div class="word">{escape(card.product)}</div><p>{escape(card.purpose)}</p></div>')
    st.html(f'<div class="tiles wide glance">{"".join(map(_tile, card.glance))}</div>')
    with st.container(horizontal=True, gap="medium"):
        show_file(card.to_markdown().encode(), "card", ".md", "Model card (Markdown)")
        show_json(card.as_json(), "card", "Model card (JSON)")


def _tile(fact: Fact) -> str:
    number, _, rest = fact.number.partition(" of ")
    small = f"<small> of {escape(rest)}</small>" if rest else ""
    look, mark = ("nok", shape("nok")) if fact.alert else ("none", "")
    name, basis = f"{mark}{escape(fact.name)}", tied(fact.basis)
    return f'<div class="tile {look}"><b>{tied(number)}{small}</b><span>{name}</span><p>{basis}</p></div>'


def show_card_basis() -> ModelCard:
    """Give the card of the chosen product; in a demo, and where nothing is trained, say so and end the screen."""
    if products.is_demo():
        st.info(
            "No model card in demo mode: demo models are not trained.",
            icon=":material/theater_comedy:",
        )
        st.button("Turn off demo mode", on_click=products.switch_demo, args=(False,), key="demo_off")
        st.stop()
    if not products.has_members():
        show_missing_members()
        st.stop()
    return card()
