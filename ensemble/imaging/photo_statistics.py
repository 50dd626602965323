"""A few cheap numbers of a photo, and how far they lie from those of known photos of the part."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

SIDE, CELLS = 128, 8  # pixels that a photo is measured on, and the coarse grid of its layout
FINEST, HALVINGS = 256, 3  # pixels of the longer side that detail is measured on, and how often it is halved
STATISTICS = ("side", "aspect", "edges", "noise", "light", "dark", "middle", "contrast", "entropy", "flat", "colour")
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
# What stands at each place of a photo's look; its size and shape have rules of their own.
GREYS = tuple(f"grey {share}" for share in QUANTILES)
LOOK = (*STATISTICS[2:], *GREYS, "red", "green", "blue", *("detail",) * HALVINGS, *("way",) * 4)
COLOUR_PLACES = [LOOK.index(name) for name in ("red", "green", "blue")]
GREY_PLACES = [place for place, name in enumerate(LOOK) if name.startswith("grey")]
# What changes with light, focus, and how the part lies; the last changes the layout too.
CAUSES: Mapping[str, frozenset[str]] = {
    "light": frozenset(
        {"light", "dark", "middle", "contrast", "entropy", "edges", "flat", "colour", "red", "green", "blue"}
        | {name for name in LOOK if name.startswith("grey")}
    ),
    "focus": frozenset({"edges", "noise", "flat", "entropy", "contrast", "light", "detail", "grey 0.01", "grey 0.99"}),
    "place": frozenset({"way"}),
}
EVEN_CELL = 0.03  # deviation of a cell's grey that every product is granted
FEWEST_TO_COMPARE, MOST_COMPARED = 60, 150  # training photos; those that are kept
GAMMA = 2.2  # from light to the greys of a photo
STOPS = np.arange(-3, 3.1, 0.25)  # of light, more or less, that the usual layout is tried with
WHITE, BLACK = 0.98, 0.1  # where a camera can tell no more
NOTHING: frozenset[str] = frozenset()
WITHIN = 0.99  # share of held-out photos within the limit
NEAREST = 3  # known photos that another is held against: the nearest
LEAST_SCALE = 0.004  # what every deviation is granted: about a step of grey
STEPS, MIDDLE = 16, 128  # of kept numbers: of a deviation, and where the mean lies in a byte


@dataclass(frozen=True, slots=True, eq=False)
class PhotoStatistics:
    """What is measured of one photo: `STATISTICS` by name, the mean greys of its cells (CELLS²,).

    `side`, `aspect`, `edges` and `noise` are logarithms: of pixels, of width by height, of the mean Laplacian alone and
    in standard deviations. `entropy` is in bits of 64 greys, everything else a share of 1. `look` has most of them and
    more, as `LOOK` names them: quantiles of grey, mean colours, how fast detail is lost as the photo is halved, and
    which way edges run.
    """

    values: Mapping[str, float]
    layout: NDArray[np.float64]
    look: NDArray[np.float64]


def measure_photo(picture: Image.Image) -> PhotoStatistics:
    """Measure an upright RGB picture, reduced to SIDE × SIDE pixels."""
    width, height = picture.size
    small = picture.reduce(max(1, min(width, height) // SIDE)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    steps = np.asarray(small.convert("L"))  # (SIDE, SIDE) greys from 0 to 255
    grey = steps.astype(np.float32) / 255
    counts = np.bincount(steps.ravel(), minlength=256)
    dark, middle, light = np.searchsorted(np.cumsum(counts), np.array([0.05, 0.5, 0.99]) * steps.size) / 255
    shares = counts.reshape(64, 4).sum(axis=1) / steps.size
    shares = shares[shares > 0]
    edges, contrast = _mean_laplacian(grey), float(grey.std())
    red, green, blue = small.split()
    most, least = (chosen(chosen(red, green), blue) for chosen in (ImageChops.lighter, ImageChops.darker))
    values = {
        "side": math.log(width * height) / 2,
        "aspect": math.log(width / height),
        "edges": math.log(edges),
        "noise": math.log(edges / max(contrast, 1e-2)),
        "light": float(light),
        "dark": float(dark),
        "middle": float(middle),
        "contrast": contrast,
        "entropy": float(-(shares * np.log2(shares)).sum()),
        "flat": float((np.abs(np.diff(grey, axis=1)) < 1.5 / 255).mean()),
        "colour": float(np.asarray(ImageChops.difference(most, least)).mean()) / 255,
    }
    cell = SIDE // CELLS
    layout = grey.reshape(CELLS, cell, CELLS, cell).mean(axis=(1, 3)).ravel()
    greys = np.searchsorted(np.cumsum(counts), np.array(QUANTILES) * steps.size) / 255
    colours = np.array([np.asarray(each).mean() for each in (red, green, blue)]) / 255
    look = np.concatenate(
        [[values[name] for name in STATISTICS[2:]], greys, colours, _detail_lost(picture), _ways(grey)]
    )
    return PhotoStatistics(values, layout.astype(np.float64), look)


def _mean_laplacian(grey: NDArray[np.floating[Any]]) -> float:
    if min(grey.shape) < 3:
        return 1e-4
    laplacian = np.abs(4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    return max(float(laplacian.mean()), 1e-4)


def _detail_lost(picture: Image.Image) -> NDArray[np.float64]:
    """By how much the logarithm of the mean Laplacian changes as the photo is halved again and again (HALVINGS,)."""
    width, height = (max(1, round(length * min(1.0, FINEST / max(picture.size)))) for length in picture.size)
    reduced = picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("L")
    grey: NDArray[np.floating[Any]] = np.asarray(reduced, np.float32) / 255
    edges = []
    for _ in range(HALVINGS + 1):
        edges.append(math.log(_mean_laplacian(grey)))
        grey = _halved(grey)
    return np.diff(edges)


def _halved(grey: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The means of 2 × 2 pixels; what is left over at the right and below is cut off: (H, W) -> (H // 2, W // 2).

    By sums of whole rows, many times faster than a mean over two axes, and to the last bit the same.
    """
    height, width = (length // 2 * 2 for length in grey.shape)
    rows = grey[:height:2, :width], grey[1:height:2, :width]
    upper, lower = (row[:, ::2] + row[:, 1::2] for row in rows)
    return np.asarray((upper + lower) / np.float32(4))


def _ways(grey: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How much of all edges runs each of four ways (4,): a part that lies turned has others."""
    across, down = grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1]
    length = np.maximum(np.hypot(across, down), 1e-6)
    straight, oblique = (across**2 - down**2) / length, 2 * across * down / length
    found = np.array([np.maximum(0, each).mean() for each in (straight, oblique, -straight, -oblique)], np.float64)
    return found / max(float(found.sum()), 1e-6)


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of numbers of N training photos to hold another against: `rows` has them in bytes, in steps of a deviation.

    `far` is how far the nearest of other parts lie from a training photo, but for one in a hundred.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    rows: bytes
    far: float = 1.0

    def __post_init__(self) -> None:
        size = len(self.centre)
        if not size or len(self.scale) != size or len(self.rows) % size or len(self.rows) < NEAREST * size:
            raise ValueError(f"Rows need a centre and a scale of their length. Got {size} and {len(self.scale)}.")
        if not all(map(math.isfinite, (*self.centre, *self.scale, self.far))) or not min(*self.scale, self.far) > 0:
            raise ValueError("Scales and distances of training photos must be numbers above 0.")

    @classmethod
    def of(cls, rows: NDArray[np.float64], kept: NDArray[np.int64]) -> "KnownRows":
        """Those of (N, D) rows that are kept, by their places."""
        centre, scale = rows.mean(axis=0).round(5), (rows.std(axis=0) + LEAST_SCALE).round(5)
        steps = np.rint((rows[kept] - centre) / scale * STEPS) + MIDDLE
        return cls(tuple(centre.tolist()), tuple(scale.tolist()), steps.clip(0, 255).astype(np.uint8).tobytes())

    def distances(
        self, rows: NDArray[np.float64], asked: NDArray[np.bool_] | None = None, own: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """How far (N, D) rows lie from the nearest known ones, in `far`, by those columns alone that are asked.

        `own` (N, known rows) is true where a known row is of the same part, and does not count.
        """
        columns = slice(None) if asked is None else asked
        known = self._deviations()[:, columns]
        deviations = ((rows - self.centre) / self.scale)[:, columns]
        gaps = np.stack([np.sqrt(((known - row) ** 2).mean(axis=1)) for row in deviations])
        gaps = gaps if own is None else np.where(own, np.inf, gaps)
        return np.sort(gaps, axis=1)[:, :NEAREST].mean(axis=1) / self.far

    def values(self) -> NDArray[np.float64]:
        """The known rows as they were, to within a step: (known rows, D)."""
        return self._deviations() * self.scale + self.centre

    def _deviations(self) -> NDArray[np.float64]:
        known = np.frombuffer(self.rows, np.uint8).reshape(-1, len(self.centre)).astype(np.float64)
        return (known - MIDDLE) / STEPS

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = base64.b64encode(self.rows).decode()
        return {"centre": list(self.centre), "scale": list(self.scale), "rows": rows, "far": self.far}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KnownRows":
        """The inverse of `as_json`."""
        centre, scale = (tuple(float(value) for value in data[name]) for name in ("centre", "scale"))
        return cls(centre, scale, base64.b64decode(data["rows"], validate=True), float(data["far"]))


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
    unchanged: float  # by how much its greys differ from the nearest ones under the very same light
    cut_off: bool  # a quarter of it is white, or three quarters black
    fuzzier: bool  # what is blurred gains, as it is halved, what it has lost before


@dataclass(frozen=True, slots=True)
class KnownPhotos:
    """What some training photos look like and what lies where on them; `limit` is how far another may lie off them.

    Products of before compare quantiles of grey too (`by_greys`): they say little that is new, and vary most.
    """

    look: KnownRows
    layout: KnownRows
    limit: float
    by_greys: bool = True

    def __post_init__(self) -> None:
        if len(self.look.centre) != len(LOOK) or len(self.layout.centre) != CELLS**2 or not 0 < self.limit < math.inf:
            raise ValueError(f"Training photos have {len(LOOK)} numbers and {CELLS**2} cells, and a limit above 0.")

    @classmethod
    def of(cls, photos: Sequence[PhotoStatistics], parts: Sequence[int], slack: float) -> "KnownPhotos | None":
        """Some of at least FEWEST_TO_COMPARE photos, drawn evenly, with limits that hold those of other parts.

        None where there are fewer, or too few parts.
        """
        numbers = np.array(parts)
        kept = np.unique(np.linspace(0, len(photos) - 1, min(len(photos), MOST_COMPARED)).astype(np.int64))
        own = numbers[:, None] == numbers[kept][None]
        if len(photos) < FEWEST_TO_COMPARE or int((~own).sum(axis=1).min()) < NEAREST:
            return None
        found, apart = [], []
        layouts = np.stack([even_layout(each.layout) for each in photos])
        for rows, asked in (
            (np.stack([each.look for each in photos]), _numbers_asked(NOTHING, False)),
            (layouts, None),
        ):
            known = KnownRows.of(rows, kept)
            distances = known.distances(rows, asked, own)
            far = max(round(float(np.quantile(distances, WITHIN)), 5), 1e-3)
            found.append(replace(known, far=far))
            apart.append(distances / far)
        limit = round(slack * float(np.quantile(np.maximum(*apart), WITHIN)), 5)
        return cls(found[0], found[1], max(limit, 1e-3), by_greys=False)

    def unlikeness(self, photo: PhotoStatistics) -> Unlikeness | None:
        """How far a photo lies off all of these; None where it is like some."""
        layout = float(self.layout.distances(even_layout(photo.layout)[None])[0]) / self.limit
        whole = max(self._look(photo), layout)
        if whole <= 1:
            return None
        rest = {name: max(self._look(photo, without), layout) for name, without in CAUSES.items() if name != "place"}
        rest["place"] = self._look(photo, CAUSES["place"])
        known = self.look.values()
        cut_off = not BLACK < photo.look[LOOK.index("grey 0.75")] < WHITE
        light, fuzzier = _light(photo, known), self._above(photo, "detail")
        return Unlikeness(whole, layout, rest, _cast(photo, known), *light, cut_off, fuzzier)

    def _look(self, photo: PhotoStatistics, without: frozenset[str] = NOTHING) -> float:
        """How far its look is from the nearest ones, in limits, without some of what `LOOK` names."""
        return float(self.look.distances(photo.look[None], _numbers_asked(without, self.by_greys))[0]) / self.limit

    def _above(self, photo: PhotoStatistics, name: str) -> bool:
        """Whether it has more of something than the training photos have on average."""
        places = [place for place, each in enumerate(LOOK) if each == name]
        return sum(float(photo.look[place]) - self.look.centre[place] for place in places) > 0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = {"look": self.look.as_json(), "layout": self.layout.as_json(), "limit": self.limit}
        return found if self.by_greys else {**found, "by_greys": False}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KnownPhotos":
        """The inverse of `as_json`."""
        by_greys = bool(data.get("by_greys", True))  # those of before are
        look, layout = (KnownRows.from_json(data[name]) for name in ("look", "layout"))
        return cls(look, layout, float(data["limit"]), by_greys)


@lru_cache(maxsize=16)
def _numbers_asked(without: frozenset[str], by_greys: bool) -> NDArray[np.bool_]:
    """Which of `LOOK` are compared (D,)."""
    return np.array([name not in without and (by_greys or not name.startswith("grey")) for name in LOOK])


def _cast(photo: PhotoStatistics, known: NDArray[np.float64]) -> float:
    """By how much the balance of its colours differs from the nearest of known looks (N, D)."""
    colours, own = known[:, COLOUR_PLACES], photo.look[COLOUR_PLACES]
    balances = colours / np.maximum(colours.sum(axis=1, keepdims=True), 1e-3)
    return float(np.abs(balances - own / max(float(own.sum()), 1e-3)).max(axis=1).min())


def _light(photo: PhotoStatistics, known: NDArray[np.float64]) -> tuple[float, float, float]:
    """Under how many more stops of light its greys are most like those of a known look (N, D); how far off then, and
    how far under the same light."""
    gains = 2 ** (STOPS / GAMMA)
    apart = np.abs(np.minimum(1, gains[:, None, None] * known[:, GREY_PLACES]) - photo.look[GREY_PLACES])
    off = apart.mean(axis=2).min(axis=1)  # (tried,)
    best = int(off.argmin())
    return float(STOPS[best]), float(off[best]), float(off[STOPS == 0][0])


def even_layout(layout: NDArray[np.float64]) -> NDArray[np.float64]:
    """A layout (CELLS²,) whatever the light: around 0, in deviations."""
    centred = layout - layout.mean()
    return np.asarray(centred / max(float(centred.std()), EVEN_CELL))
