"""The values that travel through the house: classes, scores, votes, absences, verdicts. All frozen, self-checking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.values.language import Message, as_message
from ensemble.values.view import MarkedSize

NON_DEFECTIVE = "non_defective"
DEFECTIVE = "defective"
REVIEW = "review"

_WORDS = {NON_DEFECTIVE: Message("OK"), DEFECTIVE: Message("NOK"), REVIEW: Message("REVIEW")}


def word(label: str) -> str:
    """The word a person reads for a stored label: OK, NOK, REVIEW, or the class's own name."""
    return _WORDS.get(label, label.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Classes:
    """The names a product sorts its photos into; `defect` is the one that is a fault, where there is such a one."""

    names: tuple[str, ...]
    defect: str | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(name, str) and name.strip() for name in self.names):
            raise ValueError(f"A class needs a name. Got {list(self.names)}.")
        if len(self.names) < 2 or len(set(self.names)) != len(self.names):
            raise ValueError(f"A product needs at least two classes of different names. Got {list(self.names)}.")
        if REVIEW in self.names:
            raise ValueError(f"{REVIEW!r} is a verdict and cannot name a class.")
        if self.defect is not None and (self.defect not in self.names or len(self.names) != 2):
            raise ValueError(f"The defect must be one of two classes. Got {self.defect!r} of {list(self.names)}.")

    @property
    def good(self) -> str | None:
        """The class that is not the defect, in a product of two classes with a defect."""
        return None if self.defect is None else next(name for name in self.names if name != self.defect)


OK_NOK = Classes((NON_DEFECTIVE, DEFECTIVE), defect=DEFECTIVE)


Box = tuple[float, float, float, float]  # left, top, right, bottom as shares of the photo's width and height
MAP_THRESHOLD = 0.5  # the heat that a good part does not reach


@dataclass(frozen=True, slots=True)
class Region:
    """A place on the photo that speaks against the part: its box, its highest score and its share of the photo."""

    label: str
    box: Box
    score: float
    area: float

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (0 <= left <= right <= 1 and 0 <= top <= bottom <= 1):
            raise ValueError(f"A box lies within the photo, left before right and top before bottom. Got {self.box}.")
        if not (0 <= self.score <= 1 and 0 <= self.area <= 1):
            raise ValueError(f"Score and area lie in [0, 1]. Got {self.score} and {self.area}.")

    def pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The box in whole pixels of a photo of this (width, height)."""
        (left, top, right, bottom), (width, height) = self.box, size
        return round(left * width), round(top * height), round(right * width), round(bottom * height)

    def as_shares(self) -> dict[str, Any]:
        """The region as plain JSON values, exactly, its box in shares of the photo's width and height."""
        return {"label": self.label, "box": list(self.box), "score": self.score, "area": self.area}

    def as_json(self, size: tuple[int, int]) -> dict[str, Any]:
        """The region as plain JSON values, its box in pixels of a photo of this (width, height)."""
        return {
            "label": self.label,
            "box": list(self.pixels(size)),
            "score": round(self.score, 6),
            "area": round(self.area, 6),
        }


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyMap:
    """Where a photo looks unlike a good part: (h, w) float32 in [0, 1], stretched over the whole photo.

    The scale was fixed when the member was trained: a good part stays below `MAP_THRESHOLD`, whatever photo it is. One
    that was `stitched` of tiles keeps all its cells: a small spot is one of them.
    """

    values: NDArray[np.float32]
    stitched: bool = False

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not self.values.size:
            raise ValueError(f"A heat map has rows and columns. Got the shape {self.values.shape}.")
        if not (self.values.min() >= 0 and self.values.max() <= 1):  # also refuses NaN
            raise ValueError("A heat map lies in [0, 1].")


@dataclass(frozen=True, slots=True)
class Score:
    """What one member says of one photo: a probability for each class; nothing is decided yet.

    `weight` is how much its vote counts, from its measured quality: 0 for a member outside the jury. `heat` and
    `regions` say where, for members that can tell, `marks` how large that is, where a view tells it. `reference` is the
    place of the product's photo of a good part that is most like this one, where the member's backbone knows it.
    """

    member: str
    probabilities: Mapping[str, float]
    seconds: float
    weight: float = field(default=1.0, kw_only=True)
    anomaly_map: AnomalyMap | None = field(default=None, kw_only=True, repr=False)
    regions: tuple[Region, ...] = field(default=(), kw_only=True)
    marks: MarkedSize | None = field(default=None, kw_only=True)
    reference: int | None = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"The weight of {self.member!r} must lie in [0, 1]. Got {self.weight}.")
        for name, value in self.probabilities.items():
            if not 0 <= value <= 1:  # also refuses NaN, which no comparison would ever count
                raise ValueError(f"{self.member!r} must give {name!r} a value in [0, 1]. Got {value}.")
        if self.seconds < 0:
            raise ValueError(f"{self.member!r} cannot take {self.seconds} seconds.")


