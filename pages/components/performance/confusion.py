"""What parts truly are against what was said of them, and what that means for a line."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.metrics import costs
from ensemble.metrics.costs import DecisionCounts, Line
from ensemble.values.language import _
from pages.components.common.charts import show_chart
from pages.components.common.sheet import as_markdown
from pages.components.performance.basis import Measured
from pages.session import policy_evidence, products

LINE = Line()  # the shares of the photos themselves


def show_confusion(measured: Measured) -> None:
    """Show the confusion matrix, and beside it what it means for the line."""
    st.header(_("Confusion matrix"), anchor=False)
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
            _(
                "Cost per 1000 parts: {cost:,.0f} (escape {escape:g}, overkill {overkill:g}, review {review:g}; "
                "{share} defective, as in the test set).",
                cost=money,
                escape=prices.escape,
                overkill=prices.overkill,
                review=prices.review,
                share=share,
            )
        )
    if basis.get("photos") == "held out" and "defective" in basis:
        found.append(_chosen(basis))
    return found


def _more(counts: DecisionCounts) -> str:
    more = costs.more_needed(counts.escapes, counts.defective)
    target, sure = costs.percent(costs.TARGET), costs.percent(costs.CONFIDENCE_LEVEL)
    if not more:
        return _("The escape rate is at most {target} ({sure} confidence).", target=target, sure=sure)
    return _(
        "To prove an escape rate of {target}: {count} more defective photo without an escape.",
        "To prove an escape rate of {target}: {count} more defective photos without an escape.",
        target=target,
        count=more,
    )


def _chosen(basis: Mapping[str, Any]) -> str:
    """On other photos: what the thresholds were chosen by, so that nobody takes one set for the other."""
    return _(
        "On the validation photos that set the thresholds: {escapes} of {defective} defective parts escaped, "
        "{overkills} of {good} good parts rejected.",
        escapes=basis.get("escapes", "?"),
        defective=basis["defective"],
        overkills=basis.get("overkills", "?"),
        good=basis.get("good", "?"),
    )
