"""Why a verdict is what it is: the votes that decided it, and the smallest change that would have turned it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ensemble.policies.counting import RULES
from ensemble.results import REVIEW, Absence, Classes, Vote, word

if TYPE_CHECKING:
    from ensemble.policies.policy import Policy, Ruling

MOST_NAMES = 3
LOOK = "a person must look"


def sentence(
    policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes
) -> str:
    """Why these votes gave this label, for a person."""
    if ruling.way == "silence":
        return "No member could vote: a person must look."
    if classes.defect is None:
        parts = [_plurality(policy, ruling, votes, absent, classes)]
    else:
        parts = [_count(policy, ruling, votes, absent, classes.defect)]
    failed = [absence for absence in absent if absence.asked]
    if failed and ruling.label != REVIEW:
        parts.append(f"It stands whatever the absent {names([each.member for each in failed])} would have voted.")
    if ruling.stage is not None:
        parts.append(f"{names([vote.member for vote in votes])} settled it: nobody else had to be asked.")
    parts.append(turn(policy, ruling, votes, absent, classes))
    return " ".join(part for part in parts if part)


def _count(policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], defect: str) -> str:
    said = _sides(policy, votes, defect) if RULES[policy.rule].sides else _mean(policy, ruling, votes, defect)
    if ruling.way == "quorum":
        return (
            f"{said}. Only {len(votes)} of the {policy.quorum} votes that {policy.name} asks for could be cast: {LOOK}."
        )
    if ruling.way == "absent":
        return f"{said}, and {_missing(absent)} could change the answer: {LOOK}."
    if ruling.way == "defect":
        clauses = [clause.defect for clause in policy.exceptions if clause.defect]
        return f"{said}. A {names(clauses)} on the part counts for itself: {word(ruling.label)}."
    if ruling.label == REVIEW:
        return (
            f"{said}. From {cut(policy.review_from)} on {LOOK}, from {cut(policy.reject_from)} on it is {word(defect)}."
        )
    tied = RULES[policy.rule].sides and policy.reject_from == 0.5 and math.isclose(ruling.value, 0.5)
    tie = " A tie counts as defective." if tied and ruling.label == defect else ""
    return f"{said}.{tie}"


def _sides(policy: "Policy", votes: Sequence[Vote], defect: str) -> str:
    speaking = [vote for vote in votes if vote.label == defect]
    count = f"{len(speaking)} of {len(votes)} votes"
    weights = {vote.member: policy.weight_of(vote.member, vote.weight) for vote in votes}
    if len(speaking) not in {0, len(votes)} and set(weights.values()) != {1.0}:
        against = sum(weights[vote.member] for vote in speaking)
        count = f"{count} ({against:.2f} of {sum(weights.values()):.2f} by weight)"
    who = f": {names([vote.member for vote in speaking])}" if 0 < len(speaking) < len(votes) else ""
    return f"{count} {'says' if len(speaking) == 1 else 'say'} {word(defect)}{who}"


def _mean(policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], defect: str) -> str:
    weights = {vote.member: policy.weight_of(vote.member, vote.weight) for vote in votes}
    value = sum(weights[vote.member] * vote.probabilities[defect] for vote in votes) / sum(weights.values())
    most = sorted(votes, key=lambda vote: weights[vote.member] * vote.probabilities[defect], reverse=True)[:2]
    who = " and ".join(f"{vote.member} ({vote.probabilities[defect]:.2f})" for vote in most)
    where = ""
    if ruling.way == "count" and ruling.label != REVIEW:
        where = f", at or above the cut of {cut(policy.reject_from)}"
        if ruling.label != defect:
            where = f", below the cut of {cut(policy.review_from)}"
    return f"The mean probability of {word(defect)} is {value:.2f}{where}; most of it comes from {who}"


def _plurality(
    policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes
) -> str:
    first = ruling.first
    side = [vote for vote in votes if vote.label == first]
    count = f"{len(side)} of {len(votes)} votes {'says' if len(side) == 1 else 'say'} {word(first)}"
    if ruling.way == "quorum":
        return f"{count}. Only {len(votes)} of the {policy.quorum} votes that {policy.name} asks for: {LOOK}."
    if ruling.way == "absent":
        return f"{count}, and {_missing(absent)} could change the answer: {LOOK}."
    if ruling.way == "margin":
        return (
            f"{count}, but its mean probability is ahead by {ruling.value:.2f} only, less than the margin of "
            f"{cut(policy.margin)}: {LOOK}."
        )
    rivals = {name: sum(vote.label == name for vote in votes) for name in classes.names if name != first}
    tied = [name for name, votes_of in rivals.items() if votes_of == len(side)]
    if tied and policy.rule != "mean":
        return f"{count}, as many as for {word(tied[0])}; the higher mean probability decides."
    return f"{count}."


def _missing(absent: Sequence[Absence]) -> str:
    """`the absent svm` or `svm, which was not asked`, or both."""
    failed = [each.member for each in absent if each.asked]
    unasked = [each.member for each in absent if not each.asked]
    parts = [f"the absent {names(failed)}"] if failed else []
    parts += [f"{names(unasked)} that {'was' if len(unasked) == 1 else 'were'} not asked"] if unasked else []
    return " and ".join(parts)


def names(members: Sequence[str]) -> str:
    """A few names as a person would say them."""
    shown = list(members) if len(members) <= MOST_NAMES else [*members[: MOST_NAMES - 1], ""]
    if shown and not shown[-1]:
        shown[-1] = f"{len(members) - MOST_NAMES + 1} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nobody"


def cut(value: float) -> str:
    """A cut with as many digits as it needs, at most six."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if round(value, 2) != value else f"{value:.2f}"


