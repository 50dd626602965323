"""How the votes on a part become one number, its defect score in [0, 1]: the higher, the more speaks against the part.

A new rule is one function and one line in `VOTING_RULES`. Every rule is monotone: no vote that turns against a part,
and no probability that rises, ever lowers its defect score. All that is promised of absent members rests on that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from types import MappingProxyType

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
