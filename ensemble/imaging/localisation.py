"""From the members' heat maps to one, and from that one to regions that a person can point at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ensemble.values.results import HEAT_CUT, HeatMap, Region, Score

GRID = 128  # the finest that a combined map needs to be: a member's own is coarser, a photo's pixels stay its own
HOT = "unlike a good part"


def combine(scores: Sequence[Score]) -> HeatMap | None:
    """The mean of the members' heat maps, each by its weight, at the finest of their grids; None without any."""
    maps = [(score.heat.values, score.weight) for score in scores if score.heat is not None]
    if not maps:
        return None
    height = min(GRID, max(values.shape[0] for values, _ in maps))
    width = min(GRID, max(values.shape[1] for values, _ in maps))
    total = sum(weight for _, weight in maps)
    mean = sum(weight / total * enlarge(values, (width, height)) for values, weight in maps)
    return HeatMap(np.clip(np.asarray(mean, dtype=np.float32), 0.0, 1.0))


def enlarge(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map (h, w) stretched to (width, height) by bilinear interpolation, as an array (height, width)."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    picture = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def regions(scores: Sequence[Score], heat: HeatMap | None) -> tuple[Region, ...]:
    """What detectors have found, then what is hot in the combined map, each with the highest score first."""
    found = sorted((region for score in scores for region in score.regions), key=lambda region: -region.score)
    return (*found, *(hot_regions(heat) if heat else ()))


def hot_regions(heat: HeatMap) -> tuple[Region, ...]:
    """Connected places at or above `HEAT_CUT`, the hottest first; places that touch at a corner are one region."""
    labels, _ = ndimage.label(heat.values >= HEAT_CUT, structure=np.ones((3, 3)))
    height, width = heat.values.shape
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[rows, columns] == number
        area = float(inside.sum()) / heat.values.size
        box = (columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)
        found.append(Region(HOT, box, float(heat.values[rows, columns][inside].max()), area))
    return tuple(sorted(found, key=lambda region: -region.score))
