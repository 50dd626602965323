"""How suspicious good and defective parts are, about the cuts of a draft."""

from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.cases import Case
from ensemble.policies import RULES, Policy
from pages.components import session
from pages.components.chart import show_chart


def show_policy_histogram(draft: Policy, known: Sequence[Case]) -> None:
    """Show the scores of both classes, or the share of votes where the rule counts votes."""
    good, defective = session.suspicions(draft, known)
    chart = figures.score_histogram(good, defective, draft.review_from, draft.reject_from, session.scheme())
    if RULES[draft.rule].sides:
        chart.figure.update_xaxes(title={"text": "share of the votes that say NOK"})
    st.markdown("**How suspicious the parts are**")
    show_chart(chart, "scores")
