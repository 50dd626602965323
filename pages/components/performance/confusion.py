"""What parts truly are against what was said of them, and what that means for a line."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.metrics import costs
from ensemble.metrics.costs import DecisionCounts, Line
from ensemble.values.digits import many
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown
from pages.components.performance.basis import Measured
from pages.session import policy_evidence, products

LINE = Line()  # the shares of the photos themselves


def show_confusion(measured: Measured) -> None:
    """Show the confusion matrix, and beside it what it means for the line."""
    st.subheader("What was said of which parts", anchor=False)
    counts = policy_evidence.quality(measured.policy, measured.known)["confusion"]
    with st.container(key="confusion"):
        with st.container():
            show_chart(figures.confusion(counts, measured.classes, products.scheme()), "confusion")
        with st.container():
            for sentence in _sentences(measured):
                st.markdown(as_markdown(sentence))


def _sentences(measured: Measured) -> list[str]:
    counts, basis = measured.decided().counts, measured.policy.basis
    found = []
    if counts is not None and counts.defective:
        found.append(_more(counts))
    if (money := measured.decided().money(LINE)) is not None and counts is not None:
        prices, share = LINE.prices, costs.percent(counts.share or 0.0)
        found.append(
            f"1000 parts would cost {money:,.0f}, with an escape at {prices.escape:g}, an overkill at "
            f"{prices.overkill:g} and a review at {prices.review:g}, and with {share} defective, as in these photos."
        )
    if basis.get("photos") == "held out" and "defective" in basis:
        found.append(_chosen(basis))
    return found


def _more(counts: DecisionCounts) -> str:
    more = costs.more_needed(counts.escapes, counts.defective)
    target, another = costs.percent(costs.TARGET), "another" if counts.escapes else "an"
    if not more:
        return f"So many defective photos hold the true escape rate at or below {target}."
    return (
        f"{many(more, 'more defective photo')} without {another} escape would show that the true "
        f"escape rate is at most {target}."
    )


def _chosen(basis: Mapping[str, Any]) -> str:
    """On other photos: what the thresholds were chosen by, so that nobody takes one set for the other."""
    return (
        f"The policy's cuts were chosen on other photos: there it let {basis.get('escapes', '?')} of "
        f"{basis['defective']} defective parts escape and rejected {basis.get('overkills', '?')} of "
        f"{basis.get('good', '?')} good ones."
    )
