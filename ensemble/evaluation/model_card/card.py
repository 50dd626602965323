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
from ensemble.values.titles import policy_title

CORRECT = "Correct"


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
    count, classes = len(sources.manifest.names()), _words(sources.classes)
    if count == 1:
        return f"Classifies part photos as {classes} with one model."
    return f"Classifies part photos as {classes} with an ensemble of {count} models."


def _words(classes: Classes) -> str:
    names = [word(name) for name in classes.names]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _glance(sources: Sources) -> list[Fact]:
    """The answer that can be read in three seconds."""
    policy, known = sources.active, sources.test
    if policy is None or not known:
        return [
            Fact(CORRECT, "unknown", "Not measured: no test photos."),
            _trained_text(sources),
        ]
    found = Decided.by(policy, known, sources.classes)
    facts = [_correct(found, policy_title(policy.name))]
    if counts := found.counts:
        passed, rejected = "Defective test photos passed as OK.", "Good test photos rejected."
        facts.append(_events("Escapes", counts.escapes, counts.defective, passed, alert=True))
        facts.append(_events("Overkills", counts.overkills, counts.good, rejected))
    return [*facts, _trained_text(sources)]


def _correct(found: Decided, policy: str) -> Fact:
    if not found.decided:
        return Fact(CORRECT, "none decided", f"Policy: {policy}. All {found.photos} test photos go to review.")
    limit = f"Lower limit {costs.lowest(found.right, found.decided)} ({quality.AT_CONFIDENCE})."
    if not found.reviews:
        return Fact(CORRECT, f"{found.right} of {found.decided}", f"Policy: {policy}. {limit}")
    basis = f"Policy: {policy}. {found.reviews} of {found.photos} test photos go to review. {limit}"
    return Fact(CORRECT, f"{found.right} of {found.decided}", basis)


def _events(name: str, events: int, parts: int, of: str, *, alert: bool = False) -> Fact:
    if not parts:
        return Fact(name, "unknown", "No such part in the test set.")
    basis = f"{of} Upper limit {costs.highest(events, parts)} ({quality.AT_CONFIDENCE})."
    return Fact(name, f"{events} of {parts}", basis, alert and events > 0)


def _trained_text(sources: Sources) -> Fact:
    learnt = makeup.splits(sources).get("taught", {})
    dates, digests = noted(sources, "trained"), noted(sources, "data")
    number = str(sum(learnt.values())) if learnt else "unknown"
    of = ", ".join(f"{count} {word(name)}" for name, count in learnt.items())
    when = _when(dates) if dates else "Date not recorded."
    data = f"Data {digests[0][:8]}." if digests else ""
    return Fact("Training photos", number, " ".join(filter(None, (f"{of}." if of else "", when, data))))


def _when(dates: Sequence[str]) -> str:
    first, last = (_day(each) for each in (min(dates), max(dates)))
    return f"Trained on {first}." if first == last else f"Trained from {first} to {last}."


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
        sentences.append(f"Active policy: {policy_title(policy.name)}.")
        sentences += [policy.description] if policy.description else []
    sentences.append("Production line, part number and customer are not recorded.")
    if policy is not None and sources.test:
        counts = Decided.by(policy, sources.test, classes).counts
        if counts and counts.defective:
            bound = costs.highest(counts.escapes, counts.defective)
            sentences.append(f"Do not use as the only check where an escape rate up to {bound} is unacceptable.")
    sentences += _unknown_parts(sources)
    data = {"classes": list(classes.names), "defect": classes.defect, "policy": policy.name if policy else None}
    return Section("use", "Intended use", tuple(sentences), (), data)


def _unknown_parts(sources: Sources) -> list[str]:
    products = sorted({case.category for case in (*sources.test, *sources.evidence.held_out) if case.category})
    if len(products) < 2:
        return []
    return [f"Trained and tested on {', '.join(products)} only."]


def _about(sources: Sources) -> Section:
    """How the card was made."""
    digest, version = sources.manifest_digest, sources.version
    return Section(
        "about",
        "About this card",
        (
            "Generated from the product files. After Mitchell et al. (2019), Model Cards for Model Reporting, "
            "arXiv:1810.03993.",
            *([f"Model version {version.number}, {_day(version.at)}."] if version else []),
            f"Manifest SHA-256: {digest}.",
        ),
        (),
        {"manifest": digest, "version": version.number if version else None},
    )
