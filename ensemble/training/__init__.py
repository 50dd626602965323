"""Training a product: the same steps for the command line, the notebook and the screen."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.evaluation.energy import Energy, measure_energy
from ensemble.features.feature_cache import FeatureCache
from ensemble.imaging.photos import files_read_once
from ensemble.training.reading import BALANCES
from ensemble.training.recipe import Watch, source_of
from ensemble.training.steps import Listener, calibrate, choose_and_measure, fit_members, prepare, save, score_test_part
from ensemble.values.training import Progress, TrainingRequest

__all__ = [
    "BALANCES",
    "Listener",
    "Progress",
    "TrainingOutcome",
    "TrainingRequest",
    "Watch",
    "run",
    "source_of",
    "train",
]


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
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
    cache: FeatureCache | None = None,
    notify: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _stage, _done: None,
    watch: Watch = lambda _member, _curves: None,
    publish: bool = True,
    **settings: Any,
) -> TrainingOutcome:
    """Learn from the training part, measure on the test part, save into `models` once all is learnt.

    `settings` are those of a `TrainingRequest`: kinds, backbones, weights, seed, folders, product, pooling, side,
    shape, augment, profile, balance. Features are read from `cache`, by default this machine's, and kept there.
    `notify` receives sentences for a person, `progress` a stage and how much of it is done, from 0 to 1, `watch` a
    member's curves as they grow. Without `publish` the product stays as it is, and what was learnt becomes a candidate
    among its versions.
    """
    request = TrainingRequest.of(data, models, **settings)
    return run(request, cache=cache, listener=Listener(notify, progress, watch), publish=publish)


@files_read_once()
def run(
    request: TrainingRequest,
    *,
    cache: FeatureCache | None = None,
    listener: Listener = Listener(),  # noqa: B008 - a frozen value
    publish: bool = True,
) -> TrainingOutcome:
    """Carry out what is asked for: six steps, each of which reads what the ones before have made."""
    start = time.perf_counter()
    prepared = prepare(request, listener)
    with measure_energy() as meter, FeatureCache.of_setting(listener.notify) if cache is None else cache as features:
        trained = fit_members(prepared, features, listener)
        fitted = calibrate(prepared, trained, features, listener)
        scored = score_test_part(prepared, trained, fitted, features, listener)
        evaluation = choose_and_measure(prepared, trained, fitted, scored, features, listener)
    kept = save(prepared, trained, fitted, evaluation, meter.energy, listener, publish=publish)
    notes = (*prepared.notes, *trained.notes, *evaluation.notes, *kept.tuned)
    seconds = time.perf_counter() - start
    return TrainingOutcome(tuple(trained.members), kept.quality, notes, seconds, meter.energy, kept.version)
