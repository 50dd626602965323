"""Every version that the policies have had, and the way back to one."""

from html import escape

import streamlit as st

from ensemble.store.policy_history import Published
from ensemble.values.errors import QuorumError
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_markdown, quiet_chip, show_sheet
from pages.session import drafts, policy_evidence

SHOWN = 10


def show_policy_history() -> None:
    """Show the versions, the newest first, and a button that lays an earlier one out to be looked at."""
    try:
        states = policy_evidence.history()[::-1]
    except QuorumError as error:
        st.warning(as_markdown(str(error)), icon=":material/history:")
        return
    if not states:
        st.caption("No versions yet.")
        return
    rows = [_cells(entry, newest=entry is states[0]) for entry in states[:SHOWN]]
    show_sheet(("Version", "Since (UTC)", "Author", "Reason", "Active policy"), rows, folding=True)
    if len(states) > SHOWN:
        st.caption(f"Latest {SHOWN} of {len(states)} versions.")
    if len(states) > 1:
        _show_way_back(states[0].number, {entry.number: entry for entry in states[1:]})


def _show_way_back(newest: int, states: dict[int, Published]) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        number = st.selectbox(
            "Restore version",
            list(states),
            format_func=lambda number: f"{number} · {states[number].reason}",
            key=f"state before {newest}",  # another newest state asks anew
            filter_mode=None,
            width=340,
        )
        st.button(
            "Restore …",
            icon=":material/undo:",
            help="Shows first which verdicts would change.",
            on_click=drafts.ask_back,
            args=(number,),
            key="back",
        )


def _cells(entry: Published, *, newest: bool) -> list[str]:
    try:
        active = policy_title(entry.book().active)
    except QuorumError:
        active = "not readable"
    state = f" {quiet_chip('current')}" if newest else ""
    when = entry.at[:16].replace("T", " ")
    return [f"{entry.number}{state}", when, escape(entry.author or "–"), escape(entry.reason), escape(active)]
