"""The card as a whole: the answer at a glance, then section by section in the order in which a person asks."""

from collections.abc import Sequence
from datetime import datetime

from ensemble.evaluation.model_card import makeup, quality
from ensemble.evaluation.model_card.limits import known_limits
from ensemble.evaluation.model_card.values import Fact, ModelCard, Section, Sources, noted
from ensemble.evaluation.performance import Decided
from ensemble.metrics import costs
from ensemble.store import ModelStore
from ensemble.values.language import Message, as_message, listed, paragraph
from ensemble.values.results import NON_DEFECTIVE, Classes, word
from ensemble.values.titles import policy_title

CORRECT = Message("Correct")
MONTHS = (
    *(Message("{day} January {year}"), Message("{day} February {year}"), Message("{day} March {year}")),
    *(Message("{day} April {year}"), Message("{day} May {year}"), Message("{day} June {year}")),
    *(Message("{day} July {year}"), Message("{day} August {year}"), Message("{day} September {year}")),
    *(Message("{day} October {year}"), Message("{day} November {year}"), Message("{day} December {year}")),
)


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
        return Message("Classifies part photos as {classes} with one model.", classes=classes)
    voting = sum(record.weight > 0 for record in sources.records.values())
    if voting < count:
        return Message(
            "Classifies part photos as {classes}: {voting} of {count} trained models vote.",
            classes=classes,
            voting=voting,
            count=count,
        )
    return Message(
        "Classifies part photos as {classes} with an ensemble of {count} models.", classes=classes, count=count
    )


def _words(classes: Classes) -> str:
    names = [word(name) for name in classes.names]
    return Message("{names} or {last}", names=listed(names[:-1]), last=names[-1])


def _glance(sources: Sources) -> list[Fact]:
    """The answer that can be read in three seconds."""
    policy, known = sources.active, sources.test
    if policy is None or not known:
        return [
            Fact(CORRECT, Message("unknown"), Message("Not measured: no test photos.")),
            _trained_text(sources),
        ]
    found = Decided.by(policy, known, sources.classes)
    facts = [_correct(found, policy_title(policy.name))]
    if counts := found.counts:
        passed, rejected = Message("Defective test photos passed as OK."), Message("Good test photos rejected.")
        facts.append(_events(Message("Escapes"), counts.escapes, counts.defective, passed, alert=True))
        facts.append(_events(Message("Overkills"), counts.overkills, counts.good, rejected))
    return [*facts, _trained_text(sources)]


def _correct(found: Decided, policy: str) -> Fact:
    by = Message("Policy: {policy}.", policy=policy)
    if not found.decided:
        every = Message("All {photos} test photos go to review.", photos=found.photos)
        return Fact(CORRECT, Message("none decided"), paragraph(by, every))
    least = costs.lowest(found.right, found.decided)
    limit = Message("Lower limit {limit} ({sure}).", limit=least, sure=quality.AT_CONFIDENCE)
    number = Message("{events} of {photos}", events=found.right, photos=found.decided)
    if not found.reviews:
        return Fact(CORRECT, number, paragraph(by, limit))
    reviews = Message("{reviews} of {photos} test photos go to review.", reviews=found.reviews, photos=found.photos)
    return Fact(CORRECT, number, paragraph(by, reviews, limit))


def _events(name: str, events: int, parts: int, of: str, *, alert: bool = False) -> Fact:
    if not parts:
        return Fact(name, Message("unknown"), Message("No such part in the test set."))
    limit = Message("Upper limit {limit} ({sure}).", limit=costs.highest(events, parts), sure=quality.AT_CONFIDENCE)
    number = Message("{events} of {photos}", events=events, photos=parts)
    return Fact(name, number, paragraph(of, limit), alert and events > 0)


def _trained_text(sources: Sources) -> Fact:
    learnt = makeup.splits(sources).get("taught", {})
    dates, digests = noted(sources, "trained"), noted(sources, "data")
    number = str(sum(learnt.values())) if learnt else Message("unknown")
    of = Message("{classes}.", classes=makeup.class_counts(learnt)) if learnt else ""
    when = _when(dates) if dates else Message("Date not recorded.")
    data = Message("Data {digest}.", digest=digests[0][:8]) if digests else ""
    return Fact(Message("Training photos"), number, paragraph(of, when, data))


def _when(dates: Sequence[str]) -> str:
    first, last = (_day(each) for each in (min(dates), max(dates)))
    if first == last:
        return Message("Trained on {day}.", day=first)
    return Message("Trained from {first} to {last}.", first=first, last=last)


def _day(moment: str) -> str:
    try:
        day = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return Message(MONTHS[day.month - 1].text, day=day.day, year=day.year)


def _use(sources: Sources) -> Section:
    """What it is for and what it is not, as far as its files tell."""
    classes, policy = sources.classes, sources.active
    names = [
        Message("{word} is stored as {name}", word=word(name), name=name)
        for name in classes.names
        if word(name) != name
    ]
    sentences: list[str] = [Message("{names}.", names=listed(names))] if NON_DEFECTIVE in classes.names else []
    if policy is not None:
        sentences.append(Message("Active policy: {policy}.", policy=policy_title(policy.name)))
        sentences += [as_message(policy.description)] if policy.description else []
    sentences.append(Message("Production line, part number and customer are not recorded."))
    if policy is not None and sources.test:
        counts = Decided.by(policy, sources.test, classes).counts
        if counts and counts.defective:
            bound = costs.highest(counts.escapes, counts.defective)
            sentences.append(
                Message("Do not use as the only check where an escape rate up to {limit} is unacceptable.", limit=bound)
            )
    sentences += _unknown_parts(sources)
    data = {"classes": list(classes.names), "defect": classes.defect, "policy": policy.name if policy else None}
    return Section("use", Message("Intended use"), tuple(sentences), (), data)


def _unknown_parts(sources: Sources) -> list[str]:
    products = sorted({case.category for case in (*sources.test, *sources.evidence.held_out) if case.category})
    if len(products) < 2:
        return []
    return [Message("Trained and tested on {products} only.", products=listed(products))]


def _about(sources: Sources) -> Section:
    """How the card was made."""
    digest, version = sources.manifest_digest, sources.version
    return Section(
        "about",
        Message("About this card"),
        (
            Message(
                "Generated from the product files. After Mitchell et al. (2019), Model Cards for Model Reporting, "
                "arXiv:1810.03993."
            ),
            *(
                [Message("Model version {number}, {day}.", number=version.number, day=_day(version.at))]
                if version
                else []
            ),
            Message("Manifest SHA-256: {digest}.", digest=digest),
        ),
        (),
        {"manifest": digest, "version": version.number if version else None},
    )
