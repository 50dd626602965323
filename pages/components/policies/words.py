"""A policy and its figures in plain words."""

from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy
from ensemble.values.digits import percents, threshold_text
from ensemble.values.results import Classes
from ensemble.values.titles import model_title, policy_title

UNKNOWN = "–"


# What each rule says where one class is the defect; what is written in braces is filled in.
RULES = {
    "majority": "NOK if at least {share} of the models vote NOK.",
    "weighted": "NOK if at least {share} of the vote weight is NOK.",
    "any": "NOK if any model votes NOK.",
    "all": "NOK if all models vote NOK.",
    "mean": "NOK if the mean defect probability is at least {threshold}.",
    "fused": "NOK if the fused defect probability is at least {threshold}.",
}
PLURAL_RULES = {
    "majority": "The class with the most votes.",
    "weighted": "The class with the most vote weight.",
    "mean": "The class with the highest mean probability.",
    "fused": "The class with the highest fused probability.",
}


def rule_in_words(policy: Policy, classes: Classes) -> str:
    """What a policy does, in a few plain sentences."""
    if classes.defect is None:
        said = [PLURAL_RULES[policy.rule]]
        if policy.margin:
            said.append(f"REVIEW if its lead is below {threshold_text(policy.margin)}.")
        return " ".join(said)
    sides, reject, review = policy.voting.sides, policy.reject_from, policy.review_from
    half = "half" if reject == 0.5 else percents(reject)[0]
    said = [RULES[policy.rule].format(share=half, threshold=threshold_text(reject))]
    if policy.has_review:
        said.append(f"REVIEW from {percents(review)[0] if sides else threshold_text(review)}.")
    if sides and policy.thresholds:
        said.append("Each model has its own threshold.")
    elif sides:
        said.append(f"Model threshold {threshold_text(policy.threshold_of(''))}.")
    return " ".join(said)


def conditions(policy: Policy) -> str:
    """What beside the thresholds has a say in its verdicts, in whole sentences; empty where nothing has."""
    said = [f"REVIEW with fewer than {policy.quorum} votes."] if policy.quorum > 1 else []
    if any(stage.ok_below is not None or stage.nok_from is not None for stage in policy.cascade):
        said.append("Parts decided in an early cascade stage ignore these thresholds.")
    if policy.exceptions:
        said.append("Some defect types have their own rules.")
    if policy.calls:
        said.append(f"Additional models: {', '.join(map(model_title, policy.calls))}.")
    return " ".join(said)


def picked_title(name: str, active: str) -> str:
    """A policy in a list to pick from: the active one is marked."""
    return f"{policy_title(name)} (active)" if name == active else policy_title(name)


def reviews(counts: DecisionCounts) -> int:
    """How many parts a person must look at."""
    return counts.reviews_good + counts.reviews_defective


def money(value: float | None) -> str:
    """An amount; a dash where it is not known."""
    return UNKNOWN if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
