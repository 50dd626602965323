"""Which inspections are shown: filters that are part of the page's address."""

from collections.abc import Mapping

import streamlit as st

from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, _, worded
from ensemble.values.results import word
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_markdown
from pages.session import history_address

ANY = Message("All")
ANSWERS: Mapping[str, str] = {"": ANY, history_address.YES: Message("Yes"), history_address.NO: Message("No")}


def show_filters() -> history_address.Asked | None:
    """Show the filters as the address has them; gives what is asked, None where the address is not understood."""
    try:
        wanted = history_address.asked()
    except history_address.AddressError as error:
        _show_problem(error)
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", key="history_filters"):
        _show_span(wanted)
        _show_verdicts(wanted)
        if len(history_address.options("of")) > 1 or "of" in wanted.values:
            _show_field("of", wanted)
    _show_set(wanted)
    with (
        st.expander(_("More filters"), icon=":material/tune:", key="history_more"),
        st.container(horizontal=True, vertical_alignment="bottom", key="history_more_fields"),
    ):
        for name in history_address.UNDER_MORE:
            if name in history_address.FLAGS:
                _show_flag(name, wanted)
            elif name not in history_address.CHOSEN_FROM or history_address.options(name):
                _show_field(name, wanted)
    return wanted


def _show_set(wanted: history_address.Asked) -> None:
    """The filters that stand under "More filters" and narrow what is shown, each with a way to take it off."""
    narrowing = [name for name in history_address.UNDER_MORE if name in wanted.values]
    if not narrowing:
        return
    with st.container(horizontal=True, key="history_set"):
        for name in narrowing:
            title, value = (
                (history_address.TEXTS | history_address.FLAGS)[name][1],
                _value_shown(name, wanted.values[name]),
            )
            st.button(
                as_markdown(_("{filter}: {value}", filter=title, value=value)),
                icon=":material/close:",
                help=_("Remove this filter"),
                on_click=history_address.forget,
                args=(name,),
                key=f"history_off_{name}",
            )


def _value_shown(name: str, value: str) -> str:
    if name in history_address.FLAGS:
        return ANSWERS[value]
    return policy_title(value) if name == "by" else value


def _show_problem(error: RecordsError) -> None:
    st.error(as_markdown(error.message), icon=":material/filter_alt_off:")
    with st.container(horizontal=True):
        if isinstance(error, history_address.AddressError):
            args = (error.filter,)
            st.button(
                _("Remove this filter"),
                type="primary",
                on_click=history_address.forget,
                args=args,
                key="history_forget",
            )
        st.button(_("Remove all filters"), on_click=history_address.ask_for_all, key="history_all")


def _keep(name: str, value: object) -> str:
    """The key of a filter's field, which shows what the address says."""
    key = history_address.field_key(name)
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key


def _show_span(wanted: history_address.Asked) -> None:
    span = wanted.values.get(history_address.SPAN, history_address.ALL)
    st.segmented_control(
        _("Time"),
        list(history_address.SPANS),
        required=True,
        format_func=lambda name: worded(history_address.SPANS[name]),
        key=_keep(history_address.SPAN, span),
        on_change=history_address.ask,
        args=(history_address.SPAN,),
        wrap=True,
    )
    if span == history_address.DATES:
        st.date_input(
            _("First and last day"),
            key=_keep(history_address.DATES, history_address.days_asked()),
            on_change=history_address.ask,
            args=(history_address.DATES,),
            format="YYYY-MM-DD",
            width=260,
        )


def _show_verdicts(wanted: history_address.Asked) -> None:
    st.segmented_control(
        _("Verdict"),
        ["", *history_address.options("verdict")],
        required=True,
        format_func=lambda name: as_markdown(word(name) if name else ANY),
        key=_keep("verdict", wanted.values.get("verdict", "")),
        on_change=history_address.ask,
        args=("verdict",),
        wrap=True,
    )


def _show_field(name: str, wanted: history_address.Asked) -> None:
    title, key = worded(history_address.TEXTS[name][1]), _keep(name, wanted.values.get(name, ""))
    if name not in history_address.CHOSEN_FROM:
        st.text_input(title, key=key, on_change=history_address.ask, args=(name,), width=220)
        return
    st.selectbox(
        title,
        ["", *history_address.options(name)],
        format_func=lambda value: worded(_value_shown(name, value) if value else ANY),
        key=key,
        on_change=history_address.ask,
        args=(name,),
        width=220,
    )


def _show_flag(name: str, wanted: history_address.Asked) -> None:
    st.segmented_control(
        worded(history_address.FLAGS[name][1]),
        list(ANSWERS),
        required=True,
        format_func=lambda answer: worded(ANSWERS[answer]),
        key=_keep(name, wanted.values.get(name, "")),
        on_change=history_address.ask,
        args=(name,),
    )
