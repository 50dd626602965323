"""A few cheap numbers of a photo, by which it is told whether it may not show the part, and those of known photos."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
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
NEIGHBOURS = 3  # known photos that another is held against: the nearest
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
    grey, edges = np.asarray(reduced, np.float32) / 255, []
    for _ in range(HALVINGS + 1):
        edges.append(math.log(_mean_laplacian(grey)))
        grey = _halved(grey)
    return np.diff(edges)


def _halved(grey: NDArray[np.float32]) -> NDArray[np.float32]:
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
        if not size or len(self.scale) != size or len(self.rows) % size or len(self.rows) < NEIGHBOURS * size:
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
        return np.sort(gaps, axis=1)[:, :NEIGHBOURS].mean(axis=1) / self.far

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
