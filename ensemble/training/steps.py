"""The steps of a training, each a value that the next one reads: prepared, trained, calibrated, evaluated, saved."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.datasets.loading import check_training_data, digests, find_dataset
from ensemble.datasets.white_level import white_level_of
from ensemble.evaluation import scoring
from ensemble.evaluation.energy import Energy
from ensemble.evaluation.publication import effects_of
from ensemble.evaluation.runtime_comparison import COMPARING, choose_for_candidate
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.preprocessing import POOLINGS
from ensemble.features.readings import PartReading
from ensemble.features.references import ReferencePhotos
from ensemble.imaging.out_of_distribution import PhotoRange
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS, Loaded, Member
from ensemble.policies import SHIPPED_POLICIES, Policy, shipped
from ensemble.policies.cases import Evidence
from ensemble.policies.jury import with_weights
from ensemble.policies.making import derive
from ensemble.store import ModelStore, versions
from ensemble.training.advice import cheaper_policy
from ensemble.training.augmentation import check_augment, with_augmentation
from ensemble.training.damage import damage_notes
from ensemble.training.fitting import CrossFitting, fit, held_out, plan_cross_fitting
from ensemble.training.kept import learnt
from ensemble.training.reading import (
    balance_note,
    check_balance,
    left_aside,
    most_whole,
    range_of,
    read,
    synthetic_anomalies_of,
    teachable,
    with_best_poolings,
)
from ensemble.training.recipe import Profile, Recipe, Watch, backbones_of, open_backbones, profile_called
from ensemble.training.references import references_of
from ensemble.training.seeing import with_view
from ensemble.training.shape import check_shape, with_shape
from ensemble.training.staying import STAYED, Before, Staying, before_few_more, replaced, spoken_before, staying
from ensemble.training.variations import few_good_notes
from ensemble.training.voting import Fitted, collect, fit_voters, heard, jury_of, needs_drawing, stages_of
from ensemble.values.errors import MemberError, PolicyError, StoreError, WeightsError
from ensemble.values.language import Message, listed
from ensemble.values.samples import Dataset
from ensemble.values.titles import model_title
from ensemble.values.training import Progress, TrainingRequest

SMALLEST_SIDE = 32
MEASURING_WHITE = Message("Measuring white level")


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a training: sentences for a person, a stage with how much of it is done (0 to 1), and a member's
    curves as they grow."""

    notify: Callable[[str], None] = lambda _: None
    progress: Progress = lambda _stage, _done: None
    watch: Watch = lambda _member, _curves: None

    def tell(self, sentences: Iterable[str]) -> None:
        """Say each of these sentences."""
        for sentence in sentences:
            self.notify(sentence)


@dataclass(frozen=True, slots=True)
class Preparation:
    """A request that can be carried out: its photos, who learns from which of them, and where it all goes."""

    request: TrainingRequest
    profile: Profile
    dataset: Dataset
    kinds: tuple[str, ...]
    backbones: tuple[str, ...]
    held: CrossFitting
    store: ModelStore
    notes: tuple[str, ...]
    before: Before | None = None

    @property
    def taught(self) -> Dataset:
        """The data set whose training part is what the members that vote later learn from."""
        return replace(self.dataset, train=self.held.learn)


def prepare(request: TrainingRequest, listener: Listener) -> Preparation:
    """Check what is asked for and look at the photos; an error says what cannot be, before anything takes time."""
    profile = profile_called(request.profile)
    _check_request(request)
    data, store = Path(request.data), ModelStore(Path(request.models))
    dataset = find_dataset(data, request.folders, request.seed)
    checked = check_training_data(dataset, data)
    white = white_level_of((*dataset.train, *dataset.calibration), partial(listener.progress, MEASURING_WHITE))
    dataset, looked = with_view(dataset, request, white, listener.progress)
    kinds, left_out = teachable(request.kinds or profile.kinds, dataset)
    before = before_few_more(store, dataset)
    kept_apart = (before.held_out(), before.evidence.learnt) if before else ((), ())
    held = plan_cross_fitting(dataset, request.seed, *map(frozenset, kept_apart))
    taught = replace(dataset, train=held.learn)
    notes = [*dataset.notes, *checked, *looked, *left_out, *replaced(store, dataset)]
    notes += [held.note()] if held.folds or held.missing else []
    notes += balance_note(taught.train, request.balance)
    wanted = any(not KINDS[kind].pixels for kind in kinds)
    backbones, not_here = backbones_of(request) if wanted else ((), ())
    notes += not_here
    listener.tell(notes)
    return Preparation(request, profile, dataset, kinds, backbones, held, store, tuple(notes), before)


