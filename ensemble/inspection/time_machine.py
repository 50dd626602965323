"""The time machine: a policy decides again on votes that were kept, and what was kept must come out as it was."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ensemble.inspection.exports import replay
from ensemble.inspection.kept import kept_policy
from ensemble.metrics.costs import DecisionCounts
from ensemble.policies import Policy
from ensemble.records.browsing import all_inspections
from ensemble.records.database import Database
from ensemble.records.history import Filters, policy_text
from ensemble.records.values import Inspection, label_of
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message
from ensemble.values.results import REVIEW, Classes, Verdict

MOST_SHOWN = 500  # changes that are kept to look at; all are counted
DECIDED = (  # what a policy makes of the votes, by the names in a verdict's JSON
    *("verdict", "word", "confidence", "score", "score_kind", "score_label", "ok_below", "review_from", "reject_from"),
    *("policy", "policy_state", "trial", "reason", "reason_code", "doubt", "votes", "absent", "unasked"),
    *("classes", "defect"),
)
Told = Callable[[int], None]  # how many inspections are done


@dataclass(frozen=True, slots=True)
class Deviation:
    """An inspection that does not come out as it was kept, and why."""

    id: str
    photo: str
    why: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Stored verdicts that were decided anew by the very policy that gave them."""

    inspections: int
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True)
class DecidedAgain:
    """An inspection with its label then and now; `truth` is what a person said of the part, if anybody.

    Where it could not be decided again, `why` says so, and there is no label `after`.
    """

    id: str
    photo: str
    thumbnail: str
    time: str
    before: str
    after: str = ""
    truth: str = ""
    why: str = ""

    @classmethod
    def of(cls, inspection: Inspection, after: str = "", why: str = "") -> "DecidedAgain":
        """What became of an inspection of the history."""
        stored, truth = inspection.stored, label_of(inspection.reviews)
        shown = (inspection.id, stored["photo"], stored["thumbnail"], stored["time"], stored["verdict"])
        return cls(*shown, after=after, truth=truth, why=why)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What another policy makes of a stretch of history, beside what was decided then.

    `moves` counts verdicts by what they were and would be. `known_before` and `known_after` count the parts of which a
    person has said what they are; None where no class is the defect. `hours` is the time from the first inspection to
    the last.
    """

    classes: Classes | None
    inspections: int
    hours: float
    moves: Mapping[tuple[str, str], int]
    changes: tuple[DecidedAgain, ...]
    known_before: DecisionCounts | None
    known_after: DecisionCounts | None
    deviations: tuple[Deviation, ...]

    @property
    def changed(self) -> int:
        """How many verdicts would be others."""
        return sum(count for (before, after), count in self.moves.items() if before != after)

    def reviews(self, *, after: bool) -> int:
        """How many parts a person had, or would have, to look at."""
        return sum(count for move, count in self.moves.items() if move[after] == REVIEW)


def reproduce(database: Database, filters: Filters, told: Told = lambda _: None) -> Reproduction:
    """Decide every stored verdict anew by the policy that was kept with it, and name each that differs in any digit."""
    books: dict[str, Policy] = {}
    deviations, count = [], 0
    for count, inspection in enumerate(all_inspections(database, filters), 1):
        if why := _deviation(database, books, inspection):
            deviations.append(Deviation(inspection.id, inspection.stored["photo"], why))
        told(count)
    return Reproduction(count, tuple(deviations))


def _deviation(database: Database, books: dict[str, Policy], inspection: Inspection) -> str:
    stored, digest = inspection.stored, inspection.stored["policy_digest"]
    try:
        if digest not in books:
            books[digest] = kept_policy(policy_text(database, digest))
        by = replace(books[digest], state=stored["policy_state"], trial=stored["trial"])
        again = replay(stored, by).as_json()
    except QuorumError as error:
        return error.message
    differs = [name for name in DECIDED if again[name] != stored[name]]
    if not differs:
        return ""
    return Message("It comes out otherwise: {names}.", names=", ".join(differs))


def what_if(database: Database, filters: Filters, policy: Policy, told: Told = lambda _: None) -> WhatIf:
    """Decide a stretch of history by another policy; no model runs."""
    found = Gathering()
    for count, inspection in enumerate(all_inspections(database, filters), 1):
        told(count)
        try:
            verdict = replay(inspection.stored, policy)
        except QuorumError as error:
            found.add(DecidedAgain.of(inspection, why=error.message))
            continue
        found.classes = verdict.classes
        if _lacks_sizes(verdict, policy):
            found.add(DecidedAgain.of(inspection, why=NO_SIZES))
        else:
            found.add(DecidedAgain.of(inspection, verdict.label))
    return found.what_if()


NO_SIZES = Message("Nobody has measured its marks: the policy's rules of sizes cannot decide on it again.")


def _lacks_sizes(verdict: Verdict, policy: Policy) -> bool:
    """Whether rules of sizes might have their say on a part of which no vote was kept with the size of its marks."""
    asked = policy.large_defect or (policy.smallest_defect and verdict.label != verdict.classes.good)
    return bool(asked) and not verdict.doubt and all(vote.marks is None for vote in verdict.votes)


class Gathering:
    """Inspections that are decided again, one after the other, and what they come to."""

    def __init__(self, classes: Classes | None = None) -> None:
        self.classes = classes
        self._count = 0
        self._moves: Counter[tuple[str, str]] = Counter()
        self._changes: list[DecidedAgain] = []
        self._known: list[tuple[str, str, str]] = []
        self._deviations: list[Deviation] = []
        self._first, self._last = "", ""

    def add(self, decided: DecidedAgain) -> bool:
        """Count one more; gives whether it is kept to look at."""
        self._count += 1
        if decided.why:
            self._deviations.append(Deviation(decided.id, decided.photo, decided.why))
            return False
        self._first = min(self._first or decided.time, decided.time)
        self._last = max(self._last, decided.time)
        self._moves[decided.before, decided.after] += 1
        if decided.truth:
            self._known.append((decided.truth, decided.before, decided.after))
        is_shown = decided.after != decided.before and len(self._changes) < MOST_SHOWN
        if is_shown:
            self._changes.append(decided)
        return is_shown

    def what_if(self) -> WhatIf:
        """What they come to so far."""
        before, after = _known_counts(self._known, self.classes)
        moves, changes, deviations = dict(self._moves), tuple(self._changes), tuple(self._deviations)
        return WhatIf(self.classes, self._count, self._hours(), moves, changes, before, after, deviations)

    def _hours(self) -> float:
        if not self._first:
            return 0.0
        return (datetime.fromisoformat(self._last) - datetime.fromisoformat(self._first)).total_seconds() / 3600


def _known_counts(
    known: list[tuple[str, str, str]], classes: Classes | None
) -> tuple[DecisionCounts | None, DecisionCounts | None]:
    if classes is None or classes.defect is None:
        return None, None
    of_two = [each for each in known if {*each} <= {*classes.names, REVIEW}]
    truth = [each[0] for each in of_two]
    return (
        DecisionCounts.of(truth, [each[1] for each in of_two], classes),
        DecisionCounts.of(truth, [each[2] for each in of_two], classes),
    )
