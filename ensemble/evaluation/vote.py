"""Whether the vote is better than its best member alone, on the same photos: the one promise of an ensemble."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ensemble.evaluation.comparison.values import PartNumbers, auroc_difference, paired_test, parts_won, rate_difference
from ensemble.evaluation.performance import parts_shown
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case
from ensemble.policies.making import defect_scores
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.titles import model_title, policy_title

TURNS = 1999
SHOWN_FROM = 0.05  # a difference that chance gives more often is not shown to be one


@dataclass(frozen=True, slots=True)
class VoteAndBest:
    """A policy beside the member that is best on these very photos, which is the hardest one to compare with.

    AUROCs are None without a defect among the classes; there the member with the highest accuracy is the best. `low`
    and `high` are the 95% limits of the vote's AUROC (else accuracy) minus the member's, None where the photos do not
    tell; `p` how often chance alone makes so large a difference (paired, two-sided).
    """

    policy: str
    photos: int
    auroc: float | None
    accuracy: float
    best_member: str
    best_member_auroc: float | None
    best_member_accuracy: float
    low: float | None
    high: float | None
    p: float

    @property
    def difference(self) -> float:
        """The vote's AUROC, or accuracy without a defect among the classes, minus the best member's."""
        if self.auroc is None or self.best_member_auroc is None:
            return self.accuracy - self.best_member_accuracy
        return self.auroc - self.best_member_auroc

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}

    def sentence(self) -> Message:
        """Whether the vote helps, plainly."""
        policy, best = policy_title(self.policy), model_title(self.best_member)
        if self.p >= SHOWN_FROM:
            return Message(
                "No significant difference between {policy} and {model} alone on {photos} photos.",
                policy=policy,
                model=best,
                photos=self.photos,
            )
        if self.difference > 0:
            return Message("{policy} is better than {model} alone.", policy=policy, model=best)
        return Message(
            "The ensemble does not help here: {model} alone is better than {policy}.", model=best, policy=policy
        )


def beside_best(policy: Policy, known: Sequence[Case], classes: Classes, seed: int = 0) -> VoteAndBest | None:
    """A policy beside its best member, on the cases of which all members have spoken; None where that says nothing.

    The AUROC is tested by turning the ranks of vote and member at random, part by part (paired permutation test), the
    accuracy by the exact test of McNemar (1947) on parts.
    """
    names = cases.members(known)
    heard = [case for case in known if len(case.scores) == len(names)]
    if len(names) < 2 or len({case.label for case in heard}) < 2:
        return None
    truth, groups = np.array(cases.truth(heard)), parts_shown(heard, {})
    right = {name: _member_labels(name, policy, heard, classes) == truth for name in names}
    ours = np.array(cases.labels_by_policy(policy, heard, classes)) == truth
    area: float | None = None
    areas: dict[str, float] = {}
    limits: tuple[float, float] | None
    if classes.defect is None:
        best = max(names, key=lambda name: float(right[name].mean()))
        gains = ours.astype(np.int64) - right[best]
        limits, p = rate_difference(gains, groups), paired_test(*parts_won(gains, groups))
    else:
        defective, scores = defect_scores(policy, heard, classes)
        alone = {name: cases.said(heard, name, classes)[1][:, classes.names.index(classes.defect)] for name in names}
        areas = {name: _rank_area(defective, alone[name]) for name in names}
        best, area = max(names, key=lambda name: areas[name]), _rank_area(defective, scores)
        limits = auroc_difference(defective, alone[best], scores, groups, seed)
        p = _by_turning(defective, scores, alone[best], groups, seed)
    low, high = limits or (None, None)
    accuracies = float(ours.mean()), float(right[best].mean())
    return VoteAndBest(policy.name, len(heard), area, accuracies[0], best, areas.get(best), accuracies[1], low, high, p)


def _member_labels(member: str, policy: Policy, heard: Sequence[Case], classes: Classes) -> NDArray[np.str_]:
    said = [score for case in heard for score in case.scores if score.member == member]
    return np.array([policy.cast(score, classes).label for score in said])


def _rank_area(defective: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    return float(_rank_areas(defective, rankdata(scores)[None])[0])


def _rank_areas(defective: NDArray[np.bool_], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) AUROC by (B, N) ranks, a tie half right."""
    bad = int(defective.sum())
    sums = ranks[:, defective].sum(axis=1) - bad * (bad + 1) / 2
    return np.asarray(sums / (bad * (len(defective) - bad)))


def _by_turning(
    defective: NDArray[np.bool_],
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    groups: PartNumbers,
    seed: int,
) -> float:
    """How often so large a difference of AUROCs comes of turning vote and member at random, part by part."""
    first, second = rankdata(ours), rankdata(theirs)
    random = np.random.default_rng(seed)
    real = abs(float(_rank_areas(defective, first[None])[0] - _rank_areas(defective, second[None])[0]))
    turned = random.random((TURNS, int(groups.max()) + 1))[:, groups] < 0.5
    before = rankdata(np.where(turned, second, first), axis=1)
    after = rankdata(np.where(turned, first, second), axis=1)
    reached = int((np.abs(_rank_areas(defective, before) - _rank_areas(defective, after)) >= real - 1e-12).sum())
    return (reached + 1) / (TURNS + 1)
