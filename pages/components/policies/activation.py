"""Activating a policy: only after a look at the parts whose verdict changes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble.evaluation.comparison import Change, verdict_changes
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, _, listed, worded
from ensemble.values.results import Classes, word
from ensemble.values.titles import policy_title
from pages.components.common.charts import show_csv
from pages.components.common.person import show_name_field
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown, quiet_chip, refusals_shown
from pages.components.common.turns import show_turn, turn_frame
from pages.session import drafts, policy_evidence, products


def show_policy_activation(active: Policy, evidence: Evidence) -> None:
    """Show which policy could be put in force and, where one is asked for, what that changes and the confirmation."""
    others = [policy.name for policy in products.policies() if policy.name != active.name]
    offered = drafts.offered()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        # A key of its own for each offer: what the page still sends of the box of before cannot take its place.
        name = st.selectbox(
            _("Policy to activate"),
            others,
            index=others.index(offered) if offered in others else 0,
            format_func=lambda name: worded(policy_title(name)),
            key=f"{drafts.CANDIDATE} {offered}".strip(),
            filter_mode=None,
            width=340,
        )
        pressed = st.button(_("Preview changes"), icon=":material/difference:", key="ask", disabled=not name)
    show_told(drafts.ENFORCED)
    if pressed and name:
        with refusals_shown():
            drafts.ask_for(name)
    pending = drafts.pending()
    if pending is None:
        return
    with st.container(border=True, key="pending"):
        _show_pending(pending, active, evidence)


def _show_pending(pending: drafts.Pending, active: Policy, evidence: Evidence) -> None:
    now, then = policy_title(active.name), policy_title(pending.book.active)
    title = Message("From {now} to {then}", now=now, then=then)
    if pending.state is not None:
        title = Message("From {now} to {then} (version {number})", now=now, then=then, number=pending.state)
    st.markdown(f"**{as_markdown(title)}**")
    try:
        show_policy_difference(active, pending.active(), evidence)
        _show_lost(pending)
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        st.button(_("Cancel"), on_click=drafts.forget_pending, key="leave")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="confirm_bar"):
        st.markdown(f"**{as_markdown(title)}**", width="stretch")
        st.button(_("Cancel"), on_click=drafts.forget_pending, key="leave")
        _show_confirm(pending)


def _show_confirm(pending: drafts.Pending) -> None:
    """Show the button that asks for a name and a reason, and then puts the policy in force."""
    rolling = pending.state is not None
    label = Message("Activate {policy}", policy=policy_title(pending.book.active))
    if rolling:
        label = Message("Restore version {number}", number=pending.state)
    with (
        st.popover(
            f"{as_markdown(label)} …",
            icon=":material/verified:",
            key="confirming",
            type="primary",
        ),
        st.form("confirm", border=False),
    ):
        author = show_name_field("confirm_author")
        reason = "" if rolling else st.text_input(_("Reason"), key="confirm_reason", max_chars=300)
        pressed = st.form_submit_button(as_markdown(label), type="primary", icon=":material/verified:", key="confirmed")
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
        said = Message("Removed: {policies}.", policies=listed(map(policy_title, gone)))
        st.warning(as_markdown(said), icon=":material/delete:")
    if other:
        st.caption(as_markdown(Message("Different settings: {policies}.", policies=listed(map(policy_title, other)))))


MOST = 48  # each is a small picture to send
NOTES: Mapping[str, Message] = {
    "escaped": Message("new escape"),
    "rejected": Message("new overkill"),
    "caught": Message("fixed"),
    "spared": Message("fixed"),
}


def show_policy_difference(before: Policy, after: Policy, evidence: Evidence) -> None:
    """Show the test photos whose verdict changes from one policy to another, by what changes: new escapes first."""
    classes, known = evidence.classes, evidence.test
    now, then = policy_evidence.labels(before, known), policy_evidence.labels(after, known)
    changes = verdict_changes(known, now, then, classes)
    changes.sort(key=lambda change: (change.kind != "escaped", change.kind != "rejected"))
    _show_counts(changes, len(known), classes)
    if not changes:
        return
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in changes[:MOST]:
        groups.setdefault((change.before, change.after), []).append(change)
    for (earlier, later), group in groups.items():
        show_turn(earlier, later, [_frame(change, classes) for change in group], len(group), classes, level=3)
    if len(changes) > MOST:
        st.caption(_("First {shown} of {count}; all are in the file.", shown=MOST, count=len(changes)))
    show_csv("difference", [_row(change) for change in changes], _("Changed verdicts (CSV)"))


def _frame(change: Change, classes: Classes) -> str:
    case = change.case
    actual = Message("actual {label}", label=word(case.label))
    if case.defect not in ("", case.label):
        actual = Message("actual {label} ({defect})", label=word(case.label), defect=case.defect)
    note, look = NOTES.get(change.kind), "nok" if change.kind == "escaped" else "quiet"
    mark = f'<span class="chip {look}">{as_html(note)}</span>' if note else ""
    name, picture = case.photo.rpartition("/")[2], policy_evidence.case_thumbnail(case)
    return turn_frame(name, picture, change.after, actual, classes, mark)


def _show_counts(changes: Sequence[Change], total: int, classes: Classes) -> None:
    said = Message(
        "{count} of {total} verdicts changes", "{count} of {total} verdicts change", count=len(changes), total=total
    )
    facts = [f'<p class="word">{as_html(said)}<small>{as_html(Message("test photos"))}</small></p>']
    if classes.defect is not None:
        counts = Counter(change.kind for change in changes)
        look = "nok" if counts["escaped"] else "quiet"
        facts.append(
            f'<span class="chip {look}">{as_html(Message("New escapes: {count}", count=counts["escaped"]))}</span>'
        )
        facts.append(quiet_chip(Message("Escapes fixed: {count}", count=counts["caught"])))
        facts.append(quiet_chip(Message("New overkill: {count}", count=counts["rejected"])))
        facts.append(quiet_chip(Message("Overkill fixed: {count}", count=counts["spared"])))
    st.html(f'<div class="difference" role="status">{"".join(facts)}</div>')


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
