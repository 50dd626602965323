"""Every version that the policies have had, and the way back to one."""

from html import escape

import streamlit as st

from ensemble.store.policy_history import Published
from ensemble.values.errors import QuorumError
from ensemble.values.titles import policy_title
from pages.components.common.sheet import as_markdown, quiet_chip, refusals_shown, show_sheet
from pages.session import drafts, policy_evidence
from pages.session.told import told

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
        pressed = st.button(
            "Restore …",
            icon=":material/undo:",
            help="Shows first which verdicts would change.",
            key="back",
        )
    if pressed:
        with refusals_shown():
            drafts.ask_back(number)
            st.rerun()


def _cells(entry: Published, *, newest: bool) -> list[str]:
    try:
        active = policy_title(entry.book().active)
    except QuorumError:
        active = "not readable"
    state = f" {quiet_chip('current')}" if newest else ""
    when = entry.at[:16].replace("T", " ")
    return [f"{entry.number}{state}", when, escape(entry.author or "–"), escape(entry.reason), escape(active)]


def show_policy_saving() -> None:
    """Show who saves the draft under which name and why; refuse over a file that a person must mend."""
    if problem := drafts.problem_of_file():
        names = ", ".join(map(policy_title, drafts.names_in_file()))
        loss = f"Saving would overwrite the file with its policies: {names}."
        if not names:
            loss = "Saving would overwrite the file."
        st.error(f"Cannot save. {as_markdown(problem)} {as_markdown(loss)}", icon=":material/report:")
        return
    with (
        st.form("save_draft", border=False),
        st.container(horizontal=True, gap="medium", vertical_alignment="bottom"),
    ):
        name = st.text_input("Name", key="save_name", max_chars=60, width=180)
        author = st.text_input("Author", key="save_author", max_chars=60, width=180)
        reason = st.text_input("Reason", key="save_reason", max_chars=300, width=380)
        pressed = st.form_submit_button("Save draft", icon=":material/save:", key="save")
    st.caption("All fields required. Saving does not activate.")
    draft = drafts.draft()
    if said := told(drafts.SAVED).sentence:
        st.success(as_markdown(said), icon=":material/check_circle:")
    if pressed and draft is not None:
        with refusals_shown(":material/block:", (QuorumError, OSError)):
            drafts.save(draft, name, author, reason)
            st.rerun()
