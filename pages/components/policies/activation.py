"""Activating a policy: only after a look at the parts whose verdict changes."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble.evaluation.comparison import Change, verdict_changes
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.values.errors import QuorumError
from ensemble.values.results import Classes, word
from ensemble.values.titles import policy_title
from pages.components.common.charts import show_csv
from pages.components.common.sheet import as_markdown, chip, quiet_chip, refusals_shown, show_sheet
from pages.components.common.style import data_address
from pages.session import drafts, policy_evidence, products
from pages.session.told import told


def show_policy_activation(active: Policy, evidence: Evidence) -> None:
    """Show which policy could be put in force and, where one is asked for, what that changes and the confirmation."""
    others = [policy.name for policy in products.policies() if policy.name != active.name]
    offered = drafts.offered()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        # A key of its own for each offer: what the page still sends of the box of before cannot take its place.
        name = st.selectbox(
            "Policy to activate",
            others,
            index=others.index(offered) if offered in others else 0,
            format_func=policy_title,
            key=f"{drafts.CANDIDATE} {offered}".strip(),
            filter_mode=None,
            width=340,
        )
        pressed = st.button("Preview changes", icon=":material/difference:", key="ask", disabled=not name)
    if said := told(drafts.ENFORCED).sentence:
        st.success(as_markdown(said), icon=":material/check_circle:")
    if pressed and name:
        with refusals_shown():
            drafts.ask_for(name)
    pending = drafts.pending()
    if pending is None:
        return
    with st.container(border=True, key="pending"):
        _show_pending(pending, active, evidence)


def _show_pending(pending: drafts.Pending, active: Policy, evidence: Evidence) -> None:
    now, then = as_markdown(policy_title(active.name)), as_markdown(policy_title(pending.book.active))
    title = f"From {now} to {then}"
    if pending.state is not None:
        title = f"From {now} to {then} (version {pending.state})"
    st.markdown(f"**{title}**")
    try:
        show_policy_difference(active, pending.active(), evidence)
        _show_lost(pending)
    except QuorumError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        st.button("Cancel", on_click=drafts.forget_pending, key="leave")
        return
    rolling = pending.state is not None
    label = f"Restore version {pending.state}" if rolling else f"Activate {policy_title(pending.book.active)}"
    with st.form("confirm", border=False), st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        author = st.text_input("Author", key="confirm_author", max_chars=60, width=180)
        reason = "" if rolling else st.text_input("Reason", key="confirm_reason", max_chars=300, width=380)
        pressed = st.form_submit_button(as_markdown(label), type="primary", icon=":material/verified:", key="confirmed")
    st.button("Cancel", on_click=drafts.forget_pending, key="leave")
    if pressed:
        with refusals_shown(":material/block:", (QuorumError, OSError)):
            drafts.confirm(pending, author, reason)
            st.rerun()


def _show_lost(pending: drafts.Pending) -> None:
    """Name the policies that another version does not hold, or holds otherwise."""
    now = {policy.name: policy for policy in policy_evidence.book().policies}
    then = {policy.name: policy for policy in pending.book.policies}
    gone = [name for name in now if name not in then]
    other = [name for name in now if name in then and now[name] != then[name]]
    if gone:
        st.warning(f"Removed: {as_markdown(', '.join(map(policy_title, gone)))}.", icon=":material/delete:")
    if other:
        st.caption(f"Different settings: {as_markdown(', '.join(map(policy_title, other)))}.")


MOST = 50


def show_policy_difference(before: Policy, after: Policy, evidence: Evidence) -> None:
    """Show the test photos whose verdict changes from one policy to another: new escapes first."""
    classes, known = evidence.classes, evidence.test
    now, then = policy_evidence.labels(before, known), policy_evidence.labels(after, known)
    changes = verdict_changes(known, now, then, classes)
    changes.sort(key=lambda change: (change.kind != "escaped", change.kind != "rejected"))
    _show_counts(changes, len(known), classes)
    if not changes:
        return
    rows = [_cells(change, classes) for change in changes[:MOST]]
    show_sheet(("Photo", "Actual", "Before", "After"), rows, folding=True)
    if len(changes) > MOST:
        st.caption(f"First {MOST} of {len(changes)}; all are in the file.")
    show_csv("difference", [_row(change) for change in changes], "Changed verdicts (CSV)")


def _show_counts(changes: Sequence[Change], total: int, classes: Classes) -> None:
    said = f"{len(changes)} of {total} verdicts change"
    if len(changes) == 1:
        said = f"1 of {total} verdicts changes"
    facts = [f'<p class="word">{said}<small>test photos</small></p>']
    if classes.defect is not None:
        counts = Counter(change.kind for change in changes)
        look = "nok" if counts["escaped"] else "quiet"
        facts.append(f'<span class="chip {look}">New escapes: {counts["escaped"]}</span>')
        facts.append(quiet_chip(f"Escapes fixed: {counts['caught']}"))
        facts.append(quiet_chip(f"New overkill: {counts['rejected']}"))
        facts.append(quiet_chip(f"Overkill fixed: {counts['spared']}"))
    st.html(f'<div class="difference" role="status">{"".join(facts)}</div>')


def _cells(change: Change, classes: Classes) -> list[str]:
    case = change.case
    picture = policy_evidence.case_thumbnail(case)
    name = case.photo.rpartition("/")[2]
    shown = (
        f"{escape(name)}<small>{escape(case.defect)}</small>" if case.defect not in ("", case.label) else escape(name)
    )
    seen = '<span class="photo-gone">no photo</span>'
    if picture is not None:
        seen = f'<img src="{data_address("jpeg", picture)}" alt="Photo {escape(name)}">'
    note = ""
    if change.kind == "escaped":
        note = ' <span class="chip nok">new escape</span>'
    elif change.kind == "rejected":
        note = f" {quiet_chip('new overkill')}"
    return [
        f'<span class="with-photo">{seen}<span>{shown}</span></span>',
        quiet_chip(word(case.label)),
        quiet_chip(word(change.before)),
        f"{chip(change.after, classes)}{note}",
    ]


def _row(change: Change) -> dict[str, object]:
    return {
        "photo": change.photo,
        "sha256": change.sha256,
        "truth": change.label,
        "before": change.before,
        "after": change.after,
        "new_escape": "yes" if change.kind == "escaped" else "no",
        "new_overkill": "yes" if change.kind == "rejected" else "no",
    }
