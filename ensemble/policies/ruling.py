"""How a policy finds the label for votes: by the count, a stage of its cascade, a named defect, or who leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ensemble.policies.counting import VOTING_RULES, WEIGHT_ROUNDING, Weigh, counted, reaches
from ensemble.policies.value import PolicySettings
from ensemble.values.results import DEFECTIVE, REVIEW, Absence, Classes, Decision, Vote


@dataclass(frozen=True, slots=True)
class Ruling:
    """A label and how it was found: by the count, a stage's own threshold, a named defect, or why a person must look.

    `value` is the defect score with none of the absent against the part, or how far the leading class is ahead whatever
    the absent say; `stage` the position in the cascade after which nobody else had to be asked.
    """

    label: str
    way: str
    value: float = 0.0
    stage: int | None = None
    first: str = ""


def rule_on(policy: PolicySettings, votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> Ruling:
    """The label for votes that are cast, and which way it was found."""
    if not votes:
        return Ruling(REVIEW, "silence")
    if classes.defect is None or classes.good is None:
        return _leading(policy, votes, absent, classes)
    stages = range(len(policy.cascade))
    early = (_early(policy, number, votes, absent, classes.defect, classes.good) for number in stages)
    ruling = next((found for found in early if found is not None), None)
    ruling = ruling or _final(policy, votes, absent, classes.defect, classes.good)
    if ruling.label == classes.good and absent and _could_reject(policy, ruling.stage, votes, absent, classes.defect):
        return Ruling(REVIEW, "absent", ruling.value)
    return ruling


def _could_reject(
    policy: PolicySettings, last: int | None, votes: Sequence[Vote], absent: Sequence[Absence], defect: str
) -> bool:
    """Whether a stage up to the last one that was asked could say NOK at once, had its absent members voted."""
    for number, stage in enumerate(policy.cascade[: None if last is None else last + 1]):
        seen = {member for each in policy.cascade[: number + 1] for member in each.members}
        here = [vote for vote in votes if vote.member in seen]
        gone = [absence for absence in absent if absence.member in seen]
        most = defect_score_range(policy, here, gone, defect)[1]
        if stage.nok_from is not None and gone and reaches(most, stage.nok_from):
            return True
    return False


def _leading(policy: PolicySettings, votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> Ruling:
    lead = lead_of(policy.rule, policy.weight_of, votes, absent, classes)
    close = policy.margin > 0 and lead.least < policy.margin  # votes may lead where the mean probability does not
    doubts = {"quorum": len(votes) < policy.quorum, "absent": lead.open, "margin": close}
    way = next((name for name, holds in doubts.items() if holds), "lead")
    return Ruling(lead.first if way == "lead" else REVIEW, way, lead.least, first=lead.first)


def _final(policy: PolicySettings, votes: Sequence[Vote], absent: Sequence[Absence], defect: str, good: str) -> Ruling:
    least, most = defect_score_range(policy, votes, absent, defect)
    low, high = _label_outcome(policy, least, defect, good), _label_outcome(policy, most, defect, good)
    named = _named_regions(policy, votes, defect)
    if len(votes) < policy.quorum:
        return Ruling(REVIEW, "quorum", least)
    if named == defect or low == high == defect:
        return Ruling(defect, "defect" if named == defect and low != defect else "count", least)
    if low != high or (absent and high == good and _looks_for_defects(policy)):
        return Ruling(REVIEW, "absent", least)
    if named is not None and low == good:
        return Ruling(REVIEW, "defect", least)
    return Ruling(low, "count", least)


def _early(
    policy: PolicySettings, number: int, votes: Sequence[Vote], absent: Sequence[Absence], defect: str, good: str
) -> Ruling | None:
    """What a cascade says after a stage, from the votes so far; None where the next members must be asked."""
    seen = {member for stage in policy.cascade[: number + 1] for member in stage.members}
    here = [vote for vote in votes if vote.member in seen]
    gone = [absence for absence in absent if absence.member in seen]
    later = [Absence(vote.member, "", vote.weight, asked=False) for vote in votes if vote.member not in seen]
    later += [absence for absence in absent if absence.member not in seen]
    can_vote = len(here) + sum(not absence.asked for absence in later)
    if not here or not later or can_vote < policy.quorum or any(not absence.asked for absence in gone):
        return None
    least, most = defect_score_range(policy, here, gone, defect)
    whole = defect_score_range(policy, here, [*gone, *later], defect)
    outcomes = {_label_outcome(policy, value, defect, good) for value in whole}
    stage = policy.cascade[number]
    ruling = None
    if _named_regions(policy, here, defect) == defect:
        ruling = Ruling(defect, "defect", least, stage=number)
    elif stage.nok_from is not None and reaches(least, stage.nok_from):
        ruling = Ruling(defect, "stage", least, stage=number)
    elif outcomes == {defect}:
        ruling = Ruling(defect, "count", least, stage=number)
    elif _looks_for_defects(policy):  # a later detector could still name one
        ruling = None
    elif stage.ok_below is not None and not reaches(most, stage.ok_below):
        ruling = Ruling(good, "stage", most, stage=number)
    elif len(outcomes) == 1:
        ruling = Ruling(outcomes.pop(), "count", least, stage=number)
    return ruling


def defect_score_range(
    policy: PolicySettings, votes: Sequence[Vote], absent: Sequence[Absence], defect: str
) -> tuple[float, float]:
    """The defect score where none and where all of the absent speak against the part: no rule is laxer with more."""
    rule = VOTING_RULES[policy.rule]
    counts = [counted(vote, rule, defect, policy.weight_of) for vote in votes]
    missing = sum(policy.weight_of(absence.member, absence.weight) for absence in absent)
    return rule.combine(counts, missing, 0.0), rule.combine(counts, missing, 1.0)


def _label_outcome(policy: PolicySettings, value: float, defect: str, good: str) -> str:
    if reaches(value, policy.reject_from):
        return defect
    return REVIEW if reaches(value, policy.review_from) else good


def _looks_for_defects(policy: PolicySettings) -> bool:
    return any(clause.defect for clause in policy.exceptions)


def _named_regions(policy: PolicySettings, votes: Sequence[Vote], defect: str) -> str | None:
    """What the kinds of defect that count for themselves make of the regions on the part."""
    found = None
    for clause in policy.exceptions:
        if not clause.defect or clause.score is None:
            continue
        scores = [region.score for vote in votes for region in vote.regions if region.label == clause.defect]
        if max(scores, default=-1.0) >= clause.score:
            found = defect if clause.verdict == DEFECTIVE or found == defect else REVIEW
    return found


def asked(policy: PolicySettings, votes: tuple[Vote, ...], ruling: Ruling) -> tuple[Vote, ...]:
    """The votes that the ruling rests on: those of the stages that had to be asked."""
    if ruling.stage is None:
        return votes
    members = {member for stage in policy.cascade[: ruling.stage + 1] for member in stage.members}
    return tuple(vote for vote in votes if vote.member in members)


SCORE_DIGITS = 9  # of a score: what the sums of floats add beyond them is no part of it


def decision(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision | None:
    """The quantity that decided on the votes that a ruling rests on; None where nobody voted."""
    if not votes:
        return None
    if classes.defect is None:
        return _most_named(policy, ruling, votes, classes)
    if ruling.way == "defect":
        return _surest_region(policy, ruling, votes, classes)
    return _counted_votes(policy, ruling, votes, classes, classes.defect)


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


def _most_named(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision:
    shares, means = shares_of(policy.weight_of, votes, classes)
    tied = list(shares.values()).count(max(shares.values())) > 1
    by_mean = policy.rule == "mean" or ruling.way == "margin" or tied
    found = means if by_mean else shares
    kind = "mean" if by_mean else _defect_kind(policy)
    says = sum(vote.label == ruling.first for vote in votes)
    weights = weights_of(policy, votes) if VOTING_RULES[policy.rule].weighs else {}
    return Decision(kind, ruling.first, found[ruling.first], shares=found, counted=(says, len(votes)), weights=weights)


def _surest_region(policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes) -> Decision:
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
    return Decision("region", label, score, review, reject, sides=_vote_sides(classes))


def _counted_votes(
    policy: PolicySettings, ruling: Ruling, votes: Sequence[Vote], classes: Classes, defect: str
) -> Decision:
    rule = VOTING_RULES[policy.rule]
    counts = [counted(vote, rule, defect, policy.weight_of) for vote in votes]
    value = round(min(1.0, rule.combine(counts, 0.0, 0.0)), SCORE_DIGITS)
    ok, review, reject = _thresholds(policy, ruling, len(votes))
    for threshold in (ok, review, reject):
        if threshold is not None and value < threshold and reaches(value, threshold):
            value = threshold  # what counts as reached is said to be reached
    sides = _vote_sides(classes)
    return Decision(
        _defect_kind(policy),
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


def _vote_sides(classes: Classes) -> tuple[str, str]:
    return str(classes.good), str(classes.defect)


def _thresholds(policy: PolicySettings, ruling: Ruling, votes: int) -> tuple[float | None, float | None, float | None]:
    """Below which a part is OK, from where on REVIEW and NOK: of a stage that decided, its own."""
    if ruling.way == "stage" and ruling.stage is not None:
        stage = policy.cascade[ruling.stage]
        return stage.ok_below, None, stage.nok_from
    if policy.rule == "any":
        return None, None, 1 / votes
    return None, (policy.review_from if policy.has_review else None), policy.reject_from


def _defect_kind(policy: PolicySettings) -> Literal["votes", "weight", "mean"]:
    rule = VOTING_RULES[policy.rule]
    if not rule.sides:
        return "mean"
    return "weight" if rule.weighs else "votes"


@dataclass(frozen=True, slots=True)
class Lead:
    """The leading class, and the least that its mean probability is ahead of the next one, whatever the absent say.

    `open` says that the votes of absent members could make another class the leading one.
    """

    first: str
    least: float
    open: bool


def shares_of(weight_of: Weigh, votes: Sequence[Vote], classes: Classes) -> tuple[dict[str, float], dict[str, float]]:
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


def lead_of(
    rule: str,
    weight_of: Weigh,
    votes: Sequence[Vote],
    absent: Sequence[Absence],
    classes: Classes,
) -> Lead:
    """Who leads: by the mean probability under the rule mean, else by votes, with the mean probability for a tie."""
    total = sum(weight_of(vote.member, vote.weight) for vote in votes)
    missing = sum(weight_of(absence.member, absence.weight) for absence in absent)
    said, means = shares_of(weight_of, votes, classes)
    by_mean = rule == "mean"
    order = {name: (0.0 if by_mean else said[name], means[name]) for name in classes.names}
    first, second = sorted(classes.names, key=lambda name: order[name], reverse=True)[:2]
    rival = max((name for name in classes.names if name != first), key=lambda name: means[name])
    ahead = means[first] - means[rival]
    gap = ahead if by_mean else said[first] - said[second]
    turned = bool(absent) and gap * total <= missing + WEIGHT_ROUNDING * max(1.0, total)
    least = (ahead * total - missing) / (total + missing)
    return Lead(first, least, turned)
