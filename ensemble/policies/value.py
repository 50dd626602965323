"""What a policy says: the rule that counts the votes and where the thresholds lie, as one frozen value."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Self

from ensemble.policies.checks import OVERRIDES, check
from ensemble.policies.counting import RULES
from ensemble.values.results import DEFECTIVE, REVIEW, Classes

DEFAULT_THRESHOLD = 0.5
IN_FILE = "in_file"  # of a field, in its metadata: false where it is not part of a `policies.json`
PLURAL = ("majority", "weighted", "mean")  # what means anything without a defect


@dataclass(frozen=True, slots=True)
class Stage:
    """Members of a cascade that are asked together, after those of the stages before it.

    With `ok_below` or `nok_from` the verdict falls where all votes so far give a suspicion below or from there on, and
    may differ from the one that all members would give. Without them it falls only where no other member could change
    it.
    """

    members: tuple[str, ...]
    ok_below: float | None = None
    nok_from: float | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """An exception: other cuts for one product, or a kind of defect that counts for itself.

    With `defect`, a region of that label whose score reaches `score` makes the part at least `verdict`; it can only
    make a policy stricter.
    """

    product: str = ""
    defect: str = ""
    score: float | None = None
    verdict: str = DEFECTIVE
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    review: float | None = None
    reject: float | None = None
    quorum: int | None = None

    def overrides(self) -> dict[str, Any]:
        """What it puts in the place of the policy's own."""
        return {name: value for name in OVERRIDES if (value := getattr(self, name)) not in (None, {})}


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """The rule that counts the votes, where the cuts lie, and who said so.

    `threshold` and `thresholds` are the members' own cuts. The rule turns the votes into one defect score: NOK from
    `reject` on, REVIEW from `review` on. `quorum` is the fewest votes that may decide. The rules majority, any and all
    count heads; `weights` are what votes count in the rules weighted and mean, in the place of the members' measured
    weights. Without a defect among the classes, a person must look where the leading class is ahead by less than
    `margin`. `basis` says what its cuts rest on; `state` is the number of the state of the product's policies that it
    comes from, and in no file.
    """

    name: str
    rule: str
    description: str = ""
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    review: float | None = None
    reject: float | None = None
    quorum: int = 1
    margin: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    cascade: tuple[Stage, ...] = ()
    exceptions: tuple[Clause, ...] = ()
    author: str = ""
    reason: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    state: int | None = field(default=None, compare=False, metadata={IN_FILE: False})

    def __post_init__(self) -> None:
        check(self)

    @property
    def reject_from(self) -> float:
        """The suspicion from which a part is NOK."""
        return RULES[self.rule].reject if self.reject is None else self.reject

    @property
    def review_from(self) -> float:
        """The suspicion from which a person must look; that of NOK where there is nothing between."""
        return self.reject_from if self.review is None else self.review

    def cut_of(self, member: str) -> float:
        """The cut on a member's own probability of the defect."""
        usual = DEFAULT_THRESHOLD if RULES[self.rule].sides else self.reject_from
        return self.thresholds.get(member, usual if self.threshold is None else self.threshold)

    @property
    def has_review(self) -> bool:
        """Whether its thresholds leave room for REVIEW between OK and NOK."""
        return self.review_from < self.reject_from

    @property
    def asks_a_person(self) -> bool:
        """Whether it can say REVIEW of a part that every member has judged."""
        clauses = any(clause.defect and clause.verdict == REVIEW for clause in self.exceptions)
        return self.has_review or self.margin > 0 or clauses

    def weight_of(self, member: str, measured: float) -> float:
        """What a vote counts: one where the rule counts heads, else the policy's weight or the measured one."""
        return self.weights.get(member, measured) if RULES[self.rule].weighs else 1.0

    def members(self) -> set[str]:
        """Every member that it names."""
        named = {*self.thresholds, *self.weights}
        named |= {member for stage in self.cascade for member in stage.members}
        return named | {member for clause in self.exceptions for member in clause.thresholds}

    def applies_to(self, classes: Classes) -> bool:
        """Whether it means anything for these classes: without a defect there are no votes against a part to count."""
        return classes.defect is not None or (self.rule in PLURAL and not self.cascade and not self.exceptions)

    def for_product(self, product: str) -> Self:
        """What it says of one product: its exceptions for that product applied, those for others left out."""
        changes: dict[str, Any] = {}
        for clause in self.exceptions:
            if clause.product == product:
                own = clause.overrides()
                thresholds = {**self.thresholds, **changes.get("thresholds", {}), **own.pop("thresholds", {})}
                changes |= {**own, "thresholds": thresholds}
        kept = tuple(clause for clause in self.exceptions if clause.defect and clause.product in {"", product})
        return replace(self, **changes, exceptions=kept)


def in_file(kind: Any) -> tuple[Field[Any], ...]:
    """The fields of a policy, a stage or an exception that a `policies.json` holds."""
    return tuple(each for each in fields(kind) if each.metadata.get(IN_FILE, True))
