"""What a training is asked for: who learns, from which inputs, how long, and with which hyperparameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.included import usual_backbones
from ensemble.features.photo_batch import Input
from ensemble.features.preprocessing import POOLINGS
from ensemble.features.weights import named_folders
from ensemble.members import KINDS
from ensemble.members.classical import ClassicalMember, Settings
from ensemble.members.contract import NO_AUGMENTATION, USUAL_AUGMENTATION, Augmentation, Curves, Lesson
from ensemble.values.errors import MemberError
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.training import TrainingRequest

SEARCH_FOLDS = 3
MOST_PHOTOS = 1000  # whole parts up to so many photos bound the time; by the clock, no search would repeat
QUICK, BALANCED, THOROUGH = "quick", "balanced", "thorough"


@dataclass(frozen=True, slots=True)
class Profile:
    """How much work a training is: `kinds` where nobody names any (none: all), `effort` of networks, and `search`.

    `effort` says how long networks learn, as a multiple of what is usual.
    """

    name: str
    sentence: Message
    kinds: tuple[str, ...] = ()
    effort: float = 1.0
    search: bool = False


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                QUICK,
                Message("Classical models, Mahalanobis distance and a short training of the baseline CNN."),
                ("baseline_cnn", "svm", "rf", "xgb", "mahalanobis"),
                effort=0.25,
            ),
            Profile(
                BALANCED,
                Message("All models, default settings."),
            ),
            Profile(
                THOROUGH,
                Message(
                    "All models, networks trained twice as long, settings of SVM, random forest and XGBoost searched "
                    "by cross-validation."
                ),
                effort=2.0,
                search=True,
            ),
        )
    }
)


def profile_called(name: str) -> Profile:
    """The profile of that name; a MemberError names those that there are."""
    if name not in PROFILES:
        raise MemberError("A profile is one of {profiles}. Got {name!r}.", profiles=", ".join(PROFILES), name=name)
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
        found = {"chosen": dict(self.settings), "scoring": self.scoring, "folds": SEARCH_FOLDS, "photos": self.photos}
        return found | {"tried": [asdict(each) for each in self.tried]}


def search(member: ClassicalMember, rows: np.ndarray, labels: np.ndarray, parts: Sequence[int]) -> Search:
    """Try a member's few settings on three folds of (N, D) rows, photos of one part always in the same fold.

    The usual settings stay unless others do better. Rows are those that members learn from and no others; of more than
    `MOST_PHOTOS`, whole parts drawn by the member's seed up to that number take part. A MemberError where a class has
    too few photos or parts.
    """
    chosen = _some(labels, np.asarray(parts), member.seed)
    rows, labels, groups = rows[chosen], labels[chosen], np.asarray(parts)[chosen]
    folds = StratifiedGroupKFold(SEARCH_FOLDS, shuffle=True, random_state=member.seed)
    enough = min(np.bincount(labels).min(), len(np.unique(groups))) >= SEARCH_FOLDS
    splits = list(folds.split(rows, labels, groups)) if enough else []
    if not splits or any(len(np.unique(labels[part])) < len(np.unique(labels)) for split in splits for part in split):
        raise MemberError(
            "A search of settings needs photos of {search_folds} parts of each class at least. Add "
            "photos, or train with the profile {balanced}.",
            search_folds=SEARCH_FOLDS,
            balanced=BALANCED,
        )
    scoring = "roc_auc" if member.classes.defect is not None else "balanced_accuracy"
    tried = _try_pooling(member, rows, labels, splits, scoring)
    best = max(tried, key=lambda each: each.mean)  # the first, usual one on a tie
    return Search(best.settings, scoring, len(labels), tried)


def _try_pooling(
    member: ClassicalMember, rows: np.ndarray, labels: np.ndarray, splits: Sequence[Any], scoring: str
) -> tuple[Tried, ...]:
    """What each of the member's settings reaches; a fold's rows are scaled once for all of them."""
    judge, found = get_scorer(scoring), []
    weights = compute_sample_weight("balanced", labels) if member.teaching.weighted else None
    for learn, held in splits:
        scaler = StandardScaler().fit(rows[learn])
        known, asked = scaler.transform(rows[learn]), scaler.transform(rows[held])
        tries = member.tries(known, labels[learn], asked, None if weights is None else weights[learn])
        found.append([judge(classifier, shown, labels[held]) for classifier, shown in tries])
    reached = np.array(found)
    return tuple(
        Tried(settings, round(float(mean), 6), round(float(deviation), 6))
        for settings, mean, deviation in zip(
            (member.usual, *member.others(rows.shape[1])), reached.mean(axis=0), reached.std(axis=0), strict=True
        )
    )


def _some(labels: np.ndarray, parts: np.ndarray, seed: int) -> np.ndarray:
    """Places of the photos that take part: all, or those of whole parts drawn at random up to `MOST_PHOTOS`."""
    if len(labels) <= MOST_PHOTOS:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(np.unique(parts))
    counts = np.cumsum([np.count_nonzero(parts == part) for part in order])
    return np.flatnonzero(np.isin(parts, order[: max(SEARCH_FOLDS, int((counts <= MOST_PHOTOS).sum()))]))


Watch = Callable[[str, Curves], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Kinds of members, the backbones that they read, and how they learn; no `pooling`: it is still to be chosen.

    `augmentation` is that of networks, which vary photos at random; `copies` are those that classical members learn
    from beside the photos; `stay` names members that learn nothing new.
    """

    kinds: tuple[str, ...]
    extractors: tuple[FeatureExtractor, ...]
    pooling: str | None
    side: int | None
    classes: Classes
    seed: int
    profile: Profile
    balance: str
    augmentation: Augmentation = USUAL_AUGMENTATION
    copies: Augmentation = NO_AUGMENTATION
    stay: frozenset[str] = frozenset()

    def voters(self) -> list[tuple[str, str, FeatureExtractor | None]]:
        """Every member to teach: its name, its kind, and the backbone that it reads."""
        found: list[tuple[str, str, FeatureExtractor | None]] = []
        for kind in self.kinds:
            for extractor in self.extractors if KINDS[kind].pixels is None else (None,):
                name = kind if extractor is None else f"{kind}_{extractor.spec.name}"
                found += [] if name in self.stay else [(name, kind, extractor)]
        return found

    def sources(self, lesson: Lesson) -> list[Input]:
        """All that members with this lesson may read: each pooling of a backbone where it is still to be chosen."""
        found: list[Input] = []
        for _, kind, extractor in self.voters():
            if KINDS[kind].lesson != lesson:
                continue
            if extractor is not None and chooses_pooling(kind) and not self.pooling:
                found += [extractor.with_pooling(each) for each in POOLINGS]
            else:
                found.append(source_of(kind, extractor, self.side))
        return found


