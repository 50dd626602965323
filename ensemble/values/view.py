"""How the photos of a product are looked at: one value for training, inspection and every edge."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from ensemble.values.digits import is_number
from ensemble.values.language import Message

DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras give
SMALLEST_REGION = 32  # pixels a side, as of a photo
MOST_CORNERS = 200
PLACES = 256  # places a side where it is asked whether anything is left to look at
USUAL_TILE, USUAL_OVERLAP = 320, 0.125  # as members of places read a picture; 40 pixels hold a small defect whole
TILE_SIDES, MOST_OVERLAP = (64, 1024), 0.5
VIEW_FIELDS = (
    *("white_level", "reference", "size", "region", "ignore", "alignment", "residual_limit", "mm_per_pixel"),
    *("tiles", "white_by_hand"),
)

Corner = tuple[float, float]  # shares of the reference's width and height
Polygon = tuple[Corner, ...]


def rectangle(left: float, top: float, width: float, height: float) -> Polygon:
    """The corners of a rectangle, all in shares of the reference's width and height."""
    right, bottom = (min(1.0, round(start + length, 9)) for start, length in ((left, width), (top, height)))
    return (left, top), (right, top), (right, bottom), (left, bottom)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How far a part may lie from where it lies on the reference: shifted by shares of width and height, turned by
    degrees either way, and larger or smaller by a factor."""

    shift: float = 0.2
    turn: float = 180.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        limits = (("shift", self.shift, 0, 0.5), ("turn", self.turn, 0, 180), ("scale", self.scale, 1, 1.5))
        for name, value, low, high in limits:
            if not is_number(value) or not low <= value <= high:
                raise ValueError(f"The most {name} of an alignment lies from {low} to {high}. Got {value!r}.")


@dataclass(frozen=True, slots=True)
class Tiles:
    """Squares of a photo that members look at one by one, of so many of its pixels a side; neighbours have at least
    this share of it in common."""

    side: int = USUAL_TILE
    overlap: float = USUAL_OVERLAP

    def __post_init__(self) -> None:
        least, most = TILE_SIDES
        if type(self.side) is not int or not least <= self.side <= most:
            raise ValueError(f"A tile has from {least} to {most} pixels a side. Got {self.side!r}.")
        if not is_number(self.overlap) or not 0 <= self.overlap <= MOST_OVERLAP:
            raise ValueError(f"The overlap of tiles lies from 0 to {MOST_OVERLAP}. Got {self.overlap!r}.")


@dataclass(frozen=True, slots=True)
class View:
    """How photos are looked at; by default as they are.

    `white_level` is the depth in bits of photos whose files have 16 bits a channel and declare no other. `reference` is
    the SHA-256 of a photo of this `size` (width, height), on which the `region` is drawn that is looked at, by default
    all of it, and what is to `ignore` of it. With an `alignment` each photo is laid over the reference first; one that
    differs from it by more than `residual_limit` is left to a person. With `tiles` members look at what is left tile by
    tile, at its own resolution. `white_by_hand` says that a person has set the white level, which no training measures
    anew. `photo` holds the file of the reference, where it was read; it is no part of the value.
    """

    white_level: int | None = None
    reference: str = ""
    size: tuple[int, int] | None = None
    region: Polygon = ()
    ignore: tuple[Polygon, ...] = ()
    alignment: Alignment | None = None
    residual_limit: float | None = None
    mm_per_pixel: float | None = None
    tiles: Tiles | None = None
    white_by_hand: bool = False
    photo: bytes = field(default=b"", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.white_level is not None and (type(self.white_level) is not int or self.white_level not in DEPTHS):
            raise ValueError(
                f"A white level is one of {', '.join(map(str, DEPTHS))} bits, or none. Got {self.white_level!r}."
            )
        if type(self.white_by_hand) is not bool or (self.white_by_hand and self.white_level is None):
            raise ValueError(f"A white level set by hand is one of these. Got {self.white_level!r}.")
        scale = self.mm_per_pixel
        if scale is not None and not (is_number(scale) and scale > 0):
            raise ValueError(f"A pixel is a number of millimetres above 0 wide. Got {scale!r}.")
        if not self.reference:
            if self.size or self.region or self.ignore or self.alignment or self.residual_limit is not None:
                raise ValueError("Regions and alignment need a reference photo: name one.")
            return
        if not isinstance(self.reference, str) or not re.fullmatch("[0-9a-f]{64}", self.reference):
            raise ValueError(f"A reference is named by its SHA-256, 64 hexadecimal digits. Got {self.reference!r:.80}.")
        if self.size is None or len(self.size) != 2 or not all(type(side) is int and side > 0 for side in self.size):
            raise ValueError(f"A reference has a width and a height in pixels. Got {self.size!r}.")
        self._check_regions()
        limit = self.residual_limit
        if limit is not None and not (self.alignment and is_number(limit) and 0 <= limit <= 2):
            raise ValueError(f"The residual of an alignment is limited from 0 to 2. Got {limit!r}.")

    def _check_regions(self) -> None:
        for polygon in (*((self.region,) if self.region else ()), *self.ignore):
            _check_polygon(polygon)
        left, top, right, bottom = self.box
        if min(right - left, bottom - top) < SMALLEST_REGION:
            raise ValueError(
                Message(
                    "A region of interest has at least {least} pixels a side. Got {width} × {height}: draw it larger.",
                    least=SMALLEST_REGION,
                    width=right - left,
                    height=bottom - top,
                )
            )
        if not _is_something_left(self.region, self.ignore):
            raise ValueError(
                Message("Nothing is left to look at: the ignore regions cover the whole region of interest.")
            )

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of the reference, around the region."""
        width, height = self.size or (0, 0)
        across, down = ([corner[axis] for corner in self.region] or [0.0, 1.0] for axis in (0, 1))
        left, top = math.floor(min(across) * width + 1e-6), math.floor(min(down) * height + 1e-6)
        return left, top, math.ceil(max(across) * width - 1e-6), math.ceil(max(down) * height - 1e-6)

    def shows_the_same(self, other: "View") -> bool:
        """Whether members see of a photo what they would see by another view; limit and millimetres change nothing."""
        names = ("white_level", "reference", "size", "region", "ignore", "alignment", "tiles")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; what is as usual is left out."""
        known = {name: getattr(self, name) for name in VIEW_FIELDS}
        known["tiles"] = asdict(self.tiles) if self.tiles else None
        known["alignment"] = asdict(self.alignment) if self.alignment else None
        known["region"] = [list(corner) for corner in self.region]
        known["ignore"] = [[list(corner) for corner in polygon] for polygon in self.ignore]
        known["size"] = list(self.size or ())
        known["white_by_hand"] = self.white_by_hand or None
        return {name: value for name, value in known.items() if value not in (None, "", [])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], photo: bytes = b"") -> "View":
        """The inverse of `as_json`; a ValueError where it holds what no product of this version has."""
        if unknown := sorted(set(data) - set(VIEW_FIELDS)):
            raise ValueError(f"A view holds nothing that is called {unknown[0]!r} here: update Quorum.")
        return cls(
            data.get("white_level"),
            data.get("reference", ""),
            tuple(data["size"]) if "size" in data else None,
            _corners_of(data.get("region", ())),
            tuple(map(_corners_of, data.get("ignore", ()))),
            Alignment(**data["alignment"]) if "alignment" in data else None,
            data.get("residual_limit"),
            data.get("mm_per_pixel"),
            Tiles(**data["tiles"]) if "tiles" in data else None,
            data.get("white_by_hand", False),
            photo,
        )


AS_IT_IS = View()


@dataclass(frozen=True, slots=True)
class MarkedSize:
    """How large what one model has marked on a photo is: how many regions, the longest and the largest of them.

    `length` is the maximum Feret diameter in pixels of the photo, `area` their number. A pixel of this very photo is
    `mm_per_pixel` wide, None where the product states no scale.
    """

    count: int
    length: float = 0.0
    area: float = 0.0
    mm_per_pixel: float | None = None

    def __post_init__(self) -> None:
        counted = type(self.count) is int and is_number(self.length) and is_number(self.area)
        if not counted or self.count < 0 or not (min(self.length, self.area) > 0 if self.count else True):
            raise ValueError(f"A mark has a length and an area above 0. Got {self.length!r} and {self.area!r}.")
        if self.mm_per_pixel is not None and not (is_number(self.mm_per_pixel) and self.mm_per_pixel > 0):
            raise ValueError(f"A pixel is a number of millimetres above 0 wide. Got {self.mm_per_pixel!r}.")

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, exactly; without a scale where there is none."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> "MarkedSize | None":
        """The inverse of `as_json`; None where nothing was measured."""
        return None if data is None else cls(**data)


def _corners_of(corners: Sequence[Sequence[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in corners)


def _check_polygon(polygon: Polygon) -> None:
    if not 3 <= len(polygon) <= MOST_CORNERS:
        raise ValueError(f"A region has from 3 to {MOST_CORNERS} corners. Got {len(polygon)}.")
    for corner in polygon:
        if len(corner) != 2 or not all(is_number(share) and 0 <= share <= 1 for share in corner):
            raise ValueError(f"A corner lies on the photo, its shares from 0 to 1. Got {corner!r}.")
    if len(set(polygon)) < len(polygon):
        raise ValueError(Message("A region has each corner once. One comes twice: take it away."))
    sides = list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))
    for (first, one), (second, other) in combinations(enumerate(sides), 2):
        if second - first not in (1, len(sides) - 1) and _cross(one, other):
            raise ValueError(Message("The sides of a region may not cross each other: draw it anew."))
    turned = [(end[0] - start[0]) * (end[1] + start[1]) for start, end in sides]
    if abs(sum(turned)) < 1e-9:
        raise ValueError(Message("A region needs an area: its corners lie on one line."))


def _cross(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    (a, b), (c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(start: Corner, end: Corner, point: Corner) -> float:
    """On which side of a line a point lies, by the sign."""
    across = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
    return float(np.sign(across))


def _is_something_left(region: Polygon, ignore: Sequence[Polygon]) -> bool:
    places = (np.arange(PLACES) + 0.5) / PLACES
    return bool(is_seen(region, ignore, *np.meshgrid(places, places)).any())


def is_seen(region: Polygon, ignore: Sequence[Polygon], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points, in shares of width and height, are looked at: within the region and not to be ignored."""
    seen = _inside(region, x, y) if region else np.ones(x.shape, dtype=bool)
    for polygon in ignore:
        seen &= ~_inside(polygon, x, y)
    return seen


def _inside(polygon: Polygon, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points lie in a polygon, by the sides that a ray to the right crosses."""
    found = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if y0 != y1:
            found ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return found
