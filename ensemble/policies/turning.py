"""What would have turned a verdict: the smallest change of thresholds, or of votes, that gives another label."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ensemble.policies.ruling import Ballot, Ruling, rule_on
from ensemble.values.digits import beside, decimals, in_order
from ensemble.values.language import Message, NumberText
from ensemble.values.results import Vote, word
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