def _check_request(request: TrainingRequest) -> None:
    check_balance(request.balance)
    check_shape(request.shape)
    check_augment(request.augment)
    if unknown := [kind for kind in request.kinds if kind not in KINDS]:
        raise MemberError(
            "No member kind is called {unknown!r}. Kinds are {kinds}.", unknown=unknown[0], kinds=", ".join(KINDS)
        )
    if request.pooling and request.pooling not in POOLINGS:
        raise WeightsError(
            "Pooling must be one of {poolings}. Got {pooling!r}.", poolings=", ".join(POOLINGS), pooling=request.pooling
        )
    if request.side is not None and request.side < SMALLEST_SIDE:
        raise MemberError(
            "Members need at least {smallest_side} pixels a side to see anything. Got {side}.",
            smallest_side=SMALLEST_SIDE,
            side=request.side,
        )


@dataclass(frozen=True, slots=True)
class TrainedMembers:
    """Members that have learnt, from what, and sentences on that and on those that could not."""

    members: Mapping[str, Member]
    notes: tuple[str, ...]
    recipe: Recipe
    rows: Mapping[str, PartReading]  # by lesson
    photo_range: PhotoRange | None
    references: ReferencePhotos | None
    staying: Staying = field(default_factory=Staying)


def fit_members(prepared: Preparation, features: FeatureCache, listener: Listener) -> TrainedMembers:
    """Read every photo once, choose its shape, poolings and copies, and let every member learn."""
    request, dataset, progress = prepared.request, prepared.dataset, listener.progress
    pooling = request.pooling or None
    weights = Path(request.weights) if request.weights else None
    extractors = open_backbones(prepared.backbones, weights, pooling)
    tiles = dataset.view.tiles
    side = request.side or (tiles.side if tiles else None)  # so that members read tiles pixel by pixel
    how = (side, dataset.classes, request.seed, prepared.profile, request.balance)
    recipe = Recipe(prepared.kinds, extractors, pooling, *how)
    is_new = prepared.store.known_manifest() is None
    recipe, shaped = with_shape(recipe, prepared.taught, request.shape, features, progress, is_new=is_new)
    stay = Staying() if request.augment else staying(prepared.store, prepared.before, recipe, prepared.taught)
    recipe = replace(recipe, stay=frozenset(stay.members))
    shaped = (*shaped, *stay.note())
    aside = left_aside(prepared.kinds, prepared.taught, most_whole(recipe))
    listener.tell((*shaped, *aside))
    rows = read(prepared.taught, recipe, features, listener.notify, progress)
    recipe = with_best_poolings(recipe, rows, progress)
    recipe, rows, varied = with_augmentation(recipe, rows, request.augment, features, progress)
    drawn = "good" in rows and needs_drawing(dataset) and not dataset.view.tiles  # there whole photos set the scale
    damage = synthetic_anomalies_of(rows["good"], request.seed, progress) if drawn else {}
    masked = damage_notes(rows["places"], dataset.classes) if "places" in rows else []
    listener.tell((*varied, *masked))
    members, failures = fit(recipe, rows, damage, progress=progress, watch=listener.watch)
    few = few_good_notes(members)
    listener.tell((*failures, *few))
    notes = (*shaped, *aside, *varied, *masked, *failures, *few)
    photo_range = range_of(dataset.train, dataset.classes, request.seed, progress)
    references = references_of(prepared.held.learn, dataset.classes, members.values(), request.seed, features)
    return TrainedMembers(members, notes, recipe, rows, photo_range, references, stay)


def calibrate(prepared: Preparation, trained: TrainedMembers, features: FeatureCache, listener: Listener) -> Fitted:
    """Weigh and calibrate every member by what it says of photos that it has not learnt from."""
    members, recipe, progress = trained.members, trained.recipe, listener.progress
    teach_again = partial(fit, recipe)
    how = (teach_again, recipe, features, progress, listener.notify)
    judged = held_out(prepared.held, members, trained.rows, *how)
    return fit_voters(members, judged, prepared.dataset, prepared.request.seed, progress)


