"""Making policies from held-out photos: the thresholds of those that ship, and the cheapest one under a limit on
escapes.

Nothing here ever sees the test part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.metrics.costs import DecisionCounts, Line, Prices, highest, not_safe, percent, upper_bound
from ensemble.metrics.thresholds import (
    MARGIN,
    OperatingPoint,
    cost_threshold,
    f_beta_threshold,
    odds_times,
    precision_threshold,
    review_threshold,
    safe_threshold,
    smooth_threshold,
)
from ensemble.policies import PLURAL_SHIPPED, SHIPPED_POLICIES, Policy, Stage, choose
from ensemble.policies.cases import Case, is_defective, labels_by_policy, said, truth
from ensemble.policies.policy import FUSED
from ensemble.policies.value import COUNTS
from ensemble.values.digits import rounded
from ensemble.values.errors import PolicyError
from ensemble.values.language import Message
from ensemble.values.results import REVIEW, Classes

PRICES = Prices()
SAVES = 0.1  # of the parts; a first stage that settles fewer is not worth its line
MARGINS = np.round(np.arange(0.0, 1.0, 0.01), 2)
THRESHOLD_DIGITS = 6  # of a threshold


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy that was chosen by cost, and the money for 1000 parts that held-out photos promise."""

    policy: Policy
    money: float


def member_thresholds(held_out: Sequence[Case], member: str, classes: Classes) -> dict[str, OperatingPoint]:
    """The thresholds on one member's own probability of the defect; none where it has not seen both classes held out.

    They are rounded here, once, and so that no score that they were chosen on changes its side.
    """
    if classes.defect is None:
        return {}
    known, probabilities = said(held_out, member, classes)
    defective = is_defective(known, classes)
    if len(set(defective.tolist())) < 2:
        return {}
    scores = probabilities[:, classes.names.index(classes.defect)]
    found = [
        f_beta_threshold(defective, scores, 1),
        f_beta_threshold(defective, scores, 2),
        safe_threshold(defective, scores),
        cost_threshold(defective, scores, PRICES),
        precision_threshold(defective, scores),
    ]
    return {point.name: replace(point, threshold=rounded(point.threshold, scores, THRESHOLD_DIGITS)) for point in found}


