"""A photo as the view of its product shows it: laid over the reference and cut to the region.

Whatever lies outside the region or is ignored gets the pixels of the reference, so that no feature there ever changes.
A large one is cut into tiles: squares of its own pixels.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from scipy import ndimage

from ensemble.imaging.aligning import AS_IT_LIES, Aligner, Placement
from ensemble.imaging.masks import MOST_STITCHED, enlarge
from ensemble.imaging.photos import open_photo
from ensemble.values.errors import PhotoError
from ensemble.values.language import Message
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Region
from ensemble.values.view import MarkedSize, Tiles, View, is_seen

MOST_OUTSIDE = 0.02  # of what is looked at may lie outside of a photo: a defect there would not be seen
ROWS_DRAWN = 256
MAP_SIDE = 128  # the most cells a side of a map that is laid back on its photo
TileBox = tuple[int, int, int, int]  # left, top, right, bottom in pixels of what is looked at
FEWEST_FOR_LIMIT = 5  # photos that were laid over the reference
HELD = 0.99  # of the photos lie within the limit before its margin
MARGIN, LEAST_MARGIN = 1.5, 0.02  # of the residual
HEAT_STEP = 0.025  # of the heat down to which marks are measured, rounded down


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What members see of one photo, and how that lies on it.

    `problem` says why the photo cannot be looked at so; a person must look then. `residual` is how much the photo
    differs from the reference once it is laid over it: 0 for the very same, 1 for one that has nothing to do with it.
    """

    picture: Image.Image
    by: "Looking"
    size: tuple[int, int]  # of the photo as it came
    placement: Placement = AS_IT_LIES
    residual: float | None = None
    problem: str = ""

    @property
    def doubt(self) -> str:
        """Why a person must look; empty where the photo fits the view."""
        limit = self.by.view.residual_limit
        if not self.problem and self.residual is not None and limit is not None and self.residual > limit:
            return Message(
                "the part cannot be aligned to the reference (residual {residual:.3f}, limit {limit:.3f})",
                residual=self.residual,
                limit=limit,
            )
        return self.problem

    def as_seen(self, picture: Image.Image) -> Image.Image:
        """Something of the photo's size, such as a mask (L), as the view shows it; black where nothing is looked at."""
        shown = self._shown(picture, Image.Resampling.NEAREST)
        return Image.composite(shown, Image.new(shown.mode, shown.size), self.by.seen)

    def on_photo(self, found: AnomalyMap) -> AnomalyMap:
        """A map over what members see -> the map over the photo as it came; cold where nothing is looked at."""
        values = self._laid_back(found.values, MOST_STITCHED if found.stitched else MAP_SIDE)
        return replace(found, values=np.clip(values, 0.0, 1.0))

    def _laid_back(self, values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
        left, top, right, bottom = self.by.box
        across, down = (
            min(most, max(cells, round(cells * side / length)))
            for cells, side, length in zip(values.shape[::-1], self.size, (right - left, bottom - top), strict=True)
        )
        x, y = np.meshgrid((np.arange(across) + 0.5) / across, (np.arange(down) + 0.5) / down)
        x, y = self._on_reference(x * self.size[0], y * self.size[1])
        fine = enlarge(values, (max(64, values.shape[1]), max(64, values.shape[0])))
        shares = (x - left) / (right - left), (y - top) / (bottom - top)
        inside = (shares[0] >= 0) & (shares[0] < 1) & (shares[1] >= 0) & (shares[1] < 1)
        columns, rows = (
            np.clip((share * cells).astype(int), 0, cells - 1)
            for share, cells in zip(shares, fine.shape[::-1], strict=True)
        )
        seen = np.asarray(self.by.seen) > 0
        places = (
            np.clip((share * cells).astype(int), 0, cells - 1)
            for share, cells in zip(shares, self.by.seen.size, strict=True)
        )
        at_x, at_y = places
        found: NDArray[np.float32] = np.where(inside & seen[at_y, at_x], fine[rows, columns], 0.0).astype(np.float32)
        return found

    def only_seen(self, found: AnomalyMap) -> AnomalyMap:
        """Those cells of a map over the photo that are looked at, in one row."""
        height, width = found.values.shape
        seen = np.asarray(Image.fromarray(self.seen_on_photo()).resize((width, height), Image.Resampling.NEAREST))
        return AnomalyMap(found.values[seen][None]) if seen.any() else found

    def seen_on_photo(self) -> NDArray[np.bool_]:
        """(height, width) of the photo as it came, true where it is looked at."""
        return np.asarray(self._back(self.by.seen)) > 0

    def region_on_photo(self, region: Region) -> Region | None:
        """A region in shares of what members see, in shares of the photo; None where it lies where nobody looks."""
        left, top, right, bottom = self.by.box
        width, height = right - left, bottom - top
        middle = (region.box[0] + region.box[2]) / 2 * width, (region.box[1] + region.box[3]) / 2 * height
        if not self.by.seen.getpixel((min(width - 1, int(middle[0])), min(height - 1, int(middle[1])))):
            return None
        x = np.array([region.box[0], region.box[2], region.box[2], region.box[0]]) * width + left
        y = np.array([region.box[1], region.box[1], region.box[3], region.box[3]]) * height + top
        x, y = self._from_reference(x, y)
        x, y = np.clip(x / self.size[0], 0, 1), np.clip(y / self.size[1], 0, 1)
        box = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        share = width * height * self.placement.scale**2 / (self.size[0] * self.size[1])
        area = min(1.0, region.area * share, (box[2] - box[0]) * (box[3] - box[1]))
        return replace(region, box=box, area=area)

    def marks(self, values: NDArray[np.float32] | None, regions: Sequence[Region]) -> MarkedSize:
        """How large what a member marks is, in pixels of the photo as it came: the hot places of its map, its boxes.

        Both are in shares of what members see; a box is as long as its diagonal.
        """
        left, top, right, bottom = self.by.box
        zoom, scale = self.placement.scale, self.by.view.mm_per_pixel
        width, height = (right - left) * zoom, (bottom - top) * zoom
        count, longest, largest = 0, 0.0, 0.0
        if values is not None:
            count, longest, largest = extents(values, (width / values.shape[1], height / values.shape[0]))
        for region in regions:
            across, down = (region.box[2] - region.box[0]) * width, (region.box[3] - region.box[1]) * height
            longest = max(longest, math.hypot(across, down), 1.0)
            largest = max(largest, region.area * width * height, 1.0)
        count += len(regions)
        return MarkedSize(count, round(longest, 3), round(largest, 3), None if scale is None else scale / zoom)

    def _shown(self, picture: Image.Image, resample: Image.Resampling) -> Image.Image:
        if picture.size != self.by.reference.size:
            picture = picture.resize(self.by.reference.size, resample)
        if self.placement == AS_IT_LIES:
            return picture.crop(self.by.box)
        left, top, right, bottom = self.by.box
        matrix = self.placement.moved(left, top)
        return picture.transform((right - left, bottom - top), Image.Transform.AFFINE, matrix, resample)

    def _back(self, seen: Image.Image) -> Image.Image:
        """The inverse of `_shown`, black where nothing comes from."""
        left, top, _, _ = self.by.box
        size = self.by.reference.size
        whole = Image.new(seen.mode, size)
        whole.paste(seen, (left, top))
        if self.placement != AS_IT_LIES:
            whole = whole.transform(size, Image.Transform.AFFINE, self.placement.inverse(), Image.Resampling.NEAREST)
        return whole if size == self.size else whole.resize(self.size, Image.Resampling.NEAREST)

    def _on_reference(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width, height = self.by.reference.size
        a, b, c, d, e, f = self.placement.inverse()
        x, y = x * width / self.size[0], y * height / self.size[1]
        return a * x + b * y + c, d * x + e * y + f

    def _from_reference(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width, height = self.by.reference.size
        a, b, c, d, e, f = self.placement.moved(0, 0)
        return (a * x + b * y + c) * self.size[0] / width, (d * x + e * y + f) * self.size[1] / height


def extents(values: NDArray[np.float32], cell: tuple[float, float]) -> tuple[int, float, float]:
    """How many hot places a map (h, w) has, of cells so wide and high: the maximum Feret diameter of the longest of
    them, and the area of the largest.

    A place that reaches `MAP_THRESHOLD` is measured as far as the heat around it is at least half of its highest (full
    width at half maximum): of a scratch that fades out not its hottest spot alone counts.
    """
    hot, count = ndimage.label(values >= MAP_THRESHOLD, structure=np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    levels = np.floor(np.asarray(ndimage.maximum(values, hot, numbers)) / 2 / HEAT_STEP) * HEAT_STEP  # (count,)
    longest = largest = 0.0
    for level in np.unique(levels):
        wide, _ = ndimage.label(values >= level, structure=np.ones((3, 3)))
        places, sizes = ndimage.find_objects(wide), np.bincount(wide.ravel())
        own = np.unique(wide[np.isin(hot, numbers[levels == level])])
        largest = max(largest, float(sizes[own].max()) * cell[0] * cell[1])
        for number in own:
            rows, columns = place = places[number - 1]
            if math.hypot((columns.stop - columns.start) * cell[0], (rows.stop - rows.start) * cell[1]) > longest:
                longest = max(longest, _feret_diameter(wide[place] == number, cell))
    return count, longest, largest


def _feret_diameter(inside: NDArray[np.bool_], cell: tuple[float, float]) -> float:
    """The longest distance between two points of a region (h, w) of cells: one at the left of a row, one at a right."""
    rows = np.flatnonzero(inside.any(axis=1))
    left = inside[rows].argmax(axis=1)
    right = inside.shape[1] - inside[rows][:, ::-1].argmax(axis=1)
    edges = np.concatenate([rows, rows + 1]) * cell[1]
    across = (np.tile(right, 2)[:, None] - np.tile(left, 2)) * cell[0]
    return float(np.hypot(across, edges[:, None] - edges).max())


class Looking:
    """A view with its reference opened: what makes of each photo what members see. Safe to share between threads."""

    def __init__(self, view: View, reference: Image.Image) -> None:
        if reference.size != view.size:
            raise PhotoError(
                "The reference photo has {width} × {height} pixels, and its view was drawn on {view_width} × "
                "{view_height}. Draw the view anew.",
                width=reference.width,
                height=reference.height,
                view_width=view.size[0] if view.size else 0,
                view_height=view.size[1] if view.size else 0,
            )
        self.view, self.reference, self.box = view, reference, view.box
        self.base = reference.crop(self.box)
        self.seen = mask_of(view, reference.size).crop(self.box)  # 255 where it is looked at, else 0
        self.aligner = Aligner(reference, mask_of(view, reference.size), view.alignment) if view.alignment else None

    def look(self, picture: Image.Image) -> Look:
        """What members see of an upright RGB picture; one that does not fit is shown as it can be, and named."""
        if picture.size != self.reference.size:
            width, height = self.reference.size
            problem = Message(
                "it has {width} × {height} pixels, and the view was drawn on {view_width} × {view_height}: another "
                "camera or setting",
                width=picture.width,
                height=picture.height,
                view_width=width,
                view_height=height,
            )
            return self._filled(Look(picture, self, picture.size, problem=problem))
        if self.aligner is None:
            return self._filled(Look(picture, self, picture.size))
        found = self.aligner.place(picture)
        look = Look(picture, self, picture.size, found.placement, found.residual, found.problem)
        outside = self._outside(look)
        if outside > MOST_OUTSIDE and not look.problem:
            problem = Message("{share:.0%} of the region of interest lies outside of the photo", share=outside)
            look = replace(look, problem=problem)
        return self._filled(look)

    def _filled(self, look: Look) -> Look:
        shown = look._shown(look.picture, Image.Resampling.BICUBIC)
        seen = self.seen
        if look.placement != AS_IT_LIES:  # what lies outside of the photo is not looked at
            seen = ImageChops.darker(seen, look._shown(Image.new("L", look.size, 255), Image.Resampling.BILINEAR))
            seen = seen.point(lambda value: 255 if value == 255 else 0)
        return replace(look, picture=Image.composite(shown, self.base, seen))

    def _outside(self, look: Look) -> float:
        there = look._shown(Image.new("L", look.size, 255), Image.Resampling.NEAREST)
        seen = np.asarray(self.seen) > 0
        return float((np.asarray(there)[seen] == 0).mean())

    def fill(self, picture: Image.Image) -> Image.Image:
        """A changed copy of what members see, with the reference again where nothing is looked at."""
        return Image.composite(picture, self.base, self.seen)


def mask_of(view: View, size: tuple[int, int]) -> Image.Image:
    """What a view looks at of a photo of this (width, height), 255 there: the pixels whose middle lies within."""
    width, height = size
    seen = np.zeros((height, width), np.uint8)
    x = (np.arange(width) + 0.5) / width
    for top in range(0, height, ROWS_DRAWN):  # which bounds the memory for large photos
        rows = (np.arange(top, min(height, top + ROWS_DRAWN)) + 0.5) / height
        seen[top : top + len(rows)] = 255 * is_seen(view.region, view.ignore, *np.meshgrid(x, rows))
    return Image.fromarray(seen)


@lru_cache(maxsize=8)
def looking_of(view: View) -> Looking:
    """A view opened; a PhotoError where its reference is missing or has changed."""
    if sha256(view.photo).hexdigest() != view.reference:
        raise PhotoError("The reference photo of the view is missing or has changed. Restore it, or train again.")
    return Looking(view, open_photo(view.photo, "reference", view).picture)


def look_at_photo(picture: Image.Image, view: View) -> Look | None:
    """What members see of a picture; None where the view shows photos as they are."""
    return looking_of(view).look(picture) if view.reference else None


def view_key(view: View) -> str:
    """What tells apart what members see by two views; empty where they see photos as they are."""
    silent = ("residual_limit", "mm_per_pixel", "white_by_hand")
    known = {name: value for name, value in view.as_json().items() if name not in silent}
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest() if known else ""


def limit_of(residuals: list[float]) -> float | None:
    """The residual that nearly all of these photos hold, with a margin; None where they are too few."""
    if len(residuals) < FEWEST_FOR_LIMIT:
        return None
    return round(min(2.0, MARGIN * float(np.quantile(residuals, HELD)) + LEAST_MARGIN), 4)


def tile_boxes(size: tuple[int, int], tiles: Tiles) -> list[TileBox]:
    """The tiles that cover a picture of this (width, height), row by row, none beyond it.

    A picture that is smaller than a tile has one, which reaches beyond it.
    """
    across, down = (_starts(length, tiles) for length in size)
    return [(left, top, left + tiles.side, top + tiles.side) for top in down for left in across]


def _starts(length: int, tiles: Tiles) -> list[int]:
    """Where tiles begin along one side, evenly, neighbours with at least the overlap in common."""
    rest = length - tiles.side
    if rest <= 0:
        return [0]
    steps = -(-rest // max(1, int(tiles.side * (1 - tiles.overlap))))
    return [round(number * rest / steps) for number in range(steps + 1)]


def looked_tiles(shown: Image.Image | Look, tiles: Tiles) -> list[TileBox]:
    """The tiles of a photo that show anything that is looked at; all where nothing is."""
    if not isinstance(shown, Look):
        return tile_boxes(shown.size, tiles)
    boxes = tile_boxes(shown.picture.size, tiles)
    return [box for box in boxes if shown.by.seen.crop(box).getbbox()] or boxes


def cut_tile(picture: Image.Image, box: TileBox) -> Image.Image:
    """One tile of a picture; what lies beyond a picture that is too small is its mirror image."""
    left, top, right, bottom = box
    inside = picture.crop((left, top, min(right, picture.width), min(bottom, picture.height)))
    beyond = ((0, bottom - top - inside.height), (0, right - left - inside.width), (0, 0))
    if not any(after for _, after in beyond):
        return inside
    pixels = np.asarray(inside)
    mirrored = np.pad(pixels, beyond[: pixels.ndim], mode="symmetric")
    return Image.fromarray(mirrored)


def spread(places: Sequence[TileBox], count: int, number: int, order: NDArray[np.int64]) -> list[TileBox]:
    """So many tiles of the photo of this number, others than of the photos before it until each place was shown once.

    `order` is a permutation of the places, the same for photos of one size.
    """
    chosen = [int(order[(number * count + each) % len(places)]) for each in range(min(count, len(places)))]
    return [places[place] for place in sorted(chosen)]
