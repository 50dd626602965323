"""A verdict that is wrong, or left to a person: what the part truly is, so that the next training learns from it."""

import streamlit as st

from ensemble.values.language import _
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW, Verdict, word
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_markdown
from pages.session import corrections, photo
from pages.session.told import CONFIRMED

MOST_BUTTONS = 2  # classes
KEYS = {NON_DEFECTIVE: "O", DEFECTIVE: "N"}


def show_correction(chosen: photo.Chosen, verdict: Verdict) -> None:
    """Ask what the part is where the verdict leaves it to a person, and elsewhere offer to correct the verdict.

    A demo keeps nothing and offers nothing.
    """
    show_told_of_confirmed()
    if verdict.demo:
        return
    if verdict.label == REVIEW:
        with st.container(key="decide"):
            _show_classes(chosen, verdict, list(verdict.classes.names))
        return
    with st.popover(_("Correct the verdict"), icon=":material/flag:"):
        _show_classes(chosen, verdict, [name for name in verdict.classes.names if name != verdict.label])
        collection = as_markdown(corrections.product_collection())
        st.caption(
            _("The photo is saved to {collection}. Add it to the training set under **Data**.", collection=collection)
        )


def _show_classes(chosen: photo.Chosen, verdict: Verdict, labels: list[str]) -> None:
    """A large button for each of two classes, with its key; of more, one is picked first."""
    if len(verdict.classes.names) > MOST_BUTTONS:
        labels = [st.radio(_("The part is"), labels, format_func=_shown, key="true_class")]
    with st.container(horizontal=True):
        for label in labels:
            st.button(
                as_markdown(_("Part is {label}", label=word(label))),
                on_click=corrections.confirm_mistake,
                args=(chosen, label, verdict),
                key=f"confirm {label}" if labels[1:] else "confirm",
                shortcut=KEYS.get(label) if verdict.label == REVIEW else None,
                width="stretch",
            )


def show_told_of_confirmed() -> None:
    """Say once what was confirmed last, and ask once more about photos that may not show the part."""
    if (asked := corrections.question()) is not None:
        _show_question(asked)
    show_told(CONFIRMED, corrections.undo_confirmed)


def _show_question(asked: corrections.Question) -> None:
    with st.container(border=True, key="keep_question"):
        count = len(asked.corrections)
        lines = (
            _("{name}, as {label}: {doubt}.", name=each.name, label=word(each.label), doubt=each.doubt)
            for each in asked.corrections
        )
        listed = "\n".join(f"- {as_markdown(line)}" for line in lines)
        said = _("This photo may not show this part:", "These photos may not show this part:", count=count)
        st.warning(f"{said}\n\n{listed}", icon=":material/help:")
        st.markdown(
            _(
                "**Keep it all the same?** The next training would learn from it.",
                "**Keep them all the same?** The next training would learn from them.",
                count=count,
            )
        )
        with st.container(horizontal=True):
            st.button(_("Keep all the same"), on_click=corrections.keep_all_the_same, key="keep_all_the_same")
            st.button(_("Do not keep"), type="primary", on_click=corrections.keep_none_of_them, key="keep_none")


def _shown(label: str) -> str:
    return as_markdown(word(label))
