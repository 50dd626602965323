"""Where a part lies on a photo, held against where it lies on a reference: shift, turn and scale.

First every turn and scale within the bounds is tried on a small picture, each at all shifts at once by a correlation of
their Fourier transforms; the best are then refined on larger pictures by Gauss-Newton steps (Lucas and Kanade 1981,
with the mean of both gradients: Malis 2004).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import fft

from ensemble.values.errors import PhotoError
from ensemble.values.language import Message
from ensemble.values.view import Alignment

COARSE, MIDDLE, FINE = 64, 128, 256  # pixels of the longer side
TURN_STEP, SCALE_STEP = 5.0, 0.05  # degrees, and share of the scale, that are tried first
CANDIDATES, FINALISTS = 8, 2
MOST_STEPPED = 12  # of refining, at most
MARGIN_SEEN = 0.03  # of the longer side: around the region the outline of the part tells most
LEAST_CONTRAST = 2.0  # greys; below that there is nothing to align by
LEAST_ALIKE = 0.3  # correlation with the reference below which a photo shows something else
SLACK = 1.05  # how far beyond a bound refining may end
MOST_PLACED = 20_000  # photos whose placement is remembered
Greys = NDArray[np.float32]
Affine = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the reference lies on a photo: turned by degrees and scaled around its centre, then shifted by pixels."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    scale: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)  # in pixels of the reference

    def moved(self, left: float, top: float) -> Affine:
        """Pixels of a part of the reference that begins at (left, top) -> pixels of the photo."""
        cos, sin = self._turned()
        x, y = left - self.centre[0], top - self.centre[1]
        return (
            *(cos, -sin, self.centre[0] + self.x + cos * x - sin * y),
            *(sin, cos, self.centre[1] + self.y + sin * x + cos * y),
        )

    def inverse(self) -> Affine:
        """Pixels of the photo -> pixels of the reference."""
        cos, sin = (each / self.scale**2 for each in self._turned())
        x, y = self.centre[0] + self.x, self.centre[1] + self.y
        return cos, sin, self.centre[0] - cos * x - sin * y, -sin, cos, self.centre[1] + sin * x - cos * y

    def _turned(self) -> tuple[float, float]:
        angle = math.radians(self.turn)
        return self.scale * math.cos(angle), self.scale * math.sin(angle)

    def larger(self, factor: float) -> "Placement":
        """The same on pictures that have so many times as many pixels a side."""
        centre = self.centre[0] * factor, self.centre[1] * factor
        return Placement(self.x * factor, self.y * factor, self.turn, self.scale, centre)


AS_IT_LIES = Placement()


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a part was found, how much it differs there from the reference (0 to 2), and why it was not, if so."""

    placement: Placement
    residual: float
    problem: str = ""


