"""What members say of training photos that they have not learnt from: what probabilities and cuts are chosen on.

Where the training part is large, a quarter of it is set aside and no member ever learns from it. Where it is small,
every photo is wanted for learning: then the members are taught again on each two thirds of it and speak of the last
third (cross-fitting), and those that vote later have learnt from all of it. Where a data set brings photos to choose
cuts on, neither is needed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ensemble.datasets.loading import part_numbers
from ensemble.features.readings import Rows
from ensemble.values.samples import Dataset, Sample

ENOUGH = 400  # photos of the rarest class: a quarter of them, 100, bounds a rate of no events by 3 %
SHARES = 4
FOLDS = 3
FEWEST = 6  # photos of each class, so that every third has two


@dataclass(frozen=True, slots=True)
class Plan:
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

    def note(self) -> str:
        """The plan in one sentence, or two."""
        if self.missing:
            return f"The calibration photos show no {', '.join(self.missing)} and are not used. {self._note()}"
        return self._note()

    def _note(self) -> str:
        if self.brought:
            return f"Cuts rest on {len(self.folds[0])} calibration photos, which teach no member."
        if not self.folds:
            return "No photos are held out to choose cuts on: some class has too few of them."
        held = sum(map(len, self.folds))
        if self.again:
            return f"Cuts rest on all {held} training photos, each judged by members taught on the other two thirds."
        return f"{held} of {held + len(self.learn)} training photos are held out to choose cuts on."


def plan(dataset: Dataset, seed: int) -> Plan:
    """Which photos cuts are chosen on: the data set's calibration photos, where they show every class.

    Else photos of the training part, by class and kind of defect alike, captures of one part together.
    """
    shown = {sample.label for sample in dataset.calibration}
    if missing := tuple(name for name in dataset.classes.names if name not in shown):
        return replace(_plan(dataset, seed), missing=missing if shown else ())
    return Plan(dataset.train, (dataset.calibration,), brought=True)


def _plan(dataset: Dataset, seed: int) -> Plan:
    samples = dataset.train
    counts = Counter(sample.label for sample in samples)
    rarest = min(counts[name] for name in dataset.classes.names)
    groups = part_numbers(samples)
    if rarest < FEWEST or len(set(groups)) < SHARES:
        return Plan(samples)
    shares = SHARES if rarest >= ENOUGH else FOLDS
    folds = [tuple(samples[place] for place in places) for places in _folds(samples, groups, shares, seed)]
    if any(Counter(sample.label for sample in fold).keys() != counts.keys() for fold in folds):
        return Plan(samples)  # whole parts leave some fold without a class
    if shares == FOLDS:
        return Plan(samples, tuple(folds), again=True)
    held = set(folds[0])
    return Plan(tuple(sample for sample in samples if sample not in held), (folds[0],))


def _folds(samples: Sequence[Sample], groups: Sequence[int], count: int, seed: int) -> list[list[int]]:
    kinds = [f"{sample.label}/{sample.category}/{sample.defect}" for sample in samples]
    rare = {kind for kind, number in Counter(kinds).items() if number < count}
    strata = [sample.label if kind in rare else kind for sample, kind in zip(samples, kinds, strict=True)]
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return [held.tolist() for _, held in splitter.split(np.zeros(len(samples)), strata, groups)]


def leave_out(rows: Rows, held: Sequence[Sample]) -> Rows:
    """The rows of all photos but these."""
    out = set(held)
    kept = [place for place, sample in enumerate(rows.samples) if sample not in out]
    return replace(
        rows,
        samples=tuple(rows.samples[place] for place in kept),
        labels=rows.labels[kept],
        inputs={key: values[kept] for key, values in rows.inputs.items()},
    )
