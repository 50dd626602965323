"""Another policy that is clearly cheaper than the active one, where there is one, and the way to choose it."""

from collections.abc import Sequence

import streamlit as st

from ensemble.cases import Case, Evidence
from ensemble.cheaper import SHUFFLES, clear_saving
from ensemble.costs import PARTS, Line
from pages.components import session
from pages.components.policy_words import money
from pages.components.sheet import as_markdown

HOW = (
    "Prices and share of defects are those below. Clear is a saving that is found by chance in fewer than 5 of 100 "
    f"cases: paired permutation test on the parts ({SHUFFLES:,} draws), one-sided, Bonferroni-corrected. Thresholds "
    "were chosen on these photos too, so expect a somewhat smaller saving on the line."
)


def show_policy_cheaper(active: str, evidence: Evidence, line: Line) -> None:
    """Say which policy would clearly cost less on the validation photos, and offer to show what it would change."""
    known = evidence.held_out
    if evidence.classes.defect is None or not known:
        return
    found = clear_saving(active, _verdicts(known), known, evidence.classes, line)
    if found is None:
        return
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}"
    with st.container(border=True, key="cheaper"):
        st.markdown(
            f"**{as_markdown(found.policy)} is clearly cheaper than {as_markdown(active)}**: {money(found.money)} "
            f"instead of {money(found.active)} per {PARTS} parts on {len(known)} validation photos ({p}).",
            help=HOW,
        )
        st.button(
            as_markdown(f"Choose {found.policy}"),
            icon=":material/difference:",
            on_click=session.choose,
            args=(found.policy,),
            help="Shows below, under Put in force, which parts would change their verdict. Nothing is in force yet.",
            key="choose_cheaper",
        )


def _verdicts(known: Sequence[Case]) -> dict[str, list[str]]:
    return {policy.name: session.labels(policy, known) for policy in session.policies()}
