"""A policy in the making: start from one, move its thresholds, and see at once what that would do."""

from dataclasses import replace
from typing import TypeVar

import streamlit as st

from ensemble.metrics.costs import Line
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence
from ensemble.policies.files import entry_of
from ensemble.values.digits import threshold_text
from ensemble.values.language import Message, _, listed, worded
from ensemble.values.results import Classes
from ensemble.values.titles import model_title
from pages.components.common.charts import show_json
from pages.components.common.choices import show_choice
from pages.components.common.sheet import as_markdown
from pages.components.policies.outcome import (
    show_policy_classes,
    show_policy_confusion,
    show_policy_escapes,
    show_policy_histogram,
    show_policy_outcome,
)
from pages.components.policies.saving import show_policy_saving
from pages.components.policies.sizes import show_policy_sizes
from pages.components.policies.words import conditions, picked_title, rule_in_words
from pages.session import drafts, policy_evidence, products, wishes

DRAFT = "DRAFT"
SETS = {drafts.HELD_OUT: Message("Validation"), drafts.TEST: Message("Test (read only)")}
MISSING = {
    drafts.HELD_OUT: Message("No validation photos for this product. Select Test, or train again."),
    drafts.TEST: Message("No test photos for this product. Select Validation, or train again."),
}


@st.fragment
def show_policy_draft(evidence: Evidence, line: Line) -> None:
    """Show the draft and all that follows from its thresholds; nothing else on the page is made anew when one moves."""
    bases = {policy.name: policy for policy in drafts.bases()}
    active = next(iter(bases.values()))
    base, photos = _show_start(bases, active)
    known = evidence.held_out if photos == drafts.HELD_OUT else evidence.test
    moved = show_policy_thresholds(base, evidence.classes, photos)
    draft = _draft(moved, evidence)
    drafts.keep_draft(draft)
    _show_rule(draft, unmoved=moved == base)
    if not known:
        st.info(worded(MISSING[photos]))
    elif evidence.classes.defect is None:
        show_policy_classes(draft, known)
    else:
        show_policy_outcome(draft, active, known, line)
        with st.container(key="policy_charts"):
            with st.container():
                show_policy_histogram(draft, known)
            with st.container():
                show_policy_confusion(draft, known)
        show_policy_escapes(draft, known)
    show_json(entry_of(draft), "draft-policy", _("Draft (JSON)"))
    show_policy_saving(draft, base, unmoved=moved == base)


def _show_start(bases: dict[str, Policy], active: Policy) -> tuple[Policy, str]:
    wishes.restore(drafts.FROM, list(bases))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        name = st.selectbox(
            _("Start from"),
            list(bases),
            key=drafts.FROM,
            persist_state="session",
            filter_mode=None,
            format_func=lambda name: worded(picked_title(name, active.name)),
            width=340,
        )
        look = {"label_visibility": "visible", "persist_state": "session", "wrap": True}
        start = st.query_params.get(drafts.PHOTOS)
        photos = show_choice(_("Data"), SETS, drafts.PHOTOS, lambda name: worded(SETS[name]), start=start, **look)
    wishes.show_in_address(drafts.FROM, name, active.name)
    wishes.show_in_address(drafts.PHOTOS, photos, drafts.HELD_OUT)
    if photos == drafts.TEST:
        st.caption(
            _(
                "Do not choose thresholds on **test** photos: they then no longer show what to expect in production, "
                "and the draft may no longer be called SAFE."
            )
        )
    return bases[name], photos


def _draft(moved: Policy, evidence: Evidence) -> Policy:
    """The draft without the name, author and reason of what it started from, and with the counts it rests on."""
    draft = replace(moved, name=DRAFT, author="", reason="", description=rule_in_words(moved, evidence.classes))
    by_hand = draft.basis.get("chosen") == BY_HAND and draft.basis.get("photos") == "held out"
    return replace(draft, basis={**draft.basis, **_counts(draft, evidence.held_out)}) if by_hand else draft


def _counts(draft: Policy, held_out: tuple[Case, ...]) -> dict[str, int]:
    if products.classes().defect is None:
        return {"count": len(held_out)}
    found = policy_evidence.counts(draft, held_out)
    return {name: getattr(found, name) for name in ("good", "defective", "escapes", "overkills")}


