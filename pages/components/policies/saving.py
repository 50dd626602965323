"""Keeping a draft among the product's policies: by whom, under which name, and why."""

import streamlit as st

from ensemble.policies import Policy
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, listed, paragraph
from ensemble.values.titles import policy_title
from pages.components.common.person import show_name_field
from pages.components.common.sheet import as_markdown, refusals_shown
from pages.session import drafts
from pages.session.told import told


def show_policy_saving(draft: Policy, base: Policy, *, unmoved: bool) -> None:
    """Show what can be done with a draft; once it differs from what it started from, in a bar that stays in sight."""
    with st.container(horizontal=True, vertical_alignment="center", key="save_bar" if unmoved else "save_bar_moved"):
        if not unmoved:
            st.markdown(_("**Unsaved draft.** {rule}", rule=as_markdown(draft.description)), width="stretch")
            st.button(_("Discard"), icon=":material/undo:", on_click=drafts.discard, args=(base.name,), key="discard")
        with st.popover(
            _("Save draft …"), icon=":material/save:", key="saving", type="secondary" if unmoved else "primary"
        ):
            _show_form(draft)


def show_saved_policy() -> None:
    """Say what was saved last, and offer to show what it would change."""
    if saved := told(drafts.SAVED).sentence:
        with st.container(horizontal=True, vertical_alignment="center", key="saved"):
            st.success(as_markdown(saved), icon=":material/check_circle:")
            st.button(_("Preview changes"), on_click=drafts.choose, args=(drafts.offered(),), key="choose_saved")


def _show_form(draft: Policy) -> None:
    """Ask for name, author and reason; refuse over a file that a person must mend."""
    if problem := drafts.problem_of_file():
        names = drafts.names_in_file()
        loss = Message("Saving would overwrite the file.")
        if names:
            policies = listed(map(policy_title, names))
            loss = Message("Saving would overwrite the file with its policies: {policies}.", policies=policies)
        said = paragraph(Message("Cannot save."), problem, loss)
        st.error(as_markdown(said), icon=":material/report:")
        return
    with st.form("save_draft", border=False):
        name = st.text_input(_("Name"), key="save_name", max_chars=60)
        author = show_name_field("save_author")
        reason = st.text_input(_("Reason"), key="save_reason", max_chars=300)
        pressed = st.form_submit_button(_("Save draft"), icon=":material/save:", key="save")
    st.caption(_("All fields required. Saving does not activate."))
    if pressed:
        with refusals_shown(":material/block:", (QuorumError, OSError)):
            drafts.save(draft, name, author, reason)
            st.rerun()
