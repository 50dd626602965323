"""Measuring two models against each other on the photos that both have judged, matched by their bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    TypeCounts,
    Voter,
    auroc_difference,
    holm,
    paired_test,
    parts_won,
    rate_difference,
)
from ensemble.evaluation.performance import ENSEMBLE
from ensemble.importers import values
from ensemble.metrics import costs
from ensemble.metrics.image_metrics import auroc_limits
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case
from ensemble.values.errors import DataError
from ensemble.values.results import REVIEW, Classes, Vote

PhotoMask = NDArray[np.bool_]
NO_INTERVAL = Interval()


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """N photos that one voter has judged on both sides: the truth, what it said, and (N,) its scores and parts."""

    truth: list[str]
    before: list[str]
    after: list[str]
    scores_before: NDArray[np.float64]
    scores_after: NDArray[np.float64]
    groups: PartNumbers


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
    if not shared:
        raise DataError(
            f"The two models have judged no photo in common: {len(old)} and {len(new)} test photos. Measure both on "
            "the same test photos."
        )
    first = [replace(old[each], label=new[each].label) for each in shared]
    second = cases.typed([new[each] for each in shared], classes)
    if strange := sorted({case.label for case in second} - set(classes.names)):
        raise DataError(f"Test photos of {strange[0]} cannot be compared: the classes are {', '.join(classes.names)}.")
    groups = _groups(second, parts or {})
    said = cases.labels_by_policy(policy_before, first, classes), cases.labels_by_policy(policy_after, second, classes)
    names_before, names_after = _member_voters(first), _member_voters(second)
    both = [name for name in names_after if name in names_before]
    voters = [_ensemble(first, second, *said, groups, classes, policy_before, policy_after, seed)]
    voters += _members_compared(both, first, second, groups, classes, policy_before, policy_after, seed)
    changes = _changes(second, *said, classes)
    return Comparison(
        classes=classes,
        policy_before=policy_before.name,
        policy_after=policy_after.name,
        photos=len(shared),
        parts=int(groups.max()) + 1,
        voters=tuple(voters),
        changes=changes,
        types=_escapes_by_type(second, *said, classes),
        members_before=tuple(name for name in names_before if name not in both),
        members_after=tuple(name for name in names_after if name not in both),
        only_before=len(old) - len(shared),
        only_after=len(new) - len(shared),
        relabelled=sum(old[each].label != new[each].label for each in shared),
        learnt=sum(digest in learnt for digest in shared),
    )


def _groups(known: Sequence[Case], parts: Mapping[str, str]) -> PartNumbers:
    """(N,) the number of the part that each photo shows: by name where that is known, else by its file name."""
    by_file = values.parts([Path(case.photo) for case in known])
    names = [parts.get(case.sha256) or by_file[place] for place, case in enumerate(known)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _member_voters(known: Sequence[Case]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(score.member for case in known for score in case.scores))


def _ensemble(
    first: Sequence[Case],
    second: Sequence[Case],
    said_before: list[str],
    said_after: list[str],
    groups: PartNumbers,
    classes: Classes,
    policy_before: Policy,
    policy_after: Policy,
    seed: int,
) -> Voter:
    scores = (_defect_scores(policy_before, first, classes), _defect_scores(policy_after, second, classes))
    pairs = _Pairs(cases.truth(second), said_before, said_after, *scores, groups)
    voter = _voter(ENSEMBLE, pairs, classes, seed)
    gains: dict[str, Gains] = {}
    if classes.defect is not None:
        gains["escapes"] = _gains(pairs, classes.defect, classes.good)
        gains["overkills"] = _gains(pairs, classes.good, classes.defect)
    return replace(voter, tests=_tested(gains | {"right": _right(pairs)}, groups))


def _defect_scores(policy: Policy, known: Sequence[Case], classes: Classes) -> NDArray[np.float64]:
    if classes.defect is None:
        return np.zeros(0)
    # a photo that nobody has spoken of is neither: it lies between both
    return np.array([policy.defect_score(case.scores, classes) if case.scores else 0.5 for case in known])


def _members_compared(
    names: Sequence[str],
    first: Sequence[Case],
    second: Sequence[Case],
    groups: PartNumbers,
    classes: Classes,
    policy_before: Policy,
    policy_after: Policy,
    seed: int,
) -> list[Voter]:
    """Each member by its own threshold; the tests of all members are corrected for being several."""
    voters: list[Voter] = []
    tests: list[PairedTest] = []
    for name in names:
        old, new = _votes(name, first, policy_before, classes), _votes(name, second, policy_after, classes)
        places = sorted(set(old) & set(new))
        if not places:
            continue
        _, own = np.unique(groups[places], return_inverse=True)
        pairs = _Pairs(
            [second[place].label for place in places],
            [old[place].label for place in places],
            [new[place].label for place in places],
            np.array([old[place].score for place in places]),
            np.array([new[place].score for place in places]),
            own,
        )
        voters.append(_voter(name, pairs, classes, seed))
        tests.append(_paired(_right(pairs), own))
    adjusted = holm([test.p for test in tests])
    return [
        replace(voter, tests={"right": replace(test, adjusted=p)})
        for voter, test, p in zip(voters, tests, adjusted, strict=True)
    ]


def _votes(member: str, known: Sequence[Case], policy: Policy, classes: Classes) -> dict[int, Vote]:
    """What one member says of the cases that it has spoken of, by their place."""
    return {
        place: policy.cast(score, classes)
        for place, case in enumerate(known)
        for score in case.scores
        if score.member == member
    }


def _voter(name: str, pairs: _Pairs, classes: Classes, seed: int) -> Voter:
    truth = np.array(pairs.truth)
    every = np.ones(len(truth), dtype=bool)
    right = truth == np.array(pairs.before), truth == np.array(pairs.after)
    figures = {"accuracy": _rates(*right, every, pairs.groups)}
    if classes.defect is not None:
        bad = truth == classes.defect
        figures["auroc"] = _auroc_interval(bad, pairs, seed)
        figures["escape_rate"] = _rates(*_called(pairs, str(classes.good)), bad, pairs.groups)
        figures["overkill_rate"] = _rates(*_called(pairs, classes.defect), ~bad, pairs.groups)
    if REVIEW in (*pairs.before, *pairs.after):
        figures["right_of_decided"] = _right_of_decided(pairs)
        figures["review_rate"] = _rates(*_called(pairs, REVIEW), every, pairs.groups)
    return Voter(name, len(truth), figures, {})


def _right_of_decided(pairs: _Pairs) -> Figure:
    """How many of the photos that each side has decided are right; the sides decide other photos, so nothing pairs."""
    sides = []
    for said in (pairs.before, pairs.after):
        decided = [(label, truth) for label, truth in zip(said, pairs.truth, strict=True) if label != REVIEW]
        right = sum(label == truth for label, truth in decided)
        sides.append(_rate_interval(right, len(decided)) if decided else NO_INTERVAL)
    return Figure(sides[0], sides[1], NO_INTERVAL)


def _called(pairs: _Pairs, label: str) -> tuple[PhotoMask, PhotoMask]:
    return np.array(pairs.before) == label, np.array(pairs.after) == label


def _rates(before: PhotoMask, after: PhotoMask, of: PhotoMask, groups: PartNumbers) -> Figure:
    """How often something happened to the photos of one kind; exact limits of each side, paired ones of the change."""
    if not of.any():
        return Figure(NO_INTERVAL, NO_INTERVAL, NO_INTERVAL)
    old, new, photos = int(before[of].sum()), int(after[of].sum()), int(of.sum())
    _, own = np.unique(groups[of], return_inverse=True)
    limits = rate_difference(after[of].astype(np.int64) - before[of].astype(np.int64), own)
    return Figure(_rate_interval(old, photos), _rate_interval(new, photos), Interval((new - old) / photos, *limits))


def _rate_interval(events: int, photos: int) -> Interval:
    return Interval(events / photos, *costs.binomial_limits(events, photos), events, photos)


def _auroc_interval(bad: PhotoMask, pairs: _Pairs, seed: int) -> Figure:
    if not bad.any() or bad.all():
        return Figure(NO_INTERVAL, NO_INTERVAL, NO_INTERVAL)
    seen = len(set(pairs.groups[bad].tolist())), len(set(pairs.groups[~bad].tolist()))
    values = [float(roc_auc_score(bad, scores)) for scores in (pairs.scores_before, pairs.scores_after)]
    limits = auroc_difference(bad, pairs.scores_before, pairs.scores_after, pairs.groups, seed)
    sides = [Interval(value, *auroc_limits(value, *seen)) for value in values]
    return Figure(sides[0], sides[1], Interval(values[1] - values[0], *(limits or (None, None))))


def _right(pairs: _Pairs) -> Gains:
    truth = np.array(pairs.truth)
    before, after = truth == np.array(pairs.before), truth == np.array(pairs.after)
    return after.astype(np.int64) - before.astype(np.int64)


def _gains(pairs: _Pairs, label: str | None, wrong: str | None) -> Gains:
    """(N,) gains of the photos of one class by whether they were called wrong; 0 for all others. A review is not."""
    own = np.array(pairs.truth) == label
    before, after = (own & (np.array(said) == wrong) for said in (pairs.before, pairs.after))
    return before.astype(np.int64) - after.astype(np.int64)


def _paired(gains: Gains, groups: PartNumbers) -> PairedTest:
    won, lost = parts_won(gains, groups)
    p = paired_test(won, lost)
    return PairedTest(int((gains > 0).sum()), int((gains < 0).sum()), won, lost, p, p)


def _tested(gains: Mapping[str, Gains], groups: PartNumbers) -> dict[str, PairedTest]:
    tests = {name: _paired(each, groups) for name, each in gains.items()}
    adjusted = holm([test.p for test in tests.values()])
    return {name: replace(test, adjusted=p) for (name, test), p in zip(tests.items(), adjusted, strict=True)}


def _changes(known: Sequence[Case], before: list[str], after: list[str], classes: Classes) -> tuple[Change, ...]:
    found = [
        Change(
            _change_kind(case.label, old, new, classes),
            case.photo,
            case.sha256,
            case.label,
            old,
            new,
            case.defect,
            case.category,
        )
        for case, old, new in zip(known, before, after, strict=True)
        if old != new
    ]
    return tuple(sorted(found, key=lambda change: (CHANGES.index(change.kind), change.defect, change.photo)))


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
    names = {case.defect for case in known if case.defect and case.label == classes.defect} - {classes.defect}
    counts = []
    for name in sorted(map(str, names)):
        places = [place for place, case in enumerate(known) if (case.defect, case.label) == (name, classes.defect)]
        escapes = [sum(said[place] == classes.good for place in places) for said in (before, after)]
        counts.append(TypeCounts(name, len(places), escapes[0], escapes[1]))
    return tuple(sorted(counts, key=lambda each: (-max(each.before, each.after), -each.photos)))
