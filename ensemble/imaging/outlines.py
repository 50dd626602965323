"""Outlines of damage as other tools write them, drawn into masks and read off masks: boxes, polygons, runs, files.

A pixel is damaged where its centre lies inside, so outlines that are read off a mask are drawn as it was, to the pixel.
"""

import hashlib
import io
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from ensemble.imaging.masks import look_at
from ensemble.imaging.photos import MAX_PIXELS, decode_photo, read_photo_bytes, sentences, upright
from ensemble.values.errors import DataError, PhotoError

WidthHeight = tuple[int, int]
Damage = NDArray[np.bool_]  # (height, width)
XY = tuple[float, float]
FARTHEST = 1_000_000  # pixels from the photo's corner
MOST_CROSSINGS = 5_000_000  # of a polygon's edges with rows of pixels
MOST_BITS = 35  # bits of a number in compressed runs
ELLIPSE_CORNERS = 64
NEAR_GROUND = 16  # of 255: how far the background's colour may be off


@dataclass(frozen=True, slots=True)
class BoxShape:
    """Left, top, right, bottom."""

    edges: tuple[float, float, float, float]

    def draw(self, damage: Damage, scale: XY) -> None:
        """Mark the pixels between the edges, rounded, and one at least."""
        (left, right), (top, bottom) = (
            sorted(_bounded(edge * by) for edge in self.edges[start::2]) for start, by in enumerate(scale)
        )
        x, y = (max(0, min(round(at), side - 1)) for at, side in zip((left, top), damage.shape[::-1], strict=True))
        damage[y : max(y + 1, round(bottom)), x : max(x + 1, round(right))] = True


