"""Putting a policy in force: only after a look at the parts whose verdict changes."""

import streamlit as st

from ensemble.cases import Evidence
from ensemble.errors import QuorumError
from ensemble.policies import Policy
from pages.components import session
from pages.components.policy_difference import show_policy_difference
from pages.components.sheet import as_markdown


def show_policy_activation(active: Policy, evidence: Evidence) -> None:
    """Show which policy could be put in force and, where one is asked for, what that changes and the confirmation."""
    others = [policy.name for policy in session.policies() if policy.name != active.name]
    offered = session.offered()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        # A key of its own for each offer: what the page still sends of the box of before cannot take its place.
        name = st.selectbox(
            "Policy to put in force",
            others,
            index=others.index(offered) if offered in others else 0,
            key=f"{session.CANDIDATE} {offered}".strip(),
            filter_mode=None,
            width=340,
        )
        pressed = st.button("Show what would change", icon=":material/difference:", key="ask", disabled=not name)
    if said := session.told(session.ENFORCED):
        st.success(as_markdown(said), icon=":material/check_circle:")
    if pressed and name:
        try:
            session.ask_for(name)
        except QuorumError as error:
            st.error(as_markdown(str(error)), icon=":material/report:")
    pending = session.pending()
    if pending is None:
        return
    with st.container(border=True, key="pending"):
        _show_pending(pending, active, evidence)


def _show_pending(pending: session.Pending, active: Policy, evidence: Evidence) -> None:
    back = f" (state {pending.state})" if pending.state else ""
    st.markdown(f"**From {as_markdown(active.name)} to {as_markdown(pending.book.active)}{back}**")
    try:
        show_policy_difference(active, pending.active(), evidence)
        _show_lost(pending)
    except QuorumError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        st.button("Leave it as it is", on_click=session.forget_pending, key="leave")
        return
    rolling = pending.state is not None
    label = f"Roll back to state {pending.state}" if rolling else f"Put {pending.book.active} in force"
    with st.form("confirm", border=False), st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        author = st.text_input("Author", key="confirm_author", max_chars=60, width=180)
        reason = "" if rolling else st.text_input("Reason", key="confirm_reason", max_chars=300, width=380)
        pressed = st.form_submit_button(as_markdown(label), type="primary", icon=":material/verified:", key="confirmed")
    st.button("Leave it as it is", on_click=session.forget_pending, key="leave")
    if pressed:
        try:
            session.confirm(pending, author, reason)
        except (QuorumError, OSError) as error:
            st.error(as_markdown(str(error)), icon=":material/block:")
        else:
            st.rerun()


def _show_lost(pending: session.Pending) -> None:
    """Name the policies that another state does not hold, or holds otherwise."""
    now = {policy.name: policy for policy in session.book().policies}
    then = {policy.name: policy for policy in pending.book.policies}
    gone = [name for name in now if name not in then]
    other = [name for name in now if name in then and now[name] != then[name]]
    if gone:
        st.warning(f"No longer among the policies: {as_markdown(', '.join(gone))}.", icon=":material/delete:")
    if other:
        st.caption(f"With other settings than now: {as_markdown(', '.join(other))}.")
