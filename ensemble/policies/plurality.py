"""Counting votes where no class is a defect: which class leads, by how much, and whether the absent could turn it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ensemble.policies.counting import ROUNDING
from ensemble.results import Absence, Classes, Vote


@dataclass(frozen=True, slots=True)
class Lead:
    """The leading class, how far its mean probability is ahead of the next one, and the least it can be ahead.

    `open` says that the votes of absent members could make another class the leading one.
    """

    first: str
    second: str
    ahead: float
    least: float
    open: bool


def lead(
    rule: str,
    weight_of: Callable[[str, float], float],
    votes: Sequence[Vote],
    absent: Sequence[Absence],
    classes: Classes,
) -> Lead:
    """Who leads: by the mean probability under the rule mean, else by votes, with the mean probability for a tie."""
    weights = [weight_of(vote.member, vote.weight) for vote in votes]
    total, missing = sum(weights), sum(weight_of(absence.member, absence.weight) for absence in absent)
    means = {
        name: sum(weight * vote.probabilities[name] for weight, vote in zip(weights, votes, strict=True)) / total
        for name in classes.names
    }
    counts = dict.fromkeys(classes.names, 0.0)
    for weight, vote in zip(weights, votes, strict=True):
        counts[vote.label] += weight
    by_mean = rule == "mean"
    order = {name: (0.0 if by_mean else round(counts[name], 9), means[name]) for name in classes.names}
    first, second = sorted(classes.names, key=lambda name: order[name], reverse=True)[:2]
    rival = max((name for name in classes.names if name != first), key=lambda name: means[name])
    ahead = means[first] - means[rival]
    if by_mean:
        turned = bool(absent) and ahead * total <= missing + ROUNDING
    else:
        turned = bool(absent) and counts[first] - counts[second] <= missing + ROUNDING
    least = (ahead * total - missing) / (total + missing)
    return Lead(first, second if not by_mean else rival, ahead, least, turned)