@dataclass(frozen=True, slots=True)
class PolygonShape:
    """The corners of an area, which is closed; where it lies over itself twice it has a hole."""

    corners: tuple[XY, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "PolygonShape":
        """From x, y, x, y, …; a DataError where that makes no area."""
        if len(values) % 2 or len(values) < 6:
            raise DataError(
                "A polygon has {count} numbers: expected x and y of three corners or more.", count=len(values)
            )
        numbers = list(map(float, values))
        return cls(tuple(zip(numbers[::2], numbers[1::2], strict=True)))

    def draw(self, damage: Damage, scale: XY) -> None:
        """Mark the pixels inside; of one so thin that it holds no pixel's centre, those that its edges pass."""
        points = np.array([[_bounded(x * scale[0]), _bounded(y * scale[1])] for x, y in self.corners])
        height, width = damage.shape
        left, top = np.floor(points.min(axis=0)).clip(0, (width, height)).astype(int)
        right, bottom = np.ceil(points.max(axis=0)).clip(0, (width, height)).astype(int)
        inside = _pixels_inside(points - (left, top), (bottom - top, right - left))
        if inside.any():
            damage[top:bottom, left:right] |= inside
            return
        line = Image.new("1", (width, height))
        near = np.floor(points).clip(0, (width - 1, height - 1))
        ImageDraw.Draw(line).line([(float(x), float(y)) for x, y in (*near, near[0])], fill=1)
        np.logical_or(damage, np.asarray(line), out=damage)


@dataclass(frozen=True, slots=True)
class RunShape:
    """Lengths of runs, of nothing and of damage by turns, in a place: left, top, width, height.

    They go column by column as COCO writes them, or row by row.
    """

    counts: tuple[int, ...]
    place: tuple[int, int, int, int]
    by_row: bool = False

    def draw(self, damage: Damage, _scale: XY) -> None:
        """Mark the runs; a DataError where they do not fill their place, or it is not within the photo."""
        left, top, width, height = self.place
        rows, columns = damage.shape
        if min(left, top, width, height) < 0 or left + width > columns or top + height > rows:
            raise DataError(
                "Its runs are of {width} × {height} pixels at {left}, {top}: expected a place within its {columns} × "
                "{rows} pixels.",
                width=width,
                height=height,
                left=left,
                top=top,
                columns=columns,
                rows=rows,
            )
        total = sum(self.counts)
        if total != width * height or min(self.counts, default=0) < 0:
            raise DataError(
                "Its runs are {total} pixels long: expected {width} × {height}.",
                total=str(total)[:MOST_BITS],
                width=width,
                height=height,
            )
        flat = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        filled = flat.reshape(height, width) if self.by_row else flat.reshape(width, height).T
        damage[top : top + height, left : left + width] |= filled


@dataclass(frozen=True, slots=True)
class FileShape:
    """A mask in a file of its own; `ground` is the colour of its background where that is said and is not black."""

    path: Path
    ground: tuple[int, int, int] | None = None

    def draw(self, damage: Damage, _scale: XY) -> None:
        """Mark what the mask marks; a DataError where it cannot be read or has another size."""
        height, width = damage.shape
        if self.ground is None:
            np.logical_or(damage, look_at(self.path, (width, height)).damage, out=damage)
            return
        try:
            with sentences(self.path.name):
                image, _ = decode_photo(read_photo_bytes(self.path), smallest=1)
                colours = np.asarray(upright(image, image.convert("RGB")))
        except PhotoError as error:
            raise DataError("The mask {mask} cannot be read. {problem}", mask=self.path.name, problem=error) from error
        if colours.shape[:2] != damage.shape:
            raise _other_size((colours.shape[1], colours.shape[0]), (width, height))
        away = np.abs(colours.astype(np.int16) - np.array(self.ground, np.int16)).max(axis=-1)
        np.logical_or(damage, away > NEAR_GROUND, out=damage)


AnyShape = BoxShape | PolygonShape | RunShape | FileShape


@dataclass(frozen=True, slots=True)
class Outlines:
    """All that marks damage on one photo, united; `size` is that of the photo they were drawn on, where it is said.

    With `shares` they are shares of the photo's width and height.
    """

    marks: tuple[AnyShape, ...]
    size: WidthHeight | None = None
    shares: bool = False

    def drawn(self, size: WidthHeight) -> Damage:
        """Which pixels of a photo of this size are damaged; a DataError where an outline cannot be of it."""
        if self.size is not None and self.size != size:
            raise _other_size(self.size, size)
        damage: Damage = np.zeros((size[1], size[0]), dtype=np.bool_)
        for mark in self.marks:
            mark.draw(damage, size if self.shares else (1, 1))
        return damage

    def png(self, size: WidthHeight) -> bytes:
        """The same as a mask in a file."""
        buffer = io.BytesIO()
        Image.fromarray(self.drawn(size).astype(np.uint8) * 255).save(buffer, "PNG")
        return buffer.getvalue()


@cache
def _drawn_folder() -> "tempfile.TemporaryDirectory[str]":
    """Where masks lie that this process has drawn; it goes with the process."""
    return tempfile.TemporaryDirectory(prefix="quorum-masks-")


def drawn_file(outlines: Outlines, size: WidthHeight) -> Path:
    """A file with the mask of outlines, for whatever reads masks from files; it lies there while this process runs."""
    data = outlines.png(size)
    path = Path(_drawn_folder().name, f"{hashlib.sha256(data).hexdigest()}.png")
    if not path.exists():
        path.write_bytes(data)
    return path


def _other_size(found: WidthHeight, size: WidthHeight) -> DataError:
    return DataError(
        "Its outlines are of a photo of {width} × {height} pixels, but it has {photo_width} × {photo_height}. Export "
        "them for this photo.",
        width=found[0],
        height=found[1],
        photo_width=size[0],
        photo_height=size[1],
    )


def _bounded(value: float) -> float:
    if not abs(value) <= FARTHEST:  # nor a number at all
        raise DataError("Its outlines reach to {place}: expected pixels of the photo.", place=f"{value:.6g}")
    return value


def _pixels_inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> Damage:
    """The pixels whose centre lies inside a polygon an odd number of times: each edge turns what is right of it."""
    height, width = shape
    start, end = points, np.roll(points, -1, axis=0)
    down = (start[:, 1] <= end[:, 1])[:, None]
    upper, lower = np.where(down, start, end), np.where(down, end, start)
    first = np.ceil(upper[:, 1] - 0.5).clip(0, height).astype(np.int64)
    counts = np.ceil(lower[:, 1] - 0.5).clip(0, height).astype(np.int64) - first
    if counts.sum() > MOST_CROSSINGS:
        raise DataError(
            "Its outline has {count} corners, which cross its rows of pixels {crossings:,} times: expected {limit:,} "
            "at most. Draw it with fewer.",
            count=len(points),
            crossings=int(counts.sum()),
            limit=MOST_CROSSINGS,
        )
    edge = np.repeat(np.arange(len(points)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    reach = (lower - upper)[edge]
    columns = upper[edge, 0] + (rows + 0.5 - upper[edge, 1]) * reach[:, 0] / reach[:, 1]
    columns = np.ceil(columns - 0.5).clip(0, width).astype(np.int64)
    turns = np.bincount(rows * (width + 1) + columns, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.logical_xor.accumulate(turns[:, :width] % 2 == 1, axis=1)


def turned_polygon(corners: Sequence[XY], degrees: float, around: XY) -> PolygonShape:
    """A polygon that is turned clockwise around a place."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    away = [(x - around[0], y - around[1]) for x, y in corners]
    return PolygonShape(tuple((around[0] + x * cosine - y * sine, around[1] + x * sine + y * cosine) for x, y in away))


def ellipse(middle: XY, radii: XY, degrees: float) -> PolygonShape:
    """The polygon that stands for an ellipse, turned clockwise around its middle."""
    angles = [math.tau * step / ELLIPSE_CORNERS for step in range(ELLIPSE_CORNERS)]
    corners = [(middle[0] + radii[0] * math.cos(at), middle[1] + radii[1] * math.sin(at)) for at in angles]
    return turned_polygon(corners, degrees, middle)


def compressed_runs(text: str) -> tuple[int, ...]:
    """The lengths in COCO's compressed text: six bits a character, every number from the third on a difference."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        chunk = ord(character) - 48
        if not 0 <= chunk < 64 or shift > MOST_BITS:
            raise DataError("Its compressed runs hold {text!r}: expected those of COCO.", text=text[:20])
        value |= (chunk & 31) << shift
        shift += 5
        if not chunk & 32:
            value -= (chunk >> 4 & 1) << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return tuple(counts)


def packed_runs(numbers: Sequence[int], size: WidthHeight) -> tuple[int, ...]:
    """The lengths row by row of a brush as rle-pack writes it: four values a pixel, the last of them its cover."""
    bits = "".join(f"{number:08b}" for number in bytes(numbers))
    place = 0

    def read(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    total, word = read(32), read(5) + 1
    lengths = [read(4) + 1 for _ in range(4)]
    if total != 4 * size[0] * size[1] or total > 4 * MAX_PIXELS:
        raise DataError(
            "Its brush is of {total} values: expected four for each of {width} × {height} pixels.",
            total=total,
            width=size[0],
            height=size[1],
        )
    values, at = np.zeros(total, dtype=np.uint8), 0
    while at < total:
        repeated = read(1)
        end = at + 1 + read(lengths[read(2)])
        values[at:end] = read(word) if repeated else [read(word) for _ in range(min(end, total) - at)]
        at = end
    return tuple(runs_of((values[3::4].reshape(size[1], size[0]) > 0).T))


def runs_of(damage: Damage) -> list[int]:
    """The lengths of runs column by column, of nothing first, as COCO writes them."""
    flat = damage.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff([0, *changes, flat.size]).tolist()
    return [0, *counts] if flat[0] else counts


def areas_of(damage: Damage) -> Iterator[tuple[tuple[int, int, int, int], Damage]]:
    """Each connected area of a mask, left, top, right, bottom and its pixels there; corners that touch connect."""
    labels, _ = ndimage.label(damage, structure=np.ones((3, 3)))
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        yield (columns.start, rows.start, columns.stop, rows.stop), labels[rows, columns] == number


def loops_of(damage: Damage) -> list[list[tuple[int, int]]]:
    """The corners (x, y) of every closed line between damaged pixels and others, with the damage on its right."""
    inside = np.pad(damage, 1)
    here, above, left = inside[1:, 1:], inside[:-1, 1:], inside[1:, :-1]
    lines = (here & ~above, left & ~here, above & ~here, here & ~left)  # that go right, down, left, up
    ways: dict[tuple[int, int], list[int]] = {}
    for heading, (line, (down, across)) in enumerate(zip(lines, ((0, 0), (0, 0), (0, 1), (1, 0)), strict=True)):
        for y, x in zip(*np.nonzero(line), strict=True):
            ways.setdefault((int(x) + across, int(y) + down), []).append(heading)
    loops = []
    while ways:
        at, last, loop = next(iter(ways)), -1, list[tuple[int, int]]()
        while at in ways:
            way = (last - 1) % 4 if last >= 0 and (last - 1) % 4 in ways[at] else ways[at][0]
            ways[at].remove(way)
            if not ways[at]:
                del ways[at]
            if way != last:
                loop.append(at)
            last, at = way, (at[0] + (1, 0, -1, 0)[way], at[1] + (0, 1, 0, -1)[way])
        loops.append(loop)
    return loops


def one_polygon(loops: Sequence[Sequence[tuple[int, int]]]) -> list[tuple[int, int]]:
    """The same area with a single line: holes hang on the first corner by lines that are gone there and back."""
    first, *holes = loops
    line = list(first)
    for hole in holes:
        line += [first[0], *hole, hole[0]]
    return [*line, first[0]] if holes else line
