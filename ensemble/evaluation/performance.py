"""How good a policy is on cases whose truth is known: its counts, where it fails, and what each member adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.metrics.costs import CONFIDENCE_LEVEL, PARTS_TOLD, DecisionCounts, Line, expected_costs
from ensemble.policies import Policy, cases
from ensemble.policies.cases import Case, truth
from ensemble.policies.making import defect_scores
from ensemble.values.results import REVIEW, Classes
from ensemble.values.samples import captured_parts
from ensemble.values.titles import ENSEMBLE

CaseKind = Literal["escapes", "overkills", "mistakes", "reviews"]


@dataclass(frozen=True, slots=True)
class Decided:
    """How the photos of one set were decided; a review decides nothing. `counts` is None without a defect class."""

    photos: int
    right: int
    reviews: int
    counts: DecisionCounts | None = None

    @property
    def decided(self) -> int:
        """How many photos no person has to look at."""
        return self.photos - self.reviews

    @property
    def wrong(self) -> int:
        """How many were decided wrongly."""
        return self.decided - self.right

    @property
    def escapes(self) -> int:
        """How many defective parts were passed as OK; 0 without a defect class."""
        return self.counts.escapes if self.counts else 0

    @property
    def overkills(self) -> int:
        """How many good parts were rejected; 0 without a defect class."""
        return self.counts.overkills if self.counts else 0

    @property
    def accuracy(self) -> float | None:
        """Of those decided, the share that was decided rightly; None where none was."""
        return self.right / self.decided if self.decided else None

    def money(self, line: Line) -> float | None:
        """What 1000 parts of a line would cost at these rates; None where the photos do not tell."""
        return expected_costs(self.counts, line).money if self.counts else None

    @classmethod
    def of(cls, known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> "Decided":
        """Count the labels of verdicts against the truth."""
        truth = cases.truth(known)
        right = sum(true == verdict for true, verdict in zip(truth, verdicts, strict=True))
        reviews = list(verdicts).count(REVIEW)
        if classes.defect is None:
            return cls(len(known), right, reviews)
        return cls(len(known), right, reviews, DecisionCounts.of(truth, verdicts, classes))

    @classmethod
    def by(cls, policy: Policy, known: Sequence[Case], classes: Classes) -> "Decided":
        """Count what a policy makes of cases."""
        return cls.of(known, cases.labels_by_policy(policy, known, classes), classes)


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
    found = _decided_parts([case.category for case in known], known, verdicts, classes)
    return found if len(found) > 1 else {}


def by_type(known: Sequence[Case], verdicts: Sequence[str], classes: Classes) -> dict[str, Decided]:
    """The counts of each type of defect, the highest escape rate first; empty where no type is known."""
    if classes.defect is None:
        return {}
    types = [case.defect if case.label == classes.defect else "" for case in known]
    found = _decided_parts(types, known, verdicts, classes)
    found.pop("", None)
    if list(found) == [classes.defect]:  # photos in one folder of all defects: its name is no type
        return {}
    return dict(sorted(found.items(), key=lambda entry: -entry[1].escapes / entry[1].photos))


def _decided_parts(
    parts: Sequence[str], known: Sequence[Case], verdicts: Sequence[str], classes: Classes
) -> dict[str, Decided]:
    """The counts of the cases of each part, by its name."""
    found = {}
    for name in sorted(set(parts)):
        places = [place for place, part in enumerate(parts) if part == name]
        found[name] = Decided.of([known[place] for place in places], [verdicts[place] for place in places], classes)
    return found


def kinds(classes: Classes) -> tuple[CaseKind, ...]:
    """What can go wrong: escapes and overkills where a class is the defect, else mistakes; and reviews."""
    return ("mistakes", "reviews") if classes.defect is None else ("escapes", "overkills", "reviews")


def failures(
    known: Sequence[Case], verdicts: Sequence[str], policy: Policy, classes: Classes
) -> dict[CaseKind, tuple[Case, ...]]:
    """The cases that went wrong, by kind; escapes that looked best first, overkills that looked worst first."""
    pairs = list(zip(known, verdicts, strict=True))
    reviews = tuple(case for case, verdict in pairs if verdict == REVIEW)
    wrong = [case for case, verdict in pairs if verdict not in (case.label, REVIEW)]
    if classes.defect is None:
        return {"mistakes": tuple(wrong), "reviews": reviews}
    ranked = sorted(wrong, key=lambda case: policy.defect_score(case.scores, classes))
    return {
        "escapes": tuple(case for case in ranked if case.label == classes.defect),
        "overkills": tuple(case for case in reversed(ranked) if case.label == classes.good),
        "reviews": reviews,
    }


def wrong(known: Sequence[Case], policy: Policy, members: Sequence[str], classes: Classes) -> NDArray[np.bool_]:
    """(N, M) whether each member voted wrongly by the policy's own threshold, on the N cases all have spoken of."""
    rows = []
    for case in known:
        votes = {score.member: policy.cast(score, classes).label for score in case.scores}
        if all(member in votes for member in members):
            rows.append([votes[member] != case.label for member in members])
    return np.array(rows, dtype=bool).reshape(len(rows), len(members))


