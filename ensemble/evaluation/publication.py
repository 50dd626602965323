"""What publishing a version would do to the policies: whose thresholds they are, and what they do with its models.

Thresholds that training chose come with the version. Those that a person tuned were tuned on the scores of the models
of that time: they stay, and with other models they can let other parts pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.datasets.collection import Collection, is_collection
from ensemble.datasets.loading import photo_path
from ensemble.evaluation import scoring
from ensemble.evaluation.comparison import Comparison, compare
from ensemble.evaluation.performance import Decided
from ensemble.inspection.inspector import Inspector
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence
from ensemble.store import ModelStore, listings, policy_history
from ensemble.store.listings import Version
from ensemble.values.errors import DataError, PolicyError, StoreError
from ensemble.values.language import Message, listed
from ensemble.values.results import Classes, word
from ensemble.values.samples import Sample


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """One policy before and after a publication.

    `author` is empty where training chose the thresholds; `tuned_on` is the version whose models a person tuned them
    for, None where that is not known any more. `before` is None where it is not among the policies now, or where the
    models in force have judged no validation photo; `after` likewise.
    """

    name: str
    author: str
    tuned_on: int | None
    active: bool
    before: Decided | None
    after: Decided | None

    @property
    def is_hand_tuned(self) -> bool:
        """Whether a person has tuned it."""
        return bool(self.author)


@dataclass(frozen=True, slots=True)
class Effects:
    """What a publication does to all policies that will be there.

    `shared` is how many validation photos both models have judged; 0 where each has only its own.
    """

    version: int
    classes: Classes
    shared: int
    policies: tuple[PolicyEffect, ...]

    @property
    def hand_tuned(self) -> tuple[PolicyEffect, ...]:
        """Policies that a person has tuned on another version than this one: what somebody must decide about."""
        return tuple(each for each in self.policies if each.is_hand_tuned and each.tuned_on != self.version)

    def sentences(self) -> tuple[str, ...]:
        """For each policy that a person must decide about, on what it was tuned and what it does with the version."""
        return tuple(_change_sentence(each, self) for each in self.hand_tuned)


def effects_of(store: ModelStore, number: int) -> Effects:
    """What publishing a version does to the policies; a StoreError where the version is not kept or is damaged."""
    candidate = store.at(number)
    classes = candidate.manifest().classes
    current = store.known_manifest()
    before = _policies_now(store) if current and current.classes == classes else {}
    old = _evidence_of(store, classes).held_out if before else ()
    new = _evidence_of(candidate, classes).held_out
    both = {case.sha256 for case in old} & {case.sha256 for case in new}
    if both:
        old, new = (tuple(case for case in side if case.sha256 in both) for side in (old, new))
    after = candidate.policies()
    known = listings.versions(store.folder)
    found = [
        PolicyEffect(
            policy.name,
            policy.author,
            _tuned_on(store, policy, known) if policy.author else number,
            policy is after[0],
            _decided_by(before.get(policy.name), old, classes),
            _decided_by(policy, new, classes),
        )
        for policy in after
    ]
    return Effects(number, classes, len(both), tuple(found))


def _policies_now(store: ModelStore) -> Mapping[str, Policy]:
    try:
        return {policy.name: policy for policy in store.policies_in_force().policies}
    except PolicyError:  # the file is a person's to mend, and publishing leaves it as it is
        return {}


def _evidence_of(store: ModelStore, classes: Classes) -> Evidence:
    try:
        return store.evidence()
    except StoreError:  # made elsewhere, by hand or by an older Quorum: nothing is known of it
        return Evidence(classes)


def _decided_by(policy: Policy | None, known: Sequence[Case], classes: Classes) -> Decided | None:
    return Decided.by(policy, known, classes) if policy and known else None


def _tuned_on(store: ModelStore, policy: Policy, known: Sequence[Version]) -> int | None:
    """The version that was in force when a policy first stood among the others as it is now."""
    since = None
    for state in policy_history.policy_states(store.folder):
        try:
            same = any(each == policy or each.for_product(_name(store)) == policy for each in state.book().policies)
        except PolicyError:  # of an older format
            continue
        if same:
            since = state.at
            break
    saved = None if since is None else listings.moment(since)
    if saved is None:
        return None
    times = [(listings.moment(entry.at), version.number) for version in known for entry in version.publications]
    published = sorted((at, number) for at, number in times if at is not None)
    earlier = [number for at, number in published if at <= saved]
    first = 1 if published and known[0].number == 1 else None  # what was there before versions were kept
    return earlier[-1] if earlier else first


def _name(store: ModelStore) -> str:
    manifest = store.known_manifest()
    return manifest.product if manifest else ""


CHANGES_BY_FIGURE: Mapping[str, Message] = {
    "wrong": Message("wrong {change}"),
    "escapes": Message("escapes {change}"),
    "overkills": Message("overkills {change}"),
    "reviews": Message("reviews {change}"),
}


def _change_sentence(effect: PolicyEffect, effects: Effects) -> Message:
    start = Message("{policy} was tuned by {author} on an earlier model", policy=effect.name, author=effect.author)
    if effect.tuned_on:
        start = Message(
            "{policy} was tuned by {author} on version {version}",
            policy=effect.name,
            author=effect.author,
            version=effect.tuned_on,
        )
    if effect.after is None:
        return Message(
            "{start}; no validation photos tell what it does with version {version}.",
            start=start,
            version=effects.version,
        )
    names = ["wrong"] if effects.classes.defect is None else ["escapes", "overkills"]
    if effects.classes.defect and (effect.after.reviews or (effect.before and effect.before.reviews)):
        names.append("reviews")
    return Message(
        "{start}. On {photos} validation photos: {changes}.",
        start=start,
        photos=effect.after.photos,
        changes=listed(Message(CHANGES_BY_FIGURE[name].text, change=_change(effect, name)) for name in names),
    )


def _change(effect: PolicyEffect, name: str) -> Message | str:
    after = getattr(effect.after, name)
    if effect.before is None:
        return str(after)
    return Message("{before} → {after}", before=getattr(effect.before, name), after=after)


def compare_with_current(store: ModelStore, number: int, seed: int = 0) -> Comparison | None:
    """A version against the model in force on the version's test photos; None where nothing is in force.

    What the model in force has said of a photo in its own training counts; photos that it has not judged yet it judges
    now. A DataError where the two cannot be compared.
    """
    candidate, manifest = store.at(number), store.known_manifest()
    if manifest is None or not manifest.members:
        return None
    classes = candidate.manifest().classes
    if manifest.classes != classes:
        raise DataError(
            "The classes differ: the active model has {active}, the new one {candidate}.",
            active=listed(map(word, manifest.classes.names)),
            candidate=listed(map(word, classes.names)),
        )
    evidence = candidate.evidence()
    folder = store.folder / evidence.folder
    groups = Collection(folder).groups() if is_collection(folder) else {}
    wanted = evidence.test
    known = _evidence_of(store, classes)
    before = {case.sha256: case for case in known.test}
    missing = [case for case in wanted if case.sha256 not in before]
    if missing:
        paths = [photo_path(store.folder, evidence, case) for case in missing]
        before |= _judge_cases(store, missing, paths)
    return compare(
        [before[case.sha256] for case in wanted if case.sha256 in before],
        wanted,
        classes,
        store.policies_in_force().policies[0],
        candidate.policies()[0],
        seed,
        learnt=frozenset(known.learnt),
        parts={digest: f"group {group}" for digest, group in groups.items()},
    )


def _judge_cases(store: ModelStore, cases: Sequence[Case], paths: Sequence[Path]) -> dict[str, Case]:
    samples = [
        Sample(path, case.label, case.defect, None, case.category) for case, path in zip(cases, paths, strict=True)
    ]
    return {case.sha256: case for case in scoring.score_photos(Inspector.open(store), samples).cases}
