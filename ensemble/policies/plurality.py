"""Counting votes where no class is a defect: which class leads, by how much, and whether the absent could turn it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ensemble.policies.counting import ROUNDING
from ensemble.values.results import Absence, Classes, Vote

Weigh = Callable[[str, float], float]


@dataclass(frozen=True, slots=True)
class Lead:
    """The leading class, and the least that its mean probability is ahead of the next one, whatever the absent say.

    `open` says that the votes of absent members could make another class the leading one.
    """

    first: str
    least: float
    open: bool


def shares(weight_of: Weigh, votes: Sequence[Vote], classes: Classes) -> tuple[dict[str, float], dict[str, float]]:
    """The share of the votes that each class has, and its mean probability, each vote as the rule counts it."""
    weights = [weight_of(vote.member, vote.weight) for vote in votes]
    total = sum(weights)
    counts = dict.fromkeys(classes.names, 0.0)
    for weight, vote in zip(weights, votes, strict=True):
        counts[vote.label] += weight
    means = {
        name: sum(weight * vote.probabilities[name] for weight, vote in zip(weights, votes, strict=True)) / total
        for name in classes.names
    }
    said = {name: round(count / total, 9) for name, count in counts.items()}
    return said, {name: min(1.0, mean) for name, mean in means.items()}


def lead(
    rule: str,
    weight_of: Weigh,
    votes: Sequence[Vote],
    absent: Sequence[Absence],
    classes: Classes,
) -> Lead:
    """Who leads: by the mean probability under the rule mean, else by votes, with the mean probability for a tie."""
    total = sum(weight_of(vote.member, vote.weight) for vote in votes)
    missing = sum(weight_of(absence.member, absence.weight) for absence in absent)
    said, means = shares(weight_of, votes, classes)
    by_mean = rule == "mean"
    order = {name: (0.0 if by_mean else said[name], means[name]) for name in classes.names}
    first, second = sorted(classes.names, key=lambda name: order[name], reverse=True)[:2]
    rival = max((name for name in classes.names if name != first), key=lambda name: means[name])
    ahead = means[first] - means[rival]
    gap = ahead if by_mean else said[first] - said[second]
    turned = bool(absent) and gap * total <= missing + ROUNDING * max(1.0, total)
    least = (ahead * total - missing) / (total + missing)
    return Lead(first, least, turned)