def votes_of(known: Sequence[Case], policy: Policy, member: str, classes: Classes) -> tuple[list[Case], list[str]]:
    """The cases that a member has spoken of, and what it votes on each by the policy's own threshold."""
    said = [(case, score) for case in known for score in case.scores if score.member == member]
    return [case for case, _ in said], [policy.cast(score, classes).label for _, score in said]


def without_each(
    known: Sequence[Case], policy: Policy, members: Sequence[str], classes: Classes
) -> Mapping[str, Decided]:
    """What the policy would decide in an ensemble that has never had this member, by member; empty for one alone."""
    if len(members) < 2:
        return {}
    return {member: Decided.by(policy, cases.without(known, member), classes) for member in members}


def scored_parts(
    known: Sequence[Case], policy: Policy, voter: str, classes: Classes
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(N,) whether the part is defective and (N,) its score, of the cases that a voter has spoken of.

    The score is a member's probability of the defect; that of the voter `ensemble` is the policy's defect score.
    """
    if voter == ENSEMBLE:
        return defect_scores(policy, [case for case in known if case.scores], classes)
    heard, rows = cases.said(known, voter, classes)
    return cases.is_defective(heard, classes), rows[:, classes.names.index(classes.defect or "")]


SHUFFLES = 9999


@dataclass(frozen=True, slots=True)
class Saving:
    """A policy that is clearly cheaper: the money of 1000 parts by it and by the active one, and how probable so large
    a difference is by chance, corrected for having tried several policies."""

    policy: str
    money: float
    active: float
    p: float


def clear_saving(
    active: str, verdicts: Mapping[str, Sequence[str]], known: Sequence[Case], classes: Classes, line: Line
) -> Saving | None:
    """The cheapest policy that is clearly cheaper than the active one; None where none is.

    `verdicts` holds what each policy says of the cases (N,). The saving of each part counts by the line's prices and
    its share of defects, captures of one part together. Clear is a saving that turning the signs of these differences
    at random reaches in fewer than 5 of 100 cases (paired permutation test, one-sided), corrected for the number of
    policies that were tried (Bonferroni).
    """
    true = truth(known)
    money = {
        name: expected_costs(DecisionCounts.of(true, said, classes), line).money for name, said in verdicts.items()
    }
    now = money[active]
    if now is None:
        return None
    prices = _prices(true, classes, line)
    costs = {
        name: np.array([prices.get(pair, 0.0) for pair in zip(true, said, strict=True)])
        for name, said in verdicts.items()
    }
    parts = parts_shown(known, {})
    others = sorted((amount, name) for name, amount in money.items() if amount is not None and amount < now)
    for amount, name in others:
        saved = np.bincount(parts, costs[active] - costs[name]).astype(np.float64)
        p = min(1.0, (len(verdicts) - 1) * _by_chance(saved))
        if p < 1 - CONFIDENCE_LEVEL:
            return Saving(name, amount, now, p)
    return None


def _prices(true: Sequence[str], classes: Classes, line: Line) -> Mapping[tuple[str, str], float]:
    """What one photo of a class adds to the money of 1000 parts, by its truth and its verdict."""
    good, defect = str(classes.good), str(classes.defect)
    bad = true.count(defect)
    share = bad / len(true) if line.share is None else line.share
    of_bad = PARTS_TOLD * share / bad if bad else 0.0
    of_good = PARTS_TOLD * (1 - share) / (len(true) - bad) if len(true) > bad else 0.0
    return {
        (defect, good): of_bad * line.prices.escape,
        (good, defect): of_good * line.prices.overkill,
        (defect, REVIEW): of_bad * line.prices.review,
        (good, REVIEW): of_good * line.prices.review,
    }


def parts_shown(known: Sequence[Case], parts: Mapping[str, str]) -> NDArray[np.int64]:
    """(N,) the number of the part that each photo shows: of `parts`, by SHA-256, or else by its file."""
    by_file = captured_parts([Path(case.photo) for case in known])
    names = [parts.get(case.sha256) or by_file[place] for place, case in enumerate(known)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _by_chance(saved: NDArray[np.float64]) -> float:
    """How often (P,) differences with signs at random sum to as much as these do."""
    differences = saved[saved != 0]
    if not len(differences):
        return 1.0
    random = np.random.default_rng(0)
    sizes, counts = np.unique(np.round(np.abs(differences), 9), return_counts=True)
    signs = 2 * random.binomial(counts, 0.5, (SHUFFLES, len(sizes))) - counts  # how many more go up than down
    reached = int((signs @ sizes >= differences.sum() - 1e-6).sum())
    return (reached + 1) / (SHUFFLES + 1)


def error_correlation(wrong: ArrayLike) -> NDArray[np.float64]:
    """(M, M) phi coefficient of the errors of each two members; NaN for one that never or always errs."""
    errors = _checked_errors(wrong).astype(np.float64)
    apart = errors - errors.mean(axis=0)
    together, spread = apart.T @ apart, np.sqrt((apart**2).sum(axis=0))
    varies = errors.any(axis=0) & ~errors.all(axis=0)  # by the errors themselves: a spread can round to more than 0
    known = np.outer(varies, varies)
    return np.divide(together, np.outer(spread, spread), out=np.full(known.shape, np.nan), where=known).clip(-1, 1)


def effective_voters(correlation: ArrayLike) -> float:
    """How many independent voters M members amount to, from 1 to M: M / (1 + (M - 1) × mean correlation of two).

    Kish's (1965) design effect. Pairs whose correlation is NaN are left out; NaN where no pair is known.
    """
    known = np.asarray(correlation, dtype=np.float64)
    if known.ndim != 2 or known.shape[0] != known.shape[1] or not known.size:
        raise ValueError(f"A correlation is (M, M) with at least one member. Got the shape {known.shape}.")
    members = len(known)
    if members == 1:
        return 1.0
    pairs = known[np.triu_indices(members, 1)]
    if np.isnan(pairs).all():
        return float("nan")
    each_adds = 1 + (members - 1) * float(np.nanmean(pairs))
    return min(float(members), max(1.0, members / each_adds)) if each_adds > 0 else float(members)


def fail_together(wrong: ArrayLike, names: Sequence[str], most: int = 5) -> list[tuple[str, str, int, int]]:
    """The pairs of members that are most often wrong on the same parts: names, parts with both wrong, with either.

    Most often first; of equal pairs the one that seldom errs apart. Pairs that never fail together are left out.
    """
    errors = _checked_errors(wrong)
    if errors.shape[1] != len(names):
        raise ValueError(f"Each member needs a name. Got {errors.shape[1]} members and {len(names)} names.")
    pairs = []
    for first, second in combinations(range(len(names)), 2):
        both = int((errors[:, first] & errors[:, second]).sum())
        either = int((errors[:, first] | errors[:, second]).sum())
        if both:
            pairs.append((names[first], names[second], both, either))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[3]))[:most]


def _checked_errors(wrong: ArrayLike) -> NDArray[np.bool_]:
    errors = np.asarray(wrong)
    if errors.ndim != 2 or errors.dtype != np.bool_ or not errors.size:
        raise ValueError(
            f"Errors are (N, M) true or false, of at least one part and one member. Got the shape {errors.shape} of "
            f"{errors.dtype}."
        )
    return errors
