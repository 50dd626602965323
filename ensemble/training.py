"""Training a product: the same steps for the command line, the notebook and the screen."""

import os
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble import evaluation
from ensemble.backbones import BUNDLED, POOLINGS, FeatureExtractor
from ensemble.calibrators import NONE
from ensemble.cases import Case, Evidence
from ensemble.datasets import Dataset, check, digest, digests, find_dataset
from ensemble.energy import Energy, circumstances, measure
from ensemble.errors import MemberError, StoreError, WeightsError
from ensemble.held_out import Plan, leave_out, plan
from ensemble.inspector import Inspector
from ensemble.lessons import left_aside, photos_of, teachable
from ensemble.members import KINDS, Member
from ensemble.members.contract import Curves, Input, Lesson, key_of, preprocessing_of
from ensemble.members.contract import Progress as Report
from ensemble.members.good_parts import Damaged, GoodPartsMember
from ensemble.policies import shipped
from ensemble.policy_making import derive, member_cuts
from ensemble.readings import Rows, read_masks, read_rows, source_of
from ensemble.results import Absence, Classes
from ensemble.store import Learnt, Loaded, ModelStore
from ensemble.voting import Fitted, collect, fit_voters, stages_of
from ensemble.weighing import draw_damage, needs_drawing

Progress = Callable[[str, float], None]
Watch = Callable[[str, Curves], None]
SMALLEST_SIDE = 32


class LearnsFromMasks(Protocol):
    """A member that is also given where the damage is."""

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: Report | None = None, *, masks: np.ndarray) -> Member:
        """Learn from (N, 3, side, side) pixels and their (N, side, side) masks, true where damaged."""
        ...


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
    notify: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _stage, _done: None,
    watch: Watch = lambda _member, _curves: None,
    publish: bool = True,
) -> Outcome:
    """Learn from the training part, measure on the test part, save into `models` once all is learnt.

    `kinds` are those of `ensemble.members.KINDS`, by default all that these photos can teach. Without `pooling`, each
    backbone gets the one that does best in three folds of the training part; `side` is the resolution, in pixels, of
    members that learn from good parts alone. `notify` receives sentences for a person, `progress` a stage and how much
    of it is done, from 0 to 1, `watch` a member's curves as they grow. Without `publish` the product stays as it is,
    and what was learnt becomes a candidate among its versions.
    """
    start = time.perf_counter()
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise MemberError(f"No member kind is called {unknown[0]!r}. Kinds are {', '.join(KINDS)}.")
    if pooling and pooling not in POOLINGS:
        raise WeightsError(f"Pooling must be one of {', '.join(POOLINGS)}. Got {pooling!r}.")
    if side is not None and side < SMALLEST_SIDE:
        raise MemberError(f"Members need at least {SMALLEST_SIDE} pixels a side to see anything. Got {side}.")
    dataset = find_dataset(data, folders, seed)
    checked = check(dataset, data)
    chosen, left_out = teachable(kinds, dataset)
    held = plan(dataset, seed)
    taught = replace(dataset, train=held.learn)
    store = ModelStore(models)
    notes = [*dataset.notes, *checked, *left_out, *left_aside(chosen, taught), *_replaced(store, dataset.classes)]
    notes += [held.note()] if held.folds or held.missing else []
    for note in notes:
        notify(note)
    with measure() as meter:
        wanted = any(not KINDS[kind].pixels for kind in chosen)
        extractors = _open_backbones(backbones, weights, pooling) if wanted else []
        learn = _read(taught, chosen, extractors, pooling, side, seed, notify, progress)
        if not pooling and any(_chooses_pooling(kind) for kind in chosen):
            extractors = [_best_pooling(each, learn["all"], dataset.classes, seed, progress) for each in extractors]
        damage = _damage(learn["good"], seed, progress) if "good" in learn and needs_drawing(dataset) else {}
        teach = partial(_fit, chosen, extractors, side, classes=dataset.classes, seed=seed)
        members, failures = teach(learn, damage, progress=progress, watch=watch)
        for sentence in failures:
            notify(sentence)
        judged = _held_out(held, members, learn, teach, dataset.classes, progress)
        fitted = fit_voters(members, judged, dataset, seed, progress)
        scored = evaluation.score(
            Inspector(Loaded(members, (), dataset.classes, fitted.weights, fitted.calibrators)),
            dataset.test,
            lambda done, total: progress("Inspecting test photos", done / total),
        )
    for sentence in scored.refused:
        notify(f"Left out: {sentence}")
    evidence, strangers = collect(store, fitted.held_out, scored.cases, dataset.classes, data, tuple(members))
    evidence = replace(evidence, learnt=digests(taught.train))
    policies = () if strangers else derive(evidence.held_out, dataset.classes, stages_of(members))
    not_judged = _not_judged(strangers)
    for sentence in not_judged:
        notify(sentence)
    in_force = [{policy.name: policy for policy in policies}.get(each.name, each) for each in shipped(dataset.classes)]
    quality = evaluation.report(scored, in_force, dataset.classes)
    silent = _silent(members, quality["members"], scored)
    for sentence in silent:
        notify(sentence)
    learnt = _learnt(taught, members, fitted, quality["members"], seed, meter.energy, evidence)
    name = product or store.product_name()
    saved = store.save(name, dataset.classes, dataset.folders, learnt, evidence, policies, publish=publish)
    quality = evaluation.with_megabytes(quality, store.at(saved.version))
    said = (*notes, *failures, *not_judged, *silent)
    return Outcome(tuple(members), quality, said, time.perf_counter() - start, meter.energy, saved.version)


