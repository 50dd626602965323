"""What every member offers, and the batch of photos that all members of one inspection share."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ensemble.backbones import PIXELS, BackboneSpec, FeatureExtractor, pool
from ensemble.preprocessing import Preprocessing
from ensemble.results import Classes, Region

Input = FeatureExtractor | Preprocessing
Parts = Mapping[str, Any]
Progress = Callable[[float], None]
Curves = Mapping[str, Sequence[float]]
Facts = Mapping[str, Any]
Value = TypeVar("Value")
Known = tuple[np.ndarray, float]  # (N, ...) rows and the seconds that all of them took
FILL = 16  # photos that pass a backbone together wherever their rows are learnt from, measured or kept
Lesson = Literal["all", "good", "masks"]


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What a member says of N photos, and where it can tell, what makes it say so.

    `probabilities` (N, K) in the order of `classes.names`; `heat` (N, h, w) in [0, 1] on a scale fixed by training;
    `regions` of each photo, their boxes in shares of the input's square.
    """

    probabilities: np.ndarray
    heat: np.ndarray | None = None
    regions: Sequence[tuple[Region, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Teaching:
    """How a member is taught: how long networks learn (of what is usual), whether rare classes weigh as much as common
    ones, and settings of its classifier that differ from the usual ones."""

    effort: float = 1.0
    weighted: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)

    def epochs(self, usual: int) -> int:
        """How many epochs, or steps, where so many are usual."""
        return max(1, round(self.effort * usual))


class Member(Protocol):
    """One voter. It holds no threshold and decides nothing.

    `input` is what it reads of a photo: a backbone, or, where `pixels` is set, pixels resized so. `reading` is how it
    reads a backbone, one of `backbones.READINGS`, None where training chooses the pooling; `side` is the resolution at
    which it reads it, None for the backbone's own. `lesson` says what it learns from: all photos with their classes,
    good parts alone, or photos with masks; `needs` names a package that only its learning needs. `libraries` names the
    packages whose version its files depend on, `endings` the files that it is kept in, by what follows its name.
    `teaching` says how it is to learn.
    `curves_` holds what learning by epochs has measured, one number an epoch, and `facts_` what else a person should
    know of its learning; either may be empty.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    pixels: ClassVar[Preprocessing | None]
    reading: ClassVar[str | None]
    side: ClassVar[int | None]
    lesson: ClassVar[Lesson]
    needs: ClassVar[str | None]
    libraries: ClassVar[tuple[str, ...]]
    endings: ClassVar[tuple[str, ...]]
    classes: Classes
    input: Input
    curves_: Curves
    teaching: Teaching
    facts_: Facts

    def __init__(self, *, classes: Classes, input: Input, seed: int = 0) -> None: ...

    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: Progress | None = None) -> "Member":
        """Learn from (N, ...) rows of the input and (N,) positions in `classes.names`.

        A kind whose lesson is good parts is given those alone, and finds the class of their labels to be good.
        """
        ...

    def score(self, rows: np.ndarray) -> Opinion:
        """What it says of (N, ...) rows of the input; a photo's answer does not depend on the others."""
        ...

    def parts(self) -> Parts:
        """What has been learnt, one object for each of `endings`."""
        ...

    def restore(self, parts: Parts) -> "Member":
        """Take back what `parts` gave; a MemberError says what does not fit."""
        ...


def preprocessing_of(source: Input) -> Preprocessing:
    """How a source brings a photo into its square."""
    return source if isinstance(source, Preprocessing) else source.spec.preprocessing


def key_of(source: Input) -> Any:
    """What tells two inputs apart."""
    return source if isinstance(source, Preprocessing) else source.spec


def all_alike(rows: np.ndarray) -> bool:
    """Whether (N, ...) rows differ by no more than rounding does."""
    first = rows[0].astype(np.float32)
    rounding = 1e-3 * float(np.abs(first).max())
    return all(float(np.abs(row.astype(np.float32) - first).max()) <= rounding for row in rows[1:])


class PhotoBatch:
    """Decoded pictures with every resize and every backbone pass made once, whatever number of members ask.

    `known` are rows that were made before, with the seconds that they took; where all rows are known, pictures that
    come as a function are never decoded. With `fill`, as many photos pass a backbone together whatever their number:
    the last bits of a network's output depend on how many they are, though never on the other photos.
    """

    def __init__(
        self,
        pictures: Sequence[Image.Image] | Callable[[], Sequence[Image.Image]],
        *,
        known: Mapping[Hashable, Known] = MappingProxyType({}),
        fill: int = 0,
    ) -> None:
        self._pictures = pictures
        self._known = known
        self._fill = fill
        self._made: dict[Hashable, tuple[Any, float]] = {}

    @property
    def pictures(self) -> Sequence[Image.Image]:
        """The decoded pictures."""
        if callable(self._pictures):
            self._pictures = self._pictures()
        return self._pictures

    def alone(self, place: int) -> "PhotoBatch":
        """A batch of one of these photos, with the backbones' rows that are there already."""
        one, count = slice(place, place + 1), len(self)
        made = {key: rows for key, (rows, _) in self._made.items() if isinstance(rows, np.ndarray)}
        known = {key: (rows[one], self._seconds(key) / count) for key, rows in made.items()}
        known |= {key: (rows[one], seconds / count) for key, (rows, seconds) in self._known.items()}
        return PhotoBatch(lambda: self.pictures[one], known=known, fill=self._fill)

    def __len__(self) -> int:
        return next((len(rows) for rows, _ in self._known.values()), 0) or len(self.pictures)

    def rows(self, source: Input) -> np.ndarray:
        """What a member reads: (N, D) features or maps of a backbone, or (N, 3, side, side) uint8 pixels."""
        if known := self._known.get(key_of(source)):
            return known[0]
        if isinstance(source, Preprocessing):
            return self._pixels(source).numpy()
        if source.spec.pooling == PIXELS:
            return self._pixels(source.spec.preprocessing).numpy()
        return self._once(source.spec, lambda: self._pooled(source))

    def _pooled(self, extractor: FeatureExtractor) -> np.ndarray:
        return pool(self._maps(extractor), extractor.spec.pooling)[: len(self.pictures)].numpy()

    def seconds(self, source: Input) -> float:
        """What the rows of a source took, with everything that they rest on."""
        known = self._known.get(key_of(source))
        return known[1] if known else self._seconds(key_of(source))

    def _seconds(self, key: Hashable) -> float:
        parts = {each: self._made[each][1] for each in _rests_on(key) if each in self._made}
        ours = min(1.0, len(self.pictures) / self._fill) if self._fill else 1.0  # of the photos that passed together
        return sum(seconds if _is_pixels(each) else ours * seconds for each, seconds in parts.items())

    def _pixels(self, preprocessing: Preprocessing) -> Tensor:
        return self._once(_pixels_key(preprocessing), lambda: preprocessing.resize(self.pictures))

    def _maps(self, extractor: FeatureExtractor) -> dict[str, Tensor]:
        """The maps of a backbone, (N, C, h, w) by layer; extractors that differ in pooling alone share them."""
        reads = extractor.spec.preprocessing

        def make() -> dict[str, Tensor]:
            pixels = self._pixels(reads)
            missing = self._fill - len(pixels)
            full = torch.cat([pixels, pixels[:1].expand(missing, -1, -1, -1)]) if missing > 0 else pixels
            return extractor.maps(reads.normalise(full))

        return self._once(_maps_key(extractor.spec), make)

    def _once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        if key not in self._made:
            before, start = sum(seconds for _, seconds in self._made.values()), time.perf_counter()
            value = make()
            inner = sum(seconds for _, seconds in self._made.values()) - before  # made on the way, and counted there
            self._made[key] = value, time.perf_counter() - start - inner
        made: Value = self._made[key][0]
        return made


def _pixels_key(preprocessing: Preprocessing) -> Hashable:
    return "pixels", preprocessing.side, preprocessing.interpolation, preprocessing.pad


def _is_pixels(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] == "pixels"


def _maps_key(spec: BackboneSpec) -> Hashable:
    return "maps", spec.name, spec.layers, spec.preprocessing, spec.weights


def _rests_on(key: Hashable) -> set[Hashable]:
    if isinstance(key, Preprocessing):
        return {_pixels_key(key)}
    if not isinstance(key, BackboneSpec):
        return {key}
    if key.pooling == PIXELS:
        return {_pixels_key(key.preprocessing)}
    return {_pixels_key(key.preprocessing), _maps_key(key), key}
