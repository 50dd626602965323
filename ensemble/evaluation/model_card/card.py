"""The card as a whole: the answer at a glance, then section by section in the order in which a person asks."""

from collections.abc import Sequence
from datetime import datetime

from ensemble.evaluation.model_card import makeup, quality
from ensemble.evaluation.model_card.limits import known_limits
from ensemble.evaluation.model_card.values import Fact, ModelCard, Section, Sources, noted
from ensemble.evaluation.performance import Decided
from ensemble.metrics import costs
from ensemble.store import ModelStore
from ensemble.values.results import NON_DEFECTIVE, Classes, word


def card_of(store: ModelStore) -> ModelCard:
    """The card of the product in a folder; a StoreError where none is trained there."""
    sources = Sources.of(store)
    return ModelCard(
        sources.manifest.product,
        purpose(sources),
        tuple(_glance(sources)),
        (
            _use(sources),
            quality.verdicts(sources),
            known_limits(sources),
            makeup.data(sources),
            makeup.members_table(sources),
            quality.policies_quality_table(sources),
            makeup.effort(sources),
            _about(sources),
        ),
    )


def purpose(sources: Sources) -> str:
    """What the product does, in one sentence."""
    count = len(sources.manifest.names())
    voters = "one member" if count == 1 else f"{count} members"
    return f"Sorts photos of parts into {_words(sources.classes)} by the votes of {voters}."


def _words(classes: Classes) -> str:
    names = [word(name) for name in classes.names]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _glance(sources: Sources) -> list[Fact]:
    """The answer that can be read in three seconds."""
    policy, known = sources.active, sources.test
    if policy is None or not known:
        return [
            Fact("Right of those decided", "unknown", "No photo with a known truth measures it."),
            _trained_text(sources),
        ]
    found = Decided.by(policy, known, sources.classes)
    rest = f" A person looks at the other {found.reviews}." if found.reviews else ""
    least = f" The true share is {costs.at_least(found.right, found.decided)}." if found.decided else ""
    basis = f"{found.decided} of {found.photos} test photos decided, by {policy.name}.{rest}{least}"
    right = f"{found.right} of {found.decided}" if found.decided else "none decided"
    facts = [Fact("Right of those decided", right, basis)]
    if counts := found.counts:
        passed, rejected = "Defective test photos passed as OK", "Good test photos rejected"
        facts.append(_events("Escapes", "escape", counts.escapes, counts.defective, passed, alert=True))
        facts.append(_events("Overkills", "overkill", counts.overkills, counts.good, rejected))
    return [*facts, _trained_text(sources)]


def _events(name: str, event: str, events: int, parts: int, of: str, *, alert: bool = False) -> Fact:
    if not parts:
        return Fact(name, "unknown", "No such part is among the test photos.")
    basis = f"{of}. The true {event} rate can still be {costs.at_most(events, parts)}."
    return Fact(name, f"{events} of {parts}", basis, alert and events > 0)


def _trained_text(sources: Sources) -> Fact:
    learnt = makeup.splits(sources).get("taught", {})
    dates, digests = noted(sources, "trained"), noted(sources, "data")
    number = f"{sum(learnt.values())} photos" if learnt else "unknown"
    of = ", ".join(f"{count} {word(name)}" for name, count in learnt.items())
    when = _when(dates) if dates else "When is not recorded."
    data = f"Data {digests[0][:8]}." if digests else ""
    return Fact("Learnt from", number, " ".join(filter(None, (f"{of}." if of else "", when, data))))


def _when(dates: Sequence[str]) -> str:
    first, last = (_day(each) for each in (min(dates), max(dates)))
    return f"On {first}." if first == last else f"Between {first} and {last}."


def _day(moment: str) -> str:
    try:
        day = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{day.day} {day:%B %Y}"


def _use(sources: Sources) -> Section:
    """What it is for and what it is not, as far as its files tell."""
    classes, policy = sources.classes, sources.active
    names = ", ".join(f"{word(name)} is stored as {name}" for name in classes.names if word(name) != name)
    sentences = [f"{names}."] if NON_DEFECTIVE in classes.names else []
    if policy is not None:
        does = f" {policy.description}" if policy.description else ""
        sentences.append(f"The policy {policy.name} is active.{does}")
    sentences.append("Which line, part number or customer it was made for is not recorded in its files.")
    if policy is not None and sources.test:
        counts = Decided.by(policy, sources.test, classes).counts
        if counts and counts.defective:
            bound = costs.highest(counts.escapes, counts.defective)
            sentences.append(
                f"Not to be relied on alone where an escape rate of {bound} cannot be borne: it can still be that high."
            )
    sentences += _unknown_parts(sources)
    data = {"classes": list(classes.names), "defect": classes.defect, "policy": policy.name if policy else None}
    return Section("use", "What is it for, and what not?", tuple(sentences), (), data)


def _unknown_parts(sources: Sources) -> list[str]:
    products = sorted({case.category for case in (*sources.test, *sources.evidence.held_out) if case.category})
    if len(products) < 2:
        return []
    return [f"It has been shown {', '.join(products)}; parts of another kind it does not know."]


def _about(sources: Sources) -> Section:
    """How the card was made."""
    digest, version = sources.manifest_digest, sources.version
    of = f"It is of version {version.number}, made on {_day(version.at)}. " if version else ""
    return Section(
        "about",
        "How was this card made?",
        (
            "From the product's own files and by nobody's hand; what they do not tell is called unknown or not "
            "recorded. Its questions follow Mitchell et al. (2019), Model Cards for Model Reporting, arXiv:1810.03993.",
            f"{of}It speaks of the manifest with the SHA-256 {digest}.",
        ),
        (),
        {"manifest": digest, "version": version.number if version else None},
    )