def score_test_part(
    prepared: Preparation, trained: TrainedMembers, fitted: Fitted, features: FeatureCache, listener: Listener
) -> scoring.Scored:
    """What all members together say of the test part."""
    members, classes, view = trained.members, prepared.dataset.classes, prepared.dataset.view
    loaded = Loaded(members, (), classes, fitted.weights, fitted.calibrators, trained.photo_range, view=view)
    if not prepared.dataset.test:  # of so few good photos that all are learnt from
        return scoring.Scored((), (), 0.0)
    return scoring.score_photos(
        Inspector(loaded),
        prepared.dataset.test,
        lambda done, total: listener.progress(Message("Inspecting test photos"), done / total),
        features,
    )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a training has shown: its evidence, the policies that rest on it, and how good members and policies are."""

    evidence: Evidence
    policies: tuple[Policy, ...]
    weights: Mapping[str, float]  # of the votes, by member
    quality: dict[str, Any]
    notes: tuple[str, ...]


def choose_and_measure(
    prepared: Preparation,
    trained: TrainedMembers,
    fitted: Fitted,
    scored: scoring.Scored,
    features: FeatureCache,
    listener: Listener,
) -> Evaluation:
    """Gather the evidence, choose thresholds on its held-out part, and measure on its test part."""
    dataset, members, data = prepared.dataset, trained.members, Path(prepared.request.data)
    classes = dataset.classes
    listener.tell(Message("Left out: {problem}", problem=sentence) for sentence in scored.refused)
    before = partial(spoken_before, trained.staying, dataset, data, features, listener.progress)
    cases, taught = (fitted.held_out, scored.cases), tuple(members)
    evidence, strangers = collect(prepared.store, *cases, classes, data, taught, before, dataset.view)
    evidence = replace(evidence, learnt=digests((*dataset.train, *dataset.calibration)))
    weights = dict(fitted.weights)
    if set(evidence.members()) - set(members) and not strangers:  # members that stay are compared with the new ones
        weights = jury_of(evidence.held_out, dataset, prepared.request.seed, data) or weights
        held, test = (with_weights(part, weights) for part in (evidence.held_out, evidence.test))
        evidence, scored = replace(evidence, held_out=held, test=test), replace(scored, cases=test)
    jury = heard(prepared.store, members, weights)
    policies = () if strangers else tuple(derive(evidence.held_out, classes, stages_of(jury)))
    not_judged = _not_judged(strangers)
    listener.tell(not_judged)
    derived = {policy.name: policy for policy in policies}
    every = [derived.get(each.name, each) for each in shipped(classes)]
    quality = scoring.quality_report(scored, every, classes)
    told = _silent(members, quality["members"], scored)
    told += cheaper_policy(_active(prepared.store), every, evidence.held_out, classes) if policies else []
    listener.tell(told)
    return Evaluation(evidence, policies, weights, quality, (*not_judged, *told))


def _active(store: ModelStore) -> str:
    """The name of the policy that is in force, or would be in a new product."""
    try:
        return store.policies()[0].name
    except (StoreError, PolicyError):
        return SHIPPED_POLICIES[0].name


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """The number of the version that a training is kept as, its quality with the size of its files, and sentences on
    policies that a person had tuned on the models of before."""

    version: int
    quality: Mapping[str, Any]
    tuned: tuple[str, ...]


def save(
    prepared: Preparation,
    trained: TrainedMembers,
    fitted: Fitted,
    evaluation: Evaluation,
    energy: Energy,
    listener: Listener,
    *,
    publish: bool,
) -> SavedVersion:
    """Keep everything as a version of the product, whole or not at all, and put it in force where that is wanted."""
    store, dataset = prepared.store, prepared.dataset
    quality, evidence = evaluation.quality, evaluation.evidence
    fitted = replace(fitted, weights=evaluation.weights)
    entries = learnt(prepared.taught, trained.members, fitted, quality["members"], trained.recipe, energy, evidence)
    version = store.save(
        prepared.request.product or store.product_name(),
        dataset.classes,
        dataset.folders,
        entries,
        evidence,
        evaluation.policies,
        weights=evaluation.weights,
        photo_range=trained.photo_range,
        references=trained.references,
        view=dataset.view,
        noted={name: {STAYED: unmet} for name, unmet in trained.staying.unmet.items()},
        publish=False,
    ).version
    comparing = partial(listener.progress, COMPARING)
    listener.tell(choose_for_candidate(store, version, comparing))
    tuned: tuple[str, ...] = ()
    if publish:
        tuned = effects_of(store, version).sentences()
        versions.publish_version(store.folder, version, reason=Message("Trained."))
        listener.tell(tuned)
    return SavedVersion(version, scoring.with_megabytes(quality, store.at(version)), tuned)


def _not_judged(strangers: Sequence[str]) -> tuple[str, ...]:
    """A sentence where members stay that have not judged these photos."""
    if not strangers:
        return ()
    return (
        Message(
            "{models}: kept from a training on other photos, so thresholds and quality of the ensemble are unknown. "
            "Train all models together.",
            models=listed(map(model_title, strangers)),
        ),
    )


def _silent(members: Iterable[str], measured: Container[str], scored: scoring.Scored) -> list[str]:
    """A sentence for each member that could not vote on a single test photo, with the first reason."""
    reasons = {absence.member: absence.reason for case in reversed(scored.cases) for absence in case.absent}
    return [
        Message(
            "{model}: no result on any test photo, quality unknown. {reason}",
            model=model_title(name),
            reason=reasons[name],
        )
        for name in members
        if name not in measured and name in reasons
    ]
