"""What a policy says: the rule that counts the votes and where the thresholds lie, as one frozen value."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Self

from ensemble.policies.counting import VOTING_RULES, SizeLimit, VotingRule, check_sizes
from ensemble.values.digits import is_number
from ensemble.values.errors import PolicyError
from ensemble.values.language import Message, listed
from ensemble.values.results import DEFECTIVE, REVIEW, Classes

DEFAULT_THRESHOLD = 0.5
IN_FILE = "in_file"  # of a field, in its metadata: false where it is not part of a `policies.json`
PLURAL = ("majority", "weighted", "mean", "fused")  # what means anything without a defect


@dataclass(frozen=True, slots=True)
class Stage:
    """Members of a cascade that are asked together, after those of the stages before it.

    With `ok_below` or `nok_from` the verdict falls where all votes so far give a defect score below or from there on,
    and may differ from the one that all members would give. Without them it falls only where no other member could
    change it.
    """

    members: tuple[str, ...]
    ok_below: float | None = None
    nok_from: float | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """An exception: other thresholds for one product, or a kind of defect that counts for itself.

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
    """The rule that counts the votes, where the thresholds lie, and who said so.

    `threshold` and `thresholds` are the members' own thresholds. The rule turns the votes into one defect score: NOK
    from `reject` on, REVIEW from `review` on. `quorum` is the fewest votes that may decide. The rules majority, any and
    all count heads; `weights` are what votes count in the rules that weigh, in the place of the members' measured
    weights. `calls` names members that vote although training has left them out of the jury (their weight is 0).
    Without a defect among the classes, a person must look where the leading class is ahead by less than `margin`.
    MarkedSize below `smallest_defect` alone reject no part; one from `large_defect` on decides whatever the votes say.
    `basis` says what its thresholds rest on; `state` is the number of the state of the product's policies that it comes
    from, and `trial` that it was chosen in the place of the active one; neither stands in a file.
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
    calls: tuple[str, ...] = ()
    cascade: tuple[Stage, ...] = ()
    exceptions: tuple[Clause, ...] = ()
    smallest_defect: SizeLimit | None = None
    large_defect: SizeLimit | None = None
    author: str = ""
    reason: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    state: int | None = field(default=None, compare=False, metadata={IN_FILE: False})
    trial: bool = field(default=False, compare=False, metadata={IN_FILE: False})

    def __post_init__(self) -> None:
        check_policy(self)

    @property
    def voting(self) -> VotingRule:
        """Its rule: how that reads a vote and combines all of them."""
        return VOTING_RULES[self.rule]

    @property
    def reject_from(self) -> float:
        """The defect score from which a part is NOK."""
        return self.voting.reject if self.reject is None else self.reject

    @property
    def review_from(self) -> float:
        """The defect score from which a person must look; that of NOK where there is nothing between."""
        return self.reject_from if self.review is None else self.review

    def threshold_of(self, member: str) -> float:
        """The threshold on a member's own probability of the defect."""
        usual = DEFAULT_THRESHOLD if self.voting.sides else self.reject_from
        return self.thresholds.get(member, usual if self.threshold is None else self.threshold)

    @property
    def has_review(self) -> bool:
        """Whether its thresholds leave room for REVIEW between OK and NOK."""
        return self.review_from < self.reject_from

    @property
    def asks_a_person(self) -> bool:
        """Whether it can say REVIEW of a part that every member has judged."""
        clauses = any(clause.defect and clause.verdict == REVIEW for clause in self.exceptions) or self.large_defect
        return self.has_review or self.margin > 0 or bool(clauses)

    def weight_of(self, member: str, measured: float) -> float:
        """What a vote counts: one where the rule counts heads, else the policy's weight or the measured one.

        A member that is called in without a weight counts as much as the heaviest of the jury.
        """
        return self.weights.get(member, measured or 1.0) if self.voting.weighs else 1.0

    def asks(self, member: str, measured: float) -> bool:
        """Whether a member votes: it is of the jury (its measured weight is above 0), or the policy calls it in."""
        return measured > 0 or member in self.calls or member in self.weights

    def members(self) -> set[str]:
        """Every member that it names."""
        named = {*self.thresholds, *self.weights, *self.calls}
        named |= {member for stage in self.cascade for member in stage.members}
        return named | {member for clause in self.exceptions for member in clause.thresholds}

    def applies_to(self, classes: Classes) -> bool:
        """Whether it means anything for these classes: without a defect there are no votes against a part to count."""
        against = self.cascade or self.exceptions or self.smallest_defect or self.large_defect
        return classes.defect is not None or (self.rule in PLURAL and not against)

    def for_product(self, product: str) -> Self:
        """What it says of one product: its exceptions for that product applied, those for others left out."""
        changes: dict[str, Any] = {}
        for clause in self.exceptions:
            if clause.product == product:
                own = clause.overrides()
                thresholds = {**self.thresholds, **changes.get("thresholds", {}), **own.pop("thresholds", {})}
                changes |= {**own, "thresholds": thresholds}
        kept = tuple(clause for clause in self.exceptions if clause.defect and clause.product in {"", product})
        if not changes and kept == self.exceptions:  # a new one would be checked anew
            return self
        return replace(self, **changes, exceptions=kept)


