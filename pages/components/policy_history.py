"""Every state that the policies have had, and the way back to one."""

from html import escape

import streamlit as st

from ensemble.errors import QuorumError
from ensemble.store.policy_history import Published
from pages.components import session
from pages.components.sheet import as_markdown, quiet_chip, show_sheet

SHOWN = 10


def show_policy_history() -> None:
    """Show the states, the newest first, and a button that lays an earlier one out to be looked at."""
    try:
        states = session.history()[::-1]
    except QuorumError as error:
        st.warning(as_markdown(str(error)), icon=":material/history:")
        return
    if not states:
        st.caption("No state of these policies has been kept yet.")
        return
    rows = [_cells(entry, newest=entry is states[0]) for entry in states[:SHOWN]]
    show_sheet(("State", "Since (UTC)", "Author", "Reason", "Active"), rows, folding=True)
    if len(states) > SHOWN:
        st.caption(f"The newest {SHOWN} of {len(states)} states.")
    if len(states) > 1:
        _show_way_back(states[0].number, {entry.number: entry for entry in states[1:]})


def _show_way_back(newest: int, states: dict[int, Published]) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        number = st.selectbox(
            "State to go back to",
            list(states),
            format_func=lambda number: f"{number} · {states[number].reason}",
            key=f"state before {newest}",  # another newest state asks anew
            filter_mode=None,
            width=340,
        )
        pressed = st.button("Roll back …", icon=":material/undo:", key="back")
    if pressed:
        try:
            session.ask_back(number)
        except QuorumError as error:
            st.error(as_markdown(str(error)), icon=":material/report:")
        else:
            st.rerun()
    st.caption("Rolling back shows first which parts would change their verdict.")


def _cells(entry: Published, *, newest: bool) -> list[str]:
    try:
        active = entry.book().active
    except QuorumError:
        active = "cannot be read any more"
    state = f" {quiet_chip('now')}" if newest else ""
    when = entry.at[:16].replace("T", " ")
    return [f"{entry.number}{state}", when, escape(entry.author or "–"), escape(entry.reason), escape(active)]