@dataclass(frozen=True, slots=True)
class Vote(Score):
    """A score on which a policy has put its threshold: the label that this member votes for.

    Where the classes have a defect, `score` is its probability (higher is worse) and `threshold` the threshold on it;
    elsewhere `score` is the probability of the label, the most probable class, and there is no threshold.
    """

    label: str
    score: float
    threshold: float | None

    def as_json(self) -> dict[str, Any]:
        """The vote as plain JSON values."""
        return {
            "member": self.member,
            "label": self.label,
            "score": self.score,
            "threshold": self.threshold,
            "weight": self.weight,
            "seconds": round(self.seconds, 6),
            "probabilities": dict(self.probabilities),
            "regions": [region.as_shares() for region in self.regions],
            **({} if self.marks is None else {"marks": self.marks.as_json()}),
        }


def mean_probability(scores: Sequence[Score], name: str) -> float:
    """Mean of the probability of one class over at least one score, each by its measured weight.

    Where none of them is of the jury, each counts alike.
    """
    total = sum(score.weight for score in scores)
    weights = [score.weight if total else 1.0 for score in scores]
    said = sum(weight * score.probabilities[name] for weight, score in zip(weights, scores, strict=True))
    return min(1.0, said / (total or len(scores)))


@dataclass(frozen=True, slots=True)
class Absence:
    """A member without a vote on a photo: why, in one sentence, and what its vote would weigh.

    `asked` is false where a cascade has not asked it, because the verdict stood already, or where it is outside the
    jury; then its weight is 0.
    """

    member: str
    reason: str
    weight: float = 1.0
    asked: bool = True

    def as_json(self) -> dict[str, Any]:
        """The absence as plain JSON values."""
        code = as_message(self.reason).as_json()
        return {"member": self.member, "reason": self.reason, "reason_code": code, "weight": self.weight}


def stored_reason(entry: Mapping[str, Any]) -> Message:
    """Why, from the JSON of an absence or a verdict; those of before hold the sentence alone."""
    code = entry.get("reason_code")
    return Message(str(entry["reason"])) if code is None else Message.from_json(code)


