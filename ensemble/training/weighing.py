"""What a vote weighs: how well its member tells held-out good parts from damaged ones, without the test part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from ensemble.features.photo_batch import Input, PhotoBatch, batches, key_of
from ensemble.imaging.photos import read_photo
from ensemble.imaging.synthetic_anomalies import damaged
from ensemble.members.good_parts import GoodPartsMember
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.samples import Dataset, Sample

FULL = 0.8  # of the way from guessing to certainty gives a whole vote
LIGHTEST = 0.1  # so that a member that sees nothing can still be outvoted, and never decides with others
FEWEST_DEFECTS = 5  # real ones; below that damage is drawn
MOST = 48  # photos to look at


@dataclass(frozen=True, slots=True)
class Weighed:
    """A vote's weight and what it rests on: the AUROC of held-out good parts against real defects or drawn damage.

    Without a defect among the classes there is no AUROC, and `good` counts the photos of all classes.
    """

    weight: float
    auroc: float | None
    good: int
    defective: int
    drawn: bool

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"auroc": self.auroc, "good": self.good, "defective": self.defective, "drawn": self.drawn}


def weight_of(skill: float) -> float:
    """What a vote weighs, from how far its member is on the way from guessing (0) to certainty (1)."""
    return round(float(np.clip(skill / FULL, LIGHTEST, 1.0)), 3)


def draw_damage(
    samples: Sequence[Sample], sources: Sequence[Input], seed: int, progress: Callable[[float], None] = lambda _: None
) -> dict[Any, dict[int, np.ndarray]]:
    """Rows of some photos of good parts with damage drawn on them: by input, then by position in `samples`."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(samples))[:MOST]).tolist()
    rows: dict[Any, dict[int, np.ndarray]] = {key_of(source): {} for source in sources}
    for number, place in enumerate(chosen):
        batch = PhotoBatch([damaged(read_photo(samples[place].path).picture, rng)])
        for source in sources:
            rows[key_of(source)][place] = batch.rows(source)[0]
        progress((number + 1) / len(chosen))
    return rows


def needs_drawing(dataset: Dataset) -> bool:
    """Whether the training part has too few real defects to weigh by."""
    return sum(sample.label == dataset.classes.defect for sample in dataset.train) < FEWEST_DEFECTS


def weigh(
    member: GoodPartsMember, dataset: Dataset, seed: int, progress: Callable[[float], None] = lambda _: None
) -> Weighed:
    """Weigh a member that has learnt from good parts alone, on the training part alone.

    Its good scores come from parts that were held out while it learnt. The defective ones are the training part's real
    defects, which it has not learnt from, or, where there are fewer than five, held-out good photos with damage drawn
    on them. The weight grows with 2 AUROC - 1, from 0.1 for a member that only guesses to 1 from an AUROC of 0.9 on: so
    few photos tell no finer, and a tie among good members must stay a tie.
    """
    drawn = needs_drawing(dataset)
    bad = member.damaged_.tolist() if drawn else _scores_of_defects(member, dataset, seed, progress)
    fine = member.held_out_.tolist()
    auroc = float(roc_auc_score([0] * len(fine) + [1] * len(bad), [*fine, *bad]))
    return Weighed(weight_of(2 * auroc - 1), round(auroc, 4), len(fine), len(bad), drawn)


def _scores_of_defects(
    member: GoodPartsMember, dataset: Dataset, seed: int, progress: Callable[[float], None]
) -> list[float]:
    """What it says of real defects of the training part; a DataError where none of them can be opened."""
    real = [sample for sample in dataset.train if sample.label == dataset.classes.defect]
    chosen = [real[place] for place in sorted(np.random.default_rng(seed).permutation(len(real))[:MOST])]
    column = member.classes.names.index(member.classes.defect or "")
    found: list[float] = []
    refused: list[str] = []
    for number, chunk in enumerate(batches(chosen, 16)):
        pictures = []
        for sample in chunk:
            try:
                pictures.append(read_photo(sample.path).picture)
            except PhotoError as error:
                refused.append(str(error))
        if pictures:
            found += member.score(PhotoBatch(pictures).rows(member.input)).probabilities[:, column].tolist()
        progress(min(1.0, (number + 1) * 16 / len(chosen)))
    if not found:
        raise DataError(f"None of the {len(chosen)} defective photos to weigh votes by could be opened. {refused[0]}")
    return found
