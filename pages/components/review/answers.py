"""What can be said of the part in hand: a large button and a key for each answer."""

import streamlit as st

from ensemble.inspection.kept import classes_of
from ensemble.values.language import _
from ensemble.values.results import Classes, word
from pages.components.common.sheet import as_html, as_markdown
from pages.session import review

MOST_KEYS, MOST_LETTERS = 9, 60


def show_answers(held: review.Hand, said: str) -> None:
    """Show the answers, skip and undo, and below them what was `said` of the part before."""
    classes = classes_of(held.part.inspection.stored)
    if classes.good is None or classes.defect is None:
        _show_classes(held.number, classes)
    else:
        with st.container(horizontal=True, key="review_two"):
            _show_answer(held.number, classes.good, word(classes.good), "O")
            _show_answer(held.number, classes.defect, word(classes.defect), "N")
        _show_defects(held.number, classes.defect)
    with st.container(horizontal=True, key="review_ways"):
        number = held.number
        st.button(
            _("Skip"),
            icon=":material/skip_next:",
            on_click=review.skip,
            args=(number,),
            key=f"review_skip_{number}",
            shortcut="S",
            width="stretch",
        )
        st.button(
            _("Undo"),
            icon=":material/undo:",
            disabled=not review.can_undo(),
            on_click=review.undo,
            key=f"review_undo_{number}",
            shortcut="U",
            width="stretch",
        )
    st.html(f'<p class="review-said" role="status">{as_html(said)}</p>')


def _show_classes(number: int, classes: Classes) -> None:
    with st.container(key="review_classes"):
        for place, name in enumerate(classes.names, 1):
            _show_answer(number, name, word(name), str(place) if place <= MOST_KEYS else None)


def _show_answer(number: int, label: str, shown: str, key: str | None, defect: str = "") -> None:
    # Its key has the part's number: a press that was meant for the part before finds no button.
    st.button(
        as_markdown(shown),
        on_click=review.answer,
        args=(number, label, defect),
        key=f"review_answer_{number}_{label}_{defect}",
        shortcut=key,
        width="stretch",
        wrap=True,
    )


def _show_defects(number: int, label: str) -> None:
    """The kinds of defects that have a key."""
    known = review.defects()
    if known:
        st.caption(_("NOK, and which defect:"))
        with st.container(key="review_defects"):
            for place, defect in enumerate(known, 1):
                _show_answer(number, label, defect, str(place), defect)


def show_other_defect(held: review.Hand) -> None:
    """Show the field for a kind of defect that has no key."""
    label, number = classes_of(held.part.inspection.stored).defect, held.number
    if label is None:
        return
    field = f"review_defect_{number}"  # a new one for each part: the keys are for nobody while a field has the focus
    with st.form(f"review_kind_{number}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            _("Another defect"),
            key=field,
            max_chars=MOST_LETTERS,
            placeholder=_("Name it once, then it has a key"),
        )
        st.form_submit_button(
            _("NOK"), on_click=review.answer_with_kind, args=(number, label, field), key=f"review_named_{number}"
        )