def chooses_pooling(kind: str) -> bool:
    """Whether a kind reads pooled features and does not say how they are pooled."""
    return KINDS[kind].pixels is None and KINDS[kind].reading is None


def backbones_of(request: TrainingRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The backbones that are asked for, else the usual ones, and a sentence for each of those that is not here."""
    if request.backbones:
        return request.backbones, ()
    return usual_backbones(named_folders(Path(request.weights) if request.weights else None))


def open_backbones(names: Sequence[str], weights: Path | None, pooling: str | None) -> tuple[FeatureExtractor, ...]:
    """Every backbone asked for; to ask for one by name is to ask for its weights, by download where need be."""
    return tuple(
        FeatureExtractor.open(name, weights=weights, pooling=pooling or POOLINGS[0], download=True)
        for name in dict.fromkeys(names)
    )


def source_of(kind: str, extractor: FeatureExtractor | None, side: int | None = None) -> Input:
    """What a kind reads: its own pixels, or a backbone its own way; `side` is for those whose maps show places."""
    make = KINDS[kind]
    if make.pixels is not None:
        return make.pixels
    if extractor is None:
        raise MemberError("{make} reads a backbone. Name one with --backbone.", make=make.title)
    placed = extractor.at(side or make.side) if make.side else extractor
    return placed.with_pooling(make.reading) if make.reading else placed
