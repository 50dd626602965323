"""What every member offers, and what it says of photos."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from ensemble.features.photo_batch import Input
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.references import ReferencePhotos
from ensemble.imaging.out_of_distribution import PhotoRange
from ensemble.metrics.calibrators import Calibrator
from ensemble.values.errors import MemberError
from ensemble.values.results import Absence, Classes, Region
from ensemble.values.training import ShareDone
from ensemble.values.view import AS_IT_IS, View

Parts = Mapping[str, Any]
Curves = Mapping[str, Sequence[float]]
Facts = Mapping[str, Any]
Lesson = Literal["all", "good", "places", "masks"]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a member says of N photos, and where it can tell, what makes it say so.

    `probabilities` (N, K) in the order of `classes.names`; `heat` (N, h, w) in [0, 1] on a scale fixed by training;
    `regions` of each photo, their boxes in shares of the input.
    """

    probabilities: np.ndarray
    anomaly_map: np.ndarray | None = None
    regions: Sequence[tuple[Region, ...]] | None = None


MIRRORED_WAYS = "left_right", "top_bottom"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How photos are varied to learn from: in other light or not, and mirrored in these of the `MIRRORED_WAYS`."""

    relit: bool = True
    mirrored: tuple[str, ...] = MIRRORED_WAYS

    def __bool__(self) -> bool:
        return self.relit or bool(self.mirrored)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as a manifest keeps them."""
        return {"relit": self.relit, "mirrored": list(self.mirrored)}


USUAL_AUGMENTATION = Augmentation()
NO_AUGMENTATION = Augmentation(relit=False, mirrored=())


@dataclass(frozen=True, slots=True)
class Teaching:
    """How a member is taught: how long networks learn (of what is usual), whether rare classes weigh as much as common
    ones, settings of its classifier that differ from the usual ones, and how networks vary photos at random."""

    effort: float = 1.0
    weighted: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = USUAL_AUGMENTATION

    def epochs(self, usual: int) -> int:
        """How many epochs, or steps, where so many are usual."""
        return max(1, round(self.effort * usual))


class Member(ABC):
    """One voter. It holds no threshold and decides nothing.

    `input` is what it reads of a photo: a backbone, or, where `pixels` is set, pixels resized so. `reading` is how
    it reads a backbone, one of `backbones.READINGS`, None where training chooses the pooling; `side` is the
    resolution at which it reads it, None for the backbone's own. `lesson` says what it learns from: all photos with
    their classes, good parts alone, all photos with their classes and, where masks tell it, their damaged places,
    or photos with masks alone; `points` whether it says where, and `by_tiles` whether it may learn from tiles of
    photos; `needs` names a package that only its learning needs. `libraries` names the packages whose version its files
    depend on, `endings` the files that it is kept in, by what follows its name. `teaching` says how it is to learn.
    `curves_` holds what learning by epochs has measured, one number an epoch, and `facts_` what else a person should
    know of its learning; either may be empty.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    pixels: ClassVar[Preprocessing | None] = None
    reading: ClassVar[str | None] = None
    side: ClassVar[int | None] = None
    lesson: ClassVar[Lesson] = "all"
    points: ClassVar[bool] = False
    by_tiles: ClassVar[bool] = False
    needs: ClassVar[str | None] = None
    libraries: ClassVar[tuple[str, ...]] = ()
    endings: ClassVar[tuple[str, ...]]

    def __init__(self, *, classes: Classes, input: Input | None = None, seed: int = 0) -> None:
        chosen = self.pixels if input is None else input
        if chosen is None:
            raise MemberError("{title} reads a backbone. Name the one it is to read.", title=self.title)
        self.classes = classes
        self.input: Input = chosen
        self.seed = seed
        self.teaching = Teaching()
        self.curves_: Curves = {}
        self.facts_: Facts = {}

    def good_column(self) -> int:
        """The position of the good class; a MemberError in a product without a defect."""
        if self.classes.good is None:
            raise MemberError(
                "{title} tells good parts from all others; the classes {names} have no defect. Choose "
                "another kind of member.",
                title=self.title,
                names=", ".join(self.classes.names),
            )
        return self.classes.names.index(self.classes.good)

    def by_class(self, defective: np.ndarray) -> np.ndarray:
        """Probabilities (N,) of the defect -> (N, 2) in the order of `classes.names`."""
        columns = [1 - defective, defective]
        return np.stack(columns if self.good_column() == 0 else columns[::-1], axis=1)

    @abstractmethod
    def fit(self, rows: np.ndarray, labels: np.ndarray, progress: ShareDone | None = None) -> "Member":
        """Learn from (N, ...) rows of the input and (N,) positions in `classes.names`.

        A kind whose lesson is good parts is given those alone, and finds the class of their labels to be good.
        """

    @abstractmethod
    def score(self, rows: np.ndarray) -> Prediction:
        """What it says of (N, ...) rows of the input; a photo's answer does not depend on the others."""

    @abstractmethod
    def parts(self) -> Parts:
        """What has been learnt, one object for each of `endings`."""

    @abstractmethod
    def restore(self, parts: Parts) -> "Member":
        """Take back what `parts` gave; a MemberError says what does not fit."""


def all_alike(rows: np.ndarray) -> bool:
    """Whether (N, ...) rows differ by no more than rounding does."""
    first = rows[0].astype(np.float32)
    rounding = 1e-3 * float(np.abs(first).max())
    return all(float(np.abs(row.astype(np.float32) - first).max()) <= rounding for row in rows[1:])


@dataclass(frozen=True, slots=True)
class Loaded:
    """The members that can vote, with what their votes weigh and how their scores become probabilities, those that
    should and cannot, what the training photos look like, some of good parts to look at, and how photos are looked at.

    `names` are those of `members` and of the others that can be asked, in their order; by default those of `members`.
    `runtime` carries photos through their networks.
    """

    members: Mapping[str, Member]
    absent: tuple[Absence, ...]
    classes: Classes
    weights: Mapping[str, float] = field(default_factory=dict)
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)
    photo_range: PhotoRange | None = None
    references: ReferencePhotos | None = None
    names: tuple[str, ...] = ()
    runtime: str = ""
    view: View = AS_IT_IS