def _not_judged(strangers: Sequence[str]) -> tuple[str, ...]:
    """A sentence where members stay that have not judged these photos."""
    if not strangers:
        return ()
    return (
        f"{', '.join(strangers)} stay from a training on other photos and have not judged these, so policies get no "
        "cuts from them and nobody knows how good all are together. Train all members at once.",
    )


def _held_out(
    held: Plan,
    members: Mapping[str, Member],
    learn: Mapping[str, Rows],
    teach: Callable[..., tuple[dict[str, Member], list[str]]],
    classes: Classes,
    progress: Progress,
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
        inspector = Inspector(Loaded(voters, unable, classes))
        show = partial(_share, progress, f"Judging held-out photos {number} of {len(held.folds)}")
        found += evaluation.score(inspector, fold, show).cases
    return tuple(found)


def _share(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(stage, done / total)


def _silent(members: Iterable[str], measured: Container[str], scored: evaluation.Scored) -> list[str]:
    """A sentence for each member that could not vote on a single test photo, with the first reason."""
    reasons = {absence.member: absence.reason for case in reversed(scored.cases) for absence in case.absent}
    return [
        f"{name} could not vote on any test photo, so nothing is known of its quality. {reasons[name]}"
        for name in members
        if name not in measured
    ]


def _chooses_pooling(kind: str) -> bool:
    return KINDS[kind].pixels is None and KINDS[kind].reading is None


def _read(
    dataset: Dataset,
    kinds: Sequence[str],
    extractors: Sequence[FeatureExtractor],
    pooling: str | None,
    side: int | None,
    seed: int,
    notify: Callable[[str], None],
    progress: Progress,
) -> dict[str, Rows]:
    """The training part by lesson: what each kind of lesson's members read."""
    stages: dict[Lesson, str] = {
        "all": "Reading training photos",
        "good": "Reading good parts",
        "masks": "Reading masked photos",
    }
    learn: dict[str, Rows] = {}
    refused: dict[str, None] = {}
    for lesson, stage in stages.items():
        asked = [kind for kind in kinds if KINDS[kind].lesson == lesson]
        if not asked:
            continue
        samples = photos_of(lesson, dataset, seed)
        sources: list[Input] = []
        for kind in asked:
            for extractor in extractors if KINDS[kind].pixels is None else (None,):
                if extractor is not None and _chooses_pooling(kind) and not pooling:
                    sources += [extractor.with_pooling(each) for each in POOLINGS]
                else:
                    sources.append(source_of(kind, extractor, side))
        learn[lesson] = read_rows(samples, sources, dataset.classes, partial(progress, stage))
        refused |= dict.fromkeys(learn[lesson].refused)
    for sentence in refused:
        notify(f"Left out: {sentence}")
    return learn


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


def _open_backbones(names: Sequence[str], weights: Path | None, pooling: str | None) -> list[FeatureExtractor]:
    """Every backbone asked for; to ask for one by name is to ask for its weights, by download where need be."""
    return [
        FeatureExtractor.open(name, weights=weights, pooling=pooling or POOLINGS[0], download=True)
        for name in dict.fromkeys(names)
    ]


def _best_pooling(
    extractor: FeatureExtractor, learn: Rows, classes: Classes, seed: int, progress: Progress
) -> FeatureExtractor:
    """The pooling whose features separate the classes best, by an SVM on three folds of the training part alone."""
    quality = {}
    for number, pooling in enumerate(POOLINGS):
        progress(f"Choosing the pooling of {extractor.spec.name}", number / len(POOLINGS))
        rows = learn.inputs[extractor.with_pooling(pooling).spec]
        classifier = make_pipeline(StandardScaler(), SVC(C=10.0))
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        scoring = "accuracy" if classes.defect is None else "roc_auc"
        quality[pooling] = float(cross_val_score(classifier, rows, learn.labels, cv=folds, scoring=scoring).mean())
    progress(f"Choosing the pooling of {extractor.spec.name}", 1.0)
    return extractor.with_pooling(
        max(quality, key=lambda pooling: quality[pooling])
    )  # the first, cheapest one on a tie


def _damage(good: Rows, seed: int, progress: Progress) -> Mapping[Any, Damaged]:
    """Some good photos with damage drawn on them, by input: what the members' votes are weighed by."""
    return draw_damage(good.samples, good.sources, seed, partial(progress, "Drawing damage to weigh by"))


def _fit(
    kinds: Sequence[str],
    extractors: Sequence[FeatureExtractor],
    side: int | None,
    learn: Mapping[str, Rows],
    damage: Mapping[Any, Damaged],
    *,
    classes: Classes,
    seed: int,
    progress: Progress,
    watch: Watch = lambda _member, _curves: None,
) -> tuple[dict[str, Member], list[str]]:
    """The members by name, and a sentence for each that could not learn; a MemberError where none could."""
    members: dict[str, Member] = {}
    failures: dict[str, str] = {}
    for kind in kinds:
        make, known = KINDS[kind], learn[KINDS[kind].lesson]
        for extractor in extractors if make.pixels is None else (None,):
            name = kind if extractor is None else f"{kind}_{extractor.spec.name}"
            source, stage = source_of(kind, extractor, side), f"Training {name}"
            progress(stage, 0.0)
            member = make(classes=classes, input=source, seed=seed)
            try:
                members[name] = _taught(
                    member, known, source, damage, partial(_report, progress, watch, stage, name, member)
                )
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


def _taught(member: Member, known: Rows, source: Input, damage: Mapping[Any, Damaged], report: Report) -> Member:
    rows = known.inputs[key_of(source)]
    if member.lesson == "masks":
        masks = read_masks(known.samples, preprocessing_of(source))
        return cast(LearnsFromMasks, member).fit(rows, known.labels, report, masks=masks)
    if isinstance(member, GoodPartsMember):
        return member.fit(rows, known.labels, report, damaged=damage.get(key_of(source), {}))
    return member.fit(rows, known.labels, report)


def _learnt(
    dataset: Dataset,
    members: Mapping[str, Member],
    fitted: Fitted,
    quality: Mapping[str, Mapping[str, Any]],
    seed: int,
    energy: Energy,
    evidence: Evidence,
) -> list[Learnt]:
    """The members with all that the manifest keeps of them."""
    learnt, when_and_where = [], circumstances()
    for name, member in members.items():
        samples = photos_of(member.lesson, dataset, seed)
        counts = Counter(sample.label for sample in samples)
        training: dict[str, Any] = {
            "data": digest(samples),
            "photos": {label: counts[label] for label in dataset.classes.names},
            "test_data": digest(dataset.test),
            "seed": seed,
            "energy": energy.as_json(),  # of the whole run, which is the same for all that it has trained
            "notes": list(dataset.notes),
            **when_and_where,
        }
        training |= {"curves": dict(member.curves_)} if member.curves_ else {}
        training |= {"facts": dict(member.facts_)} if member.facts_ else {}
        training |= fitted.facts(name)
        cuts = member_cuts(evidence.held_out, name, dataset.classes)
        training |= {"cuts": {cut: found.as_json() for cut, found in cuts.items()}} if cuts else {}
        figures = evaluation.flat(quality.get(name, {}))
        learnt.append(
            Learnt(name, member, training, figures, fitted.weights.get(name, 1.0), fitted.calibrators.get(name, NONE))
        )
    return learnt