class Aligner:
    """Finds a part on photos of the reference's size; what it has found once it remembers."""

    def __init__(self, reference: Image.Image, seen: Image.Image, bounds: Alignment) -> None:
        self.bounds, self.size = bounds, reference.size
        left, top, right, bottom = seen.getbbox() or (0, 0, *reference.size)
        self.centre = (left + right) / 2, (top + bottom) / 2
        margin = 2 * round(MARGIN_SEEN * max(reference.size) / 2) + 1
        width, height = (max(1, round(side * MIDDLE / max(reference.size))) for side in reference.size)
        wide = seen.resize((width, height), Image.Resampling.BOX)
        wide = wide.filter(ImageFilter.MaxFilter(max(3, 2 * (margin * MIDDLE // (2 * max(reference.size))) + 1)))
        self.levels = {side: _Level(reference, wide, side) for side in (COARSE, MIDDLE, FINE)}
        if self.levels[MIDDLE].contrast < LEAST_CONTRAST:
            raise PhotoError(
                "The reference photo is even within its region: there is nothing to align by. Draw the region around "
                "the edges of the part, or do not align."
            )
        self._search = _Search(self.levels[COARSE], self._at(COARSE), bounds)
        self._found: dict[bytes, Placed] = {}

    def _at(self, side: int) -> tuple[float, float]:
        """The centre on pictures whose longer side has so many pixels."""
        factor = side / max(self.size)
        return self.centre[0] * factor, self.centre[1] * factor

    def place(self, picture: Image.Image) -> Placed:
        """Where the part lies on a photo of the reference's size."""
        grey = picture.convert("L")
        photos = {side: _small(grey, side) for side in (COARSE, MIDDLE, FINE)}
        key = sha256(photos[FINE].tobytes()).digest()
        if key not in self._found:
            if len(self._found) >= MOST_PLACED:
                self._found.clear()
            self._found[key] = self._place(photos)
        return self._found[key]

    def _place(self, photos: dict[int, Image.Image]) -> Placed:
        fixed = self.bounds.scale == 1
        first = [each.larger(MIDDLE / COARSE) for each in self._search.best(photos[COARSE])]
        middle = sorted((self.levels[MIDDLE].refined(photos[MIDDLE], each, fixed) for each in first), key=_likeness_of)
        last = [each.larger(FINE / MIDDLE) for _, each in middle[-FINALISTS:]]
        alike, found = max((self.levels[FINE].refined(photos[FINE], each, fixed) for each in last), key=_likeness_of)
        factor = max(self.size) / FINE
        found = found.larger(factor)
        placement = Placement(found.x, found.y, (found.turn + 180) % 360 - 180, found.scale, self.centre)
        return Placed(placement, round(1 - alike, 6), self._problem(placement, alike))

    def _problem(self, found: Placement, alike: float) -> str:
        across, down = (abs(by) / side for by, side in zip((found.x, found.y), self.size, strict=True))
        scaled = max(found.scale, 1 / found.scale)
        if alike < LEAST_ALIKE:
            return Message("the part is not found: nothing on the photo lies as on the reference")
        if max(across, down) > SLACK * self.bounds.shift + 0.01:
            return Message(
                "the part is shifted by {share:.0%}, more than {limit:.0%}",
                share=max(across, down),
                limit=self.bounds.shift,
            )
        if abs(found.turn) > SLACK * self.bounds.turn + 0.5:
            return Message(
                "the part is turned by {degrees:.0f}°, more than {limit:.0f}°",
                degrees=abs(found.turn),
                limit=self.bounds.turn,
            )
        if scaled > SLACK * self.bounds.scale:
            return Message(
                "the part is {factor:.2f} times as large as on the reference, beyond what is allowed ({limit:.2f})",
                factor=found.scale,
                limit=self.bounds.scale,
            )
        return ""


def _likeness_of(found: tuple[float, Placement]) -> float:
    return found[0]


def _small(grey: Image.Image, side: int) -> Image.Image:
    """A grey picture (F) whose longer side has so many pixels, slightly smoothed."""
    size = tuple(max(1, round(length * side / max(grey.size))) for length in grey.size)
    reduced = grey.resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return reduced.filter(ImageFilter.GaussianBlur(0.8)).convert("F")


class _Level:
    """The reference at one size: standardised greys, their slopes, and how much each place counts."""

    def __init__(self, reference: Image.Image, seen: Image.Image, side: int) -> None:
        self.picture = _small(reference.convert("L"), side)
        weights = np.asarray(seen.resize(self.picture.size, Image.Resampling.BILINEAR), np.float32)
        self.weights: Greys = weights / np.float32(255)
        self.greys, self.contrast = _standardised(np.asarray(self.picture, np.float32), self.weights)
        self.slopes = np.gradient(self.greys)  # down, across
        self.y, self.x = np.mgrid[: self.greys.shape[0], : self.greys.shape[1]].astype(np.float32) + np.float32(0.5)
        self.full = Image.new("L", self.picture.size, 255)

    def refined(self, photo: Image.Image, start: Placement, fixed_scale: bool) -> tuple[float, Placement]:
        """How alike the photo is to the reference (-1 to 1) where it lies best, and where that is."""
        best, found = self._compared(photo, start)[0], start
        here = start
        for _ in range(MOST_STEPPED):
            _, greys, weights = self._compared(photo, here)
            here = self._stepped(here, greys, weights, fixed_scale)
            alike = self._compared(photo, here)[0]
            if alike <= best:
                break
            gained, best, found = alike - best, alike, here
            if gained < 1e-5:
                break
        return best, found

    def _compared(self, photo: Image.Image, at: Placement) -> tuple[float, Greys, Greys]:
        size, matrix = photo.size, at.moved(0, 0)
        laid = photo.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        there = self.full.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)
        weights = self.weights * (np.asarray(there) > 0)
        greys, _ = _standardised(np.asarray(laid), weights)
        known, _ = _standardised(self.greys, weights)
        total = float(weights.sum())
        return (float((weights * greys * known).sum()) / total if total else -1.0), greys, weights

    def _stepped(self, at: Placement, greys: Greys, weights: Greys, fixed_scale: bool) -> Placement:
        down, across = ((own + other) / 2 for own, other in zip(self.slopes, np.gradient(greys), strict=True))
        x, y = self.x - at.centre[0], self.y - at.centre[1]
        columns = [across, down, down * x - across * y, across * x + down * y][: 3 if fixed_scale else 4]
        matrix = np.stack([each.ravel() for each in columns], axis=1)
        weighted = matrix * weights.ravel()[:, None]
        missing = (self.greys - greys).ravel()
        normal = weighted.T @ matrix + 1e-6 * np.eye(len(columns), dtype=np.float32)
        by = np.linalg.solve(normal.astype(float), (weighted.T @ missing).astype(float))
        turn, grow = by[2], 1.0 if fixed_scale else 1 + by[3]
        cos, sin = at._turned()
        return Placement(
            at.x + cos * by[0] - sin * by[1],
            at.y + sin * by[0] + cos * by[1],
            at.turn + math.degrees(turn),
            float(np.clip(at.scale * grow, 0.5, 2.0)),
            at.centre,
        )


def _standardised(greys: Greys, weights: Greys) -> tuple[Greys, float]:
    """Greys of mean 0 and deviation 1 where they count, and their deviation before."""
    total = max(float(weights.sum()), 1e-6)
    centred = greys - float((weights * greys).sum()) / total
    deviation = math.sqrt(float((weights * centred**2).sum()) / total)
    return (centred / max(deviation, 1e-6)).astype(np.float32), deviation


class _Search:
    """Every turn and scale of the reference, transformed once, to be held against photos at all shifts at once."""

    def __init__(self, level: _Level, centre: tuple[float, float], bounds: Alignment) -> None:
        self.centre, (width, height) = centre, level.picture.size
        side = fft.next_fast_len(2 * COARSE, real=True)
        self.shape = side, side
        self.middle = side // 2
        self.poses = list(_poses(bounds))
        across, down = math.ceil(bounds.shift * width), math.ceil(bounds.shift * height)
        self.reach = across, down
        self.templates, self.masks, self.counts, self.norms = [], [], [], []
        weights = Image.fromarray(level.weights)
        for pose in self.poses:
            at = Placement(0.0, 0.0, pose[0], pose[1], centre).inverse()
            # the reference turned around its centre, which comes to lie in the middle of the canvas
            x, y = centre[0] - self.middle, centre[1] - self.middle
            matrix = (*at[:2], at[2] + at[0] * x + at[1] * y, *at[3:5], at[5] + at[3] * x + at[4] * y)
            mask = np.asarray(weights.transform(self.shape, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
            laid = level.picture.transform(self.shape, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
            count = float(mask.sum())
            centred = mask * (np.asarray(laid) - float((mask * np.asarray(laid)).sum()) / count)
            self.counts.append(count)
            self.norms.append(math.sqrt(float((centred**2 / np.maximum(mask, 1e-3)).sum())))
            self.templates.append(np.conj(fft.rfft2(centred.astype(np.float32))))
            self.masks.append(np.conj(fft.rfft2(mask.astype(np.float32))))

    def best(self, photo: Image.Image) -> list[Placement]:
        """The likeliest placements, the best first, no two of almost the same turn and scale."""
        greys = np.asarray(photo)
        greys = greys - float(np.median(greys))
        canvas = np.zeros(self.shape, np.float32)
        top, left = (round(self.middle - at) for at in (self.centre[1], self.centre[0]))
        rows, columns = slice(max(0, top), top + greys.shape[0]), slice(max(0, left), left + greys.shape[1])
        fitted = greys[max(0, -top) :, max(0, -left) :]
        fitted = fitted[: self.shape[0] - rows.start, : self.shape[1] - columns.start]
        canvas[rows.start : rows.start + fitted.shape[0], columns.start : columns.start + fitted.shape[1]] = fitted
        once, squared = fft.rfft2(canvas), fft.rfft2(canvas**2)
        found = []
        for number, pose in enumerate(self.poses):
            alike, x, y = self._shifted(number, once, squared)
            found.append((alike, Placement(x, y, *pose, self.centre)))
        return _apart(sorted(found, key=_likeness_of, reverse=True))

    def _shifted(self, number: int, once: np.ndarray, squared: np.ndarray) -> tuple[float, float, float]:
        across, down = self.reach
        rows, columns = np.r_[0 : down + 1, -down:0], np.r_[0 : across + 1, -across:0]
        window = np.ix_(rows, columns)
        count = self.counts[number]
        alike, mean, power = (
            fft.irfft2(other * template, self.shape)[window]
            for other, template in (
                (once, self.templates[number]),
                (once, self.masks[number]),
                (squared, self.masks[number]),
            )
        )
        spread = np.sqrt(np.maximum(power - mean**2 / count, 1e-3 * count))
        score = alike / (spread * max(self.norms[number], 1e-6))
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        return float(score[row, column]), float(columns[column]), float(rows[row])


def _poses(bounds: Alignment) -> Iterator[tuple[float, float]]:
    """Every turn in degrees and every scale that is tried first."""
    turns = [0.0]
    if bounds.turn:
        count = max(1, math.ceil(bounds.turn / TURN_STEP))
        turns = np.linspace(-bounds.turn, bounds.turn, 2 * count + 1).tolist()
        turns = turns[1:] if bounds.turn == 180 else turns
    steps = math.ceil(math.log(bounds.scale) / SCALE_STEP)
    scales = np.exp(np.linspace(-math.log(bounds.scale), math.log(bounds.scale), 2 * steps + 1)).tolist()
    return ((turn, scale) for scale in scales for turn in turns)


def _apart(found: Sequence[tuple[float, Placement]]) -> list[Placement]:
    kept: list[Placement] = []
    for _, each in found:
        near = (
            abs((each.turn - other.turn + 180) % 360 - 180) <= 1.1 * TURN_STEP
            and abs(math.log(each.scale / other.scale)) <= 1.1 * SCALE_STEP
            for other in kept
        )
        if not any(near):
            kept.append(each)
        if len(kept) == CANDIDATES:
            break
    return kept
