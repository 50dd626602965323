"""The review desk: one part after the other, and what to do where there is none."""

import streamlit as st

from ensemble.records.waiting import QueueWay
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, paragraph
from pages.components.common.kept import show_share_field
from pages.components.common.person import show_name_field
from pages.components.common.sheet import as_html, as_markdown, refusals_shown
from pages.components.review.answers import show_answers, show_other_defect
from pages.components.review.part import show_good_part_beside, show_part, show_why
from pages.session import keeping, person, products, review
from pages.session.told import REVIEWED, told

WAITING: dict[QueueWay, Message] = {
    "review": Message("Left to a person"),
    "disagreement": Message("Models disagree"),
    "threshold": Message("Close to the limit"),
    "sample": Message("Chosen by chance"),
}


def show_desk() -> None:
    """Show the next part and the keys that settle it; ask for a name first, and say what to do where none waits."""
    if products.is_demo():
        review.leave()
        st.info(_("A demo keeps nothing. Turn demo mode off to review parts."), icon=":material/fact_check:")
        return
    if not person.name():
        _show_beginning()
        return
    with refusals_shown():
        held = review.hand()
        last = told(REVIEWED)
        if last.wrong:
            st.error(as_markdown(last.sentence), icon=":material/report:")
        _show_counts()
        if held is None:
            _show_nothing_left("" if last.wrong else last.sentence)
        else:
            with st.container(key="review"):
                with st.container(key="evidence"):
                    show_part(held)
                with st.container(key="review_why"):
                    show_why(held)
                with st.container(key="review_say"):
                    show_answers(held, "" if last.wrong else last.sentence)
                with st.container(key="review_good"):
                    show_good_part_beside(held)
                with st.container(key="review_more"):
                    show_other_defect(held)
    _show_settings()


def _show_beginning() -> None:
    last = told(REVIEWED)
    if last.wrong:
        st.error(as_markdown(last.sentence), icon=":material/report:")
    with st.form("review_begin", border=True):
        st.markdown(_("Who reviews? The history keeps who said what of a part."))
        show_name_field("review_who")
        st.form_submit_button(
            _("Start review"), type="primary", on_click=review.begin, args=("review_who",), key="review_start"
        )


def _show_counts() -> None:
    """How many wait, by why, and how far the visitor is."""
    waiting = {way: count for way, count in review.waiting().items() if count}
    chips = "".join(
        f'<span class="chip quiet">{as_html(WAITING[way])} <b>{count}</b></span>' for way, count in waiting.items()
    )
    done, pace = review.done(), review.pace()
    if pace is None:
        progress = _("{count} settled", "{count} settled", count=done)
    else:
        progress = _("{count} settled, {pace:,} an hour", "{count} settled, {pace:,} an hour", count=done, pace=pace)
    label = as_html(_("Waiting parts"))
    st.html(
        f'<div class="review-counts"><div role="group" aria-label="{label}">{chips}</div>'
        f"<span>{as_html(progress)}</span></div>"
    )


def _show_nothing_left(last: str) -> None:
    """Say why no part is here, and where to go on; `last` is what was said of the part before."""
    others, skipped, done = sum(review.waiting().values()) - review.skipped(), review.skipped(), review.done()
    if others > 0:
        said = _("All parts that wait are with other people right now.")
    elif skipped:
        said = _("Nothing else waits for review: only what you skipped.")
    else:
        said = _("Nothing waits for review.")
    settled = Message("You settled {count} part.", "You settled {count} parts.", count=done) if done else ""
    st.success(as_markdown(said), icon=":material/done_all:")
    if told_now := paragraph(last, settled):
        st.markdown(as_markdown(told_now))
    with st.container(horizontal=True, key="review_on"):
        if skipped:
            label = _("Look at the {count} skipped part", "Look at the {count} skipped parts", count=skipped)
            st.button(label, type="primary", on_click=review.take_up_skipped, key="review_take_up")
        if review.can_undo():
            st.button(_("Undo"), icon=":material/undo:", on_click=review.undo, key="review_undo", shortcut="U")
        st.button(_("Look again"), icon=":material/refresh:", key="review_again")
        st.page_link("pages/screens/inspect_photo.py", label=_("Inspect a photo"), icon=":material/search:")
        st.page_link("pages/screens/history.py", label=_("History"), icon=":material/history:")
    with refusals_shown():
        if keeping.keeping().keep != "everything":
            st.info(_("Only parts whose photo is kept are reviewed. Change it under History, What is kept."))


SHARE = "review_share"


def _show_settings() -> None:
    """Who reviews, and how many accepted parts chance draws."""
    try:
        now = keeping.keeping()
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        return
    with st.expander(_("Random sample and name"), icon=":material/tune:", key="review_settings"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            show_share_field(now, SHARE)
            st.button(_("Change the share"), on_click=keeping.change_share, args=(SHARE,), key="review_share_save")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            field = "review_name"
            show_name_field(field, on_change=review.begin, args=(field,), width=260)
