"""Who voted how: the mean, each member's score against its own cut, and who is missing."""

from html import escape

import streamlit as st

from ensemble import figures
from ensemble.results import Verdict
from pages.components import session
from pages.components.lessons import show_weights
from pages.components.sheet import as_markdown, chip, show_sheet

STILL = {"displayModeBar": False, "staticPlot": True}  # a chart that moves under a finger says nothing more


def show_mean_score(verdict: Verdict, key: str = "mean") -> None:
    """Show the gauge, or the mean of each class."""
    if not verdict.votes:
        return
    st.markdown("**Mean defect probability** (line: mean cut)" if verdict.classes.defect else "**Mean of each class**")
    st.plotly_chart(
        figures.mean_score(verdict, session.scheme()),
        theme=None,
        config=STILL,
        key=key,
        alt=figures.mean_score_text(verdict),
    )


def show_votes(verdict: Verdict, key: str = "votes") -> None:
    """Show every vote, drawn and as a table."""
    if not verdict.votes:
        return
    st.markdown("**Votes**")
    st.plotly_chart(
        figures.votes(verdict, session.scheme()), theme=None, config=STILL, key=key, alt=figures.votes_text(verdict)
    )
    weighted = any(vote.weight != 1 for vote in verdict.votes)
    show_sheet(
        ("Member", "Vote", "Score", "Cut", *(("Counts",) if weighted else ()), "Seconds"),
        [
            (
                escape(vote.member),
                chip(vote.label, verdict.classes),
                f"{vote.score:.3f}",
                "–" if vote.threshold is None else f"{vote.threshold:.2f}",
                *((f"{vote.weight:.2f}",) if weighted else ()),
                f"{vote.seconds:.3f}",
            )
            for vote in verdict.votes
        ],
    )
    show_weights(verdict)


def show_absent(verdict: Verdict) -> None:
    """Name every member that should have voted and could not, with its reason."""
    for absence in verdict.absent:
        st.warning(
            f"**{as_markdown(absence.member)}** is absent. {as_markdown(absence.reason)}", icon=":material/person_off:"
        )
