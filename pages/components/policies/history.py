"""Every state that the policies have had, and the way back to one."""

from html import escape

import streamlit as st

from ensemble.store.policy_history import Published
from ensemble.values.errors import QuorumError
from pages.components.common.sheet import as_markdown, quiet_chip, refusals_shown, show_sheet
from pages.session import drafts, policy_evidence
from pages.session.told import told

SHOWN = 10


def show_policy_history() -> None:
    """Show the states, the newest first, and a button that lays an earlier one out to be looked at."""
    try:
        states = policy_evidence.history()[::-1]
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
        with refusals_shown():
            drafts.ask_back(number)
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


def show_policy_saving() -> None:
    """Show who saves the draft under which name and why; refuse over a file that a person must mend."""
    if problem := drafts.problem_of_file():
        names = ", ".join(drafts.names_in_file()) or "whatever stands in it"
        st.error(
            f"Nothing can be saved: {as_markdown(problem)} Saving would overwrite the file, and what was edited in it "
            f"would be lost ({as_markdown(names)}).",
            icon=":material/report:",
        )
        return
    with (
        st.form("save_draft", border=False),
        st.container(horizontal=True, gap="medium", vertical_alignment="bottom"),
    ):
        name = st.text_input("Name", key="save_name", max_chars=60, width=180)
        author = st.text_input("Author", key="save_author", max_chars=60, width=180)
        reason = st.text_input("Reason", key="save_reason", max_chars=300, width=380)
        pressed = st.form_submit_button("Save the draft", icon=":material/save:", key="save")
    st.caption("All three are needed. A saved policy is not in force.")
    draft = drafts.draft()
    if said := told(drafts.SAVED).sentence:
        st.success(as_markdown(said), icon=":material/check_circle:")
    if pressed and draft is not None:
        with refusals_shown(":material/block:", (QuorumError, OSError)):
            drafts.save(draft, name, author, reason)
            st.rerun()