@dataclass(frozen=True, slots=True)
class Decision:
    """The one quantity that a policy compared with its thresholds, and those thresholds: the defect score of a verdict.

    `kind` says what it is: the share of the `votes`, of their `weight`, the `mean` probability, the `fused` one, or the
    score of a `region` that counts for itself. `label` is what `score` speaks for: the defect, the region's label or,
    where no class is the defect, the leading class. A part is REVIEW from `review_from` on and NOK from `reject_from`
    on; a stage of a cascade says OK at once below `ok_below`. None where there is no such threshold. `shares` holds the
    same quantity by class, `counted` how many of how many models voted for `label`, `weights` what each of them counts
    where the rule weighs votes, `sides` the good class and the defect where there is one, `rule` the rule that counted
    votes. `marks` is what the size of marks has made of it, in a sentence.
    """

    kind: Literal["votes", "weight", "mean", "fused", "region"]
    label: str
    score: float
    review_from: float | None = None
    reject_from: float | None = None
    ok_below: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    counted: tuple[int, int] = (0, 0)
    weights: Mapping[str, float] = field(default_factory=dict)
    sides: tuple[str, str] = (NON_DEFECTIVE, DEFECTIVE)
    rule: str = ""
    marks: str = ""

    def __post_init__(self) -> None:
        for value in (self.score, *self.thresholds):
            if not 0 <= value <= 1:
                raise ValueError(f"A defect score and its thresholds lie in [0, 1]. Got {value}.")

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The thresholds that there are, in their order."""
        every = (self.ok_below, self.review_from, self.reject_from)
        return tuple(value for value in every if value is not None)


# what a verdict's JSON calls the fields of its decision
RESIDUAL = "alignment_residual"
SCORE_FIELDS = ("score", "score_kind", "score_label", "ok_below", "review_from", "reject_from")


@dataclass(frozen=True, slots=True)
class Origin:
    """What has judged a photo and when: the product, its version in force, and the time (ISO 8601, with its zone).

    `manifest` is the SHA-256 of the manifest that vouches for the models, `runtime` what carried the photo through
    their networks.
    """

    product: str = ""
    version: int | None = None
    time: str = ""
    manifest: str = ""
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy makes of the votes on one photo; the votes stay with it, so another policy can decide again.

    `label` is a class of the product or `review`; `decision` the quantity that decided, None where nobody voted.
    `confidence` is the mean probability that the votes give to the label; None where a person must look, and below one
    half: votes can decide against the mean, and nobody should be told that they are sure. `heat` is the one heat map
    of all members that have one, `regions` what stands out in it and what detectors have found; `size` is the photo's
    width and height. `unasked` are the members that a cascade did not need. `doubt` says why the photo may not show the
    part at all; then a person must look, and no quantity has decided. `policy_state` is the number
    of the state of the product's policies that decided; `trial` is true where not the active policy has decided.
    `reference` is the place of the product's photo of a good part that is most like this one, None where none is kept.
    `id` is what the history finds it by, `not_kept` says why it does not; both are empty where nothing is kept.
    `residual` is how much the photo differs from the reference of the product's view, where it was laid over that.
    `reason` and `doubt` are messages, which `worded` says in the language of whoever reads.
    """

    label: str
    confidence: float | None
    reason: Message
    policy: str
    votes: tuple[Vote, ...]
    absent: tuple[Absence, ...]
    classes: Classes
    photo: str = ""
    sha256: str = ""
    seconds: float = 0.0
    demo: bool = False
    size: tuple[int, int] = (0, 0)
    anomaly_map: AnomalyMap | None = field(default=None, repr=False)
    regions: tuple[Region, ...] = ()
    unasked: tuple[Absence, ...] = ()
    decision: Decision | None = None
    doubt: str = ""
    origin: Origin = field(default=Origin(), compare=False)
    policy_state: int | None = field(default=None, compare=False)
    trial: bool = field(default=False, compare=False)
    reference: int | None = field(default=None, compare=False)
    id: str = field(default="", compare=False)
    not_kept: str = field(default="", compare=False)
    residual: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.doubt and self.label != REVIEW:
            raise ValueError(f"Where a photo may not show the part, a person must look. Got {self.label!r}.")
        if self.label not in (*self.classes.names, REVIEW):
            raise ValueError(f"A verdict must be one of {[*self.classes.names, REVIEW]}. Got {self.label!r}.")
        if self.confidence is not None and not 0.5 <= self.confidence <= 1:
            raise ValueError(f"Confidence lies in [0.5, 1], or there is none to state. Got {self.confidence}.")

    @property
    def mm_per_pixel(self) -> float | None:
        """How wide a pixel of this photo is, where the product states a scale and a model has marked by it."""
        return next((vote.marks.mm_per_pixel for vote in self.votes if vote.marks is not None), None)

    @property
    def word(self) -> str:
        """The word a person reads: OK, NOK, REVIEW, or the class's own name."""
        return word(self.label)

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain JSON values: one and the same shape on screen, command line and API."""
        return {
            "id": self.id,
            "photo": self.photo,
            "sha256": self.sha256,
            "time": self.origin.time,
            "product": self.origin.product,
            "model_version": self.origin.version,
            "model_digest": self.origin.manifest,
            "runtime": self.origin.runtime,
            "verdict": self.label,
            "word": self.word,
            "confidence": None if self.confidence is None else round(self.confidence, 6),
            **{name: getattr(self.decision, name.removeprefix("score_"), None) for name in SCORE_FIELDS},
            "policy": self.policy,
            "policy_state": self.policy_state,
            "trial": self.trial,
            "reason": self.reason,
            "reason_code": self.reason.as_json(),
            "doubt": self.doubt,
            "votes": [vote.as_json() for vote in self.votes],
            "absent": [absence.as_json() for absence in self.absent],
            "unasked": [absence.as_json() for absence in self.unasked],
            "regions": [region.as_json(self.size) for region in self.regions],
            "size": list(self.size),
            "classes": list(self.classes.names),
            "defect": self.classes.defect,
            "seconds": round(self.seconds, 6),
            "demo": self.demo,
            "not_kept": self.not_kept,
            **({} if self.residual is None else {RESIDUAL: self.residual}),
        }
