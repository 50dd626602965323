"""Policies: frozen values read from JSON that turn votes into a verdict.

A new policy is one entry in a product's `policies.json`; a new rule is one function and one line in `RULES`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ensemble.errors import PolicyError
from ensemble.results import REVIEW, Absence, Classes, Score, Verdict, Vote, mean_probability, word

DEFAULT_THRESHOLD = 0.5
ROUNDING = 1e-9  # weights are sums of fractions


def majority(against: float, cast: float) -> bool:
    """Defective when at least half of the votes, by weight, say so."""
    return 2 * against >= cast - ROUNDING  # a tie counts as defective: a miss costs more than a recheck


def any_against(against: float, cast: float) -> bool:
    """Defective when a single vote says so."""
    return against > 0


def all_against(against: float, cast: float) -> bool:
    """Defective only when every vote says so."""
    return against >= cast - ROUNDING


Rule = Callable[[float, float], bool]  # the weight of the votes against, of all votes; never laxer with more against
RULES: Mapping[str, Rule] = MappingProxyType({"majority": majority, "any": any_against, "all": all_against})


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule that counts the sides, and where each member's cut lies."""

    name: str
    rule: str
    description: str = ""
    threshold: float = DEFAULT_THRESHOLD
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise PolicyError(f"A policy needs a name. Got {self.name!r}.")
        if not isinstance(self.description, str):
            raise PolicyError(f"Policy {self.name!r}: the description must be a text. Got {self.description!r}.")
        if not isinstance(self.rule, str) or self.rule not in RULES:
            raise PolicyError(f"Policy {self.name!r}: the rule must be one of {', '.join(RULES)}. Got {self.rule!r}.")
        if not isinstance(self.thresholds, Mapping):
            raise PolicyError(f"Policy {self.name!r}: thresholds must map member names to numbers.")
        for member, cut in {"every member": self.threshold, **self.thresholds}.items():
            if isinstance(cut, bool) or not isinstance(cut, int | float) or not 0 <= cut <= 1:
                raise PolicyError(f"Policy {self.name!r}: the threshold of {member} must lie in [0, 1]. Got {cut!r}.")

    def applies_to(self, classes: Classes) -> bool:
        """Whether the rule means anything for these classes: without a defect only a majority (plurality) does."""
        return classes.defect is not None or self.rule == "majority"

    def cast(self, score: Score, classes: Classes) -> Vote:
        """Turn a member's score into its vote, by this policy's cut."""
        threshold: float | None = None
        if classes.defect is None or classes.good is None:
            label = max(classes.names, key=lambda name: score.probabilities[name])
            value = score.probabilities[label]
        else:
            threshold = self.thresholds.get(score.member, self.threshold)
            value = score.probabilities[classes.defect]
            label = classes.defect if value >= threshold else classes.good
        said = {name: getattr(score, name) for name in Score.__dataclass_fields__}
        return Vote(**said, label=label, score=value, threshold=threshold)

    def decide(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> Verdict:
        """Decide by the votes cast; where a vote of an absent member could change the answer, a person must look."""
        if not self.applies_to(classes):
            raise PolicyError(
                f"Policy {self.name!r} counts votes against a part, and the classes {', '.join(classes.names)} have no "
                "defect. Choose a policy with the rule 'majority'."
            )
        votes = tuple(self.cast(score, classes) for score in scores)
        missing = tuple(absent)
        if not votes:
            label, reason = REVIEW, "No member could vote: a person must look."
        elif classes.defect is not None and classes.good is not None:
            label, reason = self._decide_defect(votes, missing, classes.defect, classes.good)
        else:
            label, reason = _decide_plurality(votes, missing, classes)
        sure = 0.0 if label == REVIEW else mean_probability(votes, label)
        return Verdict(label, sure, reason, self.name, votes, missing, classes)

    def revise(self, verdict: Verdict) -> Verdict:
        """What this policy makes of the votes that another one has decided on: the same photo, no model runs again."""
        decided = self.decide(verdict.votes, verdict.absent, verdict.classes)
        return replace(
            verdict,
            label=decided.label,
            confidence=decided.confidence,
            reason=decided.reason,
            policy=decided.policy,
            votes=decided.votes,
        )

    def _decide_defect(
        self, votes: Sequence[Vote], absent: Sequence[Absence], defect: str, good: str
    ) -> tuple[str, str]:
        rule = RULES[self.rule]
        speaking = [vote for vote in votes if vote.label == defect]
        against, cast = _weight(speaking), _weight(votes)
        count = f"{_count(speaking, votes)} {'says' if len(speaking) == 1 else 'say'} {word(defect)}"
        # None or all of the absent votes against the part: no rule is laxer with more against it.
        missing = sum(absence.weight for absence in absent)
        outcomes = {rule(against + more, cast + missing) for more in (0.0, missing)}
        if len(outcomes) > 1:
            return (
                REVIEW,
                f"{count}, and the absent {_names(absent)} could change the answer: a person must look.",
            )
        label = defect if outcomes.pop() else good
        tied = self.rule == "majority" and abs(2 * against - cast) <= ROUNDING
        tie = " A tie counts as defective." if tied else ""
        still = f" It stands whatever the absent {_names(absent)} would have voted." if absent else ""
        return label, f"{count}.{tie}{still}"


def _decide_plurality(votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> tuple[str, str]:
    sides = {name: [vote for vote in votes if vote.label == name] for name in classes.names}
    counts = {name: round(_weight(side), 9) for name, side in sides.items()}
    means = {name: mean_probability(votes, name) for name in classes.names}
    first, second = sorted(classes.names, key=lambda name: (counts[name], means[name]), reverse=True)[:2]
    count = f"{_count(sides[first], votes)} {'says' if len(sides[first]) == 1 else 'say'} {word(first)}"
    if absent and counts[first] - counts[second] <= sum(absence.weight for absence in absent):
        return (
            REVIEW,
            f"{count}, and the absent {_names(absent)} could change the answer: a person must look.",
        )
    if counts[first] == counts[second]:
        return first, f"{count}, as many as for {word(second)}; the higher mean probability decides."
    return first, f"{count}."


def _weight(votes: Sequence[Vote]) -> float:
    return sum(vote.weight for vote in votes)


def _count(side: Sequence[Vote], votes: Sequence[Vote]) -> str:
    """`2 of 3 votes`, with what they weigh where weights differ and the votes do too."""
    count = f"{len(side)} of {len(votes)} votes"
    if len(side) in {0, len(votes)} or {vote.weight for vote in votes} == {1.0}:
        return count
    return f"{count} ({_weight(side):.2f} of {_weight(votes):.2f} by weight)"


def _names(absent: Sequence[Absence]) -> str:
    return " and ".join(absence.member for absence in absent)


SHIPPED = (
    Policy("MAJORITY", "majority", "NOK when at least half of the votes say so; a tie counts as NOK."),
    Policy("ANY", "any", "NOK as soon as one vote says so: the fewest escapes, the most rechecks."),
    Policy("ALL", "all", "NOK only when every vote says so: the fewest rechecks, the most escapes."),
)


def shipped(classes: Classes) -> tuple[Policy, ...]:
    """The policies a new product starts with: those that mean something for its classes."""
    return tuple(policy for policy in SHIPPED if policy.applies_to(classes))


def to_json(policies: Iterable[Policy]) -> str:
    """Policies as the text of a `policies.json`."""
    return json.dumps({"policies": [asdict(policy) for policy in policies]}, indent=2) + "\n"


def from_json(text: str, source: str = "policies.json") -> tuple[Policy, ...]:
    """Read the text of a `policies.json`; a PolicyError names the line or the entry that is wrong."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise PolicyError(f"{source}, line {error.lineno}: not JSON ({error.msg}). Mend that line.") from error
    if not isinstance(data, dict) or set(data) != {"policies"} or not isinstance(data["policies"], list):
        raise PolicyError(f'{source}: expected {{"policies": [...]}} and nothing beside it.')
    policies = tuple(_entry(entry, position, source) for position, entry in enumerate(data["policies"], 1))
    if not policies:
        raise PolicyError(f"{source}: expected at least one policy. Got none.")
    names = [policy.name for policy in policies]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"{source}: two policies are called {name!r}. Rename one of them.")
    return policies


def _entry(entry: Any, position: int, source: str) -> Policy:
    known = set(Policy.__dataclass_fields__)
    if not isinstance(entry, dict) or not {"name", "rule"} <= set(entry):
        raise PolicyError(f"{source}, policy {position}: expected an object with a name and a rule.")
    if unknown := set(entry) - known:
        raise PolicyError(
            f"{source}, policy {position}: unknown {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}."
        )
    try:
        return Policy(**entry)
    except PolicyError as error:
        raise PolicyError(f"{source}, policy {position}: {error}") from error


def choose(policies: Sequence[Policy], name: str | None) -> Policy:
    """The policy of that name; without a name the first, which is the product's default."""
    if name is None:
        return policies[0]
    for policy in policies:
        if policy.name == name:
            return policy
    raise PolicyError(
        f"No policy is called {name!r}. This product has {', '.join(policy.name for policy in policies)}."
    )
