"""What has decided a verdict, and what would have turned it: the smallest change of thresholds, or of votes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ensemble.policies.counting import reaches
from ensemble.policies.ruling import Ballot, Ruling, fused_probabilities, fuses, rule_on, shares_of
from ensemble.policies.value import PolicySettings
from ensemble.values.digits import beside, decimals, in_order
from ensemble.values.language import Message, NumberText
from ensemble.values.results import DEFECTIVE, REVIEW, Decision, Vote, word
from ensemble.values.titles import model_title

MOST_MOVES = 3  # that a sentence names
Turn = Message | Literal[""]


def turn(ballot: Ballot, ruling: Ruling, shown: Sequence[str]) -> Turn:
    """`OK if the threshold of svm were 0.62 instead of 0.55.`; empty where no change of thresholds alone turns it.

    `shown` is how the quantity and its thresholds are written beside each other.
    """
    if ruling.way not in {"count", "lead"} or ruling.stage is not None:  # whoever was not asked might turn it back
        return ""
    if ballot.classes.defect is None:
        return _turn_lead(ballot, ruling)
    if not ballot.policy.voting.sides:
        return _turn_mean(ballot, ruling, shown)
    return _turn_sides(ballot, ruling)


def _turn_sides(ballot: Ballot, ruling: Ruling) -> Turn:
    """The fewest votes nearest to their thresholds that would have had to fall on the other side."""
    good, defect = ballot.sides
    from_side, to_side = (good, defect) if ruling.label == good else (defect, good)
    near = sorted(
        (vote for vote in ballot.votes if vote.label == from_side and _can_turn(vote, from_side == defect)),
        key=lambda vote: (abs(vote.score - (vote.threshold or 0.0)), vote.member),
    )
    moves = (_Move(vote, to_side, _moved_threshold(vote, from_side == defect)) for vote in near)
    return _after_moves(ballot, ruling, moves)


@dataclass(frozen=True, slots=True)
class _Move:
    """A vote that would have had to be another one, and how that is said."""

    vote: Vote
    label: str
    said: Message


def _after_moves(ballot: Ballot, ruling: Ruling, moves: Iterable[_Move]) -> Turn:
    """The label after the fewest of these moves, made one after the other; empty where it stays or they are many."""
    turned, said = list(ballot.votes), []
    for move in moves:
        said.append(move.said)
        turned = [replace(each, label=move.label) if each is move.vote else each for each in turned]
        label = rule_on(replace(ballot, votes=turned)).label
        if label != ruling.label:
            return _if_moved(label, said)
    return ""


def _if_moved(label: str, moves: Sequence[Message]) -> Turn:
    named = {f"move_{place}": move for place, move in enumerate(moves)} | {"verdict": word(label)}
    if len(moves) == 1:
        return Message("{verdict} if {move_0}.", **named)
    if len(moves) == 2:
        return Message("{verdict} if {move_0} and {move_1}.", **named)
    if len(moves) == MOST_MOVES:
        return Message("{verdict} if {move_0} and {move_1} and {move_2}.", **named)
    return ""


def _can_turn(vote: Vote, upwards: bool) -> bool:
    """Whether a member's own threshold, which lies in [0, 1], could put its vote on the other side."""
    return vote.threshold is not None and 0 <= beyond(vote.score, upwards) <= 1


def _moved_threshold(vote: Vote, upwards: bool) -> Message:
    threshold = vote.threshold or 0.0
    new, old = _instead(vote.score, threshold, upwards, beside(vote.score, threshold))
    return Message(
        "the threshold of {model} were {new} instead of {old}", model=model_title(vote.member), new=new, old=old
    )


def _instead(
    score: float, old: float, upwards: bool, shown: Sequence[str], most: float = 1.0
) -> tuple[NumberText, NumberText]:
    """The new threshold exactly, and the old one with the digits it is `shown` with elsewhere."""
    digits = max(len(text.partition(".")[2]) for text in shown)
    new = beyond(score, upwards)
    if upwards:  # beyond both as they are shown, too, so that nobody reads a change that is none
        further = beyond(max(score, *map(float, in_order(score, old, least=digits))), upwards)
        new = further if further <= most else new
    moved, before = in_order(new, old, least=max(2, decimals(new), digits))
    return moved, before


def beyond(score: float, upwards: bool) -> float:
    """The nearest threshold of two digits that puts a score on the other side; of more where two do not suffice."""
    for digits in (2, 3, 4, 6):
        unit = 10**digits
        found = (math.floor(round(score * unit, 9)) + 1 if upwards else math.floor(round(score * unit, 9))) / unit
        if 0 <= found <= 1 and (found > score if upwards else found <= score):
            return round(found, digits)
    return math.nextafter(score, 2.0) if upwards else score


def _turn_mean(ballot: Ballot, ruling: Ruling, shown: Sequence[str]) -> Turn:
    if ballot.absent:
        return ""
    policy, (good, defect) = ballot.policy, ballot.sides
    upwards = ruling.label != good
    name = "reject" if ruling.label == defect or policy.review is None else "review"
    old, most = (policy.reject_from, 1.0) if name == "reject" else (policy.review_from, policy.reject_from)
    value = round(ruling.value, 9)
    new = beyond(value, upwards)
    if new > most:
        return ""
    changed = replace(policy, reject=new) if name == "reject" else replace(policy, review=new)
    label = rule_on(replace(ballot, policy=changed)).label
    if label == ruling.label:
        return ""
    moved, before = _instead(value, old, upwards, shown, most)
    return Message(
        "{verdict} if the threshold were {new} instead of {old}.", verdict=word(label), new=moved, old=before
    )


