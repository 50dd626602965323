"""Policies: frozen values that turn votes into a verdict of OK, NOK or REVIEW, and say why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ensemble.policies import reasons
from ensemble.policies.ruling import WAYS_OF_SIZE, Ballot, asked, rule_on, waits_for_sizes
from ensemble.policies.turning import confidence, decision
from ensemble.policies.value import PLURAL, PolicySettings
from ensemble.values.errors import PolicyError
from ensemble.values.language import Message, as_message
from ensemble.values.results import REVIEW, Absence, Classes, Score, Verdict, Vote

OUTSIDE_THE_JURY = Message("It is not of the jury: with the others, its vote helped on no validation photos.")


@dataclass(frozen=True, slots=True)
class Policy(PolicySettings):
    """Settings that decide: what they say of a part, from the scores that its members gave it."""

    def cast(self, score: Score, classes: Classes) -> Vote:
        """Turn a member's score into its vote, by this policy's threshold."""
        threshold: float | None = None
        if classes.defect is None or classes.good is None:
            label = max(classes.names, key=lambda name: score.probabilities[name])
            value = score.probabilities[label]
        else:
            threshold = self.threshold_of(score.member)
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
            anomaly_map=score.anomaly_map,
            regions=score.regions,
            marks=score.marks,
        )

    def decide(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes, doubt: str = "") -> Verdict:
        """Decide by the votes cast; where a vote of an absent member could change the answer, a person must look.

        Members that a cascade has not asked are given as absences with `asked` false. Those outside the jury (weight 0)
        that the policy does not call in are told as not asked, and nothing that they say counts. With `doubt`, which
        says why the photo may not show the part, a person must look whatever the votes say.
        """
        absences = tuple(absent)
        ballot = self._ballot(scores, absences, classes)
        ruling = rule_on(ballot)
        decisive = asked(ballot, ruling)
        found = decision(decisive, ruling)
        if found is not None and ruling.way in WAYS_OF_SIZE:
            found = replace(found, marks=reasons.size_reason(ballot, ruling))
        verdict = Verdict(
            ruling.label,
            confidence(decisive, ruling.label),
            reasons.reason_sentence(decisive, ruling, found),
            self.name,
            tuple(ballot.votes),
            tuple(each for each in absences if each.asked),
            classes,
            unasked=(*(each for each in absences if not each.asked), *self._outside(scores)),
            decision=found,
            policy_state=self.state,
            trial=self.trial,
        )
        if not doubt:
            return verdict
        said = reasons.doubtful(as_message(doubt), ruling.label)
        return replace(verdict, label=REVIEW, confidence=None, reason=said, doubt=as_message(doubt), decision=None)

    def label(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> str:
        """The label alone that `decide` gives, without saying why: for thousands of parts at once."""
        return rule_on(self._ballot(scores, absent, classes)).label

    def defect_score(self, scores: Sequence[Score], classes: Classes) -> float:
        """How much the votes cast speak against a part, in [0, 1]: the number that `review` and `reject` cut."""
        if classes.defect is None:
            raise PolicyError("The classes {names} have no defect to suspect.", names=", ".join(classes.names))
        return self._ballot(scores, (), classes).defect_score_range()[0]

    def settles(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> bool:
        """Whether the members that a cascade has not asked yet need not be asked for the verdict."""
        ballot = self._ballot(scores, absent, classes)
        ruling = rule_on(ballot)
        return ruling.stage is not None and not waits_for_sizes(ballot, ruling)

    def revise(self, verdict: Verdict) -> Verdict:
        """What this policy makes of the votes that another one has decided on: the same photo, no model runs again.

        It keeps the id of the verdict only where that one was by this policy in this state.
        """
        absent = (*verdict.absent, *verdict.unasked)
        decided = self.decide(verdict.votes, absent, verdict.classes, verdict.doubt)
        kept = ("label", "confidence", "reason", "policy", "policy_state", "trial", "votes", "decision")
        fresh = {name: getattr(decided, name) for name in kept}
        if (verdict.policy, verdict.policy_state, verdict.trial) != (self.name, self.state, self.trial):
            fresh |= {"id": "", "not_kept": ""}
        return replace(verdict, **fresh)

    def stages(self, members: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Which of these members are asked one stage after the other; those that no stage names are asked last."""
        left = list(members)
        found = []
        for stage in self.cascade:
            found.append(tuple(member for member in left if member in stage.members))
            left = [member for member in left if member not in stage.members]
        return tuple(group for group in (*found, tuple(left)) if group)

    def _ballot(self, scores: Sequence[Score], absent: Iterable[Absence], classes: Classes) -> Ballot:
        if not self.applies_to(classes):
            raise PolicyError(
                "Policy {name!r} counts votes against a part, and the classes {names} have no defect. "
                "Choose a policy with one of the rules {plural}, without cascade and exceptions.",
                name=self.name,
                names=", ".join(classes.names),
                plural=", ".join(PLURAL),
            )
        votes = tuple(self.cast(score, classes) for score in scores if self.asks(score.member, score.weight))
        missing = tuple(each for each in absent if self.asks(each.member, each.weight))
        return Ballot(self, votes, missing, classes)

    def _outside(self, scores: Sequence[Score]) -> tuple[Absence, ...]:
        """The members outside the jury that have said something and are not heard."""
        unheard = [score.member for score in scores if not self.asks(score.member, score.weight)]
        return tuple(Absence(member, OUTSIDE_THE_JURY, 0.0, asked=False) for member in unheard)


