"""How good a policy is on cases whose truth is known: its counts, where it fails, and what each member adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.metrics.costs import Counts, Line, expected
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case
from ensemble.values.results import REVIEW, Classes

Kind = Literal["escapes", "overkills", "mistakes", "reviews"]
ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Decided:
    """How the photos of one set were decided; a review decides nothing. `counts` is None without a defect class."""

    photos: int
    right: int
    reviews: int
    counts: Counts | None = None

    @property
    def decided(self) -> int:
        """How many photos no person has to look at."""
        return self.photos - self.reviews

    @property
    def accuracy(self) -> float | None:
        """Of those decided, the share that was decided rightly; None where none was."""
        return self.right / self.decided if self.decided else None

    def money(self, line: Line) -> float | None:
        """What 1000 parts of a line would cost at these rates; None where the photos do not tell."""
        return expected(self.counts, line).money if self.counts else None

    @classmethod
    def of(cls, known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> "Decided":
        """Count the labels of verdicts against the truth."""
        truth = cases.truth(known)
        right = sum(true == verdict for true, verdict in zip(truth, verdicts, strict=True))
        reviews = list(verdicts).count(REVIEW)
        if classes.defect is None:
            return cls(len(known), right, reviews)
        return cls(len(known), right, reviews, Counts.of(truth, verdicts, classes))


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What became of one class: photos that truly are of it, photos called so, and those that are both."""

    photos: int
    called: int
    right: int

    @property
    def recall(self) -> float | None:
        """Of the photos of the class, the share that was called so; None where there are none."""
        return self.right / self.photos if self.photos else None

    @property
    def precision(self) -> float | None:
        """Of the photos called so, the share that is of the class; None where nothing was called so."""
        return self.right / self.called if self.called else None


def by_class(known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> dict[str, ClassCounts]:
    """What precision and recall of each class rest on."""
    pairs = list(zip(cases.truth(known), verdicts, strict=True))
    return {
        name: ClassCounts(
            sum(true == name for true, _ in pairs),
            sum(verdict == name for _, verdict in pairs),
            pairs.count((name, name)),
        )
        for name in classes.names
    }


def by_product(known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> dict[str, Decided]:
    """The counts of each product; empty where the cases come from one alone."""
    products = sorted({case.category for case in known})
    if len(products) < 2:
        return {}
    return {
        product: _part(known, verdicts, classes, [case.category == product for case in known]) for product in products
    }


def by_type(known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> dict[str, Decided]:
    """The counts of each type of defect, the highest escape rate first; empty where no type is known."""
    if classes.defect is None:
        return {}
    types = sorted({case.defect for case in known if case.defect and case.label == classes.defect})
    if types == [classes.defect]:  # photos in one folder of all defects: its name is no type
        return {}
    found = {
        name: _part(known, verdicts, classes, [(case.defect, case.label) == (name, classes.defect) for case in known])
        for name in types
    }
    return dict(sorted(found.items(), key=lambda entry: -_escape_rate(entry[1])))


def _escape_rate(decided: Decided) -> float:
    return (decided.counts.escape_rate if decided.counts else None) or 0.0


def _part(known: Sequence[Case], verdicts: Sequence[str], classes: Classes, chosen: Sequence[bool]) -> Decided:
    part = [(case, verdict) for case, verdict, takes in zip(known, verdicts, chosen, strict=True) if takes]
    return Decided.of([case for case, _ in part], [verdict for _, verdict in part], classes)


def kinds(classes: Classes) -> tuple[Kind, ...]:
    """What can go wrong: escapes and overkills where a class is the defect, else mistakes; and reviews."""
    return ("mistakes", "reviews") if classes.defect is None else ("escapes", "overkills", "reviews")


def failures(
    known: Sequence[Case], verdicts: Sequence[str], policy: Policy, classes: Classes
) -> dict[Kind, tuple[Case, ...]]:
    """The cases that went wrong, by kind; escapes that looked best first, overkills that looked worst first."""
    pairs = list(zip(known, verdicts, strict=True))
    reviews = tuple(case for case, verdict in pairs if verdict == REVIEW)
    wrong = [case for case, verdict in pairs if verdict not in (case.label, REVIEW)]
    if classes.defect is None:
        return {"mistakes": tuple(wrong), "reviews": reviews}
    ranked = sorted(wrong, key=lambda case: policy.suspicion(case.scores, classes))
    return {
        "escapes": tuple(case for case in ranked if case.label == classes.defect),
        "overkills": tuple(case for case in reversed(ranked) if case.label == classes.good),
        "reviews": reviews,
    }


def wrong(known: Sequence[Case], policy: Policy, members: Sequence[str], classes: Classes) -> NDArray[np.bool_]:
    """(N, M) whether each member voted wrongly by the policy's own cut, on the N cases of which all have spoken."""
    rows = []
    for case in known:
        votes = {score.member: policy.cast(score, classes).label for score in case.scores}
        if all(member in votes for member in members):
            rows.append([votes[member] != case.label for member in members])
    return np.array(rows, dtype=bool).reshape(len(rows), len(members))


def votes_of(known: Sequence[Case], policy: Policy, member: str, classes: Classes) -> tuple[list[Case], list[str]]:
    """The cases that a member has spoken of, and what it votes on each by the policy's own cut."""
    said = [(case, score) for case in known for score in case.scores if score.member == member]
    return [case for case, _ in said], [policy.cast(score, classes).label for _, score in said]


def without_each(
    known: Sequence[Case], policy: Policy, members: Sequence[str], classes: Classes
) -> Mapping[str, Decided]:
    """What the policy would decide in an ensemble that has never had this member, by member; empty for one alone."""
    if len(members) < 2:
        return {}
    left = {member: cases.without(known, member) for member in members}
    return {member: Decided.of(rest, cases.labels(policy, rest, classes), classes) for member, rest in left.items()}


def suspicions(
    known: Sequence[Case], policy: Policy, voter: str, classes: Classes
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(N,) whether the part is defective and (N,) its score, of the cases that a voter has spoken of.

    The score is a member's probability of the defect; that of the voter `ensemble` is the policy's suspicion.
    """
    if voter == ENSEMBLE:
        heard = [case for case in known if case.scores]
        scores = [policy.suspicion(case.scores, classes) for case in heard]
    else:
        heard, rows = cases.said(known, voter, classes)
        scores = rows[:, classes.names.index(classes.defect or "")].tolist()
    return np.array([case.label == classes.defect for case in heard], dtype=bool), np.array(scores, dtype=float)
