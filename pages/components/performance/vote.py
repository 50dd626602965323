"""The vote beside its best member: whether an ensemble is worth its while here."""

import streamlit as st

from ensemble.evaluation.vote import VoteAndBest
from ensemble.metrics import costs
from ensemble.policies import choose, shipped
from ensemble.policies.policy import FUSED
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import model_title, policy_title
from pages.components.common.sheet import as_html, as_markdown, show_sheet
from pages.components.performance.basis import Measured
from pages.session import policy_evidence, products

HOW = Message(
    "The best model is the one that scores best on these test photos, so it is the hardest to beat. p-value: how often "
    "chance alone makes so large a difference (paired permutation test on parts; without a defect class McNemar's "
    "exact test)."
)


def show_performance_vote(measured: Measured) -> None:
    """Show FUSED and MAJORITY beside the best member, and say plainly where the vote does not help."""
    found = [each for each in map(_beside, (FUSED, "MAJORITY"), (measured, measured)) if each is not None]
    if not found:
        st.info(_("No comparison: it needs good and defective photos in the test set."))
        return
    st.header(_("Ensemble or best model"), anchor=False)
    st.markdown(as_markdown(found[0].sentence()), help=worded(HOW))
    areas = found[0].auroc is not None
    rows = [_row(policy_title(each.policy), each.auroc, each.accuracy, _against(each), areas) for each in found]
    best = found[0]
    rows.append(
        _row(
            _("{model} alone", model=model_title(best.best_member)),
            best.best_member_auroc,
            best.best_member_accuracy,
            "",
            areas,
        )
    )
    figures: tuple[str, ...] = (_("Accuracy"), _("Accuracy difference"))
    if areas:
        figures = (_("AUROC"), _("Accuracy"), _("AUROC difference"))
    show_sheet((_("Policy or model"), *figures), rows)


def _beside(name: str, measured: Measured) -> VoteAndBest | None:
    own = {policy.name: policy for policy in products.policies()}
    policy = own.get(name) or choose(shipped(measured.classes), name)
    return policy_evidence.vote_and_best(policy, measured.known)


def _against(found: VoteAndBest) -> str:
    chance = NumberText("< 0.001" if found.p < 0.001 else f"= {found.p:.2g}")
    if found.low is None or found.high is None:
        return _("{difference:+.3f}, p {chance}", difference=found.difference, chance=chance)
    return _(
        "{difference:+.3f} ({low:+.3f} to {high:+.3f}), p {chance}",
        difference=found.difference,
        low=found.low,
        high=found.high,
        chance=chance,
    )


def _row(name: str, auroc: float | None, accuracy: float, against: str, areas: bool) -> tuple[str, ...]:
    area = (worded("–" if auroc is None else NumberText(f"{auroc:.3f}")),) if areas else ()
    return as_html(name), *area, worded(costs.percent(accuracy)), as_html(against)
