"""Measuring two models against each other on the photos that both have judged, matched by their bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ensemble.evaluation.comparison.values import (
    CHANGES,
    Change,
    Comparison,
    Figure,
    Gains,
    Interval,
    PairedTest,
    PartNumbers,
    Scores,
    TypeCounts,
    Voter,
    auroc_difference,
    holm,
    paired_test,
    parts_won,
    rate_difference,
)
from ensemble.evaluation.performance import by_type, parts_shown
from ensemble.metrics import costs
from ensemble.metrics.image_metrics import auroc_limits
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case
from ensemble.values.errors import DataError
from ensemble.values.results import REVIEW, Classes, Vote
from ensemble.values.titles import ENSEMBLE

PhotoMasks = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # of N photos before, and after
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class _Side:
    """One model on the photos that both have judged: what its policy makes of them."""

    cases: Sequence[Case]
    policy: Policy
    labels: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """N photos that one voter has judged before and after: (N,) the truth, what it said, its scores, the parts."""

    truth: Texts
    said: tuple[Texts, Texts]
    scores: tuple[Scores, Scores]
    groups: PartNumbers

    def called(self, label: str | None) -> PhotoMasks:
        """Which photos were called so before, and after."""
        return self.said[0] == label, self.said[1] == label

    def right(self) -> PhotoMasks:
        """Which photos were called what they are."""
        return self.said[0] == self.truth, self.said[1] == self.truth


def compare(
    before: Sequence[Case],
    after: Sequence[Case],
    classes: Classes,
    policy_before: Policy,
    policy_after: Policy,
    seed: int = 0,
    *,
    learnt: frozenset[str] = frozenset(),
    parts: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare two models on the test photos that both have judged; a DataError where there are none.

    The truth is that of the newer side. `learnt` holds the SHA-256 of photos that the older model has learnt from;
    `parts` names the part that a photo shows, by SHA-256, where that is known better than by file names.
    """
    old, new = ({case.sha256: case for case in side} for side in (before, after))
    shared = [digest for digest in new if digest in old]
    first = [replace(old[each], label=new[each].label) for each in shared]
    second = cases.typed([new[each] for each in shared], classes)
    _check_comparable(len(old), len(new), second, classes)
    groups = parts_shown(second, parts or {})
    sides = (
        _Side(first, policy_before, cases.labels_by_policy(policy_before, first, classes)),
        _Side(second, policy_after, cases.labels_by_policy(policy_after, second, classes)),
    )
    names_before, names_after = (cases.members(side.cases) for side in sides)
    both = [name for name in names_after if name in names_before]
    return Comparison(
        classes=classes,
        policy_before=policy_before.name,
        policy_after=policy_after.name,
        photos=len(shared),
        parts=int(groups.max()) + 1,
        voters=(_ensemble(sides, groups, classes, seed), *_members_compared(both, sides, groups, classes, seed)),
        changes=tuple(sorted(verdict_changes(second, sides[0].labels, sides[1].labels, classes), key=_weight)),
        types=_escapes_by_type(second, sides[0].labels, sides[1].labels, classes),
        members_before=tuple(name for name in names_before if name not in both),
        members_after=tuple(name for name in names_after if name not in both),
        only_before=len(old) - len(shared),
        only_after=len(new) - len(shared),
        relabelled=sum(old[each].label != new[each].label for each in shared),
        learnt=sum(digest in learnt for digest in shared),
    )


def _check_comparable(before: int, after: int, shared: Sequence[Case], classes: Classes) -> None:
    """A DataError where nothing can be compared of so many photos before and after, and those that both share."""
    if not shared:
        raise DataError(
            "The two models have judged no photo in common: {before} and {after} test photos. Measure both on the same "
            "test photos.",
            before=before,
            after=after,
        )
    if strange := sorted({case.label for case in shared} - set(classes.names)):
        raise DataError(
            "Test photos of {strange} cannot be compared: the classes are {names}.",
            strange=strange[0],
            names=", ".join(classes.names),
        )


def _ensemble(sides: tuple[_Side, _Side], groups: PartNumbers, classes: Classes, seed: int) -> Voter:
    before, after = sides
    pairs = _Pairs(
        np.array(cases.truth(after.cases)),
        (np.array(before.labels), np.array(after.labels)),
        (_defect_scores(before, classes), _defect_scores(after, classes)),
        groups,
    )
    gains: dict[str, Gains] = {}
    if classes.defect is not None:  # a review is no wrong call
        bad = pairs.truth == classes.defect
        gains["escapes"] = np.where(bad, -_gained(pairs.called(classes.good)), 0)
        gains["overkills"] = np.where(~bad, -_gained(pairs.called(classes.defect)), 0)
    gains["right"] = _gained(pairs.right())
    tests = _adjusted([_paired(each, groups) for each in gains.values()])
    return replace(_voter(ENSEMBLE, pairs, classes, seed), tests=dict(zip(gains, tests, strict=True)))


def _defect_scores(side: _Side, classes: Classes) -> Scores:
    if classes.defect is None:
        return np.zeros(0)
    # a photo that nobody has spoken of is neither: it lies between both
    return np.array([side.policy.defect_score(case.scores, classes) if case.scores else 0.5 for case in side.cases])


