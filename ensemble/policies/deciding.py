"""What decided: the one quantity that a policy compared with its thresholds, as it is said, drawn and kept."""

from collections.abc import Sequence
from typing import Literal

from ensemble.policies import plurality
from ensemble.policies.counting import RULES, counted, reaches, suspicion
from ensemble.policies.ruling import Ruling
from ensemble.policies.value import PolicySettings
from ensemble.values.results import DEFECTIVE, REVIEW, Classes, Decision, Vote

DIGITS = 9  # of a score: what the sums of floats add beyond them is no part of it


def decision(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision | None:
    """The quantity that decided on the votes that a ruling rests on; None where nobody voted."""
    if not votes:
        return None
    if classes.defect is None:
        return _leading(policy, ruling, votes, classes)
    if ruling.way == "defect":
        return _region(policy, ruling, votes, classes)
    return _counted(policy, ruling, votes, classes, classes.defect)


def confidence(policy: PolicySettings, label: str, votes: Sequence[Vote]) -> float | None:
    """The mean probability of the label, each vote as the rule counts it; None for REVIEW and below one half."""
    if label == REVIEW or not votes:
        return None
    weights = weights_of(policy, votes)
    total = sum(weights[vote.member] * vote.probabilities[label] for vote in votes)
    mean = min(1.0, total / sum(weights.values()))
    return mean if mean >= 0.5 else None


def weights_of(policy: PolicySettings, votes: Sequence[Vote]) -> dict[str, float]:
    """What each vote counts under the policy's rule."""
    return {vote.member: policy.weight_of(vote.member, vote.weight) for vote in votes}


def _leading(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision:
    shares, means = plurality.shares(policy.weight_of, votes, classes)
    tied = list(shares.values()).count(max(shares.values())) > 1
    by_mean = policy.rule == "mean" or ruling.way == "margin" or tied
    found = means if by_mean else shares
    kind = "mean" if by_mean else _kind(policy)
    says = sum(vote.label == ruling.first for vote in votes)
    weights = weights_of(policy, votes) if RULES[policy.rule].weighs else {}
    return Decision(kind, ruling.first, found[ruling.first], shares=found, counted=(says, len(votes)), weights=weights)


def _region(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision:
    """The surest region of a kind of defect that counts for itself."""
    wanted = REVIEW if ruling.label == REVIEW else DEFECTIVE
    found = [
        (region.score, clause.score, clause.defect)
        for clause in policy.exceptions
        if clause.defect and clause.score is not None and clause.verdict == wanted
        for vote in votes
        for region in vote.regions
        if region.label == clause.defect and region.score >= clause.score
    ]
    score, least, label = max(found)
    review, reject = (least, None) if wanted == REVIEW else (None, least)
    return Decision("region", label, score, review, reject, sides=_sides(classes))


def _counted(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes, defect: str) -> Decision:
    rule = RULES[policy.rule]
    value = round(min(1.0, suspicion([counted(vote, rule, defect, policy.weight_of) for vote in votes])), DIGITS)
    ok, review, reject = _thresholds(policy, ruling, len(votes))
    for threshold in (ok, review, reject):
        if threshold is not None and value < threshold and reaches(value, threshold):
            value = threshold  # what counts as reached is said to be reached
    sides = _sides(classes)
    return Decision(
        _kind(policy),
        defect,
        value,
        review,
        reject,
        ok,
        shares={sides[0]: 1 - value, defect: value},
        counted=(sum(vote.label == defect for vote in votes), len(votes)),
        weights=weights_of(policy, votes) if rule.weighs else {},
        sides=sides,
        rule=policy.rule,
    )


def _sides(classes: Classes) -> tuple[str, str]:
    return str(classes.good), str(classes.defect)


def _thresholds(policy: PolicySettings, ruling: Ruling, votes: int) -> tuple[float | None, float | None, float | None]:
    """Below which a part is OK, from where on REVIEW and NOK: of a stage that decided, its own."""
    if ruling.way == "stage" and ruling.stage is not None:
        stage = policy.cascade[ruling.stage]
        return stage.ok_below, None, stage.nok_from
    if policy.rule == "any":
        return None, None, 1 / votes
    return None, (policy.review_from if policy.has_review else None), policy.reject_from


def _kind(policy: PolicySettings) -> Literal["votes", "weight", "mean"]:
    rule = RULES[policy.rule]
    if not rule.sides:
        return "mean"
    return "weight" if rule.weighs else "votes"
