"""Activating a policy: only after a look at the parts whose verdict changes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from ensemble import figures
from ensemble.evaluation.comparison import Change, verdict_changes
from ensemble.policies import Policy
from ensemble.policies.cases import Evidence
from ensemble.values.errors import QuorumError
from ensemble.values.results import Classes, word
from ensemble.values.titles import policy_title
from pages.components.common.charts import show_csv
from pages.components.common.progress import show_told
from pages.components.common.sheet import as_html, as_markdown, breakable, chip, quiet_chip, refusals_shown
from pages.components.common.style import data_address
from pages.session import drafts, policy_evidence, products


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
    now, then = as_markdown(policy_title(active.name)), as_markdown(policy_title(pending.book.active))
    title = f"From {now} to {then}"
    if pending.state is not None:
        title = f"From {now} to {then} (version {pending.state})"
    st.markdown(f"**{title}**")
    try:
        show_policy_difference(active, pending.active(), evidence)
        _show_lost(pending)
    except QuorumError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        st.button("Cancel", on_click=drafts.forget_pending, key="leave")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="confirm_bar"):
        st.markdown(f"**{title}**", width="stretch")
        st.button("Cancel", on_click=drafts.forget_pending, key="leave")
        _show_confirm(pending)


def _show_confirm(pending: drafts.Pending) -> None:
    """Show the button that asks for a name and a reason, and then puts the policy in force."""
    rolling = pending.state is not None
    label = f"Restore version {pending.state}" if rolling else f"Activate {policy_title(pending.book.active)}"
    with (
        st.popover(as_markdown(f"{label} …"), icon=":material/verified:", key="confirming", type="primary"),
        st.form("confirm", border=False),
    ):
        author = st.text_input("Author", key="confirm_author", max_chars=60)
        reason = "" if rolling else st.text_input("Reason", key="confirm_reason", max_chars=300)
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
        st.warning(f"Removed: {as_markdown(', '.join(map(policy_title, gone)))}.", icon=":material/delete:")
    if other:
        st.caption(f"Different settings: {as_markdown(', '.join(map(policy_title, other)))}.")


MOST = 48  # each is a small picture to send
NOTES: Mapping[str, str] = {"escaped": "new escape", "rejected": "new overkill", "caught": "fixed", "spared": "fixed"}


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
        _show_group(earlier, later, group, classes)
    if len(changes) > MOST:
        st.caption(f"First {MOST} of {len(changes)}; all are in the file.")
    show_csv("difference", [_row(change) for change in changes], "Changed verdicts (CSV)")


def _show_group(before: str, after: str, group: Sequence[Change], classes: Classes) -> None:
    """Show the photos of which one verdict becomes another, each with what it truly is."""
    frames = "".join(_frame(change, classes) for change in group)
    st.html(
        f'<h3 class="turn">{quiet_chip(word(before))}<span aria-label="becomes">→</span>{chip(after, classes)}'
        f'<small>{len(group)}</small></h3><div class="thumbs">{frames}</div>'
    )


def _frame(change: Change, classes: Classes) -> str:
    case = change.case
    picture, name = policy_evidence.case_thumbnail(case), case.photo.rpartition("/")[2]
    seen = '<span class="photo-gone">no photo</span>'
    if picture is not None:
        seen = f'<img src="{data_address("jpeg", picture)}" alt="Photo {as_html(name)}">'
    defect = f" ({as_html(case.defect)})" if case.defect not in ("", case.label) else ""
    note = NOTES.get(change.kind, "")
    mark = f'<span class="chip {"nok" if change.kind == "escaped" else "quiet"}">{note}</span>' if note else ""
    return (
        f'<figure class="{figures.tone(change.after, classes)}">{seen}<figcaption><b>{breakable(name)}</b>'
        f"<span>actual {as_html(word(case.label))}{defect}</span>{mark}</figcaption></figure>"
    )


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
