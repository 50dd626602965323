"""All policies side by side on the same photos, which none of them was chosen on."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from ensemble import figures, risk
from ensemble.cases import Evidence, truth
from ensemble.costs import PARTS, Counts, Line, expected
from ensemble.evaluation import verdict_quality
from ensemble.policies import Policy
from ensemble.policy_making import unsafe_name
from pages.components import session
from pages.components.chart import show_chart, show_csv
from pages.components.policy_words import UNKNOWN, bounded, money, reviews
from pages.components.sheet import as_markdown, quiet_chip, show_sheet

COLUMNS = (
    *("policy", "active", "photos", "good", "defective", "escapes", "escape_rate", "escape_rate_upper"),
    *(
        "overkills",
        "overkill_rate",
        "overkill_rate_upper",
        "reviews",
        "review_rate",
        "decided",
        "right_of_decided",
        "accuracy",
        "f1",
        "f2",
    ),
    *("money_per_1000", "precision_on_the_line", "reviews_per_hour", "may_be_called_safe"),
)
HEAD = ("Policy", "Escapes", "Overkills", "Reviews", "Money / 1000", "Precision", "Reviews / h")


def show_policy_comparison(evidence: Evidence, line: Line) -> None:
    """Show a table of all policies on the test photos, what they cost, and the same as a file."""
    if not evidence.test:
        st.info("No test photos are kept with this product, so policies cannot be compared. Train with a test part.")
        return
    policies = session.policies()
    if evidence.classes.defect is None:
        _show_accuracy(policies, evidence)
        return
    counts = {policy.name: session.counts(policy, evidence.test) for policy in policies}
    show_sheet(HEAD, [_cells(policy, counts[policy.name], line) for policy in policies], folding=True)
    share = "the share of defects in these photos" if line.share is None else f"{risk.percent(line.share)} defects"
    st.caption(
        f"Counted on {len(evidence.test)} test photos; 'up to' is the highest true rate that these still allow "
        f"({risk.percent(risk.CONFIDENCE)}). Money and precision are for {share} on the line."
    )
    for policy in policies:
        if why := unsafe_name(policy):
            st.caption(f"**{as_markdown(policy.name)} may not be called SAFE.** {as_markdown(why)}")
    rows = [_row(policy, evidence, line, counts[policy.name]) for policy in policies]
    show_csv("policies", COLUMNS, rows, "This comparison (CSV)")
    chart = figures.policy_costs(
        [(policy.name, *_parts(counts[policy.name], line)) for policy in policies],
        session.scheme(),
        unit=f"money per {PARTS} parts",
        active=policies[0].name,
    )
    show_chart(chart, "costs")


def _cells(policy: Policy, counts: Counts, line: Line) -> list[str]:
    told = expected(counts, line)
    parts = counts.good + counts.defective
    return [
        _named(policy.name),
        _count(counts.escapes, counts.defective),
        _count(counts.overkills, counts.good),
        f"{reviews(counts)} of {parts}",
        money(told.money),
        UNKNOWN if told.precision is None else risk.percent(told.precision),
        UNKNOWN if told.reviews_per_hour is None else f"{told.reviews_per_hour:.0f}",
    ]


def _named(name: str) -> str:
    return f"{escape(name)} {quiet_chip('active')}" if name == session.policies()[0].name else escape(name)


def _count(events: int, parts: int) -> str:
    count, _, bound = bounded(events, parts).partition(" · ")
    return f"<span>{count}<small>{bound}</small></span>"


def _parts(counts: Counts, line: Line) -> tuple[float | None, float | None, float | None]:
    told, prices = expected(counts, line), line.prices
    amounts = ((told.escapes, prices.escape), (told.overkills, prices.overkill), (told.reviews, prices.review))
    escapes, overkills, looks = (None if number is None else number * price for number, price in amounts)
    return escapes, overkills, looks


def _row(policy: Policy, evidence: Evidence, line: Line, counts: Counts) -> Mapping[str, object]:
    told = expected(counts, line)
    found: dict[str, object] = {name: value for name, value in _quality(policy, evidence).items() if name in COLUMNS}
    found |= {name: getattr(counts, name) for name in ("good", "defective", "escapes", "overkills")}
    return found | {
        "policy": policy.name,
        "active": "yes" if policy.name == session.policies()[0].name else "no",
        "photos": len(evidence.test),
        "escape_rate_upper": risk.upper_bound(counts.escapes, counts.defective),
        "overkill_rate_upper": risk.upper_bound(counts.overkills, counts.good),
        "reviews": reviews(counts),
        "money_per_1000": told.money,
        "precision_on_the_line": told.precision,
        "reviews_per_hour": told.reviews_per_hour,
        "may_be_called_safe": unsafe_name(policy) or "",
    }


def _quality(policy: Policy, evidence: Evidence) -> dict[str, Any]:
    return verdict_quality(truth(evidence.test), session.labels(policy, evidence.test), evidence.classes)


def _show_accuracy(policies: Sequence[Policy], evidence: Evidence) -> None:
    rows = [{"policy": policy.name, **_quality(policy, evidence)} for policy in policies]
    show_sheet(
        ("Policy", "Right of decided", "Reviews", "F1"),
        [
            [
                _named(str(row["policy"])),
                f"{row['right']} of {row['decided']}",
                str(len(evidence.test) - row["decided"]),
                f"{row['f1']:.3f}",
            ]
            for row in rows
        ],
        folding=True,
    )
    st.caption(f"Counted on {len(evidence.test)} test photos.")
    show_csv(
        "policies",
        ("policy", "right", "decided", "right_of_decided", "accuracy", "review_rate", "f1"),
        rows,
        "This comparison (CSV)",
    )