# ------------------------------------------------------------------------------------------------ what would turn it


def turn(policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> str:
    """`OK if svm's cut were 0.62 instead of 0.55.`; empty where no change of cuts alone would turn the verdict."""
    if ruling.way not in {"count", "lead"} or ruling.stage is not None:  # whoever was not asked might turn it back
        return ""
    if classes.defect is None:
        return _turn_lead(policy, ruling, votes, absent, classes)
    if not RULES[policy.rule].sides:
        return _turn_mean(policy, ruling, votes, absent, classes)
    return _turn_sides(policy, ruling, votes, absent, classes)


def _turn_sides(
    policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes
) -> str:
    """The fewest votes nearest to their cuts that would have had to fall on the other side."""
    defect, good = classes.defect, classes.good
    assert defect is not None and good is not None
    other = {defect: good, good: defect}
    from_side = good if ruling.label == good else defect
    near = sorted(
        (vote for vote in votes if vote.label == from_side and _can_turn(vote, from_side == defect)),
        key=lambda vote: (abs(vote.score - (vote.threshold or 0.0)), vote.member),
    )
    turned = list(votes)
    moved: list[Vote] = []
    for vote in near:
        moved.append(vote)
        turned = [replace(each, label=other[each.label]) if each is vote else each for each in turned]
        label = policy.rule_on(turned, absent, classes).label
        if label != ruling.label:
            moves = [_moved(each, from_side == defect) for each in moved]
            return f"{word(label)} if {' and '.join(moves[:MOST_NAMES])}." if len(moves) <= MOST_NAMES else ""
    return ""


def _can_turn(vote: Vote, upwards: bool) -> bool:
    """Whether a member's own cut, which lies in [0, 1], could put its vote on the other side."""
    return vote.threshold is not None and 0 <= beyond(vote.score, upwards) <= 1


def _moved(vote: Vote, upwards: bool) -> str:
    return f"{vote.member}'s cut were {cut(beyond(vote.score, upwards))} instead of {cut(vote.threshold or 0.0)}"


def beyond(score: float, upwards: bool) -> float:
    """The nearest cut of two digits that puts a score on the other side; of more digits where two do not suffice."""
    for digits in (2, 3, 4, 6):
        unit = 10**digits
        found = (math.floor(round(score * unit, 9)) + 1 if upwards else math.floor(round(score * unit, 9))) / unit
        if 0 <= found <= 1 and (found > score if upwards else found <= score):
            return round(found, digits)
    return math.nextafter(score, 2.0) if upwards else score


def _turn_mean(
    policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes
) -> str:
    if absent:
        return ""
    upwards = ruling.label != classes.good
    name = "reject" if ruling.label == classes.defect or policy.review is None else "review"
    old = policy.reject_from if name == "reject" else policy.review_from
    new = beyond(ruling.value, upwards)
    if new > 1 or (name == "review" and new > policy.reject_from):
        return ""
    changed = replace(policy, reject=new) if name == "reject" else replace(policy, review=new)
    label = changed.rule_on(votes, absent, classes).label
    return "" if label == ruling.label else f"{word(label)} if the cut were {cut(new)} instead of {cut(old)}."


def _turn_lead(
    policy: "Policy", ruling: "Ruling", votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes
) -> str:
    """The fewest votes, least sure first, that would have had to go to their own second choice."""

    def second(vote: Vote) -> str:
        rest = [name for name in classes.names if name != vote.label]
        return max(rest, key=lambda name: vote.probabilities[name])

    near = sorted(
        (vote for vote in votes if vote.label == ruling.label),
        key=lambda vote: vote.probabilities[vote.label] - vote.probabilities[second(vote)],
    )
    turned, moved = list(votes), []
    for vote in near if policy.rule != "mean" else ():
        choice = second(vote)
        moved.append(f"{vote.member} had said {word(choice)}")
        turned = [replace(each, label=choice) if each is vote else each for each in turned]
        label = policy.rule_on(turned, absent, classes).label
        if label != ruling.label:
            return f"{word(label)} if {' and '.join(moved)}." if len(moved) <= MOST_NAMES else ""
    return ""
