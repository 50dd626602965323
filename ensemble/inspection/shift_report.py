"""What a stretch of history comes to: counts, yield, mistakes known so far, kinds of defects, reviews, and who."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ensemble.inspection.documents import Block, Document
from ensemble.inspection.kept import classes_of
from ensemble.inspection.kept_parts import PartCounts, PartsSeen
from ensemble.metrics.escapes import drawn_parts, sampled_sentence
from ensemble.records.values import Inspection, last_review
from ensemble.values.digits import percents
from ensemble.values.language import _, paragraph, worded
from ensemble.values.results import REVIEW, word
from ensemble.values.titles import policy_title

BAR = 14  # letters of the longest bar
MISTAKES_LISTED = 50  # mistakes


@dataclass(slots=True)
class Counts:
    """What is counted of inspections; those by a trial policy are counted alone."""

    verdicts: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    inspectors: Counter[str] = field(default_factory=Counter)
    reviewers: Counter[str] = field(default_factory=Counter)
    decided_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    escapes: list[Inspection] = field(default_factory=list)
    overkills: list[Inspection] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    sample: list[tuple[float, bool | None]] = field(default_factory=list)
    parts: PartCounts = field(default_factory=PartCounts)
    reviewed: int = 0
    trials: int = 0
    first: str = ""
    last: str = ""

    @property
    def inspections(self) -> int:
        """How many there are, without those by a trial policy."""
        return self.verdicts.total()


def count_inspections(
    inspections: Iterable[Inspection], expected: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Counts:
    """Count inspections, the newest first; `expected` are the views that a product expects of each part."""
    counts, parts = Counts(), PartsSeen(expected)
    for inspection in inspections:
        stored = inspection.stored
        if stored["trial"]:
            counts.trials += 1
            continue
        classes, verdict, settled = classes_of(stored), stored["verdict"], inspection.settled
        parts.add(inspection)
        counts.last = counts.last or stored["time"]
        counts.first = stored["time"]
        counts.verdicts[verdict] += 1
        counts.settled[settled] += 1
        counts.inspectors[stored["who"]] += 1
        counts.decided_by[stored["policy"], str(stored["model_version"] or "–")] += 1
        if classes.good is not None:
            counts.good.add(classes.good)
            if verdict == classes.good and settled == classes.defect:
                counts.escapes.append(inspection)
            if verdict == classes.defect and settled == classes.good:
                counts.overkills.append(inspection)
        said = last_review(inspection.reviews)
        if stored.get("sampled"):
            counts.sample.append((stored["sample_rate"], said.label == classes.defect if said else None))
        if said is not None:
            counts.reviewed += 1
            counts.reviewers[said.who] += 1
        if settled == classes.defect:
            counts.defects[said.defect if said else ""] += 1
    counts.parts = parts.counts()
    return counts


def report_document(counts: Counts, meant: str, when: Callable[[str], str], *, cut_off: int = 0) -> Document:
    """The report of what was counted; `meant` says of which inspections, `cut_off` that only so many were read."""
    spans = _("From {first} to {last}.", first=when(counts.first), last=when(counts.last)) if counts.first else ""
    notes = [spans, meant]
    if cut_off:
        notes.append(_("Only the newest {count:,} inspections are counted.", count=cut_off))
    if counts.trials:
        notes.append(
            _(
                "{count:,} inspection by a trial policy is not counted.",
                "{count:,} inspections by a trial policy are not counted.",
                count=counts.trials,
            )
        )
    headline = _("{count:,} inspection", "{count:,} inspections", count=counts.inspections)
    blocks = [
        _counts_block(counts),
        *_parts_block(counts),
        *_mistakes_blocks(counts, when),
        _defect_kinds(counts),
        _people(counts),
        _deciders(counts),
    ]
    return Document(
        _("Shift report"), headline, " ".join(filter(None, notes)), [each for each in blocks if each.rows or each.note]
    )


def _share(part: int, whole: int) -> str:
    return worded(percents(part / whole)[0]) if whole else "–"


def _counts_block(counts: Counts) -> Block:
    total = counts.inspections
    note = ""
    if counts.good and total:
        first = _share(sum(counts.verdicts[name] for name in counts.good), total)
        after = _share(sum(counts.settled[name] for name in counts.good), total)
        note = _("Yield: {first} by the verdicts, {after} after reviews.", first=first, after=after)
    return _verdicts_block(_("Verdicts"), counts.verdicts, counts.settled, counts.good, note)


def _verdicts_block(
    title: str, verdicts: Counter[str], settled: Counter[str], good: Collection[str], note: str
) -> Block:
    """Verdicts as they were given and after reviews, with their shares."""
    columns = (_("Verdict"), _("As inspected"), _("Share"), _("After reviews"), _("Share"))
    total = verdicts.total()
    rows = [
        (
            worded(word(name)),
            str(verdicts[name]),
            _share(verdicts[name], total),
            str(settled[name]),
            _share(settled[name], total),
        )
        for name in sorted(verdicts | settled, key=lambda name: (name == REVIEW, name not in good, name))
    ]
    return Block(title, rows, columns, note)


def _parts_block(counts: Counts) -> list[Block]:
    """Parts where views are expected; without any there is no such block."""
    parts = counts.parts
    total = parts.verdicts.total()
    note = _(
        "{missing} of {count:,} part lacks a view. Only photos that match the filters count.",
        "{missing} of {count:,} parts lack a view. Only photos that match the filters count.",
        count=total,
        missing=parts.incomplete,
    )
    block = _verdicts_block(_("Parts of several views"), parts.verdicts, parts.settled, counts.good, note)
    return [block] if total else []


def _mistakes_blocks(counts: Counts, when: Callable[[str], str]) -> list[Block]:
    columns = (_("Time"), _("Photo"), _("Who says so"), _("Reason"))
    blocks = []
    known = _(
        "Known so far, by {count:,} reviewed inspection.",
        "Known so far, by {count:,} reviewed inspections.",
        count=counts.reviewed,
    )
    estimate = worded(paragraph(known, sampled_sentence(drawn_parts(counts.sample)))) if counts.sample else known
    for title, note, found in (
        (_("Escapes ({count})", "Escapes ({count})", count=len(counts.escapes)), estimate, counts.escapes),
        (_("Overkills ({count})", "Overkills ({count})", count=len(counts.overkills)), known, counts.overkills),
    ):
        rows = []
        for each in found[:MISTAKES_LISTED]:
            said = last_review(each.reviews)
            why = "; ".join(filter(None, (said.defect, said.reason))) if said else ""
            rows.append(
                (when(each.stored["time"]), each.stored["photo"], (said.who if said else "") or "–", why or "–")
            )
        blocks.append(Block(title, rows, columns if rows else (), note))
    return blocks if counts.good else []


def _defect_kinds(counts: Counts) -> Block:
    most = max(counts.defects.values(), default=1)
    total, so_far, rows = counts.defects.total(), 0, []
    for name, count in counts.defects.most_common():
        so_far += count
        bar = "█" * max(1, round(BAR * count / most))
        rows.append((name or _("not named"), str(count), _share(so_far, total), bar))
    columns = (_("Kind of defect"), _("Parts"), _("Cumulative share"), _("Pareto"))
    return Block(_("Kinds of defects"), rows, columns)


def _people(counts: Counts) -> Block:
    names = sorted(counts.inspectors | counts.reviewers, key=lambda name: (name == "", name))
    rows = [(name or _("no name given"), str(counts.inspectors[name]), str(counts.reviewers[name])) for name in names]
    return Block(_("Who"), rows, (_("Name"), _("Inspections"), _("Reviews")))


def _deciders(counts: Counts) -> Block:
    rows = [
        (worded(policy_title(policy)), version, str(count))
        for (policy, version), count in counts.decided_by.most_common()
    ]
    return Block(_("Policies and models"), rows, (_("Policy"), _("Model version"), _("Inspections")))
