"""What a draft would do to parts with a known truth: counts, their bounds, money, beside the active policy."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from ensemble import risk
from ensemble.cases import Case
from ensemble.costs import Line, expected
from ensemble.policies import Policy
from pages.components import session
from pages.components.policy_words import many, money, reviews


def show_policy_outcome(draft: Policy, active: Policy, known: Sequence[Case], line: Line) -> None:
    """Show escapes, overkills, reviews and money of a draft."""
    now, then = session.counts(draft, known), session.counts(active, known)
    parts = now.good + now.defective
    tiles = [
        _tile(
            "nok",
            now.escapes,
            _noun(now.escapes, "escape"),
            _of(now.escapes, now.defective, "defective"),
            str(then.escapes),
        ),
        _tile(
            "plain",
            now.overkills,
            _noun(now.overkills, "overkill"),
            _of(now.overkills, now.good, "good"),
            str(then.overkills),
        ),
        _tile("review", reviews(now), _noun(reviews(now), "review"), f"of {parts} parts", str(reviews(then))),
        _tile("none", money(expected(now, line).money), "money per 1000 parts", "", money(expected(then, line).money)),
    ]
    st.html(f'<div class="tiles draft" role="status">{"".join(tiles)}</div>')


def _noun(number: int, noun: str) -> str:
    return many(number, noun).partition(" ")[2]


def _of(events: int, parts: int, kind: str) -> str:
    if not parts:
        return f"no {kind} part seen"
    return f"of {parts} {kind} · {risk.at_most(events, parts)}"


def _tile(look: str, number: int | str, name: str, of: str, active: str) -> str:
    quiet = "" if number else "none"
    lines = "".join(f"<small>{escape(line)}</small>" for line in of.split(" · ") if line)
    return (
        f'<div class="tile {look} {quiet}"><b>{number}</b><span>{escape(name)}</span>'
        f"{lines}<small>active policy: {active}</small></div>"
    )
