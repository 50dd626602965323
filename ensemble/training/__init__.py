"""Training a product: the same steps for the command line, the notebook and the screen."""

import os
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.datasets.loading import check, digests, find_dataset
from ensemble.evaluation import scoring
from ensemble.evaluation.energy import Energy, measure
from ensemble.evaluation.publication import effects_of
from ensemble.features.backbone_spec import BUNDLED, POOLINGS
from ensemble.features.feature_cache import FeatureCache
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS, Loaded
from ensemble.policies import shipped
from ensemble.policies.making import derive
from ensemble.store import ModelStore, versions
from ensemble.training.balance import BALANCES, WEIGHTS, balance_note, check_balance
from ensemble.training.fitting import fit, held_out
from ensemble.training.held_out import plan
from ensemble.training.hyperparameters import BALANCED, profile_called
from ensemble.training.inputs import source_of
from ensemble.training.lessons import left_aside, teachable
from ensemble.training.reading import damage_of, range_of, read, with_best_poolings
from ensemble.training.recipe import Progress, Recipe, Watch, open_backbones
from ensemble.training.saving import learnt
from ensemble.training.voting import collect, fit_voters, stages_of
from ensemble.training.weighing import needs_drawing
from ensemble.values.errors import MemberError, StoreError, WeightsError
from ensemble.values.results import Classes

__all__ = ["BALANCES", "Outcome", "Progress", "Watch", "source_of", "train"]

