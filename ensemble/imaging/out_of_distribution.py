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

from ensemble.imaging.photo_statistics import CELLS, LOOK, NEIGHBOURS, KnownRows, PhotoStatistics
from ensemble.values.language import Message
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap

FEWEST_FOR_RANGES = 20  # training photos; below, their range says little
TAIL = 0.01  # of the training photos may lie outside on each side: a few odd ones widen nothing
BEYOND, MOST = 0.5, math.log(2.5)  # of the range of the training photos that a photo may lie outside it, and at most
EVEN_CELL = 0.03  # deviation of a cell's grey that every product is granted
FAR = 3.0  # times as far from the usual layout as the training photos lie
COVERED = 0.95  # share of the heat map that no defect covers
RANGE_ROUNDING = 1e-3  # ranges are kept with four digits
FEWEST_TO_COMPARE, MOST_COMPARED = 60, 150  # training photos; those that are kept
HELD, SLACK = 0.99, 1.4  # share of held-out photos within the limit, and how many times as far a photo may lie
GOOD_SLACK = 1.8  # the same where no training photo shows a defect
GAMMA = 2.2  # from light to the greys of a photo
STOPS = np.arange(-4, 4.1, 0.25)  # of light, more or less, that the usual layout is tried with
WHITE, BLACK = 0.98, 0.1  # where a camera can tell no more: a quarter of the photo above, three quarters below

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


COLOURED = [LOOK.index(name) for name in ("red", "green", "blue")]
GREY = [place for place, name in enumerate(LOOK) if name.startswith("grey")]
# What changes with light, focus, and how the part lies; the last changes the layout too.
CAUSES: Mapping[str, frozenset[str]] = {
    "light": frozenset(
        {"light", "dark", "middle", "contrast", "entropy", "edges", "flat", "colour", "red", "green", "blue"}
        | {name for name in LOOK if name.startswith("grey")}
    ),
    "focus": frozenset({"edges", "noise", "flat", "entropy", "contrast", "light", "detail", "grey 0.01", "grey 0.99"}),
    "place": frozenset({"way"}),
}


@dataclass(frozen=True, slots=True)
class CauseBounds:
    """When something explains that a photo is unlike the training photos, as `benchmarks.guard_settling` chooses them.

    Without what a cause changes a photo must lie within `explains` limits; or within a share of how far it lies off as
    a whole: `mostly` for light and focus where its layout lies within `alike` limits, and `elsewhere` for a part that
    lies partly outside. Light explains it alone where it differs by `stops` or more and where its greys, under that
    light, lie within `greys` of those of a training photo; its colours where their balance has left that of these by
    `cast`. What a camera has cut off is told by its layout alone, which must lie within `exposed` times as far from the
    usual one as the training photos.
    """

    explains: float = 1.2
    mostly: float = 0.3
    alike: float = 0.75
    elsewhere: float = 0.6
    cast: float = 0.05
    exposed: float = 2.0
    stops: float = 0.25
    greys: float = 0.05


@dataclass(frozen=True, slots=True)
class Unlikeness:
    """How far a photo lies off training photos, in limits: as a whole, its layout, and without what a cause changes.

    `cast` is by how much the balance of its colours differs from the nearest one, in shares of all light; `greys` by
    how much its greys differ from the nearest ones under so many more `stops` of light, which fit best.
    """

    whole: float
    layout: float
    rest: Mapping[str, float]
    cast: float
    stops: float
    greys: float
    fuzzier: bool  # what is blurred gains, as it is halved, what it has lost before

    def told(self, bounds: CauseBounds) -> Message:
        """What explains it best, within the bounds."""
        share = bounds.mostly * self.whole if self.layout <= bounds.alike else 0.0
        most = {"light": share, "focus": share, "place": bounds.elsewhere * self.whole}
        fit = {name: rest for name, rest in self.rest.items() if rest <= max(bounds.explains, most[name])}
        if self.greys > bounds.greys:
            fit.pop("light", None)
        elif "light" in fit and self.cast > bounds.cast:
            return COLOURS
        elif abs(self.stops) < bounds.stops:
            fit.pop("light", None)
        cause = min(fit, key=lambda name: fit[name], default="")
        if cause == "light":
            return GLARING if self.stops > 0 else DIM
        if cause == "focus":
            return BLURRED if self.fuzzier else GRAINY
        return MISLAID if cause == "place" else UNLIKE_ALL


BOUNDS = CauseBounds()


