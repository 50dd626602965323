"""How a policy finds the label for votes: by the count, a stage of its cascade, a named defect, sizes, or who leads."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ensemble.policies.counting import SUREST, WEIGHT_ROUNDING, CountedVote, defect_score, reaches
from ensemble.policies.value import PolicySettings
from ensemble.values.results import DEFECTIVE, REVIEW, Absence, Classes, Vote
from ensemble.values.view import MarkedSize


@dataclass(frozen=True, slots=True)
class Ruling:
    """A label and how it was found: by the count, a stage's own threshold, a named defect, the size of marks, or why a
    person must look.

    `value` is the defect score with none of the absent against the part, or how far the leading class is ahead whatever
    the absent say; `stage` the position in the cascade after which nobody else had to be asked.
    """

    label: str
    way: str
    value: float = 0.0
    stage: int | None = None
    first: str = ""


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a policy rules on: the votes that are cast on one part, who is absent, and the classes."""

    policy: PolicySettings
    votes: Sequence[Vote]
    absent: Sequence[Absence]
    classes: Classes

    @property
    def sides(self) -> tuple[str, str]:
        """The good class and the defect, of classes that have one."""
        return str(self.classes.good), str(self.classes.defect)

    def up_to(self, stage: int) -> "Ballot":
        """The same of those members alone that a cascade has asked by the end of a stage."""
        seen = {member for each in self.policy.cascade[: stage + 1] for member in each.members}
        votes = [vote for vote in self.votes if vote.member in seen]
        return replace(self, votes=votes, absent=[absence for absence in self.absent if absence.member in seen])

    def weights(self) -> dict[str, float]:
        """What each vote counts under the policy's rule."""
        return {vote.member: self.policy.weight_of(vote.member, vote.weight) for vote in self.votes}

    def missing(self) -> float:
        """What the votes of the absent would count."""
        return sum(self.policy.weight_of(absence.member, absence.weight) for absence in self.absent)

    def counted(self) -> list[CountedVote]:
        """What each vote brings to the count, where the classes have a defect."""
        sides, (_, defect) = self.policy.voting.sides, self.sides
        return [
            CountedVote(
                float(vote.label == defect) if sides else vote.probabilities[defect],
                self.policy.weight_of(vote.member, vote.weight),
            )
            for vote in self.votes
        ]

    def defect_score_range(self) -> tuple[float, float]:
        """The defect score where none and where all of the absent speak against it: no rule is laxer with more."""
        combine, counts, missing = self.policy.voting.combine, self.counted(), self.missing()
        return combine(counts, missing, 0.0), combine(counts, missing, 1.0)


def rule_on(ballot: Ballot) -> Ruling:
    """The label for votes that are cast, and which way it was found."""
    if not ballot.votes:
        return Ruling(REVIEW, "silence")
    if ballot.classes.defect is None:
        return _leading(ballot)
    return by_size(ballot, _by_votes(ballot))


def _by_votes(ballot: Ballot) -> Ruling:
    early = (_early(ballot, number) for number in range(len(ballot.policy.cascade)))
    ruling = next(filter(None, early), None) or _final(ballot)
    if ruling.label == ballot.classes.good and ballot.absent and _could_reject(ballot, ruling.stage):
        return Ruling(REVIEW, "absent", ruling.value)
    return ruling


def _could_reject(ballot: Ballot, last: int | None) -> bool:
    """Whether a stage up to the last one that was asked could say NOK at once, had its absent members voted."""
    for number, stage in enumerate(ballot.policy.cascade[: None if last is None else last + 1]):
        here = ballot.up_to(number)
        if stage.nok_from is not None and here.absent and reaches(here.defect_score_range()[1], stage.nok_from):
            return True
    return False


