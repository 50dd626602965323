"""What parts truly are against what was said of them, and what that tells of the true rates."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ensemble import figures, risk
from ensemble.cases import truth
from ensemble.evaluation import verdict_quality
from pages.components import session
from pages.components.chart import show_chart
from pages.components.performance_basis import Measured
from pages.components.sheet import as_markdown


def show_confusion(measured: Measured) -> None:
    """Show the confusion matrix, and beside it what is known of escapes and overkills."""
    st.subheader("What was said of which parts", anchor=False)
    counts = verdict_quality(truth(measured.known), measured.verdicts, measured.classes)["confusion"]
    with st.container(key="confusion"):
        with st.container():
            show_chart(figures.confusion(counts, measured.classes, session.scheme()), "confusion")
        with st.container():
            for sentence in _sentences(measured):
                st.markdown(as_markdown(sentence))


def _sentences(measured: Measured) -> list[str]:
    counts, policy = measured.decided().counts, measured.policy
    said = [policy.description] if policy.description else []
    if counts is None:
        return said
    said += [
        risk.escape_sentence(counts.escapes, counts.defective),
        risk.overkill_sentence(counts.overkills, counts.good),
    ]
    if policy.basis.get("defective") is not None:
        said.append(_chosen(policy.basis))
    return said


def _chosen(basis: Mapping[str, Any]) -> str:
    """On other photos: what the cuts were chosen by, so that nobody takes one set for the other."""
    return (
        f"Its cuts were chosen on other photos, {basis.get('good', '?')} good and {basis['defective']} defective ones, "
        f"with {basis.get('escapes', '?')} escapes and {basis.get('overkills', '?')} overkills among them."
    )
