"""A policy and its figures in plain words."""

from ensemble import risk
from ensemble.costs import Counts
from ensemble.policies import RULES, Policy
from ensemble.policies.reasons import cut
from ensemble.results import Classes

UNKNOWN = "–"


def rule_in_words(policy: Policy, classes: Classes) -> str:
    """What a policy does, in one plain sentence."""
    if classes.defect is None:
        by = "the highest mean probability" if policy.rule == "mean" else "the most votes"
        look = f"; a person looks where it is ahead by less than {_cut(policy.margin)}" if policy.margin else ""
        return f"The class with {by}{look}."
    if not RULES[policy.rule].sides:
        look = f", REVIEW from {_cut(policy.review_from)} on" if _reviews(policy) else ""
        return f"NOK where the mean probability of a defect is {_cut(policy.reject_from)} or more{look}."
    enough = {
        "any": "one vote says so",
        "all": "every vote says so",
        "majority": f"{_share(policy.reject_from)} of the votes say so",
        "weighted": f"votes with {_share(policy.reject_from)} of the weight say so",
    }
    look = f"; REVIEW from {risk.percent(policy.review_from)} on" if _reviews(policy) else ""
    cuts = "its own cut" if policy.thresholds else f"a probability of {_cut(policy.cut_of(''))}"
    return f"NOK where {enough[policy.rule]}{look}. Each member votes NOK from {cuts} on."


def conditions(policy: Policy) -> str:
    """What beside the cuts has a say in its verdicts; empty where nothing has."""
    parts = [f"fewer than {policy.quorum} votes are REVIEW"] if policy.quorum > 1 else []
    if any(stage.ok_below is not None or stage.nok_from is not None for stage in policy.cascade):
        parts.append("a part that an early stage of its cascade settles does not follow the cuts")
    parts += ["named kinds of defect count for themselves"] if policy.exceptions else []
    return f"Besides: {'; '.join(parts)}." if parts else ""


def bounded(events: int, parts: int) -> str:
    """A count of so many with the highest rate that it still allows, as `3 of 84 · up to 9 %`."""
    return f"{events} of {parts} · up to {risk.percent(risk.upper_bound(events, parts))}" if parts else "nothing seen"


def many(number: int, noun: str) -> str:
    """A count with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def reviews(counts: Counts) -> int:
    """How many parts a person must look at."""
    return counts.reviews_good + counts.reviews_defective


def money(value: float | None) -> str:
    """An amount; a dash where it is not known."""
    return UNKNOWN if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _reviews(policy: Policy) -> bool:
    return policy.review is not None and policy.review < policy.reject_from


def _cut(value: float) -> str:
    """A cut as it is read, with three digits; one that would be 0 so keeps those it has."""
    return cut(round(value, 3) or value)


def _share(value: float) -> str:
    return "at least half" if value == 0.5 else f"at least {risk.percent(value)}"
