"""Why a verdict is what it is: the votes that decided it, and the smallest change that would have turned it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ensemble.policies.ruling import Ballot, Ruling, rule_on
from ensemble.values.digits import beside, decimals, in_order, percents
from ensemble.values.results import REVIEW, Absence, Decision, Verdict, Vote, word
from ensemble.values.titles import model_title

MOST_NAMES = 3
LOOK = "a person must look"
MEANS = ("mean", "fused")  # kinds of a decision that read the votes' probabilities


def reason_sentence(ballot: Ballot, ruling: Ruling, decision: Decision | None) -> str:
    """Why the votes that a ruling rests on gave its label, for a person."""
    if decision is None:
        return "No model could vote: a person must look."
    reason = _plurality if ballot.classes.defect is None else _count_reason
    parts = [reason(ballot, ruling, decision)]
    failed = [absence.member for absence in ballot.absent if absence.asked]
    if failed and ruling.label != REVIEW:
        parts.append(f"It stands whatever the absent {joined_names(failed)} would have voted.")
    if ruling.stage is not None:
        who = joined_names([vote.member for vote in ballot.votes])
        parts.append(f"Decided by {who}: no other model was needed.")
    parts.append(turn(ballot, ruling, decision))
    return " ".join(part for part in parts if part)


def doubtful(doubt: str, label: str) -> str:
    """Why a person must look at a photo that may not show the part, and what its votes alone would give."""
    alone = "" if label == REVIEW else f" By its votes alone it would be {word(label)}."
    return f"This photo may not show this part: {doubt}.{alone}"


def _count_reason(ballot: Ballot, ruling: Ruling, decision: Decision) -> str:
    policy, votes, (_, defect) = ballot.policy, ballot.votes, ballot.sides
    if decision.kind == "region":
        return f"{told(decision)}; {needed(decision)}, whatever the votes say."
    said = _mean(decision, votes, defect) if decision.kind in MEANS else _reason_sides(decision, votes, defect)
    if ruling.way == "quorum":
        return (
            f"{said}. Only {len(votes)} of the {policy.quorum} votes that {policy.name} asks for could be cast: {LOOK}."
        )
    if ruling.way == "absent":
        return f"{said}. {_missing(ballot.absent)} could change the answer: {LOOK}."
    return f"{said}."


def _reason_sides(decision: Decision, votes: Sequence[Vote], defect: str) -> str:
    speaking = [vote.member for vote in votes if vote.label == defect]
    who = joined_names(speaking) if 0 < len(speaking) < len(votes) else ""
    return f"{told(decision, who)}; {needed(decision)}"


def _mean(decision: Decision, votes: Sequence[Vote], defect: str) -> str:
    most = sorted(votes, key=lambda vote: vote.probabilities[defect], reverse=True)[:2]
    who = ", ".join(f"{model_title(vote.member)} {vote.probabilities[defect]:.2f}" for vote in most)
    found = f"{told(decision)}; {needed(decision)}"
    return f"{found}. Highest: {who}" if len(votes) > 1 else found


def _plurality(ballot: Ballot, ruling: Ruling, decision: Decision) -> str:
    policy, first = ballot.policy, ruling.first
    count = told(decision) if decision.kind == "weight" or not policy.voting.sides else _heads(decision, first)
    if ruling.way == "quorum":
        votes = len(ballot.votes)
        return f"{count}. Only {votes} of the {policy.quorum} votes that {policy.name} asks for: {LOOK}."
    if ruling.way == "absent":
        return f"{count}. {_missing(ballot.absent)} could change the answer: {LOOK}."
    if ruling.way == "margin":
        ahead, margin = in_order(ruling.value, policy.margin)
        surely = "surely " if ballot.absent else ""
        by = f"{surely}ahead by {ahead} only, less than {margin}"
        by = by if ruling.value >= 0 else f"not {surely}ahead, and must be by {margin}"
        return f"{count}; its {decision.kind} probability is {by}: {LOOK}."
    if decision.kind not in MEANS:
        return f"{count}."
    rival = max((name for name in ballot.classes.names if name != first), key=lambda name: decision.shares[name])
    lead, other = in_order(decision.shares[first], decision.shares[rival])
    means = f"{word(first)} {lead}, {word(rival)} {other}"
    if not policy.voting.sides:
        return f"The highest {decision.kind} probability decides: {means}."
    return f"{count}, a tie; the higher mean probability decides: {means}."


def _heads(decision: Decision, label: str) -> str:
    says, models = decision.counted
    return f"{says} of {models} models {'says' if says == 1 else 'say'} {word(label)}"


def _missing(absent: Sequence[Absence]) -> str:
    """`The absent svm` or `svm that was not asked`, or both; at the beginning of a sentence."""
    failed = [each.member for each in absent if each.asked]
    unasked = [each.member for each in absent if not each.asked]
    parts = [f"The absent {joined_names(failed)}"] if failed else []
    parts += [f"{joined_names(unasked)} that {'was' if len(unasked) == 1 else 'were'} not asked"] if unasked else []
    return " and ".join(parts)


def joined_names(members: Sequence[str]) -> str:
    """The titles of a few models as a person would say them."""
    names = [model_title(member) for member in members]
    shown = names if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], ""]
    if shown and not shown[-1]:
        shown[-1] = f"{len(members) - MOST_NAMES + 1} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nobody"


# ------------------------------------------------------------------------------------------------ what would turn it


def turn(ballot: Ballot, ruling: Ruling, decision: Decision) -> str:
    """`OK if svm's threshold were 0.62 instead of 0.55.`; empty where no change of thresholds alone turns it."""
    if ruling.way not in {"count", "lead"} or ruling.stage is not None:  # whoever was not asked might turn it back
        return ""
    if ballot.classes.defect is None:
        return _turn_lead(ballot, ruling)
    if not ballot.policy.voting.sides:
        return _turn_mean(ballot, ruling, decision)
    return _turn_sides(ballot, ruling)


def _turn_sides(ballot: Ballot, ruling: Ruling) -> str:
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
    said: str


def _after_moves(ballot: Ballot, ruling: Ruling, moves: Iterable[_Move]) -> str:
    """The label after the fewest of these moves, made one after the other; empty where it stays or they are many."""
    turned, said = list(ballot.votes), []
    for move in moves:
        said.append(move.said)
        turned = [replace(each, label=move.label) if each is move.vote else each for each in turned]
        label = rule_on(replace(ballot, votes=turned)).label
        if label != ruling.label:
            return f"{word(label)} if {' and '.join(said)}." if len(said) <= MOST_NAMES else ""
    return ""


def _can_turn(vote: Vote, upwards: bool) -> bool:
    """Whether a member's own threshold, which lies in [0, 1], could put its vote on the other side."""
    return vote.threshold is not None and 0 <= beyond(vote.score, upwards) <= 1


