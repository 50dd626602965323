"""How long and how carefully members learn: profiles, and a small cross-validated search of classifiers' settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from ensemble.members.classical import ClassicalMember, Settings
from ensemble.values.errors import MemberError

FOLDS = 3
MOST_PHOTOS = 1000  # whole parts up to so many photos bound the time; by the clock, no search would repeat
QUICK, BALANCED, THOROUGH = "quick", "balanced", "thorough"


@dataclass(frozen=True, slots=True)
class Profile:
    """How much work a training is: `kinds` where nobody names any (none: all), `effort` of networks, and `search`.

    `effort` says how long networks learn, as a multiple of what is usual.
    """

    name: str
    title: str
    sentence: str
    kinds: tuple[str, ...] = ()
    effort: float = 1.0
    search: bool = False


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                QUICK,
                "Quick",
                "A first impression in a minute or two for some hundred photos: classical members with their usual "
                "settings, Mahalanobis distance, and a baseline network that learns for a quarter of the usual time.",
                ("baseline_cnn", "svm", "rf", "xgb", "mahalanobis"),
                effort=0.25,
            ),
            Profile(
                BALANCED,
                "Balanced",
                "All members with their usual settings: minutes for some hundred photos.",
            ),
            Profile(
                THOROUGH,
                "Thorough",
                "All members, networks learn twice as long, and the settings of SVM, forest and boosted trees are "
                "searched by cross-validation: several times the work of Balanced.",
                effort=2.0,
                search=True,
            ),
        )
    }
)


def profile_called(name: str) -> Profile:
    """The profile of that name; a MemberError names those that there are."""
    if name not in PROFILES:
        raise MemberError(f"A profile is one of {', '.join(PROFILES)}. Got {name!r}.")
    return PROFILES[name]


@dataclass(frozen=True, slots=True)
class Tried:
    """One choice of settings, with the mean over the folds of what it reached and the deviation between them."""

    settings: Settings
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Search:
    """The settings that did best, and all that were tried: the usual ones first."""

    settings: Settings
    scoring: str
    photos: int
    tried: tuple[Tried, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as a manifest keeps them."""
        tried = [
            {"settings": dict(each.settings), "mean": each.mean, "deviation": each.deviation} for each in self.tried
        ]
        return {
            "chosen": dict(self.settings),
            "scoring": self.scoring,
            "folds": FOLDS,
            "photos": self.photos,
            "tried": tried,
        }


def search(member: ClassicalMember, rows: np.ndarray, labels: np.ndarray, parts: Sequence[int]) -> Search:
    """Try a member's few settings on three folds of (N, D) rows, photos of one part always in the same fold.

    The usual settings stay unless others do better. Rows are those that members learn from and no others; of more than
    `MOST_PHOTOS`, whole parts drawn by the member's seed up to that number take part. A MemberError where a class has
    too few photos or parts.
    """
    chosen = _some(labels, np.asarray(parts), member.seed)
    rows, labels, groups = rows[chosen], labels[chosen], np.asarray(parts)[chosen]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=member.seed)
    enough = min(np.bincount(labels).min(), len(np.unique(groups))) >= FOLDS
    splits = list(folds.split(rows, labels, groups)) if enough else []
    if not splits or any(len(np.unique(labels[part])) < len(np.unique(labels)) for split in splits for part in split):
        raise MemberError(
            f"A search of settings needs photos of {FOLDS} parts of each class at least. Add photos, or train with the "
            f"profile {BALANCED}."
        )
    scoring = "roc_auc" if member.classes.defect is not None else "balanced_accuracy"
    tried = _tried(member, rows, labels, splits, scoring)
    best = max(tried, key=lambda each: each.mean)  # the first, usual one on a tie
    return Search(best.settings, scoring, len(labels), tried)


def _tried(
    member: ClassicalMember, rows: np.ndarray, labels: np.ndarray, splits: Sequence[Any], scoring: str
) -> tuple[Tried, ...]:
    classifier = member.searched(labels, rows.shape[1])
    step = type(classifier).__name__.lower()
    pipeline = make_pipeline(StandardScaler(), classifier)
    weighing = {f"{step}__sample_weight": compute_sample_weight("balanced", labels)} if member.teaching.weighted else {}
    candidates = [member.usual, *member.others(rows.shape[1])]
    grid = [{f"{step}__{name}": [value] for name, value in settings.items()} for settings in candidates]
    found = GridSearchCV(pipeline, grid, scoring=scoring, cv=splits, refit=False).fit(rows, labels, **weighing)
    results = found.cv_results_
    return tuple(
        Tried(settings, round(float(mean), 6), round(float(deviation), 6))
        for settings, mean, deviation in zip(
            candidates, results["mean_test_score"], results["std_test_score"], strict=True
        )
    )


def _some(labels: np.ndarray, parts: np.ndarray, seed: int) -> np.ndarray:
    """Places of the photos that take part: all, or those of whole parts drawn at random up to `MOST_PHOTOS`."""
    if len(labels) <= MOST_PHOTOS:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(np.unique(parts))
    counts = np.cumsum([np.count_nonzero(parts == part) for part in order])
    return np.flatnonzero(np.isin(parts, order[: max(FOLDS, int((counts <= MOST_PHOTOS).sum()))]))
