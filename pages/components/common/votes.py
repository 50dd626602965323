"""Who voted how: the score that decided, each member's score against its own threshold, and who is missing."""

from collections.abc import Iterable

import streamlit as st

from ensemble import figures
from ensemble.values.language import NumberText, _, worded
from ensemble.values.results import Absence, Verdict
from ensemble.values.titles import model_title
from pages.components.common.charts import show_figure
from pages.components.common.lessons import show_weights
from pages.components.common.sheet import as_html, as_markdown, chip, show_sheet, tied
from pages.session import products


def show_defect_score(verdict: Verdict, key: str = "score") -> None:
    """Show what decided: the gauge with its thresholds, or a bar for each class."""
    if verdict.decision is None:
        return
    st.markdown(f"**{as_markdown(figures.defect_score_title(verdict))}**")
    show_figure(figures.draw_defect_score(verdict, products.scheme()), figures.defect_score_text(verdict), key)


def show_reason(verdict: Verdict) -> None:
    """Say in full why the verdict is what it is, and what would have turned it."""
    st.html(f'<p class="why">{tied(verdict.reason)}</p>')


def show_votes(verdict: Verdict, key: str = "votes", *, explained: bool = True) -> None:
    """Show every vote, drawn and as a table; what it weighs only where the policy's rule weighs votes.

    `explained` says what the weights rest on, as the models are now.
    """
    if not verdict.votes:
        return
    st.markdown(_("**Votes**"))
    show_figure(figures.votes(verdict, products.scheme()), figures.votes_text(verdict), key)
    weights = verdict.decision.weights if verdict.decision else {}
    weighted = set(weights.values()) - {1.0}
    show_sheet(
        (_("Model"), _("Vote"), _("Score"), _("Threshold"), *((_("Weight"),) if weighted else ()), _("Seconds")),
        [
            (
                as_html(model_title(vote.member)),
                chip(vote.label, verdict.classes),
                *figures.vote_texts(vote),
                *((_number(weights.get(vote.member), 2),) if weighted else ()),
                _number(vote.seconds, 3),
            )
            for vote in verdict.votes
        ],
    )
    if weighted and explained:
        show_weights(verdict)


def _number(number: float | None, digits: int) -> str:
    return "–" if number is None else worded(NumberText(f"{number:.{digits}f}"))


def show_absent(absences: Iterable[Absence]) -> None:
    """Name every model that should have voted and could not, with its reason."""
    for absence in absences:
        st.warning(
            _(
                "**{model}** is not available: {reason}",
                model=as_markdown(model_title(absence.member)),
                reason=as_markdown(absence.reason),
            ),
            icon=":material/person_off:",
        )
