"""The vote beside its best member: whether an ensemble is worth its while here."""

from html import escape

import streamlit as st

from ensemble.evaluation.vote import VoteAndBest
from ensemble.metrics import costs
from ensemble.policies import choose, shipped
from ensemble.policies.policy import FUSED
from ensemble.values.titles import model_title, policy_title
from pages.components.common.sheet import as_markdown, show_sheet
from pages.components.performance.basis import Measured
from pages.session import policy_evidence, products

HOW = (
    "The best model is the one that scores best on these test photos, so it is the hardest to beat. p-value: how often "
    "chance alone makes so large a difference (paired permutation test on parts; without a defect class McNemar's "
    "exact test)."
)


def show_performance_vote(measured: Measured) -> None:
    """Show FUSED and MAJORITY beside the best member, and say plainly where the vote does not help."""
    found = [each for each in map(_beside, (FUSED, "MAJORITY"), (measured, measured)) if each is not None]
    if not found:
        st.info("No comparison: it needs good and defective photos in the test set.")
        return
    st.header("Ensemble or best model", anchor=False)
    st.markdown(as_markdown(found[0].sentence()), help=HOW)
    areas = found[0].auroc is not None
    rows = [_row(policy_title(each.policy), each.auroc, each.accuracy, _against(each), areas) for each in found]
    best = found[0]
    rows.append(
        _row(f"{model_title(best.best_member)} alone", best.best_member_auroc, best.best_member_accuracy, "", areas)
    )
    figures = ("AUROC", "Accuracy", "AUROC difference") if areas else ("Accuracy", "Accuracy difference")
    show_sheet(("Policy or model", *figures), rows)


def _beside(name: str, measured: Measured) -> VoteAndBest | None:
    own = {policy.name: policy for policy in products.policies()}
    policy = own.get(name) or choose(shipped(measured.classes), name)
    return policy_evidence.vote_and_best(policy, measured.known)


def _against(found: VoteAndBest) -> str:
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}"
    limits = "" if found.low is None or found.high is None else f" ({found.low:+.3f} to {found.high:+.3f})"
    return f"{found.difference:+.3f}{limits}, {p}"


def _row(name: str, auroc: float | None, accuracy: float, against: str, areas: bool) -> tuple[str, ...]:
    area = ("–" if auroc is None else f"{auroc:.3f}",) if areas else ()
    return escape(name), *area, costs.percent(accuracy), against
