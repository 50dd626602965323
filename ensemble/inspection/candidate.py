"""Another version of a product's models on photos that were kept: vote by vote and verdict by verdict beside then.

What it says is compared and never kept as an inspection.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ensemble.importers.archives import ZipEntry
from ensemble.inspection.batches import Inspect, judge
from ensemble.inspection.kept import classes_of
from ensemble.inspection.time_machine import DecidedAgain, Gathering, WhatIf
from ensemble.records.objects import Objects
from ensemble.records.values import Inspection
from ensemble.values.errors import RecordsError
from ensemble.values.language import Message, listed
from ensemble.values.results import Classes, Verdict

GONE = Message("Its photo is missing in the history. Restore it from a backup.")


@dataclass(frozen=True, slots=True)
class ComparedVote:
    """What one model says of a photo, then and now: its label, and its probability of the defect.

    Where no class is the defect, it is that of the label then. None where the model did not vote.
    """

    member: str
    label_before: str | None
    before: float | None
    label_after: str | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """How much higher the probability is now; None where the model voted only once."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def flipped(self) -> bool:
        """Whether the model voted both times and says something else now."""
        return self.difference is not None and self.label_before != self.label_after


@dataclass(frozen=True, slots=True)
class ComparedPhoto:
    """An inspection, by its number in the history, with what the candidate makes of its photo.

    `kept` is false where the photo was not kept, so that nothing could be compared.
    """

    number: int
    decided: DecidedAgain
    votes: tuple[ComparedVote, ...] = ()
    seconds: float = 0.0
    kept: bool = True


@dataclass(frozen=True, slots=True)
class ComparedMember:
    """The votes of one model: in how many photos it voted both times or only once, and how they differ.

    `mean` and `biggest` are differences of its probability, now less then; None where it never voted both times.
    """

    member: str
    both: int
    flipped: int
    mean: float | None
    biggest: float | None
    only_before: int
    only_after: int


@dataclass(frozen=True, slots=True)
class CandidateComparison:
    """What a candidate makes of a stretch of history: its verdicts, its votes model by model, and its pace.

    `votes` are those of the changes that can be looked at, by the inspection's id. `seconds` are those a photo took.
    """

    what_if: WhatIf
    members: tuple[ComparedMember, ...]
    votes: Mapping[str, tuple[ComparedVote, ...]]
    without_photo: int
    seconds: float | None

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values."""
        found = self.what_if
        moves = [{"before": before, "after": after, "count": count} for (before, after), count in found.moves.items()]
        counts = {"known_before": found.known_before, "known_after": found.known_after}
        return {
            "inspections": found.inspections,
            "without_photo": self.without_photo,
            "changed": found.changed,
            "seconds_a_photo": self.seconds,
            "moves": moves,
            **{name: None if each is None else asdict(each) for name, each in counts.items()},
            "members": [asdict(each) for each in self.members],
            "changes": [change_json(each, self.votes[each.id]) for each in found.changes],
            "not_compared": [asdict(each) for each in found.deviations],
        }


def change_json(decided: DecidedAgain, votes: Iterable[ComparedVote]) -> dict[str, Any]:
    """A verdict that changes as plain JSON values, with its votes."""
    shown = {name: getattr(decided, name) for name in ("id", "photo", "time", "before", "after", "truth")}
    return {**shown, "votes": [asdict(each) for each in votes]}


def compared(
    inspections: Sequence[Inspection], objects: Objects, classes: Classes, inspect: Inspect
) -> list[ComparedPhoto]:
    """Inspect the kept photos of these inspections again, and compare; each photo that is not there says so."""
    found: dict[int, ComparedPhoto] = {}
    entries: list[tuple[int, ZipEntry]] = []
    for place, each in enumerate(inspections):
        then = classes_of(each.stored)
        if not each.stored["kept_photo"]:
            found[place] = ComparedPhoto(each.number, DecidedAgain.of(each), kept=False)
        elif then != classes:
            why = Message("It was decided among other classes: {names}.", names=listed(then.names))
            found[place] = ComparedPhoto(each.number, DecidedAgain.of(each, why=why))
        else:
            entries.append((place, _kept_photo(each, objects)))
    rows = {row.place: row for chunk in judge(entries, inspect) for row in chunk}
    for place, row in rows.items():
        each = inspections[place]
        verdict = rows[row.first].verdict if row.first is not None else row.verdict
        if verdict is None:
            found[place] = ComparedPhoto(each.number, DecidedAgain.of(each, why=row.error))
        else:
            found[place] = _compared_photo(each, verdict)
    return [found[place] for place in range(len(inspections))]


def _kept_photo(inspection: Inspection, objects: Objects) -> ZipEntry:
    name = str(inspection.stored["photo"])
    try:
        data = objects.get(str(inspection.stored["kept_photo"]))
    except RecordsError as error:
        return ZipEntry(name, problem=error.message)
    return ZipEntry(name, problem=GONE) if data is None else ZipEntry(name, data)


def _compared_photo(inspection: Inspection, verdict: Verdict) -> ComparedPhoto:
    decided = DecidedAgain.of(inspection, verdict.label)
    return ComparedPhoto(
        inspection.number, decided, tuple(_compared_votes(inspection.stored, verdict)), verdict.seconds
    )


def _compared_votes(stored: Mapping[str, Any], verdict: Verdict) -> Iterator[ComparedVote]:
    before = {vote["member"]: vote for vote in stored["votes"]}
    after = {vote.member: vote for vote in verdict.votes}
    for member in dict.fromkeys([*before, *after]):
        then, now = before.get(member), after.get(member)
        label = verdict.classes.defect or (then["label"] if then else now.label if now else "")
        yield ComparedVote(
            member,
            then["label"] if then else None,
            then["probabilities"][label] if then else None,
            now.label if now else None,
            now.probabilities[label] if now else None,
        )


def comparison_of(photos: Iterable[ComparedPhoto], classes: Classes) -> CandidateComparison:
    """What compared photos come to."""
    verdicts, members = Gathering(classes), dict[str, _Votes]()
    votes: dict[str, tuple[ComparedVote, ...]] = {}
    without_photo, judged, seconds = 0, 0, 0.0
    for each in photos:
        if not each.kept:
            without_photo += 1
            continue
        if verdicts.add(each.decided):
            votes[each.decided.id] = each.votes
        if not each.decided.why:
            judged, seconds = judged + 1, seconds + each.seconds
        for vote in each.votes:
            members.setdefault(vote.member, _Votes()).add(vote)
    rows = tuple(found.told(name) for name, found in sorted(members.items()))
    return CandidateComparison(verdicts.what_if(), rows, votes, without_photo, seconds / judged if judged else None)


class _Votes:
    """The votes of one model, one after the other."""

    def __init__(self) -> None:
        self.both = self.flipped = self.only_before = self.only_after = 0
        self.total = self.biggest = 0.0

    def add(self, vote: ComparedVote) -> None:
        if vote.difference is None:
            self.only_before += vote.after is None
            self.only_after += vote.before is None
            return
        self.both += 1
        self.flipped += vote.flipped
        self.total += vote.difference
        self.biggest = max(self.biggest, vote.difference, key=abs)

    def told(self, member: str) -> ComparedMember:
        mean, biggest = (self.total / self.both, self.biggest) if self.both else (None, None)
        return ComparedMember(member, self.both, self.flipped, mean, biggest, self.only_before, self.only_after)
