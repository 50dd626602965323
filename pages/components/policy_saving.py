"""Saving the draft among the product's policies; it is not in force by that."""

import streamlit as st

from ensemble.errors import QuorumError
from pages.components import session
from pages.components.sheet import as_markdown


def show_policy_saving() -> None:
    """Show who saves the draft under which name and why; refuse over a file that a person must mend."""
    if problem := session.problem_of_file():
        names = ", ".join(session.names_in_file()) or "whatever stands in it"
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
    draft = session.draft()
    if said := session.told(session.SAVED):
        st.success(as_markdown(said), icon=":material/check_circle:")
    if pressed and draft is not None:
        try:
            session.save(draft, name, author, reason)
        except (QuorumError, OSError) as error:
            st.error(as_markdown(str(error)), icon=":material/block:")
        else:
            st.rerun()
