"""A policy in the making: start from one, move its cuts, and see at once what that would do."""

import json
from dataclasses import replace

import streamlit as st

from ensemble.cases import Case, Evidence
from ensemble.costs import Line
from ensemble.policies import Policy
from ensemble.policies.files import entry_of
from pages.components import session
from pages.components.chart import show_file
from pages.components.policy_classes import show_policy_classes
from pages.components.policy_confusion import show_policy_confusion
from pages.components.policy_cuts import BY_HAND, show_policy_cuts
from pages.components.policy_escapes import show_policy_escapes
from pages.components.policy_histogram import show_policy_histogram
from pages.components.policy_outcome import show_policy_outcome
from pages.components.policy_words import conditions, rule_in_words
from pages.components.sheet import as_markdown

DRAFT = "DRAFT"
SETS = {session.HELD_OUT: "held-out photos (choose on these)", session.TEST: "test photos (measure only)"}


@st.fragment
def show_policy_draft(evidence: Evidence, line: Line) -> None:
    """Show the draft and all that follows from its cuts; nothing else on the page is made anew when one moves."""
    bases = {policy.name: policy for policy in session.bases()}
    active = next(iter(bases.values()))
    base, photos = _show_start(bases, active)
    known = evidence.held_out if photos == session.HELD_OUT else evidence.test
    moved = show_policy_cuts(base, evidence.classes, photos)
    draft = _draft(moved, evidence)
    session.keep_draft(draft)
    _show_rule(draft, moved == base, base)
    if not known:
        st.info(f"No {SETS[photos].partition(' (')[0]} are kept with this product. Choose the others, or train again.")
        return
    if evidence.classes.defect is None:
        show_policy_classes(draft, known)
    else:
        show_policy_outcome(draft, active, known, line)
        with st.container(key="policy_charts"):
            with st.container():
                show_policy_histogram(draft, known)
            with st.container():
                show_policy_confusion(draft, known)
        show_policy_escapes(draft, known)
    text = json.dumps(entry_of(draft), indent=2, ensure_ascii=False) + "\n"
    show_file(text.encode(), "draft-policy", ".json", "This draft (JSON)")


def _show_start(bases: dict[str, Policy], active: Policy) -> tuple[Policy, str]:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        name = st.selectbox(
            "Start from",
            list(bases),
            key=session.FROM,
            bind="query-params",
            filter_mode=None,
            format_func=lambda name: f"{name} (active)" if name == active.name else name,
            width=340,
        )
        photos = st.segmented_control(
            "Counted on",
            list(SETS),
            default=session.HELD_OUT,
            required=True,
            format_func=SETS.__getitem__,
            key=session.PHOTOS,
            bind="query-params",
            wrap=True,
        )
    if photos == session.TEST:
        st.caption(
            "Moving a cut until the **test** photos look good is a mistake: they then no longer tell what to expect on "
            "the line, and the draft loses its right to be called SAFE."
        )
    return bases[name], str(photos)


def _draft(moved: Policy, evidence: Evidence) -> Policy:
    """The draft without the name, author and reason of what it started from, and with the counts it rests on."""
    draft = replace(moved, name=DRAFT, author="", reason="", description=rule_in_words(moved, evidence.classes))
    by_hand = draft.basis.get("chosen") == BY_HAND and draft.basis.get("photos") == "held out"
    return replace(draft, basis={**draft.basis, **_counts(draft, evidence.held_out)}) if by_hand else draft


def _counts(draft: Policy, held_out: tuple[Case, ...]) -> dict[str, int]:
    if session.classes().defect is None:
        return {"count": len(held_out)}
    found = session.counts(draft, held_out)
    return {name: getattr(found, name) for name in ("good", "defective", "escapes", "overkills")}


def _show_rule(draft: Policy, unmoved: bool, base: Policy) -> None:
    state = f"As {base.name}, nothing moved." if unmoved else "Moved, and not in force."
    st.markdown(f"**{as_markdown(draft.description)}** {as_markdown(state)}")
    if more := conditions(draft):
        st.caption(as_markdown(more))
