"""How good: the verdicts of the active policy, every policy, every member, each figure with its 95% limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ensemble.evaluation.model_card.values import NOT_KNOWN, CardTable, Section, Sources
from ensemble.evaluation.performance import Decided, by_class, by_type, scored_parts, votes_of
from ensemble.metrics import costs, image_metrics
from ensemble.metrics.costs import DecisionCounts
from ensemble.metrics.image_metrics import auroc_limits
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case
from ensemble.policies.making import unsafe_name
from ensemble.store import Record
from ensemble.values.digits import threshold_text
from ensemble.values.language import Message, NumberText, as_message, paragraph
from ensemble.values.results import Classes, word
from ensemble.values.titles import model_title, policy_title

VERDICTS = Message("Verdict quality")
ACCURACY, ESCAPES, OVERKILLS, REVIEWS = (
    Message("Accuracy"),
    Message("Escapes"),
    Message("Overkills"),
    Message("Reviews"),
)
AT_CONFIDENCE = costs.percent(costs.CONFIDENCE_LEVEL)


def share(events: int, photos: int, *, good: bool = False) -> str:
    """A rate as it is read: the share, in brackets its counts and how high, or of something good how low, it can be."""
    if not photos:
        return NOT_KNOWN
    found = costs.percent(events / photos)
    if good:
        least = costs.lowest(events, photos)
        return Message(
            "{share} ({events} of {photos}, ≥ {limit})", share=found, events=events, photos=photos, limit=least
        )
    most = costs.highest(events, photos)
    return Message("{share} ({events} of {photos}, ≤ {limit})", share=found, events=events, photos=photos, limit=most)


def rate(events: int, photos: int) -> dict[str, Any]:
    """The same as plain JSON values."""
    if not photos:
        return {"events": 0, "photos": 0, "value": None, "low": None, "high": None}
    low, high = (round(limit, 6) for limit in costs.binomial_limits(events, photos))
    return {"events": events, "photos": photos, "value": round(events / photos, 6), "low": low, "high": high}


def _error_rates(counts: DecisionCounts | None) -> dict[str, Any]:
    if counts is None:
        return {}
    return {"escapes": rate(counts.escapes, counts.defective), "overkills": rate(counts.overkills, counts.good)}


def verdicts(sources: Sources) -> Section:
    """How good the verdicts of the active policy are."""
    policy, known, classes = sources.active, sources.test, sources.classes
    if policy is None or not known:
        return Section("verdicts", VERDICTS, (Message("Unknown: not measured."),))
    said = cases.labels_by_policy(policy, known, classes)
    found = Decided.of(known, said, classes)
    rows: list[tuple[str, ...]] = [(ACCURACY, share(found.right, found.decided, good=True))]
    data: dict[str, Any] = {"policy": policy.name, "photos": found.photos, "decided": found.decided}
    data |= {"right": rate(found.right, found.photos), "right_of_decided": rate(found.right, found.decided)}
    data |= _error_rates(found.counts)
    sentences = [
        Message(
            "Active policy {policy} on {photos} test photos, with one-sided {sure} limits.",
            policy=policy_title(policy.name),
            photos=len(known),
            sure=AT_CONFIDENCE,
        )
    ]
    if counts := found.counts:
        rows += [
            (Message("Escapes (missed defects, false negatives)"), share(counts.escapes, counts.defective)),
            (Message("Overkills (false rejects, false positives)"), share(counts.overkills, counts.good)),
        ]
        data |= {"escape_rate_upper": round(costs.upper_bound(counts.escapes, counts.defective), 6)}
        sentences.append(costs.escape_sentence(counts.escapes, counts.defective))
        sentences.append(costs.overkill_sentence(counts.overkills, counts.good))
    if found.reviews or policy.asks_a_person:
        rows.append((Message("Reviews (manual check)"), share(found.reviews, found.photos)))
    data["reviews"] = rate(found.reviews, found.photos)
    tables = [CardTable("", (Message("Measure"), Message("Test photos")), tuple(rows))]
    if types := by_type(known, said, classes):
        tables.append(_defect_types(types))
        data["by_type"] = {name: asdict(each.counts) for name, each in types.items() if each.counts}
    if classes.defect is None:
        tables.append(_classes_table(known, said, classes))
    return Section("verdicts", VERDICTS, tuple(sentences), tuple(tables), data)


def _defect_types(types: Mapping[str, Decided]) -> CardTable:
    rows = []
    for name, each in types.items():
        counts = each.counts or DecisionCounts(0, 0, 0, 0)
        rows.append((name.replace("_", " "), share(counts.escapes, counts.defective), str(each.reviews)))
    return CardTable(Message("By defect type"), (Message("Type"), ESCAPES, REVIEWS), tuple(rows))


def _classes_table(known: Sequence[Case], said: Sequence[str], classes: Classes) -> CardTable:
    rows = [
        (word(name), share(each.right, each.photos, good=True), share(each.right, each.called, good=True))
        for name, each in by_class(known, said, classes).items()
    ]
    return CardTable(Message("By class"), (Message("Class"), Message("Recall"), Message("Precision")), tuple(rows))


def policies_quality_table(sources: Sources) -> Section:
    """Every policy: how it counts, what its thresholds rest on, and what it makes of the test photos."""
    head = (ESCAPES, OVERKILLS) if sources.classes.defect else (ACCURACY,)
    rows, entries, sentences = [], [], []
    for policy in sources.policies:
        found = Decided.by(policy, sources.test, sources.classes) if sources.test else None
        figures = [NOT_KNOWN] * len(head)
        if found and (counts := found.counts):
            figures = [share(counts.escapes, counts.defective), share(counts.overkills, counts.good)]
        elif found:
            figures = [share(found.right, found.decided, good=True)]
        reviews = str(found.reviews) if found else NOT_KNOWN
        title = policy_title(policy.name)
        name = Message("{policy} (active)", policy=title) if policy is sources.active else title
        rows.append((name, as_message(policy.description or NOT_KNOWN), _basis(policy), *figures, reviews))
        entries.append(_policy_data(policy, found))
        if why := unsafe_name(policy):
            sentences.append(paragraph(Message("{policy} may not be called safe yet.", policy=title), why))
    columns = (Message("Policy"), Message("Rule"), Message("Thresholds from"), *head, REVIEWS)
    tables = (CardTable("", columns, tuple(rows)),) if rows else ()
    if not rows:
        sentences.append(Message("Unknown: no policy is readable."))
    return Section("policies", Message("Policies"), tuple(sentences), tables, {"policies": entries})


def _basis(policy: Policy) -> str:
    good, bad = policy.basis.get("good"), policy.basis.get("defective")
    if good is not None and bad is not None:
        return Message("{good} OK and {defective} NOK validation photos", good=good, defective=bad)
    if policy.basis.get("photos"):
        return Message("{photos} photos", photos=policy.basis["photos"])
    return policy.author or Message("fixed values")


def _policy_data(policy: Policy, found: Decided | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": policy.name, "rule": policy.rule, "basis": dict(policy.basis)}
    entry |= {"reject_from": policy.reject_from, "review_from": policy.review_from, "quorum": policy.quorum}
    if found is None:
        return entry
    entry |= {"right": rate(found.right, found.photos), "right_of_decided": rate(found.right, found.decided)}
    return entry | {"reviews": rate(found.reviews, found.photos)} | _error_rates(found.counts)


def members_quality_table(sources: Sources) -> tuple[CardTable, dict[str, dict[str, Any]]]:
    """What each member's own votes are worth on the test photos, as a table and as JSON values by member."""
    rows, found = [], {}
    for name, record in sources.records.items():
        entry = member_quality(sources, name)
        found[name] = entry
        told = [_told_rate(entry.get(key), good=key == "right") for key in _asked_figures(sources.classes)]
        rows.append((model_title(name), *told, NumberText(f"{record.weight:.2f}")))
    columns = _asked_figures(sources.classes).values()
    return CardTable(Message("Model quality"), (Message("Model"), *columns, Message("Weight")), tuple(rows)), found


