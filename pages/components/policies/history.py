"""Every version that the policies have had, and the way back to one."""

import streamlit as st

from ensemble.store.policy_history import Published
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_html, as_markdown, quiet_chip, show_sheet
from pages.session import drafts, policy_evidence
from pages.session.clock import local_time

SHOWN = 10
HEAD = (Message("Version"), Message("Since"), Message("Author"), Message("Reason"), Message("Active policy"))


def show_policy_history() -> None:
    """Show the versions, the newest first, and a button that lays an earlier one out to be looked at."""
    try:
        states = policy_evidence.history()[::-1]
    except QuorumError as error:
        st.warning(as_markdown(error.message), icon=":material/history:")
        return
    if not states:
        st.caption(_("No versions yet."))
        return
    rows = [_cells(entry, newest=entry is states[0]) for entry in states[:SHOWN]]
    show_sheet(HEAD, rows, folding=True)
    if len(states) > SHOWN:
        st.caption(_("Latest {shown} of {count} versions.", shown=SHOWN, count=len(states)))
    if len(states) > 1:
        _show_way_back(states[0].number, {entry.number: entry for entry in states[1:]})


def _show_way_back(newest: int, states: dict[int, Published]) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        number = st.selectbox(
            _("Restore version"),
            list(states),
            format_func=lambda number: f"{number} · {worded(states[number].why())}",
            key=f"state before {newest}",  # another newest state asks anew
            filter_mode=None,
            width=340,
        )
        st.button(
            _("Restore …"),
            icon=":material/undo:",
            help=_("Shows first which verdicts would change."),
            on_click=drafts.ask_back,
            args=(number,),
            key="back",
        )


def _cells(entry: Published, *, newest: bool) -> list[str]:
    try:
        active = policy_title(entry.book().active)
    except QuorumError:
        active = Message("not readable")
    state = f" {quiet_chip(Message('current'))}" if newest else ""
    when = local_time(entry.at)
    return [
        f"{entry.number}{state}",
        when,
        as_html(entry.author or "–"),
        as_html(entry.why()),
        as_html(active),
    ]