def _moved_threshold(vote: Vote, upwards: bool) -> str:
    threshold = vote.threshold or 0.0
    instead = _instead(vote.score, threshold, upwards, beside(vote.score, threshold))
    return f"the threshold of {model_title(vote.member)} were {instead}"


def _instead(score: float, old: float, upwards: bool, shown: Sequence[str], most: float = 1.0) -> str:
    """`0.62 instead of 0.55`: the new threshold exactly, the old one with the digits it is `shown` with elsewhere."""
    digits = max(len(text.partition(".")[2]) for text in shown)
    new = beyond(score, upwards)
    if upwards:  # beyond both as they are shown, too, so that nobody reads a change that is none
        further = beyond(max(score, *map(float, in_order(score, old, least=digits))), upwards)
        new = further if further <= most else new
    moved, before = in_order(new, old, least=max(2, decimals(new), digits))
    return f"{moved} instead of {before}"


def beyond(score: float, upwards: bool) -> float:
    """The nearest threshold of two digits that puts a score on the other side; of more where two do not suffice."""
    for digits in (2, 3, 4, 6):
        unit = 10**digits
        found = (math.floor(round(score * unit, 9)) + 1 if upwards else math.floor(round(score * unit, 9))) / unit
        if 0 <= found <= 1 and (found > score if upwards else found <= score):
            return round(found, digits)
    return math.nextafter(score, 2.0) if upwards else score