SMALLEST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training run made: the members' names, their measured quality, what a person should know, what it used,
    and the number of the version that it is kept as."""

    members: tuple[str, ...]
    quality: Mapping[str, Any]
    notes: tuple[str, ...]
    seconds: float
    energy: Energy
    version: int


def train(
    data: Path,
    models: Path,
    *,
    backbones: Sequence[str] = (BUNDLED,),
    kinds: Sequence[str] = (),
    weights: Path | None = None,
    seed: int = 0,
    folders: Mapping[str, str] | None = None,
    product: str | None = None,
    pooling: str | None = None,
    side: int | None = None,
    profile: str = BALANCED,
    balance: str = WEIGHTS,
    cache: FeatureCache | None = None,
    notify: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _stage, _done: None,
    watch: Watch = lambda _member, _curves: None,
    publish: bool = True,
) -> Outcome:
    """Learn from the training part, measure on the test part, save into `models` once all is learnt.

    `kinds` are those of `ensemble.members.KINDS`, by default all of the profile that these photos can teach; `profile`
    is one of `hyperparameters.PROFILES`. `balance` says what is done about rare classes: `weights` (their photos count
    as much as those of common ones), `undersample` (as many photos of each class as the rarest has) or `none`. Features
    are read from `cache`, by default this machine's, and kept there. Without `pooling`, each
    backbone gets the one that does best in three folds of the training part; `side` is the resolution, in pixels, of
    members that learn from good parts alone. `notify` receives sentences for a person, `progress` a stage and how much
    of it is done, from 0 to 1, `watch` a member's curves as they grow. Without `publish` the product stays as it is,
    and what was learnt becomes a candidate among its versions.
    """
    start = time.perf_counter()
    chosen_profile = profile_called(profile)
    check_balance(balance)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise MemberError(f"No member kind is called {unknown[0]!r}. Kinds are {', '.join(KINDS)}.")
    if pooling and pooling not in POOLINGS:
        raise WeightsError(f"Pooling must be one of {', '.join(POOLINGS)}. Got {pooling!r}.")
    if side is not None and side < SMALLEST_SIDE:
        raise MemberError(f"Members need at least {SMALLEST_SIDE} pixels a side to see anything. Got {side}.")
    dataset = find_dataset(data, folders, seed)
    checked = check(dataset, data)
    chosen, left_out = teachable(kinds or chosen_profile.kinds, dataset)
    held = plan(dataset, seed)
    taught = replace(dataset, train=held.learn)
    store = ModelStore(models)
    notes = [*dataset.notes, *checked, *left_out, *left_aside(chosen, taught), *_replaced(store, dataset.classes)]
    notes += [held.note()] if held.folds or held.missing else []
    notes += balance_note(taught.train, balance)
    for note in notes:
        notify(note)
    with measure() as meter, FeatureCache.of_setting(notify) if cache is None else cache as features:
        wanted = any(not KINDS[kind].pixels for kind in chosen)
        extractors = open_backbones(backbones, weights, pooling) if wanted else ()
        recipe = Recipe(chosen, extractors, pooling, side, dataset.classes, seed, chosen_profile, balance)
        learn = read(taught, recipe, features, notify, progress)
        recipe = with_best_poolings(recipe, learn, progress)
        damage = damage_of(learn["good"], seed, progress) if "good" in learn and needs_drawing(dataset) else {}
        members, failures = fit(recipe, learn, damage, progress=progress, watch=watch)
        for sentence in failures:
            notify(sentence)
        photo_range = range_of(dataset.train, seed, progress)
        judged = held_out(held, members, learn, partial(fit, recipe), recipe, features, progress, notify)
        fitted = fit_voters(members, judged, dataset, seed, progress)
        scored = scoring.score(
            Inspector(Loaded(members, (), dataset.classes, fitted.weights, fitted.calibrators, photo_range)),
            dataset.test,
            lambda done, total: progress("Inspecting test photos", done / total),
            features,
        )
    for sentence in scored.refused:
        notify(f"Left out: {sentence}")
    evidence, strangers = collect(store, fitted.held_out, scored.cases, dataset.classes, data, tuple(members))
    evidence = replace(evidence, learnt=digests((*dataset.train, *dataset.calibration)))
    policies = () if strangers else derive(evidence.held_out, dataset.classes, stages_of(members))
    not_judged = _not_judged(strangers)
    for sentence in not_judged:
        notify(sentence)
    in_force = [{policy.name: policy for policy in policies}.get(each.name, each) for each in shipped(dataset.classes)]
    quality = scoring.report(scored, in_force, dataset.classes)
    silent = _silent(members, quality["members"], scored)
    for sentence in silent:
        notify(sentence)
    kept = learnt(taught, members, fitted, quality["members"], recipe, meter.energy, evidence)
    name = product or store.product_name()
    saved = store.save(
        name, dataset.classes, dataset.folders, kept, evidence, policies, photo_range=photo_range, publish=False
    )
    tuned = _put_in_force(store, saved.version, notify) if publish else ()
    quality = scoring.with_megabytes(quality, store.at(saved.version))
    said = (*notes, *failures, *not_judged, *silent, *tuned)
    return Outcome(tuple(members), quality, said, time.perf_counter() - start, meter.energy, saved.version)


def _put_in_force(store: ModelStore, version: int, notify: Callable[[str], None]) -> tuple[str, ...]:
    """Publish what was learnt; gives a sentence for each policy that a person had tuned on the models of before."""
    tuned = effects_of(store, version).sentences()
    versions.publish(store.folder, version, reason="Trained.")
    for sentence in tuned:
        notify(sentence)
    return tuned


def _not_judged(strangers: Sequence[str]) -> tuple[str, ...]:
    """A sentence where members stay that have not judged these photos."""
    if not strangers:
        return ()
    return (
        f"{', '.join(strangers)} stay from a training on other photos and have not judged these, so policies get no "
        "cuts from them and nobody knows how good all are together. Train all members at once.",
    )


def _silent(members: Iterable[str], measured: Container[str], scored: scoring.Scored) -> list[str]:
    """A sentence for each member that could not vote on a single test photo, with the first reason."""
    reasons = {absence.member: absence.reason for case in reversed(scored.cases) for absence in case.absent}
    return [
        f"{name} could not vote on any test photo, so nothing is known of its quality. {reasons[name]}"
        for name in members
        if name not in measured
    ]


def _replaced(store: ModelStore, classes: Classes) -> tuple[str, ...]:
    """What a person should know of the members that are there; a StoreError where nothing could be saved."""
    place = next(folder for folder in (store.folder, *store.folder.resolve().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise StoreError(f"{store.folder} cannot be written. Check its permissions, or name another folder.")
    known = store.known_manifest()
    if known is None or known.classes == classes or not known.members:
        return ()
    return (
        f"{store.folder} holds members for {', '.join(known.classes.names)}: they end with this training, because it "
        f"is for {', '.join(classes.names)}. Name another folder to keep both.",
    )
