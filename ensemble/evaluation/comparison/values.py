"""What a comparison found, as plain values that a file can keep."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from ensemble.metrics.costs import CONFIDENCE_LEVEL
from ensemble.policies.cases import Case
from ensemble.values.errors import MISSHAPEN, DataError
from ensemble.values.results import Classes
from ensemble.values.titles import ENSEMBLE

COMPARISON_FORMAT = 1
CHANGES = ("escaped", "caught", "rejected", "spared", "broken", "mended", "otherwise")  # what comes first weighs most


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95% limits, None where the photos do not tell; a rate says of how many photos it is."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    events: int | None = None
    photos: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both models, and what it is after minus before."""

    before: Interval = Interval()
    after: Interval = Interval()
    difference: Interval = Interval()


@dataclass(frozen=True, slots=True)
class PairedTest:
    """On how many photos the newer model alone is right (gained) and the older one alone (lost), and the same by part.

    `p` is the probability of parts so uneven by chance, `adjusted` the same where several are tested together.
    """

    gained: int
    lost: int
    parts_won: int
    parts_lost: int
    p: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Voter:
    """One member, or the ensemble, on those photos that it has judged on both sides.

    `figures` are accuracy, auroc, escape_rate, overkill_rate, and where there are reviews right_of_decided and
    review_rate; `tests` right, and of the ensemble escapes and overkills too.
    """

    name: str
    photos: int
    figures: Mapping[str, Figure]
    tests: Mapping[str, PairedTest]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Voter":
        """The inverse of `asdict`."""
        return cls(
            str(data["name"]),
            int(data["photos"]),
            {
                name: Figure(**{side: Interval(**each) for side, each in figure.items()})
                for name, figure in data["figures"].items()
            },
            {name: PairedTest(**test) for name, test in data["tests"].items()},
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A photo on which the verdicts differ.

    `kind` is one of `CHANGES`: a defective part that escapes now, or is caught now; a good part that is rejected now,
    or no longer; else one that is no longer decided rightly, now is, or is decided otherwise.
    """

    kind: str
    photo: str
    sha256: str
    label: str
    before: str
    after: str
    defect: str = ""
    category: str = ""

    @property
    def case(self) -> Case:
        """The photo alone, without what members said of it."""
        return Case(self.photo, self.sha256, self.label, (), defect=self.defect, category=self.category)


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """How many parts with one type of defect there are, and how many of them escaped before and after."""

    defect: str
    photos: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A newer model against an older one, on the photos that both have judged.

    `parts` is how many parts those photos show. `only_before` and `only_after` count photos that one side alone has
    judged, `members_before` and `members_after` name members that one side alone has; `relabelled` photos had another
    class before, and `learnt` ones the older model has learnt from.
    """

    classes: Classes
    policy_before: str
    policy_after: str
    photos: int
    parts: int
    voters: tuple[Voter, ...]
    changes: tuple[Change, ...] = ()
    types: tuple[TypeCounts, ...] = ()
    members_before: tuple[str, ...] = ()
    members_after: tuple[str, ...] = ()
    only_before: int = 0
    only_after: int = 0
    relabelled: int = 0
    learnt: int = 0

    @property
    def ensemble(self) -> Voter:
        """What the policies make of all votes."""
        return next(voter for voter in self.voters if voter.name == ENSEMBLE)

    @property
    def members(self) -> tuple[Voter, ...]:
        """The members that both models have."""
        return tuple(voter for voter in self.voters if voter.name != ENSEMBLE)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        classes = {"classes": list(self.classes.names), "defect": self.classes.defect}
        return {"format": COMPARISON_FORMAT, **json.loads(json.dumps(asdict(self))), **classes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Comparison":
        """The inverse of `as_json`; a DataError where it is none."""
        try:
            if data["format"] != COMPARISON_FORMAT:
                raise ValueError(f"format {data['format']}, expected {COMPARISON_FORMAT}")
            kept = {name: value for name, value in data.items() if name not in ("format", "defect")}
            return cls(
                **kept
                | {
                    "classes": Classes(tuple(data["classes"]), data["defect"]),
                    "voters": tuple(map(Voter.from_json, data["voters"])),
                    "changes": tuple(Change(**entry) for entry in data["changes"]),
                    "types": tuple(TypeCounts(**entry) for entry in data["types"]),
                    "members_before": tuple(data["members_before"]),
                    "members_after": tuple(data["members_after"]),
                }
            )
        except MISSHAPEN as error:
            raise DataError(
                "This is no comparison of two models ({name}: {error}). Compare them again.",
                name=type(error).__name__,
                error=error,
            ) from error


ALPHA = 1 - CONFIDENCE_LEVEL
RESAMPLES = 2000
DRAWS_AT_ONCE = 4_000_000  # weights of a resample that are held at a time
Z = float(norm.ppf((1 + CONFIDENCE_LEVEL) / 2))

PartNumbers = NDArray[np.int64]
Gains = NDArray[np.int64]
Scores = NDArray[np.float64]


def parts_won(gains: Gains, groups: PartNumbers) -> tuple[int, int]:
    """On how many parts the newer model does better than the older one, and on how many worse."""
    if not len(gains):
        return 0, 0
    by_part = np.bincount(groups, gains)
    return int((by_part > 0).sum()), int((by_part < 0).sum())


def paired_test(won: int, lost: int) -> float:
    """How probable so uneven counts are where either model is as likely to be the better one of a part.

    The exact test of McNemar (1947): two-sided, binomial, on the parts that tell the models apart; 1 without any.
    """
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """The same probabilities, each raised for being one of several (Holm 1979); below 0.05 each still says so alone."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def fewest_to_show(tests: int) -> int:
    """How many parts must change, all in one direction, before the first of so many tests can show a difference."""
    return int(np.ceil(np.log2(2 * tests / ALPHA)))


def rate_difference(gains: Gains, groups: PartNumbers) -> tuple[float, float]:
    """The 95% limits of a difference of paired rates: Bonett & Price (2012), with the variance taken part by part.

    Two imagined parts, one won and one lost, keep it from being sure of itself where few parts or none differ.
    """
    totals = np.append(np.bincount(groups, gains), [1.0, -1.0])
    sizes = np.append(np.bincount(groups), [1.0, 1.0])
    middle = totals.sum() / sizes.sum()
    reach = Z * float(np.sqrt(((totals - middle * sizes) ** 2).sum())) / sizes.sum()
    return float(max(-1.0, middle - reach)), float(min(1.0, middle + reach))


def auroc_difference(
    defective: NDArray[np.bool_], before: Scores, after: Scores, groups: PartNumbers, seed: int
) -> tuple[float, float] | None:
    """The 95% limits of AUROC after minus before, by a paired bootstrap of parts (Efron & Tibshirani 1993).

    Parts of the same classes are drawn among each other, so that no resample lacks a class. None where no resample
    differs from another, as where both models tell all photos apart: then nothing is known of the true difference.
    """
    random = np.random.default_rng(seed)
    strata = _strata(defective, groups)
    differences = []
    rounds = max(1, DRAWS_AT_ONCE // len(defective))
    for start in range(0, RESAMPLES, rounds):
        times = _draw_parts(strata, min(rounds, RESAMPLES - start), random)[:, groups]  # (B, parts) -> (B, N)
        differences.append(_aurocs(defective, after, times) - _aurocs(defective, before, times))
    found = np.concatenate(differences)
    if float(np.ptp(found)) < 1e-12:
        return None
    low, high = np.quantile(found, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def _strata(defective: NDArray[np.bool_], groups: PartNumbers) -> NDArray[np.int64]:
    """(P,) for each part: 1 good photos alone, 2 defective ones alone, 3 both."""
    parts = int(groups.max()) + 1
    has_good = np.bincount(groups, ~defective, minlength=parts) > 0
    has_bad = np.bincount(groups, defective, minlength=parts) > 0
    return has_good + 2 * has_bad.astype(np.int64)


def _draw_parts(strata: NDArray[np.int64], rounds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(rounds, P) how often each part is drawn."""
    times = np.zeros((rounds, len(strata)), dtype=np.int64)
    for stratum in np.unique(strata):
        places = np.flatnonzero(strata == stratum)
        times[:, places] = random.multinomial(len(places), np.full(len(places), 1 / len(places)), size=rounds)
    return times


def _aurocs(defective: NDArray[np.bool_], scores: Scores, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """(B,) AUROC of (N,) scores where each photo counts so many times; a tie is half right."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    sorted_times = times[:, order]
    bad = np.add.reduceat(sorted_times * defective[order], starts, axis=1)
    good = np.add.reduceat(sorted_times * ~defective[order], starts, axis=1)
    below = np.cumsum(good, axis=1) - good / 2
    return (bad * below).sum(axis=1) / (bad.sum(axis=1) * good.sum(axis=1))