def _leading(ballot: Ballot) -> Ruling:
    """Who leads: by the mean or fused probability under such a rule, else by votes, with the mean for a tie.

    Its value is the least that the leading class is ahead of the next one, whatever the absent say.
    """
    policy, names = ballot.policy, ballot.classes.names
    total, missing = sum(ballot.weights().values()), ballot.missing()
    said, means = shares_of(ballot)
    by_mean = not policy.voting.sides
    order = {name: (0.0 if by_mean else said[name], means[name]) for name in names}
    first, second = sorted(names, key=lambda name: order[name], reverse=True)[:2]
    ahead = means[first] - max(means[name] for name in names if name != first)
    gap = ahead if by_mean else said[first] - said[second]
    least = (ahead * total - missing) / (total + missing)
    if fuses(policy):
        least = _least_lead(ballot, first)
        turned = least <= WEIGHT_ROUNDING
    else:
        turned = gap * total <= missing + WEIGHT_ROUNDING * max(1.0, total)
    doubts = {
        "quorum": len(ballot.votes) < policy.quorum,
        "absent": bool(ballot.absent) and turned,
        "margin": policy.margin > 0 and least < policy.margin,  # votes may lead where the mean probability does not
    }
    way = next((name for name, holds in doubts.items() if holds), "lead")
    return Ruling(first if way == "lead" else REVIEW, way, least, first=first)


def _final(ballot: Ballot) -> Ruling:
    good, defect = ballot.sides
    least, most = ballot.defect_score_range()
    low, high = _label_outcome(ballot, least), _label_outcome(ballot, most)
    named = _named_regions(ballot)
    if len(ballot.votes) < ballot.policy.quorum:
        return Ruling(REVIEW, "quorum", least)
    if named == defect or low == high == defect:
        return Ruling(defect, "defect" if named == defect and low != defect else "count", least)
    if low != high or (ballot.absent and high == good and _looks_for_defects(ballot.policy)):
        return Ruling(REVIEW, "absent", least)
    if named is not None and low == good:
        return Ruling(REVIEW, "defect", least)
    return Ruling(low, "count", least)


def _early(ballot: Ballot, number: int) -> Ruling | None:
    """What a cascade says after a stage, from the votes so far; None where the next members must be asked."""
    (good, defect), policy, here = ballot.sides, ballot.policy, ballot.up_to(number)
    seen = {vote.member for vote in here.votes} | {absence.member for absence in here.absent}
    later = [Absence(vote.member, "", vote.weight, asked=False) for vote in ballot.votes if vote.member not in seen]
    later += [absence for absence in ballot.absent if absence.member not in seen]
    can_vote = len(here.votes) + sum(not absence.asked for absence in later)
    if not here.votes or not later or can_vote < policy.quorum or any(not absence.asked for absence in here.absent):
        return None
    least, most = here.defect_score_range()
    whole = replace(here, absent=[*here.absent, *later]).defect_score_range()
    outcomes = {_label_outcome(ballot, value) for value in whole}
    stage = policy.cascade[number]
    ruling = None
    if _named_regions(here) == defect:
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


def _label_outcome(ballot: Ballot, value: float) -> str:
    good, defect = ballot.sides
    if reaches(value, ballot.policy.reject_from):
        return defect
    return REVIEW if reaches(value, ballot.policy.review_from) else good


def _looks_for_defects(policy: PolicySettings) -> bool:
    return any(clause.defect for clause in policy.exceptions) or policy.large_defect is not None


def _named_regions(ballot: Ballot) -> str | None:
    """What the kinds of defect that count for themselves make of the regions on the part."""
    found, defect = None, ballot.classes.defect
    for clause in ballot.policy.exceptions:
        if not clause.defect or clause.score is None:
            continue
        scores = [region.score for vote in ballot.votes for region in vote.regions if region.label == clause.defect]
        if max(scores, default=-1.0) >= clause.score:
            found = defect if clause.verdict == DEFECTIVE or found == defect else REVIEW
    return found


WAYS_OF_SIZE = LARGE, SMALL, UNMEASURED = "large", "small", "unmeasured"


def by_size(ballot: Ballot, ruling: Ruling) -> Ruling:
    """The same with what the policy says of the size of marks; where that is not known, never laxer."""
    good, defect = ballot.sides
    limit, marked = ballot.policy.large_defect, _marks_of(ballot)
    if limit is not None and ruling.way != "quorum":
        reached = [limit.reached_by(marks) for marks in marked if marks.count]
        label = defect if limit.verdict == DEFECTIVE else REVIEW
        if True in reached and (ruling.label == good or (label == defect and ruling.label == REVIEW)):
            return Ruling(label, LARGE, ruling.value)
        if ruling.label == good and (not marked or None in reached):
            return Ruling(REVIEW, UNMEASURED, ruling.value)
        if any(each is not False for each in reached):
            return ruling
    return Ruling(good, SMALL, ruling.value) if _is_small(ballot, ruling) else ruling