def derive(held_out: Sequence[Case], classes: Classes, groups: Sequence[Sequence[str]] = ()) -> tuple[Policy, ...]:
    """The policies that ship, with thresholds from held-out cases; none where these do not have every class.

    `groups` of members, if there are two, are the stages of the industrial policies.
    """
    if {case.label for case in held_out} != set(classes.names):
        return ()
    if classes.defect is None:
        industrial = replace(choose(PLURAL_SHIPPED, "INDUSTRIAL_BALANCED"), rule="fused")
        return (_with_margin(industrial, held_out, classes),)
    defective, values = defect_scores(_fused("BALANCED"), held_out, classes)
    even = smooth_threshold(defective, values, 0.5, "even")
    safe, precise = safe_threshold(defective, values), precision_threshold(defective, values)
    balanced = smooth_threshold(defective, values, PRICES.overkill / (PRICES.overkill + PRICES.escape), "cost")
    low = smooth_threshold(defective, values, PRICES.review / PRICES.escape, "review")
    high = smooth_threshold(defective, values, 1 - PRICES.review / PRICES.overkill, "review")
    members = len({score.member for case in held_out for score in case.scores if score.weight})
    industrial = _threshold(_fused("INDUSTRIAL_BALANCED"), values, high, low, quorum=members // 2 + 1)
    careful = _threshold(_fused("INDUSTRIAL_SAFE_0FN"), values, precise, safe, quorum=members)
    exact = tuple(Stage(tuple(group)) for group in groups)
    return (
        _threshold(_fused(FUSED), values, even),
        _threshold(_fused("SAFE_0FN"), values, safe),
        _threshold(_fused("BALANCED"), values, balanced),
        _threshold(_fused("PRECISION"), values, precise),
        _with_cascade(industrial, held_out, classes, groups),
        replace(careful, cascade=exact if len(groups) > 1 else ()),
    )


def _fused(name: str) -> Policy:
    """A policy that ships, on the fused probability: held-out photos have made probabilities of the scores."""
    return replace(choose(SHIPPED_POLICIES, name), rule="fused")


def defect_scores(
    policy: Policy, known: Sequence[Case], classes: Classes
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """For (N,) cases whether they are defective, and the defect score that a policy's rule has of them."""
    scores = [policy.defect_score(case.scores, classes) for case in known]
    return is_defective(known, classes), np.array(scores, dtype=np.float64)


def cheapest(held_out: Sequence[Case], classes: Classes, line: Line, escape_limit: float) -> Chosen:
    """The policy of least cost among those whose escape rate surely (95%) stays below a limit.

    All rules with one threshold for all members, and those that read probabilities with a second cut for reviews, are
    tried at every cut that makes a difference. A PolicyError says what to do where no photos could promise so little.
    """
    if classes.defect is None or {case.label for case in held_out} != set(classes.names):
        raise PolicyError(
            "The cheapest policy needs validation photos of good and of defective parts. Train with both."
        )
    total = sum(case.label == classes.defect for case in held_out)
    most = max((n for n in range(total + 1) if upper_bound(n, total) <= escape_limit), default=None)
    if most is None:
        raise PolicyError(
            "Validation photos of defective parts: {total}. They cannot prove an escape rate below "
            "{limit}, only {proven}. Add photos of defective parts or raise the limit.",
            total=total,
            limit=percent(escape_limit),
            proven=highest(0, total),
        )
    found: list[Chosen] = []
    for rule in ("fused", "mean", "majority", "any", "all"):
        plain = Policy("CHOSEN", rule)
        reads = not plain.voting.sides  # the probabilities themselves
        defective, values = defect_scores(plain, held_out, classes) if reads else _tipping(plain, held_out, classes)
        point = cost_threshold(defective, values, line.prices, line.share, most_escapes=most)
        basis = {"chosen": point.name, "photos": "held out", **_counts_of_point(point)}
        own = rounded(point.threshold, values, THRESHOLD_DIGITS)
        made = _threshold(plain, values, point) if reads else replace(plain, threshold=own, basis=basis)
        found.append(Chosen(made, point.figure or 0.0))
        if reads and line.prices.review:
            low, high = review_threshold(defective, values, line.prices, line.share, most_escapes=most)
            found.append(Chosen(_threshold(plain, values, high, low), high.figure or 0.0))
    return min(found, key=lambda chosen: chosen.money)


def ok_from(demand: float, held_out: Sequence[Case], classes: Classes, *, name: str, description: str = "") -> Policy:
    """OK only where the mean probability of a good part reaches `demand`, such as 0.99; what that does held out stands
    in its basis."""
    if classes.defect is None or not 0 < demand <= 1:
        raise PolicyError(
            "A demand on the probability of OK lies above 0 and up to 1, and one class is the "
            "defect. Got {demand} for {names}.",
            demand=demand,
            names=", ".join(classes.names),
        )
    # a part that is good with exactly this probability is OK
    reject = round(1 - demand + 10**-THRESHOLD_DIGITS, THRESHOLD_DIGITS)
    policy = Policy(name, "mean", description, reject=reject)
    return with_basis(policy, held_out, classes, chosen=f"OK from {demand:g}")


def one_is_sure(held_out: Sequence[Case], members: Sequence[str], classes: Classes, *, name: str) -> Policy:
    """NOK as soon as one member is surer than it was of any good part held out: each member's threshold rejects none of
    them.

    A member that has not seen both classes held out keeps the usual threshold.
    """
    points = {member: member_thresholds(held_out, member, classes).get("precision") for member in members}
    thresholds = {member: point.threshold for member, point in points.items() if point is not None}
    description = Message("NOK if one model scores higher than on any good validation photo.")
    return with_basis(Policy(name, "any", description, thresholds=thresholds), held_out, classes, chosen="precision")


def with_basis(policy: Policy, held_out: Sequence[Case], classes: Classes, *, chosen: str) -> Policy:
    """The policy with what it does on held-out cases as its basis; `chosen` says by what its thresholds were chosen."""
    counts = DecisionCounts.of(truth(held_out), labels_by_policy(policy, held_out, classes), classes)
    return replace(policy, basis={"chosen": chosen, "photos": "held out", **_counts_of_point(counts)})


def unsafe_name(policy: Policy) -> str | None:
    """Why a policy that calls itself SAFE may not, in one sentence; None where it may, or does not call itself so."""
    if "SAFE" not in policy.name.upper():
        return None
    counts = policy.basis.get("escapes"), policy.basis.get("defective")
    if not all(isinstance(count, int) for count in counts):
        return not_safe(0, 0)
    return not_safe(int(counts[0]), int(counts[1]))  # type: ignore[arg-type]


def _threshold(
    policy: Policy,
    values: NDArray[np.float64],
    reject: OperatingPoint,
    review: OperatingPoint | None = None,
    quorum: int = 1,
) -> Policy:
    """The policy with one threshold or two; escapes are counted at the lower one, overkills at the higher one.

    Thresholds are rounded here, once, and so that none of the values (N,) that they were chosen on changes its side.
    """
    lower, upper = sorted((reject, review or reject), key=lambda point: point.threshold)
    counts = _counts_of_point(upper) | {"escapes": lower.escapes}
    high = rounded(upper.threshold, values, THRESHOLD_DIGITS)
    return replace(
        policy,
        reject=high,
        review=None if review is None else min(high, rounded(lower.threshold, values, THRESHOLD_DIGITS)),
        quorum=quorum,
        basis={"chosen": lower.name, "photos": "held out", **counts},
    )


def _counts_of_point(point: OperatingPoint | DecisionCounts) -> dict[str, int]:
    return {name: getattr(point, name) for name in COUNTS}


def _tipping(policy: Policy, known: Sequence[Case], classes: Classes) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """For (N,) cases the highest threshold for all members at which a counting rule still finds the part defective."""
    defect = classes.defect or ""
    values = np.zeros(len(known))
    for place, case in enumerate(known):
        thresholds = sorted({score.probabilities[defect] for score in case.scores}, reverse=True)
        values[place] = next(
            (
                threshold
                for threshold in thresholds
                if replace(policy, threshold=threshold).label(case.scores, (), classes) == defect
            ),
            0.0,
        )
    return is_defective(known, classes), values


def _with_cascade(
    policy: Policy, held_out: Sequence[Case], classes: Classes, groups: Sequence[Sequence[str]]
) -> Policy:
    """The policy with a first stage that speaks for all where, on held-out photos, all would have said the same.

    Its cuts keep twice the odds of room to the nearest photo on which all together said otherwise.
    """
    if len(groups) < 2:
        return policy
    first = tuple(groups[0])
    labels = [policy.label(case.scores, case.absent, classes) for case in held_out]
    plain = replace(policy, cascade=(), quorum=1)
    early = np.array([plain.defect_score([s for s in case.scores if s.member in first], classes) for case in held_out])
    not_good = early[[label != classes.good for label in labels]]
    not_bad = early[[label != classes.defect for label in labels]]
    ok_below = odds_times(1 / MARGIN, float(not_good.min())) if len(not_good) else 0.0
    nok_from = odds_times(MARGIN, float(not_bad.max())) if len(not_bad) else 1.0
    if nok_from < ok_below or np.mean((early < ok_below) | (early >= nok_from)) < SAVES:
        return policy
    low, high = rounded(ok_below, early, THRESHOLD_DIGITS), rounded(nok_from, early, THRESHOLD_DIGITS)
    stages = (Stage(first, min(low, high), high), Stage(tuple(groups[1])))
    return replace(policy, cascade=stages)


def _with_margin(policy: Policy, held_out: Sequence[Case], classes: Classes) -> Policy:
    """The margin at which errors and reviews cost least on held-out photos; of equal ones the widest, the safer one."""
    truth = [case.label for case in held_out]
    money = []
    for margin in MARGINS:
        tried = replace(policy, margin=float(margin))
        labels = [tried.label(case.scores, case.absent, classes) for case in held_out]
        reviews = labels.count(REVIEW)
        wrong = sum(label not in (REVIEW, true) for label, true in zip(labels, truth, strict=True))
        money.append(wrong * PRICES.escape + reviews * PRICES.review)
    best = len(money) - 1 - int(np.argmin(money[::-1]))
    basis = {"chosen": "margin", "photos": "held out", "count": len(held_out)}
    return replace(policy, margin=float(MARGINS[best]), basis=basis)