def _turn_mean(ballot: Ballot, ruling: Ruling, decision: Decision) -> str:
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
    instead = _instead(value, old, upwards, compared_text(decision), most)
    return "" if label == ruling.label else f"{word(label)} if the threshold were {instead}."


def _turn_lead(ballot: Ballot, ruling: Ruling) -> str:
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
    moves = (_Move(vote, second(vote), f"{model_title(vote.member)} had said {word(second(vote))}") for vote in near)
    return _after_moves(ballot, ruling, moves)


def quantity_title(decision: Decision) -> str:
    """What the quantity is called."""
    name = word(decision.label)
    if decision.kind in MEANS:
        return "Defect score" if decision.thresholds else f"Probability of {name}"
    if decision.kind == "region":
        return f"Score of {decision.label}"
    return f"Models that say {name}" if decision.kind == "votes" else f"Weight that says {name}"


def value(decision: Decision) -> str:
    """The quantity, short: `3 of 6`, `22.5 %` or `0.71`."""
    if decision.kind == "votes":
        says, models = decision.counted
        return f"{says} of {models}"
    return compared_text(decision)[0]


def headline(verdict: Verdict) -> str:
    """What decided, in one line beside the word: `5 of 6 models: NOK`, `Defect score 0.17; NOK from 0.69 on`."""
    decision = verdict.decision
    if decision is None:
        return "This photo may not show this part." if verdict.doubt else "No model could vote."
    if verdict.label == REVIEW and decision.review_from is None:  # no score is between two thresholds
        votes, every = len(verdict.votes), len(verdict.votes) + len(verdict.absent)
        return f"Only {votes} of {every} models could vote: {LOOK}." if verdict.absent else verdict.reason
    if decision.kind == "votes" and (not decision.thresholds or decision.thresholds == (0.5,)):
        says, models = decision.counted
        if verdict.label != decision.label and verdict.label == verdict.classes.good:
            says = models - says
        return f"{says} of {models} models: {word(verdict.label)}"
    limits = needed(decision)
    return f"{told(decision)}; {limits}" if limits else told(decision)


def told(decision: Decision, voters: str = "") -> str:
    """The quantity in a sentence without its end: `3 of 6 models say NOK`, `Defect score 0.71`.

    `voters` names who says so, where votes are counted.
    """
    if decision.kind in {*MEANS, "region"}:
        return f"{quantity_title(decision)} {value(decision)}"
    votes = _heads(decision, decision.label) + (f" ({voters})" if voters else "")
    if decision.kind == "weight":
        return f"{votes}, {value(decision)} of the weight"
    return votes if _is_plain_count(decision) else f"{votes}, {compared_text(decision)[0]}"


def needed(decision: Decision) -> str:
    """From where on a part is REVIEW or NOK: `NOK from 0.69 on`; empty where there is no threshold."""
    if decision.kind == "votes" and decision.thresholds and _is_plain_count(decision):
        enough = {0.5: "from half of them on", 1.0: "only where all do"}.get(decision.reject_from or 0, "from one on")
        return f"{word(decision.label)} {'from one on' if decision.rule == 'any' else enough}"
    good, defect = (word(name) for name in decision.sides)
    named = (
        (f"{good} below {{}}", decision.ok_below),
        (f"{word(REVIEW)} from {{}} on", decision.review_from),
        (f"{defect} from {{}} on", decision.reject_from),
    )
    wanted = [pattern for pattern, threshold in named if threshold is not None]
    return ", ".join(pattern.format(text) for pattern, text in zip(wanted, compared_text(decision)[1:], strict=True))


def _is_plain_count(decision: Decision) -> bool:
    """Whether counts alone say it: no threshold, or NOK from one vote on, from half of them or from all."""
    one = 1 / max(1, decision.counted[1])
    plain = {one} if decision.rule == "any" else {0.5, 1.0, one}
    return not decision.thresholds or (decision.thresholds == (decision.reject_from,) and decision.reject_from in plain)


def compared_text(decision: Decision) -> Sequence[str]:
    """The value and the thresholds as they are written beside each other, in percent where votes are shares."""
    write = percents if decision.kind in {"votes", "weight"} else beside
    return write(decision.score, *decision.thresholds)