def _marks_of(ballot: Ballot) -> list[MarkedSize]:
    return [vote.marks for vote in ballot.votes if vote.marks is not None]


def _is_small(ballot: Ballot, ruling: Ruling) -> bool:
    """Whether nothing but marks below the smallest defect speaks against a part.

    Everybody has voted, whoever speaks against the part has marked it, and nobody has marked anything larger.
    """
    limit = ballot.policy.smallest_defect
    if limit is None or ruling.label == ballot.classes.good or ruling.way not in ("count", "stage"):
        return False
    against = [vote for vote in ballot.votes if _speaks_against(ballot, vote)]
    if ballot.absent or not against or _named_regions(ballot) is not None:
        return False
    marked = all(vote.marks is not None and vote.marks.count for vote in against)
    return marked and all(limit.reached_by(marks) is False for marks in _marks_of(ballot) if marks.count)


def _speaks_against(ballot: Ballot, vote: Vote) -> bool:
    """Whether a vote is one for the defect, or its probability one that alone would be no OK."""
    policy, (_, defect) = ballot.policy, ballot.sides
    starts = (policy.review_from, *(stage.nok_from for stage in policy.cascade if stage.nok_from is not None))
    likely = not policy.voting.sides and reaches(vote.probabilities[defect], min(starts))
    return vote.label == defect or likely


def waits_for_sizes(ballot: Ballot, ruling: Ruling) -> bool:
    """Whether a part that a stage of a cascade rejects would be OK by the size of its marks, if all others agreed."""
    return _is_small(replace(ballot, absent=[each for each in ballot.absent if each.asked]), ruling)


def asked(ballot: Ballot, ruling: Ruling) -> Ballot:
    """The same with those votes alone that the ruling rests on: of the stages that had to be asked."""
    return ballot if ruling.stage is None else replace(ballot, votes=ballot.up_to(ruling.stage).votes)


def fuses(policy: PolicySettings) -> bool:
    """Whether its rule reads probabilities and combines them otherwise than by their mean."""
    return not policy.voting.sides and policy.voting.combine is not defect_score


def fused_probabilities(ballot: Ballot, missing: float = 0.0, against: str = "") -> dict[str, float]:
    """The fused probability of each class, where votes that weigh `missing` are as sure as can be of one of them.

    Of two classes with a defect by the policy's rule; of others the normalised geometric mean of the votes.
    """
    weights, names = ballot.weights(), ballot.classes.names
    if ballot.classes.defect is not None:
        value = min(1.0, ballot.policy.voting.combine(ballot.counted(), 0.0, 0.0))
        good, defect = ballot.sides
        return {good: 1 - value, defect: value}
    total = sum(weights.values()) + missing
    logs = {}
    for name in names:
        said = sum(weights[vote.member] * math.log(max(vote.probabilities[name], SUREST)) for vote in ballot.votes)
        logs[name] = (said + missing * math.log(1 - SUREST if name == against else SUREST)) / total
    top = max(logs.values())
    odds = {name: math.exp(value - top) for name, value in logs.items()}
    return {name: value / sum(odds.values()) for name, value in odds.items()}


def _least_lead(ballot: Ballot, first: str) -> float:
    """How far the first class is ahead in fused probability where all of the absent are sure of the worst rival."""
    leads = []
    for rival in ballot.classes.names:
        if rival != first:
            fused = fused_probabilities(ballot, ballot.missing(), rival)
            leads.append(fused[first] - max(value for name, value in fused.items() if name != first))
    return min(leads)


def shares_of(ballot: Ballot) -> tuple[dict[str, float], dict[str, float]]:
    """The share of the votes that each class has, and its mean or fused probability, as the rule counts votes."""
    weights, names = ballot.weights(), ballot.classes.names
    total = sum(weights.values())
    counts = dict.fromkeys(names, 0.0)
    for vote in ballot.votes:
        counts[vote.label] += weights[vote.member]
    means = {
        name: sum(weights[vote.member] * vote.probabilities[name] for vote in ballot.votes) / total for name in names
    }
    said = {name: round(count / total, 9) for name, count in counts.items()}
    if fuses(ballot.policy):
        means = fused_probabilities(ballot)
    return said, {name: min(1.0, mean) for name, mean in means.items()}