def _members_compared(
    names: Sequence[str], sides: tuple[_Side, _Side], groups: PartNumbers, classes: Classes, seed: int
) -> list[Voter]:
    """Each member by its own threshold; the tests of all members are corrected for being several."""
    voters: list[Voter] = []
    tests: list[PairedTest] = []
    for name in names:
        old, new = (_votes(name, side, classes) for side in sides)
        places = sorted(set(old) & set(new))
        if not places:
            continue
        before, after = ([votes[place] for place in places] for votes in (old, new))
        _, own = np.unique(groups[places], return_inverse=True)
        pairs = _Pairs(
            np.array([sides[1].cases[place].label for place in places]),
            (np.array([vote.label for vote in before]), np.array([vote.label for vote in after])),
            (np.array([vote.score for vote in before]), np.array([vote.score for vote in after])),
            own,
        )
        voters.append(_voter(name, pairs, classes, seed))
        tests.append(_paired(_gained(pairs.right()), own))
    return [replace(voter, tests={"right": test}) for voter, test in zip(voters, _adjusted(tests), strict=True)]


def _votes(member: str, side: _Side, classes: Classes) -> dict[int, Vote]:
    """What one member says of the cases that it has spoken of, by their place."""
    return {
        place: side.policy.cast(score, classes)
        for place, case in enumerate(side.cases)
        for score in case.scores
        if score.member == member
    }


def _voter(name: str, pairs: _Pairs, classes: Classes, seed: int) -> Voter:
    every = np.ones(len(pairs.truth), dtype=bool)
    figures = {"accuracy": _rates(pairs.right(), every, pairs.groups)}
    if classes.defect is not None:
        bad = pairs.truth == classes.defect
        figures["auroc"] = _auroc_interval(bad, pairs, seed)
        figures["escape_rate"] = _rates(pairs.called(classes.good), bad, pairs.groups)
        figures["overkill_rate"] = _rates(pairs.called(classes.defect), ~bad, pairs.groups)
    reviewed = pairs.called(REVIEW)
    if reviewed[0].any() or reviewed[1].any():  # the sides decide other photos, so nothing pairs
        rights = zip(pairs.right(), reviewed, strict=True)
        figures["right_of_decided"] = Figure(*(_rate_interval(right.sum(), (~left).sum()) for right, left in rights))
        figures["review_rate"] = _rates(reviewed, every, pairs.groups)
    return Voter(name, len(pairs.truth), figures, {})


def _rates(happened: PhotoMasks, of: NDArray[np.bool_], groups: PartNumbers) -> Figure:
    """How often something happened to the photos of one kind; exact limits of each side, paired ones of the change."""
    if not of.any():
        return Figure()
    before, after = (side[of] for side in happened)
    _, own = np.unique(groups[of], return_inverse=True)
    difference = Interval(
        int(_gained((before, after)).sum()) / len(before), *rate_difference(_gained((before, after)), own)
    )
    return Figure(_rate_interval(before.sum(), len(before)), _rate_interval(after.sum(), len(after)), difference)


def _rate_interval(events: int, photos: int) -> Interval:
    events, photos = int(events), int(photos)
    return Interval(events / photos, *costs.binomial_limits(events, photos), events, photos) if photos else Interval()


def _auroc_interval(bad: NDArray[np.bool_], pairs: _Pairs, seed: int) -> Figure:
    if not bad.any() or bad.all():
        return Figure()
    seen = len(set(pairs.groups[bad].tolist())), len(set(pairs.groups[~bad].tolist()))
    before, after = (float(roc_auc_score(bad, scores)) for scores in pairs.scores)
    limits = auroc_difference(bad, *pairs.scores, pairs.groups, seed)
    sides = [Interval(value, *auroc_limits(value, *seen)) for value in (before, after)]
    return Figure(sides[0], sides[1], Interval(after - before, *(limits or (None, None))))


def _gained(happened: PhotoMasks) -> Gains:
    """(N,) 1 where something happens now alone, -1 where it did before alone."""
    before, after = happened
    return after.astype(np.int64) - before.astype(np.int64)


def _paired(gains: Gains, groups: PartNumbers) -> PairedTest:
    won, lost = parts_won(gains, groups)
    p = paired_test(won, lost)
    return PairedTest(int((gains > 0).sum()), int((gains < 0).sum()), won, lost, p, p)


def _adjusted(tests: Sequence[PairedTest]) -> list[PairedTest]:
    """Tests that are made together, corrected for that."""
    return [replace(test, adjusted=p) for test, p in zip(tests, holm([test.p for test in tests]), strict=True)]


def verdict_changes(known: Sequence[Case], before: list[str], after: list[str], classes: Classes) -> list[Change]:
    """The cases whose verdict is another one than before, in their order."""
    found = []
    for case, old, new in zip(known, before, after, strict=True):
        if old != new:
            kind = _change_kind(case.label, old, new, classes)
            found.append(Change(kind, case.photo, case.sha256, case.label, old, new, case.defect, case.category))
    return found


def _weight(change: Change) -> tuple[int, str, str]:
    return CHANGES.index(change.kind), change.defect, change.photo


def _change_kind(label: str, before: str, after: str, classes: Classes) -> str:
    good, defect = classes.good, classes.defect
    if defect is not None and good in (before, after) and label == defect:
        return "escaped" if after == good else "caught"
    if defect is not None and defect in (before, after) and label == good:
        return "rejected" if after == defect else "spared"
    if label in (before, after):
        return "mended" if after == label else "broken"
    return "otherwise"


def _escapes_by_type(
    known: Sequence[Case], before: list[str], after: list[str], classes: Classes
) -> tuple[TypeCounts, ...]:
    """Escapes by type of defect, those with the most of them first; none where no type is known."""
    was, now = by_type(known, before, classes), by_type(known, after, classes)
    counts = [
        TypeCounts(name, now[name].photos, was[name].escapes, now[name].escapes)
        for name in sorted(now)
        if name != classes.defect
    ]
    return tuple(sorted(counts, key=lambda each: (-max(each.before, each.after), -each.photos)))
