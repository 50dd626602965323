"""The cuts of a policy, to move."""

from dataclasses import replace
from typing import TypeVar

import streamlit as st

from ensemble.digits import alone
from ensemble.policies import RULES, Policy
from ensemble.results import Classes
from pages.components import session
from pages.components.sheet import as_markdown

STEP = 0.001  # of a slider; a cut that is not moved keeps all its digits
BY_HAND = "by hand"
Value = TypeVar("Value", float, tuple[float, float])


def show_policy_cuts(base: Policy, classes: Classes, photos: str) -> Policy:
    """Show what can be moved of a policy; gives it as moved, with a basis that says by which photos."""
    with st.container(key="cuts"):
        if classes.defect is None:
            moved, key = _margin(base, photos)
        elif RULES[base.rule].sides:
            moved, key = _member_cut(base, photos)
        else:
            moved, key = _two_cuts(base, photos)
    if moved == base:
        return base
    shown = "test" if session.moved_by_test(key) else "held out"
    return replace(moved, basis={"chosen": BY_HAND, "photos": shown})


def _two_cuts(base: Policy, photos: str) -> tuple[Policy, str]:
    start = (base.review_from, base.reject_from)
    low, high = _slider("REVIEW from · NOK from (both on one place: no REVIEW)", start, base, photos)
    low, high = _kept(low, start[0]), _kept(high, start[1])
    if (low, high) == start:
        return base, _key(base, start)
    return replace(base, reject=high, review=low if low < high else None), _key(base, start)


def _member_cut(base: Policy, photos: str) -> tuple[Policy, str]:
    start = base.cut_of("")
    found = _kept(_slider("Each model says NOK from", start, base, photos), start)
    if base.thresholds:
        own = ", ".join(f"{member} {alone(value)}" for member, value in base.thresholds.items())
        st.caption(f"Members with a cut of their own lose it as soon as this one is moved: {as_markdown(own)}.")
    return (base if found == start else replace(base, threshold=found, thresholds={})), _key(base, start)


def _margin(base: Policy, photos: str) -> tuple[Policy, str]:
    start = base.margin
    label = "REVIEW where the leading class is ahead by less than"
    found = _kept(_slider(label, start, base, photos), start)
    return (base if found == start else replace(base, margin=found)), _key(base, start)


def _slider(label: str, start: Value, base: Policy, photos: str) -> Value:
    key = _key(base, start)
    found: Value = st.slider(
        label, 0.0, 1.0, start, STEP, "%.3f", key, on_change=session.note_move, args=(key, photos), persist_state="page"
    )
    return found


def _key(base: Policy, start: float | tuple[float, float]) -> str:
    """Another key for other cuts: what was moved on one policy never shows on another of its name."""
    return f"cuts of {base.name} {start}"


def _kept(found: float, start: float) -> float:
    return start if abs(found - start) < STEP / 2 else round(found, 3)