def in_file(kind: Any) -> tuple[Field[Any], ...]:
    """The fields of a policy, a stage or an exception that a `policies.json` holds."""
    return tuple(each for each in fields(kind) if each.metadata.get(IN_FILE, True))


OVERRIDES = ("threshold", "thresholds", "review", "reject", "quorum")
TEXTS = ("description", "author", "reason")
COUNTS = ("good", "defective", "escapes", "overkills")
MOST_COUNTED = 10**9  # photos that a count may name

Unchecked = Any  # a policy, a stage or an exception, whose fields may still hold anything


def check_policy(policy: Unchecked) -> None:
    """A PolicyError at the first thing that is wrong."""
    if not isinstance(policy.name, str) or not policy.name.strip():
        raise PolicyError("A policy needs a name. Got {name!r}.", name=policy.name)
    who = Message("Policy {name!r}", name=policy.name)
    for name in TEXTS:
        if not isinstance(value := getattr(policy, name), str):
            raise PolicyError("{who}: the {name} must be a text. Got {value!r}.", who=who, name=name, value=value)
    if not isinstance(policy.rule, str) or policy.rule not in VOTING_RULES:
        raise PolicyError(
            "{who}: the rule must be one of {rules}. Got {rule!r}.",
            who=who,
            rules=", ".join(VOTING_RULES),
            rule=policy.rule,
        )
    _check_two_thresholds(policy, who)
    if type(policy.quorum) is not int or policy.quorum < 1:
        raise PolicyError(
            "{who}: the quorum must be a whole number of votes, 1 or more. Got {quorum!r}.",
            who=who,
            quorum=policy.quorum,
        )
    _check_share(policy.margin, "margin", who)
    _check_weights(policy, who)
    if not isinstance(policy.calls, tuple) or not all(isinstance(member, str) for member in policy.calls):
        raise PolicyError("{who}: calls must be a list of member names. Got {calls!r}.", who=who, calls=policy.calls)
    seen: set[str] = set()
    for stage in policy.cascade:
        _check_stage(stage, seen, who)
    for clause in policy.exceptions:
        _check_clause(clause, policy, who)
    check_sizes(policy, who)
    _check_basis(policy.basis, who)


def _check_basis(basis: Any, who: str) -> None:
    if not isinstance(basis, Mapping):
        raise PolicyError(
            "{who}: basis must map names to what the thresholds rest on. Got {basis!r}.", who=who, basis=basis
        )
    for name, value in basis.items():
        if name in COUNTS and not (type(value) is int and 0 <= value <= MOST_COUNTED):
            raise PolicyError(
                "{who}: {name} in its basis must be a count of photos. Got {value!r}.", who=who, name=name, value=value
            )
        if not _is_plain_json(value):
            raise PolicyError(
                "{who}: {name} in its basis must be of finite numbers and texts. Got {value!r}.",
                who=who,
                name=name,
                value=value,
            )
    for some, of in (("escapes", "defective"), ("overkills", "good")):
        if some in basis and of in basis and basis[some] > basis[of]:
            raise PolicyError(
                "{who}: {some} in its basis cannot be more than the {of} parts ({parts}).",
                who=who,
                some=some,
                of=of,
                parts=basis[of],
            )


def _is_plain_json(value: Any) -> bool:
    if isinstance(value, Mapping | list | tuple):
        return all(map(_is_plain_json, value.values() if isinstance(value, Mapping) else value))
    return value is None or isinstance(value, str | bool) or is_number(value)