FUSED = "FUSED"  # the policy that training measures beside the best member
SHIPPED_POLICIES = (
    Policy("MAJORITY", "majority", Message("NOK if at least half of the models vote NOK.")),
    Policy(FUSED, "fused", Message("NOK if all models together find a defect more likely than not.")),
    Policy("ANY", "any", Message("NOK if any model votes NOK: fewest escapes, most overkill.")),
    Policy("ALL", "all", Message("NOK if all models vote NOK: least overkill, most escapes.")),
    Policy(
        "SAFE_0FN",
        "mean",
        Message("NOK from just below the lowest score of a defective validation photo."),
        reject=0.35,
    ),
    Policy("BALANCED", "mean", Message("Lowest cost if an escape costs as much as ten overkills."), reject=0.5),
    Policy(
        "PRECISION", "mean", Message("NOK from just above the highest score of a good validation photo."), reject=0.75
    ),
    Policy(
        "INDUSTRIAL_BALANCED",
        "mean",
        Message("Lowest cost with REVIEW for uncertain parts."),
        review=0.4,
        reject=0.6,
    ),
    Policy(
        "INDUSTRIAL_SAFE_0FN",
        "mean",
        Message("OK as in Zero escapes, NOK as in Few false rejects, REVIEW between."),
        review=0.35,
        reject=0.75,
    ),
)
PLURAL_SHIPPED = (
    Policy("MAJORITY", "majority", Message("Class with the most votes; the mean probability decides a tie.")),
    Policy(FUSED, "fused", Message("Most likely class of all models together.")),
    Policy("BALANCED", "mean", Message("Class with the highest mean probability.")),
    Policy(
        "INDUSTRIAL_BALANCED",
        "mean",
        Message("Most likely class; REVIEW if its lead is small."),
        margin=0.2,
    ),
)
DERIVED = (FUSED, "SAFE_0FN", "BALANCED", "PRECISION", "INDUSTRIAL_BALANCED", "INDUSTRIAL_SAFE_0FN")


def shipped(classes: Classes) -> tuple[Policy, ...]:
    """The policies that a new product starts with: those that mean something for its classes."""
    return SHIPPED_POLICIES if classes.defect is not None else PLURAL_SHIPPED


def choose(policies: Sequence[Policy], name: str | None) -> Policy:
    """The policy of that name; without a name the first, which is the active one. Any other one is on trial."""
    if name is None or name == policies[0].name:
        return policies[0]
    for policy in policies:
        if policy.name == name:
            return replace(policy, trial=True)
    raise PolicyError(
        "No policy is called {name!r}. This product has {policies}.",
        name=name,
        policies=", ".join(policy.name for policy in policies),
    )
