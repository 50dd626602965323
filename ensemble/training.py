"""Training a product: the same steps for the command line, the notebook and the screen."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble.backbones import BUNDLED, POOLINGS, FeatureExtractor
from ensemble.datasets import Dataset, Sample, batches, check, digest, find_dataset
from ensemble.errors import DataError, MemberError, PhotoError, StoreError, WeightsError
from ensemble.evaluation import Scored, report
from ensemble.members import KINDS, Member, PhotoBatch
from ensemble.members.contract import Input
from ensemble.photos import read_photo
from ensemble.policies import shipped
from ensemble.preprocessing import Preprocessing
from ensemble.results import Classes, Score
from ensemble.store import ModelStore

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training run made: the members' names, the measured quality, and what a person should know."""

    members: tuple[str, ...]
    quality: Mapping[str, Any]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Rows:
    """One part of a data set as the members read it: labels as positions, and rows for each input."""

    labels: np.ndarray  # (N,)
    inputs: Mapping[Any, np.ndarray]  # extractor spec or preprocessing -> (N, ...)
    refused: tuple[str, ...]


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
    notify: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _stage, _done: None,
) -> Outcome:
    """Learn from `data/train`, measure on `data/test`, save into `models`; nothing is saved before all is learnt.

    `kinds` are those of `ensemble.members.KINDS`, all of them by default. Without `pooling`, each backbone gets the one
    that does best in three folds of the training part. `notify` receives sentences for a person, `progress` a stage and
    how much of it is done, from 0 to 1.
    """
    start = time.perf_counter()
    chosen = tuple(kinds) or tuple(KINDS)
    if unknown := [kind for kind in chosen if kind not in KINDS]:
        raise MemberError(f"No member kind is called {unknown[0]!r}. Kinds are {', '.join(KINDS)}.")
    if pooling and pooling not in POOLINGS:
        raise WeightsError(f"Pooling must be one of {', '.join(POOLINGS)}. Got {pooling!r}.")
    dataset = find_dataset(data, folders, seed)
    notes = [*dataset.notes, *check(dataset, data), *_replaced(ModelStore(models), dataset.classes)]
    for note in notes:
        notify(note)
    extractors = _open_backbones(backbones, weights, pooling) if any(not KINDS[kind].pixels for kind in chosen) else []
    sources = _sources(extractors, chosen, pooling)
    learn = read_rows(dataset.train, sources, dataset.classes, lambda done: progress("Reading training photos", done))
    measure = read_rows(dataset.test, sources, dataset.classes, lambda done: progress("Reading test photos", done))
    for sentence in learn.refused + measure.refused:
        notify(f"Left out: {sentence}")
    if not pooling:
        extractors = [_best_pooling(extractor, learn, dataset.classes, seed, progress) for extractor in extractors]
    members = _fit(chosen, extractors, learn, dataset.classes, seed, progress)
    policies = shipped(dataset.classes)
    scored = _scored(members, measure, dataset.classes)
    quality = report(scored, policies, dataset.classes)
    _save(ModelStore(models), product, dataset, members, quality["members"], seed)
    return Outcome(tuple(members), quality, tuple(notes), time.perf_counter() - start)


def read_rows(
    samples: Sequence[Sample],
    sources: Sequence[Input],
    classes: Classes,
    progress: Callable[[float], None] = lambda _: None,
) -> Rows:
    """Decode each photo once and keep what each input makes of it; photos that cannot be opened are named."""
    labels: list[int] = []
    refused: list[str] = []
    parts: dict[Any, list[np.ndarray]] = {key_of(source): [] for source in sources}
    done = 0
    for chunk in batches(samples, 16):
        pictures = []
        for sample in chunk:
            try:
                pictures.append(read_photo(sample.path).picture)
                labels.append(classes.names.index(sample.label))
            except PhotoError as error:
                refused.append(str(error))
        if pictures:
            batch = PhotoBatch(pictures)
            for source in sources:
                parts[key_of(source)].append(batch.rows(source))
        done += len(chunk)
        progress(done / len(samples))
    if not labels:
        raise DataError(f"None of the {len(samples)} photos could be opened. {refused[0] if refused else ''}".strip())
    return Rows(np.array(labels), {key: np.concatenate(rows) for key, rows in parts.items()}, tuple(refused))


def key_of(source: Input) -> Any:
    """What tells two inputs apart."""
    return source if isinstance(source, Preprocessing) else source.spec


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


def _sources(extractors: Sequence[FeatureExtractor], kinds: Sequence[str], pooling: str | None) -> list[Input]:
    sources: list[Input] = [pixels for kind in kinds if (pixels := KINDS[kind].pixels) is not None]
    for extractor in extractors:
        sources += [extractor] if pooling else [extractor.with_pooling(each) for each in POOLINGS]
    return sources


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


def _fit(
    kinds: Sequence[str],
    extractors: Sequence[FeatureExtractor],
    learn: Rows,
    classes: Classes,
    seed: int,
    progress: Progress,
) -> dict[str, Member]:
    members: dict[str, Member] = {}
    for kind in kinds:
        make = KINDS[kind]
        sources = {kind: make.pixels} if make.pixels else {f"{kind}_{each.spec.name}": each for each in extractors}
        for name, source in sources.items():
            stage = f"Training {name}"
            progress(stage, 0.0)
            member = make(classes=classes, input=source, seed=seed)
            members[name] = member.fit(learn.inputs[key_of(source)], learn.labels, partial(progress, stage))
            progress(stage, 1.0)
    return members


def _scored(members: Mapping[str, Member], measure: Rows, classes: Classes) -> Scored:
    start = time.perf_counter()
    said: list[list[Score]] = [[] for _ in measure.labels]
    for name, member in members.items():
        for scores, row in zip(said, member.score(measure.inputs[key_of(member.input)]), strict=True):
            scores.append(Score(name, dict(zip(classes.names, map(float, row), strict=True)), 0.0))
    labels = tuple(classes.names[position] for position in measure.labels)
    seconds = time.perf_counter() - start
    return Scored(labels, tuple(said), tuple(() for _ in said), measure.refused, seconds)


def _save(
    store: ModelStore,
    product: str | None,
    dataset: Dataset,
    members: Mapping[str, Member],
    quality: Mapping[str, Mapping[str, Any]],
    seed: int,
) -> None:
    training = {
        "data": digest(dataset.train),
        "photos": {name: sum(sample.label == name for sample in dataset.train) for name in dataset.classes.names},
        "test_data": digest(dataset.test),
        "seed": seed,
    }
    entries = []
    for key, member in members.items():
        curves = {"curves": dict(member.curves_)} if member.curves_ else {}
        entries.append((key, member, training | curves, quality[key]))
    store.save(product or store.product_name(), dataset.classes, dataset.folders, entries)
