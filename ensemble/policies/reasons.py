"""Why a verdict is what it is: the votes that decided it, and what is said of the quantity that did."""

from collections.abc import Sequence
from typing import Literal

from ensemble.policies.counting import SizeLimit
from ensemble.policies.ruling import SMALL, UNMEASURED, Ballot, Ruling
from ensemble.policies.turning import turn
from ensemble.values.digits import beside, in_order, percents
from ensemble.values.language import Message, NumberText, as_message, listed, paragraph
from ensemble.values.results import REVIEW, Absence, Decision, Verdict, Vote, word
from ensemble.values.titles import model_title, policy_title

MOST_NAMES = 3
MEANS = ("mean", "fused")  # kinds of a decision that read the votes' probabilities
KIND_PROBABILITIES = {"mean": Message("mean probability"), "fused": Message("fused probability")}


def reason_sentence(ballot: Ballot, ruling: Ruling, decision: Decision | None) -> Message:
    """Why the votes that a ruling rests on gave its label, for a person."""
    if decision is None:
        return Message("No model could vote: a person must look.")
    reason = _plurality if ballot.classes.defect is None else _count_reason
    parts: list[str] = [decision.marks, reason(ballot, ruling, decision), _mark_beside_limit(ballot, ruling)]
    failed = [absence.member for absence in ballot.absent if absence.asked]
    if failed and ruling.label != REVIEW:
        absent = joined_names(failed)
        parts.append(Message("It stands whatever the absent {models} would have voted.", models=absent))
    if ruling.stage is not None:
        who = joined_names([vote.member for vote in ballot.votes])
        parts.append(Message("Decided by {models}: no other model was needed.", models=who))
    parts.append(turn(ballot, ruling, compared_text(decision)))
    return paragraph(*parts)


def doubtful(doubt: str, label: str) -> Message:
    """Why a person must look at a photo that may not show the part, what to do, and what its votes alone would give."""
    why = paragraph(Message("This photo may not show this part: {doubt}.", doubt=doubt), _instruction(doubt))
    if label == REVIEW:
        return why
    return paragraph(why, Message("By its votes alone it would be {verdict}.", verdict=word(label)))


def _instruction(doubt: str) -> str:
    """What whoever stands at the camera should do; empty for reasons of before, which came without."""
    return as_message(doubt).values.get("todo", "")


def _count_reason(ballot: Ballot, ruling: Ruling, decision: Decision) -> Message:
    votes, (_, defect) = ballot.votes, ballot.sides
    limits = needed(decision)
    if decision.kind == "region":
        return Message("{found}; {limits}, whatever the votes say.", found=told(decision), limits=limits)
    speaking = [vote.member for vote in votes if vote.label == defect]
    who = joined_names(speaking) if 0 < len(speaking) < len(votes) else ""
    found = told(decision) if decision.kind in MEANS else told(decision, who)
    highest = _highest(votes, defect) if decision.kind in MEANS and len(votes) > 1 else ""
    return paragraph(Message("{found}; {limits}.", found=found, limits=limits), highest, _doubt(ballot, ruling))


SIZES_UNKNOWN = Message("The size of the marks on this photo is not known: a person must look.")


def size_reason(ballot: Ballot, ruling: Ruling) -> Message:
    """What the size of marks has made of a part, where that has decided."""
    small = ruling.way == SMALL
    limit = ballot.policy.smallest_defect if small else ballot.policy.large_defect
    if ruling.way == UNMEASURED or limit is None:
        return SIZES_UNKNOWN
    shown, start = beside(max(_mark_sizes(ballot, limit)), limit.value)
    known = {"size": shown, "start": start, "verdict": word(ruling.label)}
    if limit.length is None:
        known["unit"] = f"{limit.unit}²"
        return Message(SMALL_AREA if small else LARGE_AREA, **known)
    return Message(SHORT_MARKS if small else LONG_MARK, unit=limit.unit, **known)


def _mark_sizes(ballot: Ballot, limit: SizeLimit) -> list[float]:
    marked = [vote.marks for vote in ballot.votes if vote.marks is not None and vote.marks.count]
    return [size for marks in marked if (size := limit.size_of(marks)) is not None]


def _mark_beside_limit(ballot: Ballot, ruling: Ruling) -> Message | Literal[""]:
    """How large the largest mark of a part is that is not OK, where the policy says from which size on one counts."""
    limit = ballot.policy.smallest_defect
    if limit is None or ruling.label == ballot.classes.good or not (sizes := _mark_sizes(ballot, limit)):
        return ""
    size, start = beside(max(sizes), limit.value)
    if limit.length is None:
        return Message(LARGEST_MARK, size=size, start=start, unit=f"{limit.unit}²")
    return Message(LONGEST_MARK, size=size, start=start, unit=limit.unit)


