"""How much of a training is over and how long the rest takes.

Its stages differ a thousandfold in cost, so that the share of any one says little. Each stage is expected to take what
it took in earlier trainings on this machine, a photo, or else what it took on ours; what this training has measured so
far then tells how much slower or faster all the rest is.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from ensemble.datasets.white_level import begins_deep
from ensemble.evaluation.runtime_comparison import COMPARING, are_compared
from ensemble.members import KINDS
from ensemble.members.classical import ClassicalMember
from ensemble.training.augmentation import COPYING, TRIED_ON, TRYING
from ensemble.training.fitting import plan_cross_fitting
from ensemble.training.reading import STAGES, teachable
from ensemble.training.recipe import Profile
from ensemble.training.staying import Before, takes_long
from ensemble.training.steps import MEASURING_WHITE
from ensemble.training.voting import needs_drawing
from ensemble.values.samples import Dataset
from ensemble.values.titles import model_title

FOLD = re.compile(r"^Fold \d+ of \d+: ")
LIMITS = (0.05, 50.0)  # how much faster or slower than expected a machine may be
UNKNOWN_SECONDS = 0.02  # seconds a photo of a stage that nobody has met
BY_EPOCHS = ("autoencoder", "baseline_cnn", "detector", "finetuned", "patch_classifier")  # a profile's effort is theirs
SEARCHED = 12.0  # about so many times as long, where a classifier's settings are searched

# Seconds a photo on one thread of two busy cores, with the 168 photos of the sample product; only until this machine
# has measured its own. That of detector is a guess by its epochs.
USUAL_SECONDS = {
    "Measuring white level": 0.01,
    "Reading": 0.025,
    "Selecting pooling": 0.003,
    "Selecting augmentation": 0.2,
    "Reading augmented photos": 0.15,
    "Drawing synthetic anomalies": 0.05,
    "Training SVM": 0.001,
    "Training Random forest": 0.02,
    "Training XGBoost": 0.005,
    "Training Baseline CNN": 0.8,
    "Training Fine-tuned classifier": 0.4,
    "Training Autoencoder": 0.8,
    "Training Detector": 2.0,
    "Training Patch memory": 0.08,
    "Training Patch classifier": 0.3,
    "Training": 0.02,
    "Validating": 0.08,
    "Inspecting": 0.15,
    "Comparing": 0.15,
}
CERTAIN = 3.0  # seconds of measuring without which expectation alone counts


def training_stages(
    dataset: Dataset, kinds: Sequence[str], backbones: Sequence[str], seed: int, before: Before | None = None
) -> list[str]:
    """The stages of a training in their order, by the names that its progress gives them.

    With what a product was `before` a few photos came, those of its members that take long are taken to stay.
    """
    chosen, _ = teachable(kinds, dataset)
    held = plan_cross_fitting(dataset, seed)
    taught = [
        kind if KINDS[kind].pixels is not None else f"{kind}_{backbone}"
        for kind in chosen
        for backbone in (backbones if KINDS[kind].pixels is None else backbones[:1])
    ]
    stay = {name for name, record in (before.records.items() if before else ()) if takes_long(record.kind)}
    taught = [name for name in taught if name not in stay] or taught
    good = any(KINDS[kind].lesson == "good" for kind in chosen)
    names: list[str] = [MEASURING_WHITE] if begins_deep(dataset.train) else []
    names += [name for lesson, name in STAGES.items() if any(KINDS[kind].lesson == lesson for kind in chosen)]
    if any(KINDS[kind].pixels is None and KINDS[kind].reading is None for kind in chosen):
        names += [f"Selecting pooling ({backbone})" for backbone in backbones]
    if (
        backbones
        and len(dataset.train) in TRIED_ON
        and any(issubclass(KINDS[kind], ClassicalMember) for kind in chosen)
    ):
        names += [TRYING, COPYING]
    names += ["Drawing synthetic anomalies"] if good and needs_drawing(dataset) else []
    titles = list(map(model_title, taught))
    names += [*(f"Training {title}" for title in titles), "Measuring training photos"]
    for number in range(1, len(held.folds) + 1):
        names += [f"Fold {number} of {len(held.folds)}: Training {title}" for title in titles] if held.again else []
        names.append(f"Validating fold {number} of {len(held.folds)}")
    return [*names, "Inspecting test photos", *((COMPARING,) if are_compared() else ())]


def expected_seconds(
    names: Sequence[str], photos: int, profile: Profile, measured: Mapping[str, float]
) -> dict[str, float]:
    """Seconds for each stage of so many photos, from seconds a photo: those measured here, else the usual ones."""
    return {name: photos * _pace(name, profile) * measured.get(stage_key(name), _usual_seconds(name)) for name in names}


def _pace(stage: str, profile: Profile) -> float:
    """How many times as long a stage takes by this profile as by one of usual effort that searches nothing."""
    key = stage_key(stage)
    kind = next((kind for kind, make in KINDS.items() if key.startswith(f"Training {make.title}")), "")
    if kind in BY_EPOCHS:
        return profile.effort
    return SEARCHED if profile.search and kind and issubclass(KINDS[kind], ClassicalMember) else 1.0


def stage_key(stage: str) -> str:
    """What a stage is called whatever its fold: the folds of one size cost the same."""
    return re.sub(r" \d+ of \d+$", "", FOLD.sub("", stage))


def _usual_seconds(stage: str) -> float:
    key = stage_key(stage)
    found = [start for start in USUAL_SECONDS if key.startswith(start)]
    return USUAL_SECONDS[max(found, key=len)] if found else UNKNOWN_SECONDS


class TrainingCourse:
    """The course of one training: told of its progress, it says how much is over and how much is left."""

    def __init__(self, plan: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = dict(plan)
        self.clock = clock
        self.begun = self._last = clock()
        self.spent: dict[str, float] = {}
        self.shares: dict[str, float] = {}
        self.over = 0.0

    def tell(self, stage: str, share: float) -> None:
        """A stage has come so far; the time since the last word is its own."""
        now = self.clock()
        self.spent[stage] = self.spent.get(stage, 0.0) + now - self._last
        self.shares[stage] = max(self.shares.get(stage, 0.0), min(share, 1.0))
        self._last = now
        if stage in self.plan:  # what has been passed is over, skipped or not
            self.shares |= dict.fromkeys(takewhile(lambda name: name != stage, self.plan), 1.0)

    def seconds_left(self) -> float:
        """The rest of all stages."""
        speed = self._speed()
        left = 0.0
        for stage, seconds in self.plan.items():
            share = self.shares.get(stage, 0.0)
            own = self.spent.get(stage, 0.0) * (1 / share - 1) if share > 0 else 0.0
            left += share * own + (1 - share) ** 2 * seconds * speed  # the further, the more its own pace counts
        return left

    def share(self) -> float:
        """The share of the time that is over, 0 to 1; it never falls."""
        gone = self.clock() - self.begun
        self.over = max(self.over, gone / (gone + self.seconds_left())) if gone > 0 else self.over
        return self.over

    def costs(self, photos: int, profile: Profile) -> dict[str, float]:
        """Seconds a photo of each kind of stage at usual effort, to expect the next time."""
        found: dict[str, list[float]] = {}
        for stage, seconds in self.spent.items():
            found.setdefault(stage_key(stage), []).append(seconds)
        return {key: sum(values) / len(values) / max(photos, 1) / _pace(key, profile) for key, values in found.items()}

    def _speed(self) -> float:
        """How much slower than expected this machine is, as far as it has been measured."""
        known = [stage for stage in self.spent if self.plan.get(stage)]
        hoped = sum(self.plan[stage] * self.shares[stage] for stage in known)
        took = sum(self.spent[stage] for stage in known)
        ratio = (took + CERTAIN) / (hoped + CERTAIN)
        return min(max(ratio, LIMITS[0]), LIMITS[1])