@dataclass(frozen=True, slots=True)
class KnownPhotos:
    """What some training photos look like and what lies where on them; `limit` is how far another may lie off them."""

    look: KnownRows
    layout: KnownRows
    limit: float

    def __post_init__(self) -> None:
        if len(self.look.centre) != len(LOOK) or len(self.layout.centre) != CELLS**2 or not 0 < self.limit < math.inf:
            raise ValueError(f"Training photos have {len(LOOK)} numbers and {CELLS**2} cells, and a limit above 0.")

    @classmethod
    def of(cls, photos: Sequence[PhotoStatistics], parts: Sequence[int], slack: float) -> "KnownPhotos | None":
        """Some of at least FEWEST_TO_COMPARE photos, drawn evenly, with limits that hold HELD of those of other parts.

        None where there are fewer, or too few parts.
        """
        numbers = np.array(parts)
        kept = np.unique(np.linspace(0, len(photos) - 1, min(len(photos), MOST_COMPARED)).astype(np.int64))
        own = numbers[:, None] == numbers[kept][None]
        if len(photos) < FEWEST_TO_COMPARE or int((~own).sum(axis=1).min()) < NEIGHBOURS:
            return None
        found, apart = [], []
        for rows in (np.stack([each.look for each in photos]), np.stack([even_layout(each.layout) for each in photos])):
            known = KnownRows.of(rows, kept)
            distances = known.distances(rows, own=own)
            far = max(round(float(np.quantile(distances, HELD)), 5), 1e-3)
            found.append(replace(known, far=far))
            apart.append(distances / far)
        limit = round(slack * float(np.quantile(np.maximum(*apart), HELD)), 5)
        return cls(found[0], found[1], max(limit, 1e-3))

    def unlikeness(self, photo: PhotoStatistics) -> Unlikeness | None:
        """How far a photo lies off all of these; None where it is like some."""
        layout = float(self.layout.distances(even_layout(photo.layout)[None])[0]) / self.limit
        whole = max(self._look(photo), layout)
        if whole <= 1:
            return None
        rest = {name: max(self._look(photo, without), layout) for name, without in CAUSES.items() if name != "place"}
        rest["place"] = self._look(photo, CAUSES["place"])
        known = self.look.values()
        return Unlikeness(whole, layout, rest, _cast(photo, known), *_light(photo, known), self._above(photo, "detail"))

    def _look(self, photo: PhotoStatistics, without: frozenset[str] = frozenset()) -> float:
        """How far its look is from the nearest ones, in limits, without some of what `LOOK` names."""
        asked = np.array([name not in without for name in LOOK])
        return float(self.look.distances(photo.look[None], asked)[0]) / self.limit

    def _above(self, photo: PhotoStatistics, name: str) -> bool:
        """Whether it has more of something than the training photos have on average."""
        places = [place for place, each in enumerate(LOOK) if each == name]
        return sum(float(photo.look[place]) - self.look.centre[place] for place in places) > 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"look": self.look.as_json(), "layout": self.layout.as_json(), "limit": self.limit}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KnownPhotos":
        """The inverse of `as_json`."""
        return cls(KnownRows.from_json(data["look"]), KnownRows.from_json(data["layout"]), float(data["limit"]))


def _cast(photo: PhotoStatistics, known: NDArray[np.float64]) -> float:
    """By how much the balance of its colours differs from the nearest of known looks (N, D)."""
    colours, own = known[:, COLOURED], photo.look[COLOURED]
    balances = colours / np.maximum(colours.sum(axis=1, keepdims=True), 1e-3)
    return float(np.abs(balances - own / max(float(own.sum()), 1e-3)).max(axis=1).min())


def _light(photo: PhotoStatistics, known: NDArray[np.float64]) -> tuple[float, float]:
    """Under how many more stops of light its greys are most like those of a known look (N, D), and how far off then."""
    gains = 2 ** (STOPS / GAMMA)
    apart = np.abs(np.minimum(1, gains[:, None, None] * known[:, GREY]) - photo.look[GREY]).mean(axis=2).min(axis=1)
    best = int(apart.argmin())
    return float(STOPS[best]), float(apart[best])


def even_layout(layout: NDArray[np.float64]) -> NDArray[np.float64]:
    """A layout (CELLS²,) whatever the light: around 0, in deviations."""
    centred = layout - layout.mean()
    return np.asarray(centred / max(float(centred.std()), EVEN_CELL))


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
        cls, photos: Sequence[PhotoStatistics], parts: Sequence[int] = (), slack: float = SLACK
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

    def exposed(self, photo: PhotoStatistics, bounds: CauseBounds) -> str:
        """That a photo is far too dark or too bright, where most of it is cut off and what is left is the usual layout
        under other light; else empty."""
        white, black = (photo.look[LOOK.index("grey 0.75")] >= WHITE, photo.look[LOOK.index("grey 0.75")] <= BLACK)
        if not white and not black:
            return ""
        greys, deviations = (np.frombuffer(data, np.uint8) / 255 for data in (self.greys, self.deviations))
        gains = 2 ** (STOPS[STOPS >= 0.5 if white else STOPS <= -0.5] / GAMMA)[:, None]  # (tried, 1)
        off = (photo.layout - np.minimum(1, gains * greys)) / np.maximum(gains * deviations, EVEN_CELL)
        if np.sqrt((off**2).mean(axis=1)).min() > bounds.exposed * self.far:
            return ""
        return BRIGHTER if white else DARKER

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
    if found := _outside(photo, usual, SIZE_RULES):
        return found
    found = (
        (unlike.told(bounds) if unlike else "")
        or _outside(photo, usual, RANGE_RULES)
        or (LAYOUT if usual.distance(photo.layout) > FAR * usual.far else "")
    )
    return found and (usual.exposed(photo, bounds) or found)


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
