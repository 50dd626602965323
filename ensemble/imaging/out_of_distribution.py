"""Photos that may not show the part at all: black, blank, blurred, of another shape, unlike the training photos.

Members only know the classes that they have learnt, so they call a shoe defective, and are sure of it. A few cheap
statistics of each photo are held against the range that they had over the product's own training photos; a product
that does not know that range still refuses what cannot be a photo of any part.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from ensemble.values.language import Message
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap

SIDE, CELLS = 128, 8  # pixels that a photo is measured on, and the coarse grid of its layout
FEWEST_FOR_RANGES = 20  # training photos; below, their range says little
TAIL = 0.01  # of the training photos may lie outside on each side: a few odd ones widen nothing
BEYOND, MOST = 0.5, math.log(2.5)  # of the range of the training photos that a photo may lie outside it, and at most
EVEN_CELL = 0.03  # deviation of a cell's grey that every product is granted
FAR = 3.0  # times as far from the usual layout as the training photos lie
COVERED = 0.95  # share of the heat map that no defect covers
RANGE_ROUNDING = 1e-3  # ranges are kept with four digits

DARKER, BRIGHTER = (
    Message("it is far darker than the training photos"),
    Message("it is far brighter than the training photos"),
)
ROUGHER, SHAPE = (
    Message("it is far rougher than the training photos"),
    Message("it has another shape than the training photos"),
)
COLOURS = Message("its colours are not those of the training photos")
# By how much a statistic may leave the range of any product, and what to say where it lies too low and too high.
RANGE_RULES: Mapping[str, tuple[float, Message, Message]] = {
    "side": (
        math.log(2),
        Message("it is far smaller than the training photos"),
        Message("it is far larger than the training photos"),
    ),
    "aspect": (math.log(1.25), SHAPE, SHAPE),
    "edges": (math.log(2.5), Message("it is blurred"), ROUGHER),
    "noise": (math.log(2.5), Message("it is blurred"), Message("it is hardly more than noise")),
    "light": (0.2, DARKER, BRIGHTER),
    "dark": (0.08, DARKER, BRIGHTER),
    "middle": (0.15, DARKER, BRIGHTER),
    "contrast": (
        0.06,
        Message("its contrast is far below that of the training photos"),
        Message("its contrast is far too high"),
    ),
    "entropy": (
        0.6,
        Message("it holds far less than the training photos"),
        Message("it holds far more than the training photos"),
    ),
    "flat": (0.15, ROUGHER, Message("it is far smoother than the training photos")),
    "colour": (0.08, COLOURS, COLOURS),
}
LAYOUT = Message("light and dark lie elsewhere than on the training photos")
ALL_ABOVE = Message("nearly all of it is unlike a good part")
# What no photo of a part is, unless the training photos are so too: a statistic, below or above, which value.
BLANK_RULES: tuple[tuple[str, bool, float, Message], ...] = (
    ("light", True, 0.06, Message("it is almost black")),
    ("dark", False, 0.97, Message("it is almost white")),
    ("contrast", True, 0.01, Message("nothing is on it")),
    ("entropy", True, 0.3, Message("nothing is on it")),
    ("noise", False, math.log(3.2), Message("it is hardly more than noise")),  # white noise has 3.6, leather up to 2.9
)


@dataclass(frozen=True, slots=True, eq=False)
class PhotoStatistics:
    """What is measured of one photo: the statistics of `RANGE_RULES` by name, the mean greys of its cells (CELLS²,).

    `side`, `aspect`, `edges` and `noise` are logarithms: of pixels, of width by height, of the mean Laplacian alone and
    in standard deviations. `entropy` is in bits of 64 greys, everything else a share of 1.
    """

    values: Mapping[str, float]
    layout: NDArray[np.float64]


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
    laplacian = np.abs(4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    edges, contrast = max(float(laplacian.mean()), 1e-4), float(grey.std())
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
    return PhotoStatistics(values, layout.astype(np.float64))


@dataclass(frozen=True, slots=True)
class PhotoRange:
    """The range that each statistic has over the training photos of a product, and their usual layout.

    `greys` and `deviations` hold the grey and its deviation for each of CELLS² cells, in steps of 1/255; `far` is how
    many deviations from there the training photos lie.
    """

    photos: int
    ranges: Mapping[str, tuple[float, float]]
    greys: bytes
    deviations: bytes
    far: float = 1.0

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
    def of(cls, photos: Sequence[PhotoStatistics]) -> "PhotoRange | None":
        """The range of at least FEWEST photos; None where there are fewer."""
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
        return replace(found, far=max(round(far, 4), 0.1))

    def distance(self, layout: NDArray[np.float64]) -> float:
        """How many deviations a layout (CELLS²,) lies from the usual one."""
        greys, deviations = (np.frombuffer(data, np.uint8) / 255 for data in (self.greys, self.deviations))
        return float(np.sqrt((((layout - greys) / deviations) ** 2).mean()))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "photos": self.photos,
            "ranges": {name: list(limits) for name, limits in self.ranges.items()},
            "greys": self.greys.hex(),
            "deviations": self.deviations.hex(),
            "far": self.far,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PhotoRange":
        """The inverse of `as_json`."""
        ranges = {str(name): (float(low), float(high)) for name, (low, high) in data["ranges"].items()}
        greys, deviations = bytes.fromhex(data["greys"]), bytes.fromhex(data["deviations"])
        return cls(int(data["photos"]), ranges, greys, deviations, float(data["far"]))


def doubt(photo: PhotoStatistics, usual: PhotoRange | None, anomaly_map: AnomalyMap | None = None) -> str:
    """Why a photo may not show the part, to go on after a colon; empty where nothing speaks against it."""
    found = _blank(photo.values, usual) or (_outside(photo, usual) if usual else "")
    return found or (
        ALL_ABOVE if anomaly_map is not None and float((anomaly_map.values >= MAP_THRESHOLD).mean()) >= COVERED else ""
    )


def _blank(values: Mapping[str, float], usual: PhotoRange | None) -> str:
    for name, below, threshold, sentence in BLANK_RULES:
        sign = 1 if below else -1
        if sign * values[name] < sign * threshold:
            low, high = usual.ranges[name] if usual else (math.inf, -math.inf)
            if sign * (low if below else high) >= sign * threshold:
                return sentence
    return ""


def _outside(photo: PhotoStatistics, usual: PhotoRange) -> str:
    for name, (least, too_low, too_high) in RANGE_RULES.items():
        low, high = usual.ranges[name]
        margin = max(least, min(BEYOND * (high - low), MOST)) + RANGE_ROUNDING
        if not low - margin <= photo.values[name] <= high + margin:
            return too_low if photo.values[name] < low else too_high
    return LAYOUT if usual.distance(photo.layout) > FAR * usual.far else ""
