"""What members say of a large photo tile by tile: its hottest tile judges it, and their maps become one."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter

from ensemble.features.photo_batch import PhotoBatch, batches
from ensemble.imaging.looking import Look, TileBox, cut_tile, looked_tiles
from ensemble.imaging.masks import MOST_STITCHED
from ensemble.members import Member
from ensemble.values.view import Tiles

TILES_AT_ONCE = 8  # whose features are in memory at a time, however large the photo is
FAINTEST = 1e-3  # what a place at the very edge of a tile weighs: somebody must speak for the photo's own edge


@dataclass(slots=True)
class StitchedMap:
    """Maps (h, w) of tiles laid together to one of the whole picture of a (width, height), tile by tile.

    Where tiles overlap, each counts the less the nearer its edge is: there it knows least of what lies around.
    """

    size: tuple[int, int]
    tiles: Tiles
    _total: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    _weight: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def add(self, box: TileBox, values: NDArray[np.float32]) -> None:
        """Lay the map of one tile where the tile lies."""
        if not self._total.size:
            cells = zip(self.size, values.shape[::-1], strict=True)
            scale = min(1.0, *(MOST_STITCHED * self.tiles.side / (length * count) for length, count in cells))
            shape = [
                max(1, round(scale * length * count / self.tiles.side))
                for length, count in zip(self.size, values.shape[::-1], strict=True)
            ]
            self._total, self._weight = (np.zeros((shape[1], shape[0]), np.float32) for _ in range(2))
        down, across = (
            self._laid(start, length, cells, count)
            for start, length, cells, count in zip(
                box[1::-1], self.size[::-1], self._total.shape, values.shape, strict=True
            )
        )
        values = self._coarsened(values)
        weight = np.outer(down.weights, across.weights)
        self._total[down.cells, across.cells] += weight * (down.matrix @ values @ across.matrix.T)
        self._weight[down.cells, across.cells] += weight

    def values(self) -> NDArray[np.float32]:
        """The map of the whole picture (H, W) in [0, 1], at most `MOST_STITCHED` cells a side; 0 where no tile lies."""
        found = np.divide(self._total, self._weight, out=np.zeros_like(self._total), where=self._weight > 0)
        return found.clip(0.0, 1.0)

    def _coarsened(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """With the hottest of its neighbours in each place, where the whole map is coarser: no small spot is lost."""
        wide = max(
            count * length / (self.tiles.side * cells)
            for count, length, cells in zip(values.shape, self.size[::-1], self._total.shape, strict=True)
        )
        found: NDArray[np.float32] = values if wide <= 1.01 else maximum_filter(values, int(np.ceil(wide)))
        return found

    def _laid(self, start: int, length: int, cells: int, count: int) -> "_Laid":
        """Along one side: which cells of the whole map a tile reaches, what they take of its `count`, their weights."""
        side, pixel = self.tiles.side, length / cells
        middles = (np.arange(cells) + 0.5) * pixel
        first, last = np.searchsorted(middles, (start, start + side))
        inside = middles[first:last] - start
        at = np.clip(inside / side * count - 0.5, 0, count - 1)
        low = np.minimum(at.astype(int), max(0, count - 2))
        matrix = np.zeros((len(at), count), np.float32)
        rows = np.arange(len(at))
        matrix[rows, low] = 1 - (at - low)
        if count > 1:
            matrix[rows, low + 1] = at - low
        ramp = max(1.0, side * self.tiles.overlap)
        weights = np.clip(np.minimum(inside, side - inside) / ramp, FAINTEST, 1.0).astype(np.float32)
        return _Laid(slice(int(first), int(last)), matrix, weights)


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """Cells along one side, what each takes of a tile's (cells, count), and its weight (cells,)."""

    cells: slice
    matrix: NDArray[np.float32]
    weights: NDArray[np.float32]


@dataclass(slots=True)
class TiledPrediction:
    """What one member says of one photo: the probabilities (K,) of its hottest tile so far, and its map."""

    stitched: StitchedMap
    probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    has_map: bool = False
    seconds: float = 0.0

    def add(self, member: Member, boxes: Sequence[TileBox], batch: PhotoBatch) -> None:
        """Let the member look at some more tiles."""
        rows = batch.rows(member.input)
        start = time.perf_counter()
        prediction = member.score(rows)
        self.seconds += time.perf_counter() - start + batch.seconds(member.input)
        said, good = np.asarray(prediction.probabilities, float), member.good_column()
        if not np.isfinite(said).all():  # beside a number it would lose every comparison, and with it the tile its say
            raise ValueError(f"{member.title} gives a tile no number.")
        hottest = said[int(said[:, good].argmin())]
        if not self.probabilities.size or hottest[good] < self.probabilities[good]:
            self.probabilities = hottest
        if prediction.anomaly_map is not None:
            self.has_map = True
            for box, values in zip(boxes, prediction.anomaly_map, strict=True):
                self.stitched.add(box, values)


def predict_by_tiles(
    shown: Image.Image | Look, tiles: Tiles, members: Mapping[str, Member]
) -> tuple[dict[str, TiledPrediction], dict[str, Exception]]:
    """What each member says of a photo, and of those that failed on a tile why: what they said of others is no answer.

    Each backbone looks at each tile once, whatever number of members read it. No other photo's tiles pass beside them,
    so that every edge says the very same.
    """
    size = seen_picture(shown).size
    said = {name: TiledPrediction(StitchedMap(size, tiles)) for name in members}
    failed: dict[str, Exception] = {}
    expected = [member.input for member in members.values()]
    for boxes, pictures in cut_tiles(shown, tiles):
        batch = PhotoBatch(pictures, expected=expected)
        for name in [name for name in members if name not in failed]:
            try:
                said[name].add(members[name], boxes, batch)
            except Exception as error:  # noqa: BLE001 - whatever a member's library raises, the others still vote
                failed[name] = error
    return {name: each for name, each in said.items() if name not in failed}, failed


def seen_picture(shown: Image.Image | Look) -> Image.Image:
    """What members see of a photo."""
    return shown.picture if isinstance(shown, Look) else shown


def cut_tiles(shown: Image.Image | Look, tiles: Tiles) -> Iterator[tuple[Sequence[TileBox], list[Image.Image]]]:
    """The tiles of a photo that are looked at, a few at a time."""
    picture = seen_picture(shown)
    for boxes in batches(looked_tiles(shown, tiles), TILES_AT_ONCE):
        yield boxes, [cut_tile(picture, box) for box in boxes]