LONGEST_MARK = Message("Longest mark: {size} {unit}; a defect begins at {start} {unit}.")
LARGEST_MARK = Message("Largest mark: {size} {unit}; a defect begins at {start} {unit}.")
SHORT_MARKS = Message("Small marks alone: the longest is {size} {unit}, and a defect begins at {start} {unit}.")
SMALL_AREA = Message("Small marks alone: the largest is {size} {unit}, and a defect begins at {start} {unit}.")
LONG_MARK = Message("A mark is {size} {unit} long; {verdict} from {start} {unit} on, whatever the votes say.")
LARGE_AREA = Message("A mark has {size} {unit}; {verdict} from {start} {unit} on, whatever the votes say.")


def _highest(votes: Sequence[Vote], defect: str) -> Message:
    """The two votes of several that speak most against the part."""
    most = sorted(votes, key=lambda vote: vote.probabilities[defect], reverse=True)[:2]
    named = {
        name: value
        for place, vote in enumerate(most)
        for name, value in (
            (f"model_{place}", model_title(vote.member)),
            (f"score_{place}", NumberText(f"{vote.probabilities[defect]:.2f}")),
        )
    }
    return Message("Highest: {model_0} {score_0}, {model_1} {score_1}.", **named)


def _doubt(ballot: Ballot, ruling: Ruling) -> str:
    """Why a person must look although votes were cast; empty where nobody must."""
    if ruling.way == "quorum":
        return Message(
            "Only {votes} of the {quorum} votes that {policy} asks for could be cast: a person must look.",
            votes=len(ballot.votes),
            quorum=ballot.policy.quorum,
            policy=policy_title(ballot.policy.name),
        )
    if ruling.way == "absent":
        return _missing(ballot.absent)
    return ""


def _plurality(ballot: Ballot, ruling: Ruling, decision: Decision) -> Message:
    first = ruling.first
    sides = ballot.policy.voting.sides
    count = told(decision) if decision.kind == "weight" or not sides else _heads(decision, first)
    if ruling.way in {"quorum", "absent"}:
        return paragraph(Message("{found}.", found=count), _doubt(ballot, ruling))
    if ruling.way == "margin":
        return _short_lead(ballot, ruling, decision, count)
    if decision.kind not in MEANS:
        return Message("{found}.", found=count)
    rival = max((name for name in ballot.classes.names if name != first), key=lambda name: decision.shares[name])
    lead, other = in_order(decision.shares[first], decision.shares[rival])
    means = {"first": word(first), "lead": lead, "rival": word(rival), "other": other}
    if not sides:
        highest = {"mean": HIGHEST_MEAN, "fused": HIGHEST_FUSED}[decision.kind]
        return Message(highest, **means)
    return Message(
        "{found}, a tie; the higher mean probability decides: {first} {lead}, {rival} {other}.", found=count, **means
    )


HIGHEST_MEAN = Message("The highest mean probability decides: {first} {lead}, {rival} {other}.")
HIGHEST_FUSED = Message("The highest fused probability decides: {first} {lead}, {rival} {other}.")


def _short_lead(ballot: Ballot, ruling: Ruling, decision: Decision, count: Message) -> Message:
    """Why a person must look where the leading class is not far enough ahead."""
    ahead, margin = in_order(ruling.value, ballot.policy.margin)
    given = {"found": count, "probability": KIND_PROBABILITIES[decision.kind], "ahead": ahead, "margin": margin}
    if ruling.value >= 0 and ballot.absent:
        return Message(
            "{found}; its {probability} is surely ahead by {ahead} only, less than {margin}: a person must look.",
            **given,
        )
    if ruling.value >= 0:
        return Message(
            "{found}; its {probability} is ahead by {ahead} only, less than {margin}: a person must look.", **given
        )
    if ballot.absent:
        return Message(
            "{found}; its {probability} is not surely ahead, and must be by {margin}: a person must look.", **given
        )
    return Message("{found}; its {probability} is not ahead, and must be by {margin}: a person must look.", **given)


def _heads(decision: Decision, label: str) -> Message:
    says, models = decision.counted
    return Message(
        "{count} of {models} models says {verdict}",
        "{count} of {models} models say {verdict}",
        count=says,
        models=models,
        verdict=word(label),
    )


def _missing(absent: Sequence[Absence]) -> Message:
    """That models without a vote could change the answer: those that could not vote, those not asked, or both."""
    failed = joined_names([each.member for each in absent if each.asked])
    unasked = [each.member for each in absent if not each.asked]
    others = {"others": joined_names(unasked), "count": len(unasked)}
    if not unasked:
        return Message("The absent {models} could change the answer: a person must look.", models=failed)
    if any(each.asked for each in absent):
        return Message(
            "The absent {models} and {others} that was not asked could change the answer: a person must look.",
            "The absent {models} and {others} that were not asked could change the answer: a person must look.",
            models=failed,
            **others,
        )
    return Message(
        "{others} that was not asked could change the answer: a person must look.",
        "{others} that were not asked could change the answer: a person must look.",
        **others,
    )


def joined_names(members: Sequence[str]) -> Message:
    """The titles of a few models as a person would say them."""
    names = {f"model_{place}": model_title(member) for place, member in enumerate(members[:MOST_NAMES])}
    if not members:
        return Message("nobody")
    if len(members) == 1:
        return Message("{model_0}", **names)
    if len(members) == 2:
        return Message("{model_0} and {model_1}", **names)
    if len(members) == MOST_NAMES:
        return Message("{model_0}, {model_1} and {model_2}", **names)
    del names[f"model_{MOST_NAMES - 1}"]
    return Message("{model_0}, {model_1} and {count} more", **names, count=len(members) - MOST_NAMES + 1)


