"""How the defect scores of good and defective parts lie about the thresholds of a draft."""

from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.cases import Case
from ensemble.policies import RULES, Policy
from pages.components import session
from pages.components.chart import show_chart


def show_policy_histogram(draft: Policy, known: Sequence[Case]) -> None:
    """Show the defect scores of both classes, by the name of what the rule counts, about the thresholds."""
    good, defective = session.suspicions(draft, known)
    rule = RULES[draft.rule]
    cuts = draft.review_from, draft.reject_from
    if draft.rule == "any":
        cuts = (1 / max(1, *(len(case.scores) for case in known)),) * 2  # one vote
    axis = "mean defect probability"
    if rule.sides:
        axis = f"share of the {'weight' if rule.weighs else 'models'} that says NOK"
    chart = figures.score_histogram(good, defective, *cuts, session.scheme(), axis=axis)
    st.markdown("**Defect scores of good and defective parts**")
    show_chart(chart, "scores")