def _check_two_thresholds(policy: Unchecked, who: str) -> None:
    _check_thresholds(policy.threshold, policy.thresholds, who)
    for name in ("review", "reject"):
        if (value := getattr(policy, name)) is not None:
            _check_share(value, name, who)
    if policy.reject is not None and not policy.voting.free:
        raise PolicyError("{who}: the rule {rule} has its own threshold. Leave reject out.", who=who, rule=policy.rule)
    if policy.review is not None and policy.review > policy.reject_from:
        raise PolicyError(
            "{who}: review must not lie above reject ({reject_from:g}). Got {review!r}: no part "
            "would ever be reviewed.",
            who=who,
            reject_from=policy.reject_from,
            review=policy.review,
        )


def _check_thresholds(threshold: Any, thresholds: Any, who: str) -> None:
    if not isinstance(thresholds, Mapping) or not all(isinstance(member, str) for member in thresholds):
        raise PolicyError("{who}: thresholds must map member names to numbers.", who=who)
    if threshold is not None:
        _check_share(threshold, Message("threshold of every member"), who)
    for member, own in thresholds.items():
        _check_share(own, Message("threshold of {member}", member=member), who)


def _check_share(value: Any, name: str, who: str) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise PolicyError("{who}: the {name} must lie in [0, 1]. Got {value!r}.", who=who, name=name, value=value)


def _check_weights(policy: Unchecked, who: str) -> None:
    if not isinstance(policy.weights, Mapping):
        raise PolicyError("{who}: weights must map member names to numbers.", who=who)
    if policy.weights and not policy.voting.weighs:
        weighing = listed(name for name, rule in VOTING_RULES.items() if rule.weighs)
        raise PolicyError(
            "{who}: weights belong to the rules {weighing}. The rule is {rule}.",
            who=who,
            weighing=weighing,
            rule=policy.rule,
        )
    for member, weight in policy.weights.items():
        if not is_number(weight) or not 0 < weight <= 1:
            raise PolicyError(
                "{who}: the weight of {member} must lie in (0, 1]. Got {weight!r}.",
                who=who,
                member=member,
                weight=weight,
            )


def _check_stage(stage: Unchecked, seen: set[str], who: str) -> None:
    members = stage.members
    if not isinstance(members, tuple) or not members or not all(isinstance(each, str) for each in members):
        raise PolicyError(
            "{who}: each stage of its cascade names one member or more. Got {members!r}.", who=who, members=members
        )
    if twice := seen & set(members) or {each for each in members if members.count(each) > 1}:
        raise PolicyError(
            "{who}: the cascade asks {twice} twice. Name each member once.", who=who, twice=", ".join(sorted(twice))
        )
    seen |= set(members)
    for name in ("ok_below", "nok_from"):
        if getattr(stage, name) is not None:
            _check_share(getattr(stage, name), name, who)
    if stage.ok_below is not None and stage.nok_from is not None and stage.ok_below > stage.nok_from:
        raise PolicyError(
            "{who}: ok_below must not lie above nok_from. Got {ok_below!r} and {nok_from!r}.",
            who=who,
            ok_below=stage.ok_below,
            nok_from=stage.nok_from,
        )


def _check_clause(clause: Unchecked, policy: Unchecked, who: str) -> None:
    if not isinstance(clause.product, str) or not isinstance(clause.defect, str):
        raise PolicyError("{who}: an exception names its product and its defect as texts.", who=who)
    _check_thresholds(clause.threshold, clause.thresholds, who)
    if not clause.product and not clause.defect:
        raise PolicyError("{who}: an exception names a product or a defect.", who=who)
    if clause.defect:
        if clause.score is None or clause.overrides():
            raise PolicyError(
                "{who}: the exception for the defect {defect!r} needs a score in [0, 1] from which it "
                "counts, and none of {overrides}.",
                who=who,
                defect=clause.defect,
                overrides=", ".join(OVERRIDES),
            )
        _check_share(clause.score, Message("score of {defect}", defect=clause.defect), who)
        if clause.verdict not in (DEFECTIVE, REVIEW):
            raise PolicyError(
                "{who}: an exception's verdict is {defective} or {review}. Got {verdict!r}.",
                who=who,
                defective=DEFECTIVE,
                review=REVIEW,
                verdict=clause.verdict,
            )
        return
    if clause.score is not None or not clause.overrides():
        raise PolicyError(
            "{who}: the exception for {product!r} needs one of {overrides}; a score belongs to a defect.",
            who=who,
            product=clause.product,
            overrides=", ".join(OVERRIDES),
        )
    policy.for_product(clause.product)  # which checks the values themselves, and review against reject
