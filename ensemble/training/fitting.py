"""How members learn, which photos are held out, and what members say of those."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, cast

import numpy as np

from ensemble.datasets.loading import part_numbers
from ensemble.datasets.splits import stratified_folds
from ensemble.evaluation import scoring
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.photo_batch import input_key, source_preprocessing
from ensemble.features.readings import PartReading, read_masks
from ensemble.imaging.photos import file_digest
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.tile_lessons import fit_by_tiles
from ensemble.members import KINDS, Loaded, Member
from ensemble.members.classical import ClassicalMember
from ensemble.members.contract import Teaching, all_alike
from ensemble.members.good_parts import GoodPartsMember, SyntheticAnomalies
from ensemble.members.patch_classifier import PatchClassifierMember
from ensemble.policies.cases import Case
from ensemble.training.reading import NONE
from ensemble.training.recipe import Recipe, Watch, search, source_of
from ensemble.training.variations import photos_shown
from ensemble.values.errors import MemberError
from ensemble.values.language import Message, listed, paragraph
from ensemble.values.results import Absence, word
from ensemble.values.samples import Dataset, Sample
from ensemble.values.titles import model_title
from ensemble.values.training import Progress, ShareDone

ENOUGH_PHOTOS = 400  # photos of the rarest class: a quarter of them, 100, bounds a rate of no events by 3%
CALIBRATION_SHARES = 4
CROSS_FITTING_FOLDS = 3
FEWEST_TO_FIT = 6  # photos of each class, so that every third has two


@dataclass(frozen=True, slots=True)
class CrossFitting:
    """Which training photos members learn from, and which they speak of without having learnt from them.

    `learn` teaches the members that vote later. With `again`, members are taught once more for each of `folds`, on all
    but that fold; otherwise the one fold is what `learn` leaves out, or the data set's own calibration photos
    (`brought`). Without folds nothing is held out. Calibration photos that lack the classes `missing` are not used.
    """

    learn: tuple[Sample, ...]
    folds: tuple[tuple[Sample, ...], ...] = ()
    again: bool = False
    brought: bool = False
    missing: tuple[str, ...] = ()

    def note(self) -> Message:
        """The plan in one sentence, or two."""
        if not self.missing:
            return self._note()
        return paragraph(
            Message("Calibration photos not used: no {classes} among them.", classes=listed(map(word, self.missing))),
            self._note(),
        )

    def _note(self) -> Message:
        if self.brought:
            return Message("Thresholds from {photos} calibration photos.", photos=len(self.folds[0]))
        if not self.folds:
            return Message("No validation photos, so no thresholds from training: too few photos of a class.")
        held = sum(map(len, self.folds))
        if self.again:
            return Message(
                "Thresholds by {folds}-fold cross-validation on {photos} photos.", folds=len(self.folds), photos=held
            )
        return Message(
            "Thresholds from {held} of {photos} training photos, set aside for validation.",
            held=held,
            photos=held + len(self.learn),
        )


def plan_cross_fitting(
    dataset: Dataset, seed: int, kept_apart: Collection[str] = (), learnt: Collection[str] = ()
) -> CrossFitting:
    """Which photos thresholds are chosen on: the data set's calibration photos, where they show every class.

    Else photos of the training part, by class and kind of defect alike, captures of one part together. Where one fold
    is held out, those `kept_apart` from all learning before stay so, and others of those that were `learnt` join none,
    all by their SHA-256.
    """
    shown = {sample.label for sample in dataset.calibration}
    if missing := tuple(name for name in dataset.classes.names if name not in shown):
        return replace(_plan(dataset, seed, kept_apart, learnt), missing=missing if shown else ())
    return CrossFitting(dataset.train, (dataset.calibration,), brought=True)


def _plan(dataset: Dataset, seed: int, kept_apart: Collection[str], learnt: Collection[str]) -> CrossFitting:
    samples = dataset.train
    counts = Counter(sample.label for sample in samples)
    rarest = min(counts[name] for name in dataset.classes.names)
    groups = part_numbers(samples)
    if rarest < FEWEST_TO_FIT or len(set(groups)) < CALIBRATION_SHARES:
        return CrossFitting(samples)
    shares = CALIBRATION_SHARES if rarest >= ENOUGH_PHOTOS else CROSS_FITTING_FOLDS
    folds = [tuple(samples[place] for place in places) for places in stratified_folds(samples, groups, shares, seed)]
    if any(Counter(sample.label for sample in fold).keys() != counts.keys() for fold in folds):
        return CrossFitting(samples)  # whole parts leave some fold without a class
    if shares == CROSS_FITTING_FOLDS:
        return CrossFitting(samples, tuple(folds), again=True)
    held = _held_before(samples, groups, folds[0], kept_apart, learnt) if kept_apart else set(folds[0])
    return CrossFitting(
        tuple(sample for sample in samples if sample not in held),
        (tuple(sample for sample in samples if sample in held),),
    )


def _held_before(
    samples: Sequence[Sample],
    groups: Sequence[int],
    fold: Collection[Sample],
    kept_apart: Collection[str],
    learnt: Collection[str],
) -> set[Sample]:
    """The photos that were held out before, and of new ones those of the fold, each with its part where that is old."""
    digests = [file_digest(sample.path) for sample in samples]
    old = {group: digest in kept_apart for group, digest in zip(groups, digests, strict=True) if digest in learnt}
    return {
        sample
        for sample, group, digest in zip(samples, groups, digests, strict=True)
        if (digest in kept_apart if digest in learnt else old.get(group, sample in fold))
    }


def leave_out(rows: PartReading, held: Sequence[Sample]) -> PartReading:
    """The rows of all photos but these, and but copies of them and synthetic anomalies on them."""
    out = set(held)
    kept = [place for place, sample in enumerate(rows.samples) if sample not in out]
    return replace(
        rows,
        samples=tuple(rows.samples[place] for place in kept),
        labels=rows.labels[kept],
        inputs={key: values[kept] for key, values in rows.inputs.items()},
        masks=None if rows.masks is None else rows.masks.of(kept),
        copies=None if rows.copies is None else rows.copies.of(kept),
    )


ALL_ALIKE = Message(
    "All {count} training photos look the same, so the classes cannot be told apart. Check that they show parts, and "
    "add others."
)
FittedMembers = tuple[dict[str, Member], list[str]]


class LearnsFromMasks(Protocol):
    """A member that is also given where the damage is."""

    def fit(
        self, rows: np.ndarray, labels: np.ndarray, progress: ShareDone | None = None, *, masks: np.ndarray
    ) -> Member:
        """Learn from (N, 3, side, side) pixels and their (N, side, side) masks, true where damaged."""
        ...


def fit(
    recipe: Recipe,
    learn: Mapping[str, PartReading],
    damage: Mapping[Any, SyntheticAnomalies],
    *,
    progress: Progress,
    watch: Watch = lambda _member, _curves: None,
) -> FittedMembers:
    """The members by name, and a sentence for each that could not learn; a MemberError where none could."""
    members: dict[str, Member] = {}
    failures: dict[str, Message] = {}
    for name, kind, extractor in recipe.voters():
        stage, member = Message("Training {model}", model=model_title(name)), _untaught(kind, extractor, recipe)
        progress(stage, 0.0)
        try:
            members[name] = _taught(
                learn, damage, recipe, member, partial(_report, progress, watch, stage, name, member)
            )
        except MemberError as error:  # an hour's learning of the others must not be lost with it
            failures[name] = error.message
        progress(stage, 1.0)
    if not members:
        raise MemberError(paragraph(*dict.fromkeys(failures.values())))
    return members, [
        Message("{model} is not trained. {reason}", model=model_title(name), reason=reason)
        for name, reason in failures.items()
    ]


def _report(progress: Progress, watch: Watch, stage: str, name: str, member: Member, done: float) -> None:
    progress(stage, done)
    if member.curves_:
        watch(name, member.curves_)


def _untaught(kind: str, extractor: FeatureExtractor | None, recipe: Recipe) -> Member:
    source = source_of(kind, extractor, recipe.side)
    member = KINDS[kind](classes=recipe.classes, input=source, seed=recipe.seed)
    member.teaching = Teaching(
        effort=recipe.profile.effort, weighted=recipe.balance != NONE, augmentation=recipe.augmentation
    )
    return member


def _taught(
    learn: Mapping[str, PartReading],
    damage: Mapping[Any, SyntheticAnomalies],
    recipe: Recipe,
    member: Member,
    report: ShareDone,
) -> Member:
    known, source = learn[member.lesson], member.input
    rows = known.inputs[input_key(source)]
    real = len(rows) if known.masks is None else len(rows) - int(known.masks.synthetic.sum())
    if member.lesson != "good" and all_alike(rows[:real]):  # drawn damage would hide it
        raise MemberError(ALL_ALIKE, count=real)
    if isinstance(member, PatchClassifierMember):
        return member.fit(rows, known.labels, report, masks=known.masks)
    if member.lesson == "masks":
        masks = read_masks(known.samples, source_preprocessing(source))
        return cast(LearnsFromMasks, member).fit(rows, known.labels, report, masks=masks)
    if isinstance(member, GoodPartsMember) and known.samples[0].view.tiles:
        return fit_by_tiles(member, known, report)
    if isinstance(member, GoodPartsMember):
        drawn, photos = damage.get(input_key(source), {}), photos_shown(known.samples)
        return member.fit(rows, known.labels, report, damaged=drawn, photos=photos)
    if isinstance(member, ClassicalMember) and recipe.profile.search:
        found = search(member, rows, known.labels, part_numbers(known.samples))
        member.teaching = replace(member.teaching, settings=found.settings)
        member.facts_ = {"search": found.as_json()}
    if isinstance(member, ClassicalMember) and known.copies is not None:
        copies = known.copies
        both = np.concatenate([rows, copies.inputs[input_key(source)]])
        return member.fit(
            both, np.concatenate([known.labels, known.labels[copies.copied]]), report, copied=copies.copied
        )
    return member.fit(rows, known.labels, report)


def held_out(
    held: CrossFitting,
    members: Mapping[str, Member],
    learn: Mapping[str, PartReading],
    teach: Callable[..., FittedMembers],
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
            tell_fold = partial(_tell_fold, progress, number, len(held.folds))
            rest = {lesson: leave_out(rows, fold) for lesson, rows in learn.items()}
            voters, _ = teach(rest, {}, progress=tell_fold)
        unable = tuple(
            Absence(name, Message("It could not be trained on this part.")) for name in members if name not in voters
        )
        inspector = Inspector(Loaded(voters, unable, recipe.classes, view=fold[0].view))
        validating = Message("Validating fold {number} of {folds}", number=number, folds=len(held.folds))
        show = partial(_tell_share, progress, validating)
        scored = scoring.score_photos(inspector, fold, show, cache, doubts=False)
        found += scored.cases
        if held.brought:  # other folds are of training photos, which are named when they are read
            for sentence in scored.refused:
                notify(Message("Left out: {problem}", problem=sentence))
    return tuple(found)


def _tell_fold(progress: Progress, number: int, folds: int, stage: str, done: float) -> None:
    progress(Message("Fold {number} of {folds}: {stage}", number=number, folds=folds, stage=stage), done)


def _tell_share(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(stage, done / total)
