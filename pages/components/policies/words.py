"""A policy and its figures in plain words."""

from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy
from ensemble.policies.counting import SizeLimit
from ensemble.values.digits import percents, threshold_text
from ensemble.values.language import Message, NumberText, listed, paragraph
from ensemble.values.results import Classes, word
from ensemble.values.titles import model_title, policy_title

UNKNOWN = "–"
UNPROVEN = Message("**{policy} is not proven safe.** {why}")


# What each rule says where one class is the defect; what is written in braces is filled in.
RULES = {
    "majority": Message("NOK if at least {share} of the models vote NOK."),
    "weighted": Message("NOK if at least {share} of the vote weight is NOK."),
    "any": Message("NOK if any model votes NOK."),
    "all": Message("NOK if all models vote NOK."),
    "mean": Message("NOK if the mean defect probability is at least {threshold}."),
    "fused": Message("NOK if the fused defect probability is at least {threshold}."),
}
HALVES = {
    "majority": Message("NOK if at least half of the models vote NOK."),
    "weighted": Message("NOK if at least half of the vote weight is NOK."),
}
PLURAL_RULES = {
    "majority": Message("The class with the most votes."),
    "weighted": Message("The class with the most vote weight."),
    "mean": Message("The class with the highest mean probability."),
    "fused": Message("The class with the highest fused probability."),
}


def rule_in_words(policy: Policy, classes: Classes) -> Message:
    """What a policy does, in a few plain sentences."""
    if classes.defect is None:
        lead = threshold_text(policy.margin)
        review = Message("REVIEW if its lead is below {lead}.", lead=lead) if policy.margin else ""
        return paragraph(PLURAL_RULES[policy.rule], review)
    sides, reject, review_from = policy.voting.sides, policy.reject_from, policy.review_from
    rule = HALVES[policy.rule] if reject == 0.5 and policy.rule in HALVES else RULES[policy.rule]
    said: list[str] = [Message(rule.text, share=percents(reject)[0], threshold=threshold_text(reject))]
    if policy.has_review:
        start = percents(review_from)[0] if sides else threshold_text(review_from)
        said.append(Message("REVIEW from {start}.", start=start))
    if sides and policy.thresholds:
        said.append(Message("Each model has its own threshold."))
    elif sides:
        said.append(Message("Model threshold {threshold}.", threshold=threshold_text(policy.threshold_of(""))))
    return paragraph(*said)


def size_text(limit: SizeLimit) -> NumberText:
    """A length or an area with its unit."""
    return NumberText(f"{limit.value:g} {limit.unit}{'²' if limit.length is None else ''}")


def _size_rules(policy: Policy) -> list[str]:
    small, large = policy.smallest_defect, policy.large_defect
    said: list[str] = []
    if small is not None:
        said.append(Message("OK if all marks are below {size}.", size=size_text(small)))
    if large is not None:
        verdict = word(large.verdict)
        said.append(Message("{verdict} from a mark of {size} on.", verdict=verdict, size=size_text(large)))
    return said


def conditions(policy: Policy) -> Message:
    """What beside the thresholds has a say in its verdicts, in whole sentences; empty where nothing has."""
    said: list[str] = []
    if policy.quorum > 1:
        said.append(Message("REVIEW with fewer than {quorum} votes.", quorum=policy.quorum))
    if any(stage.ok_below is not None or stage.nok_from is not None for stage in policy.cascade):
        said.append(Message("Parts decided in an early cascade stage ignore these thresholds."))
    if policy.exceptions:
        said.append(Message("Some defect types have their own rules."))
    said += _size_rules(policy)
    if policy.calls:
        said.append(Message("Additional models: {models}.", models=listed(map(model_title, policy.calls))))
    return paragraph(*said)


def picked_title(name: str, active: str) -> str:
    """A policy in a list to pick from: the active one is marked."""
    title = policy_title(name)
    return Message("{policy} (active)", policy=title) if name == active else title


def reviews(counts: DecisionCounts) -> int:
    """How many parts a person must look at."""
    return counts.reviews_good + counts.reviews_defective


def money(value: float | None) -> str:
    """An amount; a dash where it is not known."""
    return UNKNOWN if value is None else NumberText(f"{value:,.2f}" if value < 100 else f"{value:,.0f}")
