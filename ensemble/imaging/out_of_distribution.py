"""Photos that may not show the part at all: black, blank, blurred, of another shape, unlike the training photos.

Members only know the classes that they have learnt, so they call a shoe defective, and are sure of it. A few cheap
statistics of each photo are held against the range that they had over the product's own training photos, and the photo
as a whole against the training photos that are most like it; a product that does not know them still refuses what
cannot be a photo of any part.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.imaging.photo_statistics import (
    CELLS,
    EVEN_CELL,
    GAMMA,
    STOPS,
    KnownPhotos,
    PhotoStatistics,
    Unlikeness,
)
from ensemble.values.language import Message
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap

FEWEST_FOR_RANGES = 20  # training photos; below, their range says little
TAIL = 0.01  # of the training photos may lie outside on each side: a few odd ones widen nothing
BEYOND, MOST = 0.5, math.log(2.5)  # of the range of the training photos that a photo may lie outside it, and at most
FAR = 3.0  # times as far from the usual layout as the training photos lie
COVERED = 0.95  # share of the heat map that no defect covers
RANGE_ROUNDING = 1e-3  # ranges are kept with four digits
ALL_SLACK = 1.4  # times as far as held-out photos lie, that a photo may
GOOD_SLACK = 1.8  # the same where no training photo shows a defect

# One instruction each for whoever stands at the camera; it travels with the reason as its value `todo`.
LAMP = Message("Check the lamp and the exposure.")
FOCUS = Message("Check focus and the lens.")
UNDER = Message("Check what lies under the camera.")
AS_USUAL = Message("Lay the part as usual.")
CAMERA = Message("Use the camera and the settings of the training photos.")
DARKER, BRIGHTER = (
    Message("it is far darker than the training photos", todo=LAMP),
    Message("it is far brighter than the training photos", todo=LAMP),
)
ROUGHER, SHAPE = (
    Message("it is far rougher than the training photos", todo=UNDER),
    Message("it has another shape than the training photos", todo=CAMERA),
)
COLOURS = Message(
    "its colours are not those of the training photos", todo=Message("Check the white balance and the lamp.")
)
BLURRED = Message("it is blurred", todo=FOCUS)
NOISE = Message("it is hardly more than noise", todo=Message("Check the camera and its cable."))
# By how much a statistic may leave the range of any product, and what to say where it lies too low and too high.
RANGE_RULES: Mapping[str, tuple[float, Message, Message]] = {
    "side": (
        math.log(2),
        Message("it is far smaller than the training photos", todo=CAMERA),
        Message("it is far larger than the training photos", todo=CAMERA),
    ),
    "aspect": (math.log(1.25), SHAPE, SHAPE),
    "edges": (math.log(2.5), BLURRED, ROUGHER),
    "noise": (math.log(2.5), BLURRED, NOISE),
    "light": (0.2, DARKER, BRIGHTER),
    "dark": (0.08, DARKER, BRIGHTER),
    "middle": (0.15, DARKER, BRIGHTER),
    "contrast": (
        0.06,
        Message("its contrast is far below that of the training photos", todo=Message("Clean the lens.")),
        Message("its contrast is far too high", todo=LAMP),
    ),
    "entropy": (
        0.6,
        Message("it holds far less than the training photos", todo=UNDER),
        Message("it holds far more than the training photos", todo=UNDER),
    ),
    "flat": (0.15, ROUGHER, Message("it is far smoother than the training photos", todo=FOCUS)),
    "colour": (0.08, COLOURS, COLOURS),
}
SIZE_RULES = ("side", "aspect")  # they come first: photos of another size look different in other ways too
LAYOUT = Message("light and dark lie elsewhere than on the training photos", todo=AS_USUAL)
ALL_ABOVE = Message("nearly all of it is unlike a good part", todo=UNDER)
UNLIKE_ALL = Message("it is unlike all training photos", todo=UNDER)
MISLAID = Message("the part lies turned or shifted", todo=AS_USUAL)
DIM, GLARING = (
    Message("it is darker than the training photos", todo=LAMP),
    Message("it is brighter than the training photos", todo=LAMP),
)
GRAINY = Message("it is grainier than the training photos", todo=Message("Check exposure time and gain of the camera."))
# What no photo of a part is, unless the training photos are so too: a statistic, below or above, which value.
BLANK_RULES: tuple[tuple[str, bool, float, Message], ...] = (
    ("light", True, 0.06, Message("it is almost black", todo=Message("Take off the lens cap and check the lamp."))),
    ("dark", False, 0.97, Message("it is almost white", todo=LAMP)),
    ("contrast", True, 0.01, Message("nothing is on it", todo=UNDER)),
    ("entropy", True, 0.3, Message("nothing is on it", todo=UNDER)),
    ("noise", False, math.log(3.2), NOISE),  # white noise has 3.6, leather up to 2.9
)


@dataclass(frozen=True, slots=True)
class CauseBounds:
    """When something explains that a photo is unlike the training photos, as `benchmarks.guard_settling` chooses them.

    Without what a cause changes a photo must lie within `explains` limits, or, where its layout lies within its own,
    within a share of how far it lies off as a whole: `mostly` for light and focus; `elsewhere` for a part that lies
    partly outside, whatever its layout. Light must differ by `stops` or more, and under it the greys of the photo lie
    within `greys` of those of a training photo. What a camera has cut off is told by its greys alone, within `cut_off`,
    where its cells lie within `exposed` of the usual ones under that light. Colours are what differs where their
    balance has left that of the training photos by `cast`. Focus changes greys by `unchanged` at most, or cells by
    `placed`.
    """

    explains: float = 1.0
    mostly: float = 0.6
    elsewhere: float = 0.3
    stops: float = 0.5
    greys: float = 0.03
    cut_off: float = 0.02
    exposed: float = 0.05
    cast: float = 0.035
    unchanged: float = 0.05
    placed: float = 0.03


BOUNDS = CauseBounds()


@dataclass(frozen=True, slots=True)
class PhotoRange:
    """The range that each statistic has over the training photos of a product, and their usual layout.

    `greys` and `deviations` hold the grey and its deviation for each of CELLS² cells, in steps of 1/255; `far` is how
    many deviations from there the training photos lie. `known` are some of the photos, where there are enough.
    """

    photos: int
    ranges: Mapping[str, tuple[float, float]]
    greys: bytes
    deviations: bytes
    far: float = 1.0
    known: KnownPhotos | None = None

    def __post_init__(self) -> None:
        if set(self.ranges) != set(RANGE_RULES) or not all(low <= high for low, high in self.ranges.values()):
            raise ValueError(
                f"A range is needed for each of {', '.join(RANGE_RULES)}, low before high. Got {self.ranges}."
            )
        if not len(self.greys) == len(self.deviations) == CELLS**2 or not min(self.deviations):
            raise ValueError(f"A layout has {CELLS**2} greys and as many deviations above 0.")
        if not (math.isfinite(self.far) and self.far > 0):
            raise ValueError(f"The distance of the training photos must be above 0. Got {self.far}.")

    @classmethod
    def of(
        cls, photos: Sequence[PhotoStatistics], parts: Sequence[int] = (), slack: float = ALL_SLACK
    ) -> "PhotoRange | None":
        """The range of at least FEWEST photos; None where there are fewer.

        Where it is told which part each shows, some of them are kept, with limits that are `slack` times as wide as
        held-out photos need.
        """
        if len(photos) < FEWEST_FOR_RANGES:
            return None
        ranges = {}
        for name in RANGE_RULES:
            low, high = np.quantile([photo.values[name] for photo in photos], (TAIL, 1 - TAIL))
            ranges[name] = round(float(low), 4), round(float(high), 4)
        layouts = np.stack([photo.layout for photo in photos])  # (N, CELLS²)
        greys = np.median(layouts, axis=0)
        deviations = np.maximum(1.4826 * np.median(np.abs(layouts - greys), axis=0), EVEN_CELL)
        kept, spread = (np.rint(255 * values).clip(0, 255).astype(np.uint8) for values in (greys, deviations))
        found = cls(len(photos), ranges, kept.tobytes(), spread.tobytes())
        far = float(np.quantile([found.distance(layout) for layout in layouts], 1 - TAIL))
        known = KnownPhotos.of(photos, parts, slack) if parts else None
        return replace(found, far=max(round(far, 4), 0.1), known=known)

    def distance(self, layout: NDArray[np.float64]) -> float:
        """How many deviations a layout (CELLS²,) lies from the usual one."""
        greys, deviations = (np.frombuffer(data, np.uint8) / 255 for data in (self.greys, self.deviations))
        return float(np.sqrt((((layout - greys) / deviations) ** 2).mean()))

    def apart(self, layout: NDArray[np.float64], stops: Iterable[float]) -> float:
        """By how much cells differ in grey from the usual ones, on average, under the best of so many more stops."""
        greys = np.frombuffer(self.greys, np.uint8) / 255
        return min(float(np.abs(layout - np.minimum(1, 2 ** (each / GAMMA) * greys)).mean()) for each in stops)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "photos": self.photos,
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "greys": self.greys.hex(),
            "deviations": self.deviations.hex(),
            "far": self.far,
            **({"known": self.known.as_json()} if self.known else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PhotoRange":
        """The inverse of `as_json`."""
        ranges = {str(name): (float(low), float(high)) for name, (low, high) in data["ranges"].items()}
        greys, deviations = bytes.fromhex(data["greys"]), bytes.fromhex(data["deviations"])
        known = KnownPhotos.from_json(data["known"]) if "known" in data else None  # ranges of before have none
        return cls(int(data["photos"]), ranges, greys, deviations, float(data["far"]), known)


def doubt(photo: PhotoStatistics, usual: PhotoRange | None, anomaly_map: AnomalyMap | None = None) -> str:
    """Why a photo may not show the part, to go on after a colon; empty where nothing speaks against it."""
    found = _blank(photo.values, usual)
    if usual is not None and not found:
        unlike = usual.known.unlikeness(photo) if usual.known else None
        found = unusual(photo, usual, unlike)
    return found or (
        ALL_ABOVE if anomaly_map is not None and float((anomaly_map.values >= MAP_THRESHOLD).mean()) >= COVERED else ""
    )


def unusual(photo: PhotoStatistics, usual: PhotoRange, unlike: Unlikeness | None, bounds: CauseBounds = BOUNDS) -> str:
    """Why a photo lies outside of what the training photos show, with the instruction that the bounds make likely."""
    return (
        _outside(photo, usual, SIZE_RULES)
        or (_cause(photo, usual, unlike, bounds) if unlike else "")
        or _outside(photo, usual, RANGE_RULES)
        or (LAYOUT if usual.distance(photo.layout) > FAR * usual.far else "")
    )


def _cause(photo: PhotoStatistics, usual: PhotoRange, unlike: Unlikeness, bounds: CauseBounds) -> Message:
    """What explains it best, within the bounds."""
    lit = GLARING if unlike.stops > 0 else DIM
    light = abs(unlike.stops) >= bounds.stops
    cut_off = unlike.cut_off and light and unlike.greys <= bounds.cut_off
    if cut_off and usual.apart(photo.layout, STOPS[STOPS * unlike.stops > 0]) <= bounds.exposed:
        return lit
    if unlike.greys <= bounds.greys and unlike.cast > bounds.cast and unlike.rest["light"] <= bounds.explains:
        return COLOURS
    share = bounds.mostly * unlike.whole if unlike.layout <= 1 else 0.0
    most = {"light": share, "focus": share, "place": bounds.elsewhere * unlike.whole}
    fit = {name: rest for name, rest in unlike.rest.items() if rest <= max(bounds.explains, most[name])}
    if unlike.greys > bounds.greys or not light:
        fit.pop("light", None)
    if unlike.unchanged > bounds.unchanged and usual.apart(photo.layout, (0.0,)) > bounds.placed:
        fit.pop("focus", None)
    cause = min(fit, key=lambda name: fit[name], default="")
    if cause == "light":
        return lit
    if cause == "focus":
        return BLURRED if unlike.fuzzier else GRAINY
    return MISLAID if cause == "place" else UNLIKE_ALL


def _blank(values: Mapping[str, float], usual: PhotoRange | None) -> str:
    for name, below, threshold, sentence in BLANK_RULES:
        sign = 1 if below else -1
        if sign * values[name] < sign * threshold:
            low, high = usual.ranges[name] if usual else (math.inf, -math.inf)
            if sign * (low if below else high) >= sign * threshold:
                return sentence
    return ""


def _outside(photo: PhotoStatistics, usual: PhotoRange, names: Iterable[str]) -> str:
    for name in names:
        (least, too_low, too_high), (low, high) = RANGE_RULES[name], usual.ranges[name]
        margin = max(least, min(BEYOND * (high - low), MOST)) + RANGE_ROUNDING
        if not low - margin <= photo.values[name] <= high + margin:
            return too_low if photo.values[name] < low else too_high
    return ""
