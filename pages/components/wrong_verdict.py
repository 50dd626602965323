"""A verdict that is wrong: what the part truly is, so that the next training learns from it."""

import streamlit as st

from ensemble.results import REVIEW, Verdict, word
from pages.components import session
from pages.components.sheet import as_markdown


def show_wrong_verdict(chosen: session.Chosen, verdict: Verdict) -> None:
    """Offer to say what the part truly is where the verdict was wrong; a demo keeps nothing and offers nothing."""
    show_told_of_confirmed()
    if verdict.demo or verdict.label == REVIEW:
        return
    others = [name for name in verdict.classes.names if name != verdict.label]
    with st.popover("The verdict is wrong", icon=":material/flag:"):
        label = st.radio("The part truly is", others, format_func=word, key="true_class") if others[1:] else others[0]
        st.button(
            f"It truly is {word(label)}",
            type="primary",
            on_click=session.confirm_mistake,
            args=(chosen, label, verdict.label),
            key="confirm",
        )
        st.caption(
            f"The photo is kept in the collection {as_markdown(session.product_collection())} and waits there until "
            "somebody pulls it into training on the screen **Data**."
        )


def show_told_of_confirmed() -> None:
    """Say once what was confirmed last."""
    sentence, wrong = session.told_of_confirmed()
    if sentence:
        (st.error if wrong else st.success)(as_markdown(sentence))
