"""How members depend on each other: who fails together, how many voters they amount to, and what each adds."""

import math
from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ensemble import figures
from ensemble.evaluation import performance
from ensemble.evaluation.performance import Decided, effective_voters, error_correlation, fail_together
from ensemble.metrics.costs import Line
from pages.components.common.charts import show_chart
from pages.components.common.choices import show_choice
from pages.components.common.sheet import as_markdown
from pages.components.performance.basis import Measured
from pages.session import products

ACCURACY, ESCAPES, MONEY = "Right of decided", "Escapes", "Cost"


def show_dependence(measured: Measured) -> None:
    """Show which members fail on the same parts and what the ensemble loses without each of them."""
    if len(measured.members) < 2:
        st.info("One member alone depends on nobody.")
        return
    wrong = performance.wrong(measured.known, measured.policy, measured.members, measured.classes)
    if not len(wrong):
        st.info("On no test photo have all members spoken.")
        return
    correlation = error_correlation(wrong)
    voters, members = effective_voters(correlation), len(measured.members)
    told = "–" if math.isnan(voters) else f"{voters:.1f}<small> of {members}</small>"
    sentence = (
        f"Members that err on the same parts are fewer voters than they seem. By the mean correlation of their errors "
        f"on {len(wrong)} test photos, each by the policy's own cut."
    )
    with st.container(key="dependence"):
        with st.container():
            st.html(
                f'<div class="tiles wide"><div class="tile"><b>{told}</b><span>Effective number of voters</span>'
                f"<p>{sentence}</p></div></div>"
            )
            _show_pairs(wrong, measured)
        with st.container():
            st.markdown("**Errors that go together** (correlation: 1 on the same photos, 0 independently)")
            show_chart(
                figures.draw_error_correlation(correlation, measured.members, products.scheme()), "error-correlation"
            )
    _show_without_each(measured)


def _show_pairs(wrong: NDArray[np.bool_], measured: Measured) -> None:
    pairs = fail_together(wrong, measured.members)
    st.markdown("**Most often wrong together**")
    if not pairs:
        st.markdown("No two members were wrong about the same photo.")
    lines = [
        f"- {as_markdown(one)} and {as_markdown(other)}: both wrong on {both} of the {either} photos that either of "
        "them got wrong"
        for one, other, both, either in pairs
    ]
    st.markdown("\n".join(lines))


def _show_without_each(measured: Measured) -> None:
    st.markdown("**What the ensemble loses without each member**")
    line = Line()
    scales = _scales(measured, line)
    which = show_choice("Measured as", scales, "loss")
    unit, scale = scales[which]
    whole = scale(measured.decided())
    left = performance.without_each(measured.known, measured.policy, measured.members, measured.classes)
    changes = {member: scale(decided) - whole for member, decided in left.items()}
    show_chart(
        figures.draw_without_each(changes, products.scheme(), unit, more_is_better=which == ACCURACY),
        f"without-each-{which.lower().replace(' ', '-')}",
    )
    prices = line.prices
    priced = f" An escape at {prices.escape:g}, an overkill at {prices.overkill:g}, a review at {prices.review:g}."
    st.caption(
        "The same policy and the same cuts on the other votes; differences of a photo or two are chance."
        + (priced if which == MONEY else "")
    )


def _scales(measured: Measured, line: Line) -> dict[str, tuple[str, Callable[[Decided], float]]]:
    """The figures to compare by: what a chart calls each, and how it is read; more is better of accuracy alone."""
    scales: dict[str, tuple[str, Callable[[Decided], float]]] = {
        ACCURACY: (
            "percentage points of what is right, of those decided",
            lambda decided: 100 * (decided.accuracy or 0.0),
        )
    }
    counts = measured.decided().counts
    if counts is not None and counts.defective:
        scales[ESCAPES] = ("escapes", lambda decided: float(decided.escapes))
    if measured.decided().money(line) is not None:
        scales[MONEY] = ("money for 1000 parts", lambda decided: decided.money(line) or 0.0)
    return scales
