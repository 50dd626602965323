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
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import model_title
from pages.components.common.charts import show_chart
from pages.components.common.choices import show_choice
from pages.components.common.sheet import as_html, as_markdown
from pages.components.performance.basis import Measured
from pages.session import products

ACCURACY, ESCAPES, MONEY = "accuracy", "escapes", "cost"
SCALES = {ACCURACY: Message("Accuracy"), ESCAPES: Message("Escapes"), MONEY: Message("Cost")}


def show_dependence(measured: Measured) -> None:
    """Show which members fail on the same parts and what the ensemble loses without each of them."""
    if len(measured.members) < 2:
        st.info(_("Correlation needs at least two models."))
        return
    wrong = performance.wrong(measured.known, measured.policy, measured.members, measured.classes)
    if not len(wrong):
        st.info(_("No test photo has a result of every model."))
        return
    correlation = error_correlation(wrong)
    voters, members = effective_voters(correlation), len(measured.members)
    told = "–" if math.isnan(voters) else _("{voters:.1f}<small> of {total}</small>", voters=voters, total=members)
    sentence = _(
        "Models that make the same errors count as fewer. Mean error correlation on {photos} test photos, at the "
        "thresholds of the policy.",
        photos=len(wrong),
    )
    with st.container(key="dependence"):
        with st.container():
            st.html(
                f'<div class="tiles wide"><div class="tile"><b>{told}</b>'
                f"<span>{as_html(_('Effective number of models'))}</span><p>{as_html(sentence)}</p></div></div>"
            )
            _show_pairs(wrong, measured)
        with st.container():
            st.markdown(_("**Error correlation** (1: errors on the same photos, 0: independent errors)"))
            show_chart(
                figures.draw_error_correlation(correlation, measured.members, products.scheme()), "error-correlation"
            )
    _show_without_each(measured)


def _show_pairs(wrong: NDArray[np.bool_], measured: Measured) -> None:
    pairs = fail_together(wrong, measured.members)
    st.markdown(_("**Shared errors**"))
    if not pairs:
        st.markdown(_("No two models were wrong on the same photo."))
    lines = [
        _(
            "- {one} and {other}: {both} of {either} errors shared",
            one=as_markdown(model_title(one)),
            other=as_markdown(model_title(other)),
            both=both,
            either=either,
        )
        for one, other, both, either in pairs
    ]
    st.markdown("\n".join(lines))


def _show_without_each(measured: Measured) -> None:
    st.markdown(_("**Contribution of each model**"))
    line = Line()
    scales = _scales(measured, line)
    which = show_choice(_("Measured as"), scales, "loss", lambda name: worded(SCALES[name]))
    unit, scale = scales[which]
    whole = scale(measured.decided())
    left = performance.without_each(measured.known, measured.policy, measured.members, measured.classes)
    changes = {member: scale(decided) - whole for member, decided in left.items()}
    show_chart(
        figures.draw_without_each(changes, products.scheme(), unit, more_is_better=which == ACCURACY),
        f"without-each-{which}",
    )
    st.caption(_("Same policy and thresholds without this model. A difference of one or two photos is chance."))
    if which == MONEY:
        prices = line.prices
        st.caption(
            _(
                "Costs: escape {escape:g}, overkill {overkill:g}, review {review:g}.",
                escape=prices.escape,
                overkill=prices.overkill,
                review=prices.review,
            )
        )


def _scales(measured: Measured, line: Line) -> dict[str, tuple[str, Callable[[Decided], float]]]:
    """The figures to compare by: what a chart calls each, and how it is read; more is better of accuracy alone."""
    scales: dict[str, tuple[str, Callable[[Decided], float]]] = {
        ACCURACY: (
            _("percentage points of accuracy"),
            lambda decided: 100 * (decided.accuracy or 0.0),
        )
    }
    counts = measured.decided().counts
    if counts is not None and counts.defective:
        scales[ESCAPES] = (_("escapes"), lambda decided: float(decided.escapes))
    if measured.decided().money(line) is not None:
        scales[MONEY] = (_("cost per 1000 parts"), lambda decided: decided.money(line) or 0.0)
    return scales