def _asked_figures(classes: Classes) -> dict[str, Message]:
    named = {"right": ACCURACY, "auroc": Message("AUROC"), "escapes": ESCAPES, "overkills": OVERKILLS}
    return named if classes.defect else {"right": ACCURACY}


def _told_rate(entry: Mapping[str, Any] | None, *, good: bool) -> str:
    if not entry or entry.get("value") is None:
        return NOT_KNOWN
    if "photos" in entry:
        return share(entry["events"], entry["photos"], good=good)
    return Message("{value:.3f} ({low:.3f} to {high:.3f})", value=entry["value"], low=entry["low"], high=entry["high"])


def member_quality(sources: Sources, member: str) -> dict[str, Any]:
    """One member by the active policy's threshold on it, on the test photos it has spoken of; empty without any."""
    policy, classes = sources.active, sources.classes
    found = policy and Decided.of(*votes_of(sources.test, policy, member, classes), classes)
    if policy is None or not found or not found.photos:
        return {}
    counts = found.counts
    entry: dict[str, Any] = {"photos": found.photos, "right": rate(found.right, found.photos)} | _error_rates(counts)
    if counts and counts.defective and counts.good:
        area = image_metrics.roc_points(*scored_parts(sources.test, policy, member, classes)).area or 0.0
        low, high = auroc_limits(area, counts.defective, counts.good)
        entry["auroc"] = {"value": round(area, 6), "low": round(low, 6), "high": round(high, 6)}
    return entry


def member_threshold_texts(record: Record) -> tuple[str, ...]:
    """Where a member's own thresholds lie, by what they were chosen for; empty where none was."""
    return tuple(
        Message("{name} {threshold}", name=name, threshold=threshold_text(threshold["threshold"]))
        for name, threshold in record.noted("cuts").items()
        if isinstance(threshold, Mapping)
    )