def _turn_lead(ballot: Ballot, ruling: Ruling) -> Turn:
    """The fewest votes, least sure first, that would have had to go to their own second choice."""

    def second(vote: Vote) -> str:
        rest = [name for name in ballot.classes.names if name != vote.label]
        return max(rest, key=lambda name: vote.probabilities[name])

    if not ballot.policy.voting.sides:
        return ""
    near = sorted(
        (vote for vote in ballot.votes if vote.label == ruling.label),
        key=lambda vote: vote.probabilities[vote.label] - vote.probabilities[second(vote)],
    )
    moves = (
        _Move(
            vote,
            second(vote),
            Message("{model} had said {verdict}", model=model_title(vote.member), verdict=word(second(vote))),
        )
        for vote in near
    )
    return _after_moves(ballot, ruling, moves)


# ------------------------------------------------------------------------------------------------ what decided

SCORE_DIGITS = 9  # of a score: what the sums of floats add beyond them is no part of it


def decision(ballot: Ballot, ruling: Ruling) -> Decision | None:
    """The quantity that decided on the votes that a ruling rests on; None where nobody voted."""
    if not ballot.votes:
        return None
    if ballot.classes.defect is None:
        return _most_named(ballot, ruling)
    return _surest_region(ballot, ruling) if ruling.way == "defect" else _counted_votes(ballot, ruling)


def confidence(ballot: Ballot, label: str) -> float | None:
    """The mean, or fused, probability of the label, each vote as the rule counts it; None for REVIEW and below 0.5."""
    if label == REVIEW or not ballot.votes:
        return None
    if fuses(ballot.policy):
        fused = fused_probabilities(ballot)[label]
        return fused if fused >= 0.5 else None
    weights = ballot.weights()
    total = sum(weights[vote.member] * vote.probabilities[label] for vote in ballot.votes)
    mean = min(1.0, total / sum(weights.values()))
    return mean if mean >= 0.5 else None


def _most_named(ballot: Ballot, ruling: Ruling) -> Decision:
    policy, votes = ballot.policy, ballot.votes
    shares, means = shares_of(ballot)
    tied = list(shares.values()).count(max(shares.values())) > 1
    by_mean = not policy.voting.sides or ruling.way == "margin" or tied
    found = means if by_mean else shares
    kind = _mean_kind(policy) if by_mean else _defect_kind(policy)
    says = sum(vote.label == ruling.first for vote in votes)
    weights = ballot.weights() if policy.voting.weighs else {}
    return Decision(kind, ruling.first, found[ruling.first], shares=found, counted=(says, len(votes)), weights=weights)


def _surest_region(ballot: Ballot, ruling: Ruling) -> Decision:
    """The surest region of a kind of defect that counts for itself."""
    wanted = REVIEW if ruling.label == REVIEW else DEFECTIVE
    found = [
        (region.score, clause.score, clause.defect)
        for clause in ballot.policy.exceptions
        if clause.defect and clause.score is not None and clause.verdict == wanted
        for vote in ballot.votes
        for region in vote.regions
        if region.label == clause.defect and region.score >= clause.score
    ]
    score, least, label = max(found)
    review, reject = (least, None) if wanted == REVIEW else (None, least)
    return Decision("region", label, score, review, reject, sides=ballot.sides)


def _counted_votes(ballot: Ballot, ruling: Ruling) -> Decision:
    policy, votes, (good, defect) = ballot.policy, ballot.votes, ballot.sides
    rule = policy.voting
    value = round(min(1.0, rule.combine(ballot.counted(), 0.0, 0.0)), SCORE_DIGITS)
    ok, review, reject = _thresholds(policy, ruling, len(votes))
    for threshold in (ok, review, reject):
        if threshold is not None and value < threshold and reaches(value, threshold):
            value = threshold  # what counts as reached is said to be reached
    return Decision(
        _defect_kind(policy),
        defect,
        value,
        review,
        reject,
        ok,
        shares={good: 1 - value, defect: value},
        counted=(sum(vote.label == defect for vote in votes), len(votes)),
        weights=ballot.weights() if rule.weighs else {},
        sides=(good, defect),
        rule=policy.rule,
    )


def _thresholds(policy: PolicySettings, ruling: Ruling, votes: int) -> tuple[float | None, float | None, float | None]:
    """Below which a part is OK, from where on REVIEW and NOK: of a stage that decided, its own."""
    if ruling.way == "stage" and ruling.stage is not None:
        stage = policy.cascade[ruling.stage]
        return stage.ok_below, None, stage.nok_from
    if policy.rule == "any":
        return None, None, 1 / votes
    return None, (policy.review_from if policy.has_review else None), policy.reject_from


def _defect_kind(policy: PolicySettings) -> Literal["votes", "weight", "mean", "fused"]:
    rule = policy.voting
    if not rule.sides:
        return _mean_kind(policy)
    return "weight" if rule.weighs else "votes"


def _mean_kind(policy: PolicySettings) -> Literal["mean", "fused"]:
    return "fused" if fuses(policy) else "mean"
