"""What parts truly are against what a draft makes of them."""

from collections.abc import Sequence

import streamlit as st

from ensemble import figures
from ensemble.cases import Case, truth
from ensemble.evaluation import verdict_quality
from ensemble.policies import Policy
from pages.components import session
from pages.components.chart import show_chart


def show_policy_confusion(draft: Policy, known: Sequence[Case]) -> None:
    """Show how often each true class is given each verdict."""
    quality = verdict_quality(truth(known), session.labels(draft, known), session.classes())
    st.markdown("**What becomes of them**")
    show_chart(figures.confusion(quality["confusion"], session.classes(), session.scheme()), "confusion")
