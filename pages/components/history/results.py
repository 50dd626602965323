"""What matches, the newest first: each inspection with the colour, the word and the shape of its verdict."""

import streamlit as st

from ensemble import figures
from ensemble.inspection.kept import classes_of
from ensemble.policies import reasons
from ensemble.records.history import COUNTED_UP_TO
from ensemble.records.values import Inspection
from ensemble.values.errors import QuorumError
from ensemble.values.language import _
from ensemble.values.results import word
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown
from pages.components.common.style import data_address, shape
from pages.components.history.files import show_history_files
from pages.components.history.part import show_part_asked, show_part_link
from pages.session import history, history_address
from pages.session.clock import local_time
from pages.session.told import HISTORY


def show_inspections(wanted: history_address.Asked | None) -> None:
    """Show the page that is asked for, and the ways to the others."""
    show_told(HISTORY)
    if wanted is None:
        return
    page, count = history.page(wanted)
    show_part_asked(wanted)
    if not page.inspections:
        _show_nothing(wanted)
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{as_markdown(_counted(count))}**", width="content")
        _show_ways(wanted, page.before)
    with st.container(horizontal=True, key="history_grid"):
        for inspection in page.inspections:
            _show_tile(inspection)
    show_history_files(wanted, count)


def _counted(count: int) -> str:
    if count > COUNTED_UP_TO:
        return _("More than {count:,} inspections", "More than {count:,} inspections", count=COUNTED_UP_TO)
    return _("{count:,} inspection", "{count:,} inspections", count=count)


def _show_nothing(wanted: history_address.Asked) -> None:
    if history.is_empty():
        st.info(
            _("No inspection is kept yet. Inspect a photo: its verdict then stands here."), icon=":material/history:"
        )
        st.page_link("pages/screens/inspect_photo.py", label=_("Inspect a photo"), icon=":material/search:")
        return
    st.info(_("No inspection matches these filters."), icon=":material/filter_alt:")
    with st.container(horizontal=True):
        if wanted.values.get(history_address.SPAN, history_address.ALL) != history_address.ALL:
            st.button(_("Show all times"), on_click=history_address.forget_span, key="history_all_times")
        st.button(_("Remove all filters"), on_click=history_address.ask_for_all, key="history_all")


def _show_ways(wanted: history_address.Asked, after: int | None) -> None:
    """Buttons to the page of newer and the page of older inspections."""
    if wanted.before is None and after is None:
        return
    with st.container(horizontal=True, width="content", key="history_ways"):
        st.button(
            _("Newer"),
            icon=":material/chevron_left:",
            disabled=wanted.before is None,
            on_click=history_address.go_to,
            args=(history.page_before(wanted),),
            key="history_newer",
            shortcut="Left",
        )
        st.button(
            _("Older"),
            icon=":material/chevron_right:",
            disabled=after is None,
            on_click=history_address.go_to,
            args=(after,),
            key="history_older",
            shortcut="Right",
        )


def _show_tile(inspection: Inspection) -> None:
    stored = inspection.stored
    with st.container(key=f"history_photo_{inspection.number}"):
        st.html(_photo(inspection))
        st.button(
            as_markdown(stored["photo"]),
            type="tertiary",
            on_click=history_address.open_one,
            args=(inspection.id,),
            key=f"history_pick_{inspection.number}",
        )
        st.html(_facts(inspection))
        show_part_link(inspection)


def _photo(inspection: Inspection) -> str:
    stored = inspection.stored
    look = figures.tone(stored["verdict"], classes_of(stored))
    small = history.thumbnail_of(inspection)
    name, kept = as_html(stored["photo"]), as_html(_("photo not kept"))
    seen = f'<img src="{data_address("jpeg", small)}" alt="{name}">' if small else f'<div class="gone">{kept}</div>'
    return (
        f'<figure class="shot {look}">{seen}<figcaption>{shape(look)}{as_html(word(stored["verdict"]))}</figcaption>'
        "</figure>"
    )


def _why_short(inspection: Inspection) -> str:
    try:
        return reasons.headline(history.verdict_then(inspection, with_map=False))
    except QuorumError as error:
        return error.message


def _facts(inspection: Inspection) -> str:
    stored = inspection.stored
    facts = [local_time(stored["time"])]
    if len(history_address.options("of")) > 1:
        facts.append(stored["product"])
    if stored["trial"]:
        facts.append(_("trial policy"))
    facts.append(_why_short(inspection))
    if inspection.settled != stored["verdict"]:
        facts.append(_("reviewed: {label}", label=word(inspection.settled)))
    lines = "".join(f"<div>{as_html(each)}</div>" for each in facts)
    return f'<div class="shot-facts">{lines}</div>'
