"""How the votes on a part become one number, its defect score in [0, 1]: the higher, the more speaks against the part.

A new rule is one function and one line in `VOTING_RULES`. Every rule is monotone: no vote that turns against a part,
and no probability that rises, ever lowers its defect score. All that is promised of absent members rests on that.
And how large what models have marked on it must be to count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from types import MappingProxyType
from typing import Any

from ensemble.values.digits import is_number
from ensemble.values.errors import PolicyError
from ensemble.values.results import DEFECTIVE, REVIEW
from ensemble.values.view import MarkedSize, View

WEIGHT_ROUNDING = 1e-9  # weights are sums of fractions
MODELS, WEIGHTS = "share of models voting NOK", "share of weight voting NOK"
PROBABILITY, FUSED_PROBABILITY = "mean defect probability", "fused defect probability"
SUREST = 1e-4  # probabilities nearer to 0 or 1 are no surer, so that no vote alone decides against all others
ONE_VOTE = 1e-6  # a smaller share than one vote among a thousand


@dataclass(frozen=True, slots=True)
class CountedVote:
    """What one vote brings to the count: what it weighs, and how far it speaks against the part, in [0, 1]."""

    against: float
    weight: float


def defect_score(votes: Sequence[CountedVote], missing: float = 0.0, against: float = 0.0) -> float:
    """Share of the weight that speaks against a part, where votes that weigh `missing` all say `against`."""
    total = sum(vote.weight for vote in votes) + missing
    return (sum(vote.weight * vote.against for vote in votes) + missing * against) / total if total else against


def log_odds(probability: float) -> float:
    """The logarithm of a probability's odds, of one that is at most as sure as `SUREST` allows."""
    clipped = min(max(probability, SUREST), 1 - SUREST)
    return log(clipped / (1 - clipped))


def fused_score(votes: Sequence[CountedVote], missing: float = 0.0, against: float = 0.0) -> float:
    """The probability whose log-odds are the weighted mean of those of the votes (a logarithmic opinion pool).

    Genest and Zidek, "Combining Probability Distributions", Statistical Science 1986. Votes that weigh `missing` are as
    sure as votes can be of what they say.
    """
    total = sum(vote.weight for vote in votes) + missing
    if not total:
        return against
    odds = sum(vote.weight * log_odds(vote.against) for vote in votes) + missing * log_odds(against)
    return 1 / (1 + exp(-odds / total))


@dataclass(frozen=True, slots=True)
class VotingRule:
    """How a rule reads a vote, and from which defect score on a part is NOK; None where the policy may set that itself.

    `sides` rules count votes that were cast by each member's own threshold; the others read the probabilities
    themselves. Where a rule `weighs`, a vote counts by its weight; elsewhere votes are heads, and each counts one.
    `combine` makes one number of the votes, as `defect_score` does, which is the share.
    """

    sides: bool
    weighs: bool
    reject: float
    free: bool  # whether a policy may move that threshold
    quantity: str  # what the defect score is called
    combine: Callable[[Sequence[CountedVote], float, float], float] = defect_score


VOTING_RULES: Mapping[str, VotingRule] = MappingProxyType(
    {
        # A tie is NOK: a miss costs more.
        "majority": VotingRule(sides=True, weighs=False, reject=0.5, free=True, quantity=MODELS),
        "any": VotingRule(sides=True, weighs=False, reject=ONE_VOTE, free=False, quantity=MODELS),
        "all": VotingRule(sides=True, weighs=False, reject=1.0, free=False, quantity=MODELS),
        "weighted": VotingRule(sides=True, weighs=True, reject=0.5, free=True, quantity=WEIGHTS),
        "mean": VotingRule(sides=False, weighs=True, reject=0.5, free=True, quantity=PROBABILITY),
        "fused": VotingRule(
            sides=False, weighs=True, reject=0.5, free=True, quantity=FUSED_PROBABILITY, combine=fused_score
        ),
    }
)


def reaches(value: float, threshold: float) -> bool:
    """Whether a defect score is at a threshold or above it."""
    return value >= threshold - WEIGHT_ROUNDING


UNITS = PIXELS_UNIT, MM = "px", "mm"


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """A size of marks: the `length` of the longest (maximum Feret diameter), or the `area` of the largest one.

    `unit` is px or mm, for an area their squares. Of a large defect `verdict` is what one that reaches it makes of the
    part.
    """

    unit: str
    length: float | None = None
    area: float | None = None
    verdict: str = DEFECTIVE

    @property
    def value(self) -> float:
        """The length or the area, whichever it is."""
        return float((self.area if self.length is None else self.length) or 0.0)

    def size_of(self, marks: MarkedSize) -> float | None:
        """The size of the largest mark in this unit; None where its scale is not known."""
        scale = marks.mm_per_pixel if self.unit == MM else 1.0
        if scale is None:
            return None
        return marks.area * scale**2 if self.length is None else marks.length * scale

    def reached_by(self, marks: MarkedSize) -> bool | None:
        """Whether a mark is so large; None where that is not known."""
        size = self.size_of(marks)
        return None if size is None else size >= self.value


SIZE_LIMITS = ("smallest_defect", "large_defect")


def check_sizes(policy: Any, who: str) -> None:
    """A PolicyError where what a policy says of sizes is no size, or contradicts itself."""
    for name in SIZE_LIMITS:
        if getattr(policy, name) is not None:
            _check_size(getattr(policy, name), name, who)
    small, large = policy.smallest_defect, policy.large_defect
    if small and small.verdict != DEFECTIVE:
        raise PolicyError("{who}: a verdict belongs to large_defect, not to smallest_defect.", who=who)
    alike = small and large and (small.unit, small.length is None) == (large.unit, large.length is None)
    if alike and small.value > large.value:
        raise PolicyError(
            "{who}: smallest_defect ({smallest:g}) must not lie above large_defect ({largest:g}): it would be both.",
            who=who,
            smallest=small.value,
            largest=large.value,
        )


def _check_size(limit: Any, name: str, who: str) -> None:
    if limit.unit not in UNITS:
        raise PolicyError(
            "{who}: the unit of {name} must be {pixels} or {millimetres}. Got {unit!r}.",
            who=who,
            name=name,
            pixels=PIXELS_UNIT,
            millimetres=MM,
            unit=limit.unit,
        )
    sizes = [size for size in (limit.length, limit.area) if size is not None]
    if len(sizes) != 1 or not is_number(sizes[0]) or sizes[0] <= 0:
        raise PolicyError(
            "{who}: {name} needs a length or an area above 0, not both. Got {sizes}.",
            who=who,
            name=name,
            sizes=sizes,
        )
    if limit.verdict not in (DEFECTIVE, REVIEW):
        raise PolicyError(
            "{who}: the verdict of {name} is {defective} or {review}. Got {verdict!r}.",
            who=who,
            name=name,
            defective=DEFECTIVE,
            review=REVIEW,
            verdict=limit.verdict,
        )


def unknown_size(policy: Any, view: View) -> str:
    """What a policy says of sizes and a product's view cannot measure; empty where it can all be measured."""
    for name in SIZE_LIMITS:
        limit = getattr(policy, name)
        if limit is not None and (not view.reference or (limit.unit == MM and view.mm_per_pixel is None)):
            return name
    return ""
