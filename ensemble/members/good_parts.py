"""What members that learn from good parts alone share: distances of held-out good parts, and the fixed scale from them.

A distance has no unit and no upper end. The scale gives it a place in [0, 1] with the stated quantile of held-out good
parts at 0.5, by the arc tangent: far out it flattens so slowly that no two distances become one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import stdtrit
from torch import Tensor
from torch.nn import functional

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import Input
from ensemble.features.preprocessing import MAPS
from ensemble.members.contract import Lesson, Member, Parts, Prediction, all_alike
from ensemble.values.errors import MemberError
from ensemble.values.language import Message
from ensemble.values.training import ShareDone

ARRAYS = ".npz"
HELD_OUT_FACTS = ("held_out", "held_out_peaks", "held_out_calm", "held_out_damaged")
PHOTOS_HELD_OUT = "held_out_photos"  # how many of those held out are photos, where the others are variations of them
QUANTILE = 0.99  # of good parts that a member finds good, as far as the held-out ones can tell
FEWEST_GOOD = 4  # below, variations of the photos stand in for further good parts
GOOD_FOLDS = 5
MEASURED_AT_ONCE = 16  # photos measured at a time, which bounds the memory
STEEPNESS = 2.0
PHOTOS_ALIKE = Message(
    "The {count} good photos look the same, so nothing tells how much good parts may differ. Add photos of other good "
    "parts."
)

SyntheticAnomalies = Mapping[int, np.ndarray]  # place of a good photo -> its row with damage drawn on the photo
Measured = tuple[NDArray[np.float64], NDArray[np.float32] | None]  # distances (N,), maps (N, h, w)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What good parts measured while they were held out: distances (N,), the peaks (N,) of their maps and the usual
    level between the peaks; no peaks where there are no maps."""

    distances: np.ndarray
    peaks: np.ndarray
    calm: float
    damaged: np.ndarray  # (n,) of held-out photos with damage drawn on them, for those that were given


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a distance stands: 0.5 at the threshold, 0.15 at the middle of the good ones, 0.85 as far above it."""

    middle: float
    threshold: float

    @classmethod
    def of(cls, held_out: np.ndarray, middle: float | None = None) -> "Scale":
        """The scale that (N,) distances of held-out good parts give.

        The threshold is the upper bound below which the next good part lies with the probability `QUANTILE`, as few
        normal values tell it (Student's prediction interval), or the empirical quantile where that is higher.
        """
        count, spread = len(held_out), float(np.std(held_out, ddof=1))
        student = float(stdtrit(count - 1, QUANTILE))
        bound = float(np.mean(held_out)) + student * spread * (1 + 1 / count) ** 0.5
        threshold = max(bound, float(np.quantile(held_out, QUANTILE, method="higher")))
        middle = float(np.median(held_out)) if middle is None else middle
        if not np.isfinite(threshold) or threshold - middle <= 1e-9 * max(1.0, abs(threshold)):
            raise MemberError(PHOTOS_ALIKE, count=count)
        return cls(middle, threshold)

    def __call__(self, distances: np.ndarray) -> np.ndarray:
        """Distances of any shape -> the same shape in [0, 1]."""
        beyond = (distances - self.threshold) / (self.threshold - self.middle)
        return 0.5 + np.arctan(STEEPNESS * beyond) / np.pi


class GoodPartsMember(Member):
    """Learns what good parts look like and measures how far a photo is from it; subclasses say how.

    A subclass gives `_learn` and `_measure`, and keeps what it has learnt in `arrays_`, plain arrays by name.
    """

    reading: ClassVar[str | None] = "maps"
    side: ClassVar[int | None] = 320  # finer than the backbones' own: a small defect must cover a place of the map
    lesson: ClassVar[Lesson] = "good"
    endings: ClassVar[tuple[str, ...]] = (ARRAYS,)
    fewest_good: ClassVar[int] = FEWEST_GOOD  # photos that teach it, with variations where they are few

    def _learn(self, rows: np.ndarray, progress: ShareDone) -> Mapping[str, np.ndarray]:
        """Learn from (N, ...) rows of good parts: the arrays that `_measure` needs."""
        raise MemberError("{name} does not say how it learns.", name=type(self).__name__)

    def _measure(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        """How far (N, ...) rows are from the good parts: distances (N,) and, where it can tell, maps (N, h, w)."""
        raise MemberError("{name} does not say how it measures.", name=type(self).__name__)

    def fit(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        progress: ShareDone | None = None,
        *,
        damaged: SyntheticAnomalies = MappingProxyType({}),
        photos: np.ndarray | None = None,
    ) -> "GoodPartsMember":
        """Learn from rows of good parts alone; the scale comes from parts that were held out while learning.

        `damaged` rows teach nothing: they are measured where their photos are held out, to tell what the vote weighs.
        `photos` (N,) says which photo each row shows, where variations follow the photos: by default each its own.
        """
        progress = progress or (lambda _: None)
        photos = np.arange(len(rows)) if photos is None else photos
        count = len(np.unique(photos))
        if set(np.unique(labels)) - {self.good_column()}:
            raise MemberError("{title} learns from good parts alone. Leave the defective ones out.", title=self.title)
        fewest = self.fewest_good if len(rows) > count else FEWEST_GOOD
        if count < fewest:
            raise MemberError(
                "{title} needs at least {fewest} photos of good parts. Got {count}. Add photos of good parts.",
                title=self.title,
                fewest=fewest,
                count=count,
            )
        if all_alike(rows[:count] if count > 1 else rows):
            raise MemberError(PHOTOS_ALIKE, count=count)
        arrays, held = self._fit(rows, photos, damaged, progress)
        kept = {"held_out": held.distances, "held_out_peaks": held.peaks, "held_out_calm": np.asarray(held.calm)}
        kept |= {PHOTOS_HELD_OUT: np.asarray(count)} if len(rows) > count else {}
        self._take({**arrays, **kept, "held_out_damaged": held.damaged})
        progress(1.0)
        return self

    def _fit(
        self, rows: np.ndarray, photos: np.ndarray, damaged: SyntheticAnomalies, progress: ShareDone
    ) -> tuple[Mapping[str, np.ndarray], HeldOut]:
        """What is learnt from all rows, and what each row measures where it was held out with its photo, by folds."""
        from sklearn.model_selection import (
            KFold,
            LeaveOneGroupOut,
        )  # it takes a second to import, and judging needs none of it

        together = held_together(photos) if len(np.unique(photos)) < len(rows) else None
        folds = KFold(min(GOOD_FOLDS, len(rows)), shuffle=True, random_state=self.seed)
        if together is not None:
            folds = LeaveOneGroupOut()
        distances, peaks, calm, harmed = np.zeros(len(rows)), np.zeros(len(rows)), [], np.zeros(0)
        share = 1 / (folds.get_n_splits(rows, groups=together) + 1)
        for number, (learn, hold) in enumerate(folds.split(rows, groups=together)):
            arrays = self._learn(rows[learn], partial(part_of, progress, number * share, share))
            distances[hold], maps = self._measure_all(arrays, rows[hold])
            if maps is not None:
                peaks[hold] = maps.max(axis=(1, 2))
                calm.append(float(np.median(maps)))
            harmed = np.append(harmed, self._measure_synthetic(arrays, damaged, hold))
        arrays = self._learn(rows, partial(part_of, progress, 1 - share, share))
        usual = float(np.median(calm)) if calm else 0.0
        return arrays, HeldOut(distances, peaks if calm else peaks[:0], usual, harmed)

    def _measure_synthetic(
        self, arrays: Mapping[str, np.ndarray], damaged: SyntheticAnomalies, held: np.ndarray
    ) -> np.ndarray:
        """The distances of the damaged copies of held-out photos, by their positions."""
        rows = [damaged[place] for place in held.tolist() if place in damaged]
        return self._measure_all(arrays, np.stack(rows))[0] if rows else np.zeros(0)

    def _measure_all(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        parts = [
            self._measure(arrays, rows[start : start + MEASURED_AT_ONCE])
            for start in range(0, len(rows), MEASURED_AT_ONCE)
        ]
        maps = [grid for _, grid in parts if grid is not None]
        return np.concatenate([distances for distances, _ in parts]), np.concatenate(maps) if maps else None

    def measure(self, rows: np.ndarray) -> Measured:
        """How far (N, ...) rows are from the good parts, in the unit of `scale_.threshold`, and maps of it."""
        return self._measure_all(self.arrays_, rows)

    def rescale(self, held: HeldOut) -> None:
        """Rest the scale on whole photos of which it has learnt nothing, where it has learnt from tiles."""
        facts = zip(HELD_OUT_FACTS, (held.distances, held.peaks, np.asarray(held.calm), held.damaged), strict=True)
        self._take({name: array for name, array in self.arrays_.items() if name != PHOTOS_HELD_OUT} | dict(facts))
        self.facts_ = {**self.facts_, "held_out": {**self.facts_["held_out"], "whole": True}}

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, ...) rows -> probabilities (N, 2) by the fixed scale, and heat (N, h, w) where it has a map."""
        distances, maps = self.measure(rows)
        defective = self.scale_(distances)
        anomaly_map = None if maps is None or self.map_scale_ is None else self.map_scale_(maps).astype(np.float32)
        return Prediction(self.by_class(defective), anomaly_map=anomaly_map)

    def parts(self) -> Parts:
        """All arrays in one file."""
        return {ARRAYS: dict(self.arrays_)}

    def restore(self, parts: Parts) -> "GoodPartsMember":
        """Take back the arrays; a MemberError says which are missing or do not fit."""
        arrays = parts[ARRAYS]
        if missing := [name for name in HELD_OUT_FACTS if name not in arrays]:
            raise MemberError("The arrays {missing} are missing. Train it again.", missing=", ".join(missing))
        if strange := sorted(set(arrays) - {*HELD_OUT_FACTS, PHOTOS_HELD_OUT, *self._names(arrays)}):
            raise MemberError(
                "It holds {strange!r}, an array that {title} does not know. Do not load it.",
                strange=strange[0][:60],
                title=self.title,
            )
        self._check(arrays)
        self._take(arrays)
        return self

    def _names(self, arrays: Mapping[str, np.ndarray]) -> Iterable[str]:
        """The names of the arrays that it has learnt."""
        raise MemberError("{name} does not say what it keeps.", name=type(self).__name__)

    def _check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """A MemberError where the arrays do not fit the input."""

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.good_column()
        self.arrays_ = arrays
        held_out, peaks = arrays["held_out"], arrays["held_out_peaks"]
        self.scale_ = Scale.of(held_out)
        photos = int(arrays.get(PHOTOS_HELD_OUT, len(held_out)))  # variations set the scale but are no parts
        self.held_out_, self.synthetic_ = self.scale_(held_out), self.scale_(arrays["held_out_damaged"])
        self.map_scale_ = Scale.of(peaks, float(arrays["held_out_calm"])) if len(peaks) else None
        threshold = self.scale_.threshold
        held = {"photos": photos, "quantile": QUANTILE, "threshold": round(threshold, 6)}
        held["above"] = int((held_out[:photos] >= threshold).sum())
        held |= {"variations": len(held_out) - photos} if photos < len(held_out) else {}
        self.facts_ = {"held_out": held} | self._trained_facts(arrays)

    def _trained_facts(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """What else a person should know of its learning."""
        return {}


def held_together(photos: np.ndarray) -> np.ndarray:
    """(N,) which rows are held out together, from the photo that each shows; of one photo each variation by itself."""
    return photos if len(np.unique(photos)) > 1 else np.arange(len(photos))


def part_of(progress: ShareDone, start: float, share: float, done: float) -> None:
    """Report how much of a step is done as a share of the whole."""
    progress(start + share * done)


SMOOTHING = 0.8  # places
Shapes = Mapping[str, tuple[int, int, int]]  # layer -> (C, h, w)


def shapes_of(source: Input, title: str) -> Shapes:
    """The shapes of the maps that a member reads; a MemberError where it is not given maps."""
    if not isinstance(source, FeatureExtractor) or source.spec.pooling != MAPS:
        raise MemberError(
            "{title} reads the maps of a backbone: a FeatureExtractor with the pooling {maps!r}.",
            title=title,
            maps=MAPS,
        )
    return source.shapes()


def grids(rows: np.ndarray, shapes: Shapes) -> dict[str, Tensor]:
    """Rows (N, D) as `FeatureExtractor.extract` gives them with the pooling `maps` -> maps (N, C, h, w) by layer."""
    found, start = {}, 0
    for layer, shape in shapes.items():
        size = int(np.prod(shape))
        found[layer] = torch.from_numpy(rows[:, start : start + size]).float().unflatten(1, shape)
        start += size
    return found


def patches(rows: np.ndarray, shapes: Shapes) -> Tensor:
    """Rows (N, D) -> (N, places, C): each place's features of all layers, averaged over its 3×3 neighbourhood.

    Coarser layers are stretched to the grid of the finest, as in PatchCore (Roth et al., CVPR 2022).
    """
    maps = grids(rows, shapes).values()
    finest = max((tuple(grid.shape[2:]) for grid in maps), default=(1, 1))
    parts = []
    for grid in maps:
        lined_up = grid.contiguous(memory_format=torch.channels_last)  # which torch averages and stretches much faster
        known = functional.avg_pool2d(lined_up, 3, stride=1, padding=1)
        if tuple(known.shape[2:]) != finest:
            known = functional.interpolate(known, size=finest, mode="bilinear", align_corners=False)
        parts.append(known)
    return torch.cat(parts, dim=1).flatten(2).transpose(1, 2)  # (N, C, h, w) -> (N, h*w, C)


def finest_grid(shapes: Shapes) -> tuple[int, int]:
    """Rows and columns of the finest layer."""
    return max((height, width) for _, height, width in shapes.values())


def smoothed(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (N, h, w) with each place averaged softly with its neighbours, so that one noisy place is no defect."""
    return gaussian_filter(maps, sigma=SMOOTHING, axes=(1, 2))
