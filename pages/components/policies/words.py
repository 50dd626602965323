"""A policy and its figures in plain words."""

from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy
from ensemble.values.digits import percents, threshold_text
from ensemble.values.results import Classes

UNKNOWN = "–"


def rule_in_words(policy: Policy, classes: Classes) -> str:
    """What a policy does, in one plain sentence."""
    if classes.defect is None:
        kind = "fused" if policy.rule == "fused" else "mean"
        by = "the most votes" if policy.voting.sides else f"the highest {kind} probability"
        look = (
            f"; a person looks where it is ahead by less than {threshold_text(policy.margin)}" if policy.margin else ""
        )
        return f"The class with {by}{look}."
    rule = policy.voting
    if not rule.sides:
        look = f", REVIEW from {threshold_text(policy.review_from)} on" if policy.has_review else ""
        return f"NOK where the {rule.quantity} is {threshold_text(policy.reject_from)} or more{look}."
    enough = {"any": "one model says so", "all": "every model says so"}.get(policy.rule)
    share = _share(policy.reject_from)
    counted = f"models with {share} of the weight say so" if rule.weighs else f"{share} of the models say so"
    look = f"; REVIEW from {percents(policy.review_from)[0]} on" if policy.has_review else ""
    thresholds = (
        "its own threshold" if policy.thresholds else f"a probability of {threshold_text(policy.threshold_of(''))}"
    )
    return f"NOK where {enough or counted}{look}. Each model says NOK from {thresholds} on."


def conditions(policy: Policy) -> str:
    """What beside the thresholds has a say in its verdicts; empty where nothing has."""
    parts = [f"fewer than {policy.quorum} votes are REVIEW"] if policy.quorum > 1 else []
    if any(stage.ok_below is not None or stage.nok_from is not None for stage in policy.cascade):
        parts.append("a part that an early stage of its cascade settles does not follow the cuts")
    parts += ["named kinds of defect count for themselves"] if policy.exceptions else []
    parts += [f"{', '.join(policy.calls)} called in"] if policy.calls else []
    return f"Besides: {'; '.join(parts)}." if parts else ""


def reviews(counts: DecisionCounts) -> int:
    """How many parts a person must look at."""
    return counts.reviews_good + counts.reviews_defective


def money(value: float | None) -> str:
    """An amount; a dash where it is not known."""
    return UNKNOWN if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _share(value: float) -> str:
    return "at least half" if value == 0.5 else f"at least {percents(value)[0]}"
