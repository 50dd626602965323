"""A verdict that is wrong, or left to a person: what the part truly is, so that the next training learns from it."""

import streamlit as st

from ensemble.values.results import REVIEW, Verdict, word
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_markdown
from pages.session import corrections, photo
from pages.session.told import CONFIRMED


def show_wrong_verdict(chosen: photo.Chosen, verdict: Verdict) -> None:
    """Offer to say what the part truly is, as a correction or where the verdict left it to a person, as the decision.

    A demo keeps nothing and offers nothing.
    """
    show_told_of_confirmed()
    if verdict.demo:
        return
    left_to_a_person = verdict.label == REVIEW
    others = [name for name in verdict.classes.names if name != verdict.label]
    title = "Decide this part" if left_to_a_person else "The verdict is wrong"
    with st.popover(title, icon=":material/fact_check:" if left_to_a_person else ":material/flag:"):
        if verdict.classes.defect is None and others[1:]:
            others = [st.radio("The part truly is", others, format_func=_shown, key="true_class")]
        with st.container(horizontal=True):
            for label in others:
                st.button(
                    f"Part is {_shown(label)}" if left_to_a_person else f"It truly is {_shown(label)}",
                    type="secondary" if others[1:] else "primary",  # neither of two answers is the likelier one
                    on_click=corrections.confirm_mistake,
                    args=(chosen, label, verdict),
                    key="confirm" if not others[1:] else f"confirm {label}",
                )
        st.caption(
            f"The photo is kept in the collection {as_markdown(corrections.product_collection())} and waits there "
            "until somebody pulls it into training on the screen **Data**."
        )


def show_told_of_confirmed() -> None:
    """Say once what was confirmed last, and ask once more about photos that may not show the part."""
    if (asked := corrections.question()) is not None:
        _show_question(asked)
    show_told(CONFIRMED)


def _show_question(asked: corrections.Question) -> None:
    with st.container(border=True, key="keep_question"):
        lines = "\n".join(
            f"- {as_markdown(each.name)}, as {as_markdown(word(each.label))}: {as_markdown(each.doubt)}."
            for each in asked.corrections
        )
        alone = len(asked.corrections) == 1
        photos = "This photo" if alone else "These photos"
        st.warning(f"{photos} may not show this part:\n\n{lines}", icon=":material/help:")
        it = "it" if alone else "them"
        st.markdown(f"**Keep {it} all the same?** The next training would learn from {it}.")
        with st.container(horizontal=True):
            st.button("Keep all the same", on_click=corrections.keep_all_the_same, key="keep_all_the_same")
            st.button("Do not keep", type="primary", on_click=corrections.keep_none_of_them, key="keep_none")


def _shown(label: str) -> str:
    return as_markdown(word(label))
