"""Policies: frozen values that turn votes into a verdict of OK, NOK or REVIEW, and say why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from ensemble.errors import PolicyError
from ensemble.policies import deciding, plurality, reasons
from ensemble.policies.checks import OVERRIDES, check
from ensemble.policies.counting import RULES, counted, reaches, suspicion
from ensemble.results import DEFECTIVE, REVIEW, Absence, Classes, Score, Verdict, Vote

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
class Policy:
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

    # ------------------------------------------------------------------------------------------------ what it says

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

    def for_product(self, product: str) -> "Policy":
        """What it says of one product: its exceptions for that product applied, those for others left out."""
        changes: dict[str, Any] = {}
        for clause in self.exceptions:
            if clause.product == product:
                own = clause.overrides()
                thresholds = {**self.thresholds, **changes.get("thresholds", {}), **own.pop("thresholds", {})}
                changes |= {**own, "thresholds": thresholds}
        kept = tuple(clause for clause in self.exceptions if clause.defect and clause.product in {"", product})
        return replace(self, **changes, exceptions=kept)

    # ------------------------------------------------------------------------------------------------ deciding

    def cast(self, score: Score, classes: Classes) -> Vote:
        """Turn a member's score into its vote, by this policy's cut."""
        threshold: float | None = None
        if classes.defect is None or classes.good is None:
            label = max(classes.names, key=lambda name: score.probabilities[name])
            value = score.probabilities[label]
        else:
            threshold = self.cut_of(score.member)
            value = score.probabilities[classes.defect]
            label = classes.defect if value >= threshold else classes.good
        return Vote(
            score.member,
            score.probabilities,
            score.seconds,
            label=label,
            score=value,
            threshold=threshold,
            weight=score.weight,
            heat=score.heat,
            regions=score.regions,
        )

    def decide(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes, doubt: str = "") -> Verdict:
        """Decide by the votes cast; where a vote of an absent member could change the answer, a person must look.

        Members that a cascade has not asked are given as absences with `asked` false. With `doubt`, which says why the
        photo may not show the part, a person must look whatever the votes say.
        """
        votes, missing = self._votes(scores, classes), tuple(absent)
        ruling = self.rule_on(votes, missing, classes)
        decisive = self._asked(votes, ruling)
        sure = deciding.confidence(self, ruling.label, decisive)
        found = deciding.decision(self, ruling, decisive, classes)
        reason = reasons.sentence(self, ruling, found, decisive, missing, classes)
        failed, unasked = _apart(missing)
        verdict = Verdict(ruling.label, sure, reason, self.name, votes, failed, classes, unasked=unasked)
        verdict = replace(verdict, decision=found, policy_state=self.state)
        if not doubt:
            return verdict
        said = reasons.doubtful(doubt, ruling.label)
        return replace(verdict, label=REVIEW, confidence=None, reason=said, doubt=doubt, decision=None)

    def label(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> str:
        """The label alone that `decide` gives, without saying why: for thousands of parts at once."""
        return self.rule_on(self._votes(scores, classes), tuple(absent), classes).label

    def suspicion(self, scores: Sequence[Score], classes: Classes) -> float:
        """How much the votes cast speak against a part, in [0, 1]: the number that `review` and `reject` cut."""
        if classes.defect is None:
            raise PolicyError(f"The classes {', '.join(classes.names)} have no defect to suspect.")
        return self._range(self._votes(scores, classes), (), classes.defect)[0]

    def settles(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> bool:
        """Whether the members that a cascade has not asked yet need not be asked for the verdict."""
        return self.rule_on(self._votes(scores, classes), tuple(absent), classes).stage is not None

    def revise(self, verdict: Verdict) -> Verdict:
        """What this policy makes of the votes that another one has decided on: the same photo, no model runs again."""
        absent = (*verdict.absent, *verdict.unasked)
        decided = self.decide(verdict.votes, absent, verdict.classes, verdict.doubt)
        kept = ("label", "confidence", "reason", "policy", "policy_state", "votes", "decision")
        return replace(verdict, **{name: getattr(decided, name) for name in kept})

    def stages(self, members: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Which of these members are asked one stage after the other; those that no stage names are asked last."""
        left = list(members)
        found = []
        for stage in self.cascade:
            found.append(tuple(member for member in left if member in stage.members))
            left = [member for member in left if member not in stage.members]
        return tuple(group for group in (*found, tuple(left)) if group)

    def _votes(self, scores: Sequence[Score], classes: Classes) -> tuple[Vote, ...]:
        if not self.applies_to(classes):
            raise PolicyError(
                f"Policy {self.name!r} counts votes against a part, and the classes {', '.join(classes.names)} have no "
                f"defect. Choose a policy with one of the rules {', '.join(PLURAL)}, without cascade and exceptions."
            )
        return tuple(self.cast(score, classes) for score in scores)

    def _asked(self, votes: tuple[Vote, ...], ruling: "Ruling") -> tuple[Vote, ...]:
        """The votes that the ruling rests on: those of the stages that had to be asked."""
        if ruling.stage is None:
            return votes
        asked = {member for stage in self.cascade[: ruling.stage + 1] for member in stage.members}
        return tuple(vote for vote in votes if vote.member in asked)

    def rule_on(self, votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> "Ruling":
        """The label for votes that are cast, and which way it was found."""
        if not votes:
            return Ruling(REVIEW, "silence")
        if classes.defect is None or classes.good is None:
            return self._leading(votes, absent, classes)
        stages = range(len(self.cascade))
        early = (self._early(number, votes, absent, classes.defect, classes.good) for number in stages)
        ruling = next((found for found in early if found is not None), None)
        ruling = ruling or self._final(votes, absent, classes.defect, classes.good)
        if ruling.label == classes.good and absent and self._could_reject(ruling.stage, votes, absent, classes.defect):
            return Ruling(REVIEW, "absent", ruling.value)
        return ruling

    def _could_reject(self, last: int | None, votes: Sequence[Vote], absent: Sequence[Absence], defect: str) -> bool:
        """Whether a stage up to the last one that was asked could say NOK at once, had its absent members voted."""
        for number, stage in enumerate(self.cascade[: None if last is None else last + 1]):
            seen = {member for each in self.cascade[: number + 1] for member in each.members}
            here = [vote for vote in votes if vote.member in seen]
            gone = [absence for absence in absent if absence.member in seen]
            if stage.nok_from is not None and gone and reaches(self._range(here, gone, defect)[1], stage.nok_from):
                return True
        return False

    def _leading(self, votes: Sequence[Vote], absent: Sequence[Absence], classes: Classes) -> "Ruling":
        lead = plurality.lead(self.rule, self.weight_of, votes, absent, classes)
        close = self.margin > 0 and lead.least < self.margin  # votes may lead where the mean probability does not
        doubts = {"quorum": len(votes) < self.quorum, "absent": lead.open, "margin": close}
        way = next((name for name, holds in doubts.items() if holds), "lead")
        return Ruling(lead.first if way == "lead" else REVIEW, way, lead.least, first=lead.first)

    def _final(self, votes: Sequence[Vote], absent: Sequence[Absence], defect: str, good: str) -> "Ruling":
        least, most = self._range(votes, absent, defect)
        low, high = self._outcome(least, defect, good), self._outcome(most, defect, good)
        named = self._named(votes, defect)
        if len(votes) < self.quorum:
            return Ruling(REVIEW, "quorum", least)
        if named == defect or low == high == defect:
            return Ruling(defect, "defect" if named == defect and low != defect else "count", least)
        if low != high or (absent and high == good and self._looks_for_defects()):
            return Ruling(REVIEW, "absent", least)
        if named is not None and low == good:
            return Ruling(REVIEW, "defect", least)
        return Ruling(low, "count", least)

    def _early(
        self, number: int, votes: Sequence[Vote], absent: Sequence[Absence], defect: str, good: str
    ) -> "Ruling | None":
        """What a cascade says after a stage, from the votes so far; None where the next members must be asked."""
        seen = {member for stage in self.cascade[: number + 1] for member in stage.members}
        here = [vote for vote in votes if vote.member in seen]
        gone = [absence for absence in absent if absence.member in seen]
        later = [Absence(vote.member, "", vote.weight, asked=False) for vote in votes if vote.member not in seen]
        later += [absence for absence in absent if absence.member not in seen]
        can_vote = len(here) + sum(not absence.asked for absence in later)
        if not here or not later or can_vote < self.quorum or any(not absence.asked for absence in gone):
            return None
        least, most = self._range(here, gone, defect)
        outcomes = {self._outcome(value, defect, good) for value in self._range(here, [*gone, *later], defect)}
        stage = self.cascade[number]
        ruling = None
        if self._named(here, defect) == defect:
            ruling = Ruling(defect, "defect", least, stage=number)
        elif stage.nok_from is not None and reaches(least, stage.nok_from):
            ruling = Ruling(defect, "stage", least, stage=number)
        elif outcomes == {defect}:
            ruling = Ruling(defect, "count", least, stage=number)
        elif self._looks_for_defects():  # a later detector could still name one
            ruling = None
        elif stage.ok_below is not None and not reaches(most, stage.ok_below):
            ruling = Ruling(good, "stage", most, stage=number)
        elif len(outcomes) == 1:
            ruling = Ruling(outcomes.pop(), "count", least, stage=number)
        return ruling

    def _range(self, votes: Sequence[Vote], absent: Sequence[Absence], defect: str) -> tuple[float, float]:
        """The suspicion where none and where all of the absent speak against the part: no rule is laxer with more."""
        rule = RULES[self.rule]
        counts = [counted(vote, rule, defect, self.weight_of) for vote in votes]
        missing = sum(self.weight_of(absence.member, absence.weight) for absence in absent)
        return suspicion(counts, missing, 0.0), suspicion(counts, missing, 1.0)

    def _outcome(self, value: float, defect: str, good: str) -> str:
        if reaches(value, self.reject_from):
            return defect
        return REVIEW if reaches(value, self.review_from) else good

    def _looks_for_defects(self) -> bool:
        return any(clause.defect for clause in self.exceptions)

    def _named(self, votes: Sequence[Vote], defect: str) -> str | None:
        """What the kinds of defect that count for themselves make of the regions on the part."""
        found = None
        for clause in self.exceptions:
            if not clause.defect or clause.score is None:
                continue
            scores = [region.score for vote in votes for region in vote.regions if region.label == clause.defect]
            if max(scores, default=-1.0) >= clause.score:
                found = defect if clause.verdict == DEFECTIVE or found == defect else REVIEW
        return found


@dataclass(frozen=True, slots=True)
class Ruling:
    """A label and how it was found: by the count, a stage's own cut, a named defect, or why a person must look.

    `value` is the suspicion with none of the absent against the part, or how far the leading class is ahead whatever
    the absent say; `stage` the position in the cascade after which nobody else had to be asked.
    """

    label: str
    way: str
    value: float = 0.0
    stage: int | None = None
    first: str = ""


def _apart(absent: Sequence[Absence]) -> tuple[tuple[Absence, ...], tuple[Absence, ...]]:
    return tuple(each for each in absent if each.asked), tuple(each for each in absent if not each.asked)


def in_file(kind: Any) -> tuple[Field[Any], ...]:
    """The fields of a policy, a stage or an exception that a `policies.json` holds."""
    return tuple(each for each in fields(kind) if each.metadata.get(IN_FILE, True))
