"""How members learn, and what they say of photos that they have not learnt from."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, cast

import numpy as np

from ensemble.datasets.loading import part_numbers
from ensemble.evaluation import scoring
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.photo_batch import Input, key_of, preprocessing_of
from ensemble.features.readings import Rows, read_masks
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS, Loaded, Member
from ensemble.members.classical import ClassicalMember
from ensemble.members.contract import Progress as Report
from ensemble.members.contract import Teaching, all_alike
from ensemble.members.good_parts import Damaged, GoodPartsMember
from ensemble.policies.cases import Case
from ensemble.training import hyperparameters
from ensemble.training.balance import NONE
from ensemble.training.held_out import Plan, leave_out
from ensemble.training.inputs import source_of
from ensemble.training.recipe import Progress, Recipe, Watch
from ensemble.values.errors import MemberError
from ensemble.values.results import Absence

ALIKE = (
    "The {count} photos to learn from look all alike, so nothing tells one class from another. Check that they show "
    "parts, and add others."
)
Taught = tuple[dict[str, Member], list[str]]


class LearnsFromMasks(Protocol):
    """A member that is also given where the damage is."""

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: Report | None = None, *, masks: np.ndarray) -> Member:
        """Learn from (N, 3, side, side) pixels and their (N, side, side) masks, true where damaged."""
        ...


def fit(
    recipe: Recipe,
    learn: Mapping[str, Rows],
    damage: Mapping[Any, Damaged],
    *,
    progress: Progress,
    watch: Watch = lambda _member, _curves: None,
) -> Taught:
    """The members by name, and a sentence for each that could not learn; a MemberError where none could."""
    members: dict[str, Member] = {}
    failures: dict[str, str] = {}
    for name, kind, extractor in recipe.voters():
        source, stage = source_of(kind, extractor, recipe.side), f"Training {name}"
        progress(stage, 0.0)
        member = KINDS[kind](classes=recipe.classes, input=source, seed=recipe.seed)
        member.teaching = Teaching(effort=recipe.profile.effort, weighted=recipe.balance != NONE)
        report = partial(_report, progress, watch, stage, name, member)
        try:
            members[name] = _taught(member, learn[member.lesson], source, damage, recipe, report)
        except MemberError as error:  # an hour's learning of the others must not be lost with it
            failures[name] = str(error)
        progress(stage, 1.0)
    if not members:
        raise MemberError(" ".join(dict.fromkeys(failures.values())))
    return members, [f"{name} is not trained: {reason}" for name, reason in failures.items()]


def _report(progress: Progress, watch: Watch, stage: str, name: str, member: Member, done: float) -> None:
    progress(stage, done)
    if member.curves_:
        watch(name, member.curves_)


def _taught(
    member: Member, known: Rows, source: Input, damage: Mapping[Any, Damaged], recipe: Recipe, report: Report
) -> Member:
    rows = known.inputs[key_of(source)]
    if member.lesson != "good" and all_alike(rows):
        raise MemberError(ALIKE.format(count=len(rows)))
    if member.lesson == "masks":
        masks = read_masks(known.samples, preprocessing_of(source))
        return cast(LearnsFromMasks, member).fit(rows, known.labels, report, masks=masks)
    if isinstance(member, GoodPartsMember):
        return member.fit(rows, known.labels, report, damaged=damage.get(key_of(source), {}))
    if isinstance(member, ClassicalMember) and recipe.profile.search:
        found = hyperparameters.search(member, rows, known.labels, part_numbers(known.samples))
        member.teaching = replace(member.teaching, settings=found.settings)
        member.facts_ = {"search": found.as_json()}
    return member.fit(rows, known.labels, report)


def held_out(
    held: Plan,
    members: Mapping[str, Member],
    learn: Mapping[str, Rows],
    teach: Callable[..., Taught],
    recipe: Recipe,
    cache: FeatureCache,
    progress: Progress,
    notify: Callable[[str], None],
) -> tuple[Case, ...]:
    """What members say of photos that they have not learnt from, their scores as they come: fold by fold."""
    found: list[Case] = []
    for number, fold in enumerate(held.folds, 1):
        voters = members
        if held.again:
            stage = f"Fold {number} of {len(held.folds)}: "
            rest = {lesson: leave_out(rows, fold) for lesson, rows in learn.items()}
            voters, _ = teach(rest, {}, progress=lambda name, done, stage=stage: progress(stage + name, done))
        unable = tuple(Absence(name, "It could not learn from this part.") for name in members if name not in voters)
        inspector = Inspector(Loaded(voters, unable, recipe.classes))
        show = partial(_share, progress, f"Judging held-out photos {number} of {len(held.folds)}")
        scored = scoring.score(inspector, fold, show, cache, doubts=False)
        found += scored.cases
        if held.brought:  # other folds are of training photos, which are named when they are read
            for sentence in scored.refused:
                notify(f"Left out: {sentence}")
    return tuple(found)


def _share(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(stage, done / total)
