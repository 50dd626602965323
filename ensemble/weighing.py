"""What a vote weighs: how well its member tells held-out good parts from damaged ones, without the test part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from ensemble.damage import damaged
from ensemble.datasets import Dataset, Sample, batches
from ensemble.errors import PhotoError
from ensemble.members import Member, PhotoBatch
from ensemble.members.good_parts import GoodPartsMember
from ensemble.photos import read_photo

LIGHTEST = 0.1  # so that a member that sees nothing can still be outvoted, and never decides with others
FEWEST_DEFECTS = 5  # real ones; below that damage is drawn
MOST = 64  # photos to look at


@dataclass(frozen=True, slots=True)
class Weighed:
    """A vote's weight and what it rests on: the AUROC of held-out good parts against real defects or drawn damage."""

    weight: float
    auroc: float
    good: int
    defective: int
    drawn: bool

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"auroc": self.auroc, "good": self.good, "defective": self.defective, "drawn": self.drawn}


def weigh(
    member: GoodPartsMember, dataset: Dataset, seed: int, progress: Callable[[float], None] = lambda _: None
) -> Weighed:
    """Weigh a member that has learnt from good parts alone, on the training part alone.

    Its good scores come from parts that were held out while it learnt. The defective ones are the training part's real
    defects, which it has not learnt from, or, where there are fewer than five, good photos with damage drawn on them.
    The weight is 2 AUROC - 1, at least 0.1: a member that only guesses hardly counts.
    """
    rng = np.random.default_rng(seed)
    real = [sample for sample in dataset.train if sample.label == dataset.classes.defect]
    good = [sample for sample in dataset.train if sample.label == dataset.classes.good]
    drawn = len(real) < FEWEST_DEFECTS
    samples = good if drawn else real
    chosen = [samples[place] for place in sorted(rng.permutation(len(samples))[:MOST])]
    bad = _scores(member, chosen, rng if drawn else None, progress)
    fine = member.held_out_.tolist()
    auroc = float(roc_auc_score([0] * len(fine) + [1] * len(bad), [*fine, *bad]))
    weight = round(float(np.clip(2 * auroc - 1, LIGHTEST, 1.0)), 3)
    return Weighed(weight, round(auroc, 4), len(fine), len(bad), drawn)


def _scores(
    member: Member, samples: list[Sample], rng: np.random.Generator | None, progress: Callable[[float], None]
) -> list[float]:
    place = member.classes.names.index(member.classes.defect or "")
    found: list[float] = []
    for number, chunk in enumerate(batches(samples, 16)):
        pictures = []
        for sample in chunk:
            try:
                picture = read_photo(sample.path).picture
            except PhotoError:
                continue  # named when the part was read
            pictures.append(damaged(picture, rng) if rng is not None else picture)
        if pictures:
            found += member.score(PhotoBatch(pictures).rows(member.input)).probabilities[:, place].tolist()
        progress(min(1.0, (number + 1) * 16 / len(samples)))
    return found