def _show_rule(draft: Policy, *, unmoved: bool) -> None:
    state = _("Unchanged") if unmoved else _("Unsaved draft")
    st.markdown(f"**{as_markdown(draft.description)}** {state}")
    if more := conditions(draft):
        st.caption(as_markdown(more))


STEP = 0.001  # of a slider; a threshold that is not moved keeps all its digits
BY_HAND = "by hand"
Value = TypeVar("Value", float, tuple[float, float])


def show_policy_thresholds(base: Policy, classes: Classes, photos: str) -> Policy:
    """Show what can be moved of a policy; gives it as moved, with a basis that says by which photos."""
    with st.container(key="cuts"):
        if classes.defect is None:
            moved, key = _margin(base, photos)
        elif base.voting.sides:
            moved, key = _member_threshold(base, photos)
        else:
            moved, key = _two_thresholds(base, photos)
        moved, sized = show_policy_sizes(moved, base, photos)
        called, jury = _called(base, photos)
    moved = replace(moved, calls=called)
    if moved == base:
        return base
    shown = "test" if any(map(drafts.moved_by_test, (key, jury, *sized))) else "held out"
    return replace(moved, basis={"chosen": BY_HAND, "photos": shown})


def _called(base: Policy, photos: str) -> tuple[tuple[str, ...], str]:
    """The members that are called in; nothing to choose where all are of the jury."""
    outside = [name for name, record in products.records().items() if not record.weight]
    key = f"calls of {base.name} {' '.join(base.calls)}"
    if not outside:
        return base.calls, key
    st.multiselect(
        _("Additional models"),
        outside,
        [name for name in base.calls if name in outside],
        key=key,
        on_change=drafts.note_move,
        args=(key, photos),
        format_func=lambda name: worded(model_title(name)),
        placeholder=_("None"),
        help=_("Training left these models out: they did not improve the result on validation photos."),
    )
    return tuple(st.session_state[key]), key


def _two_thresholds(base: Policy, photos: str) -> tuple[Policy, str]:
    start = (base.review_from, base.reject_from)
    low, high = _slider(_("REVIEW and NOK thresholds"), start, base, photos, _("Both at one place: no REVIEW."))
    low, high = _kept(low, start[0]), _kept(high, start[1])
    ends = threshold_text(low), threshold_text(high)
    st.caption(_("Left end: REVIEW from {review}. Right end: NOK from {reject}.", review=ends[0], reject=ends[1]))
    if (low, high) == start:
        return base, _key(base, start)
    return replace(base, reject=high, review=low if low < high else None), _key(base, start)


def _member_threshold(base: Policy, photos: str) -> tuple[Policy, str]:
    start = base.threshold_of("")
    found = _kept(_slider(_("Model threshold"), start, base, photos), start)
    if base.thresholds:
        own = listed(
            Message("{model} {threshold}", model=model_title(member), threshold=threshold_text(value))
            for member, value in base.thresholds.items()
        )
        st.caption(
            as_markdown(Message("Moving this replaces the models' own thresholds: {thresholds}.", thresholds=own))
        )
    return (base if found == start else replace(base, threshold=found, thresholds={})), _key(base, start)


def _margin(base: Policy, photos: str) -> tuple[Policy, str]:
    start = base.margin
    label = _("REVIEW if the lead is below")
    found = _kept(_slider(label, start, base, photos), start)
    return (base if found == start else replace(base, margin=found)), _key(base, start)


def _slider(label: str, start: Value, base: Policy, photos: str, hint: str | None = None) -> Value:
    key = _key(base, start)
    found: Value = st.slider(
        label,
        0.0,
        1.0,
        start,
        STEP,
        "%.3f",
        key,
        help=hint,
        on_change=drafts.note_move,
        args=(key, photos),
        persist_state="page",
    )
    return found


def _key(base: Policy, start: float | tuple[float, float]) -> str:
    """Another key for other thresholds: what was moved on one policy never shows on another of its name."""
    return f"cuts of {base.name} {start}"


def _kept(found: float, start: float) -> float:
    return start if abs(found - start) < STEP / 2 else round(found, 3)
