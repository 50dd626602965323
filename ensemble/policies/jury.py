"""Who of the members votes and with what weight, chosen by what they say together on held-out photos.

Ensemble selection with replacement after Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004: step
by step the member joins that makes the fused probability fit the truth best (log loss), on resamples of the parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.policies.cases import Case, members, said
from ensemble.policies.counting import SUREST
from ensemble.values.results import Classes

RESAMPLES, STEPS = 20, 15
EQUAL_PHOTOS = 20  # of the rarest class: so many count as much as equal weights do, and leave nobody out
SHARPNESS = 2.0 ** np.arange(-1, 3.25, 0.25)  # what fused log-probabilities are multiplied by
NEWCOMER = 0.02  # nats over all photos that one more member must bring, so that nobody joins who knows nothing
LEAST_SHARE = 0.5  # of an equal share of what moves the fused probability: a member below it does not vote
WEIGHT_DIGITS = 3


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Log-probabilities (M, N, K) of what each of M members says, the true class of each photo (N,) and its part."""

    logs: NDArray[np.float64]
    labels: NDArray[np.int64]
    parts: NDArray[np.int64]


def choose_jury(
    held_out: Sequence[Case], classes: Classes, parts: Sequence[int] | NDArray[np.int64], seed: int
) -> dict[str, float]:
    """What the vote of each member weighs, in [0, 1] with the heaviest at 1; 0 where it is not of the jury.

    `parts` (N,) says which photos show one part: those stay together. The chosen weights are shrunk towards equal ones,
    the more the fewer photos there are, so that few photos leave nobody out. Empty where nothing can be chosen: a class
    is missing, or a member has not spoken of every photo.
    """
    names = members(held_out)
    if not names or {case.label for case in held_out} != set(classes.names):
        return {}
    known = [said(held_out, name, classes) for name in names]
    if any(len(cases) < len(held_out) for cases, _ in known):
        return {}
    logs = np.log(np.clip(np.stack([rows for _, rows in known]), SUREST, 1 - SUREST))
    labels = np.array([classes.names.index(case.label) for case in held_out])
    shares = _selected(_HeldOut(logs, labels, np.asarray(parts)), np.random.default_rng(seed))
    rarest = int(np.bincount(labels, minlength=len(classes.names)).min())
    trust = rarest / (rarest + EQUAL_PHOTOS)
    influence = shares * (logs - logs.mean(axis=2, keepdims=True)).std(axis=(1, 2))  # on the fused log-probabilities
    voice = trust * influence / influence.sum() + (1 - trust) / len(names)
    shares = trust * shares + (1 - trust) / len(names)
    shares[voice < LEAST_SHARE / len(names)] = 0.0
    weights = np.round(shares / shares.max(), WEIGHT_DIGITS)
    return dict(zip(names, weights.tolist(), strict=True))


def _selected(held: _HeldOut, random: np.random.Generator) -> NDArray[np.float64]:
    """The share (M,) of the steps at which each member was chosen, over all resamples; they sum to 1."""
    counts = np.zeros(len(held.logs))
    for _ in range(RESAMPLES):
        places = _resampled(held, random)
        logs, labels = held.logs[:, places], held.labels[places]
        chosen, total = np.zeros(len(logs)), np.zeros(logs.shape[1:])
        joining = NEWCOMER * len(np.unique(labels)) / len(labels)
        for step in range(1, STEPS + 1):
            losses = np.array([_loss((total + each) / step, labels) for each in logs])  # each joins in turn
            best = int(np.argmin(losses + joining * (chosen == 0)))
            chosen[best] += 1
            total = total + logs[best]
        counts += chosen
    return counts / counts.sum()


def _resampled(held: _HeldOut, random: np.random.Generator) -> NDArray[np.int64]:
    """Places of a resample of whole parts, drawn again until it has a photo of every class."""
    numbers = np.unique(held.parts)
    while True:
        drawn = random.choice(numbers, len(numbers))
        places = np.concatenate([np.flatnonzero(held.parts == number) for number in drawn])
        if len(np.unique(held.labels[places])) == len(np.unique(held.labels)):
            return places


def _loss(logs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The log loss of fused log-probabilities (N, K), each class counting alike, at the sharpness that suits them best.

    A mean of log-probabilities is less sure than it could be where members agree, which is no fault of the choice.
    """
    shares = 1 / np.bincount(labels)[labels]
    sharp = SHARPNESS[:, None, None] * logs  # (S, N, K)
    losses = np.logaddexp.reduce(sharp, axis=2) - sharp[:, np.arange(len(labels)), labels]
    return float((losses * shares).sum(axis=1).min())


def with_weights(cases: Sequence[Case], weights: Mapping[str, float]) -> tuple[Case, ...]:
    """The same cases with these weights on what members have said of them, and on what the absent would have said."""
    return tuple(
        replace(
            case,
            scores=tuple(replace(each, weight=weights.get(each.member, each.weight)) for each in case.scores),
            absent=tuple(replace(each, weight=weights.get(each.member, each.weight)) for each in case.absent),
        )
        for case in cases
    )