# ------------------------------------------------------------------------------------------------ the quantity


def quantity_title(decision: Decision) -> Message:
    """What the quantity is called."""
    name = word(decision.label)
    if decision.kind in MEANS and decision.thresholds:
        return Message("Defect score")
    if decision.kind in MEANS:
        return Message("Probability of {verdict}", verdict=name)
    if decision.kind == "region":
        return Message("Score of {defect}", defect=decision.label)
    if decision.kind == "votes":
        return Message("Models that say {verdict}", verdict=name)
    return Message("Weight that says {verdict}", verdict=name)


def value(decision: Decision) -> str:
    """The quantity, short: `3 of 6`, `22.5%` or `0.71`."""
    if decision.kind == "votes":
        says, models = decision.counted
        return Message("{says} of {models}", says=says, models=models)
    return compared_text(decision)[0]


def headline(verdict: Verdict) -> Message:
    """What decided, in one line beside the word: `5 of 6 models: NOK`, `Defect score 0.17; NOK from 0.69 on`."""
    decision = verdict.decision
    if decision is None and verdict.doubt:
        return paragraph(Message("This photo may not show this part."), _instruction(verdict.doubt))
    if decision is None or decision.marks:
        return as_message(decision.marks) if decision else Message("No model could vote.")
    if verdict.label == REVIEW and decision.review_from is None:  # no score is between two thresholds
        if not verdict.absent:
            return verdict.reason
        return Message(
            "Only {count} of {models} models could vote: a person must look.",
            "Only {count} of {models} models could vote: a person must look.",
            count=len(verdict.votes),
            models=len(verdict.votes) + len(verdict.absent),
        )
    if decision.kind == "votes" and (not decision.thresholds or decision.thresholds == (0.5,)):
        says, models = decision.counted
        if verdict.label != decision.label and verdict.label == verdict.classes.good:
            says = models - says
        return Message("{says} of {models} models: {verdict}", says=says, models=models, verdict=word(verdict.label))
    limits = needed(decision)
    return Message("{found}; {limits}", found=told(decision), limits=limits) if limits else told(decision)


def told(decision: Decision, voters: str = "") -> Message:
    """The quantity in a sentence without its end: `3 of 6 models say NOK`, `Defect score 0.71`.

    `voters` names who says so, where votes are counted.
    """
    if decision.kind in {*MEANS, "region"}:
        return Message("{quantity} {value}", quantity=quantity_title(decision), value=value(decision))
    votes = _heads(decision, decision.label)
    if voters:
        votes = Message("{votes} ({models})", votes=votes, models=voters)
    if decision.kind == "weight":
        return Message("{votes}, {share} of the weight", votes=votes, share=value(decision))
    if _is_plain_count(decision):
        return votes
    return Message("{votes}, {share}", votes=votes, share=compared_text(decision)[0])


FROM_HALF, ALL_OF_THEM = Message("{verdict} from half of them on"), Message("{verdict} only where all do")
FROM_ONE = Message("{verdict} from one on")


def needed(decision: Decision) -> Message | Literal[""]:
    """From where on a part is REVIEW or NOK: `NOK from 0.69 on`; empty where there is no threshold."""
    if decision.kind == "votes" and decision.thresholds and _is_plain_count(decision):
        enough = {0.5: FROM_HALF, 1.0: ALL_OF_THEM}.get(decision.reject_from or 0, FROM_ONE)
        return Message(FROM_ONE if decision.rule == "any" else enough, verdict=word(decision.label))
    good, defect = (word(name) for name in decision.sides)
    named = (
        (good, OK_BELOW, decision.ok_below),
        (word(REVIEW), STARTS, decision.review_from),
        (defect, STARTS, decision.reject_from),
    )
    wanted = [(verdict, text) for verdict, text, threshold in named if threshold is not None]
    limits = [
        Message(text, verdict=verdict, threshold=shown)
        for (verdict, text), shown in zip(wanted, compared_text(decision)[1:], strict=True)
    ]
    return listed(limits) if limits else ""


OK_BELOW, STARTS = Message("{verdict} below {threshold}"), Message("{verdict} from {threshold} on")


def _is_plain_count(decision: Decision) -> bool:
    """Whether counts alone say it: no threshold, or NOK from one vote on, from half of them or from all."""
    one = 1 / max(1, decision.counted[1])
    plain = {one} if decision.rule == "any" else {0.5, 1.0, one}
    return not decision.thresholds or (decision.thresholds == (decision.reject_from,) and decision.reject_from in plain)


def compared_text(decision: Decision) -> Sequence[NumberText]:
    """The value and the thresholds as they are written beside each other, in percent where votes are shares."""
    write = percents if decision.kind in {"votes", "weight"} else beside
    return write(decision.score, *decision.thresholds)
