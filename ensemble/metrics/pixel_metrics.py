"""Whether heat maps are hot where the damage is: pixel AUROC and AUPRO, tallied photo by photo in bounded memory.

AUPRO is the area under the per-region overlap up to a false-positive rate of 0.3, as Bergmann et al. define it (MVTec
AD, CVPR 2019, and IJCV 129, 2021): at each cut, the share of every connected damaged region that is hot, averaged over
the regions of all photos, against the share of hot pixels among all that are not damaged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ensemble.imaging.localisation import enlarge
from ensemble.values.results import HeatMap

LIMIT = 0.3  # the false-positive rate up to which AUPRO is measured
BINS = 1 << 18  # of heat; so fine that ties within a bin cost less than 0.001 of either figure
AT_ONCE = 1 << 20  # pixels sorted into bins at a time, which bounds the memory for large photos


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Which pixels of a photo of a (width, height) are damaged.

    `damaged` (P,) are their places, counted row by row; `shares` (P,) is 1 / the size of the region of each, so that
    all regions count alike, whatever their size. Pixels that touch at a corner belong to one region.
    """

    size: tuple[int, int]
    damaged: NDArray[np.intp]
    shares: NDArray[np.float64]
    regions: int

    @classmethod
    def of(cls, damage: NDArray[np.bool_]) -> "Truth":
        """From (height, width), true where damaged."""
        labels, regions = ndimage.label(damage, structure=np.ones((3, 3)))
        places = np.flatnonzero(labels)
        numbers = labels.ravel()[places]
        height, width = damage.shape
        return cls((width, height), places, 1 / np.bincount(numbers)[numbers], regions)

    @classmethod
    def undamaged(cls, size: tuple[int, int]) -> "Truth":
        """A good photo of this (width, height)."""
        return cls(size, np.zeros(0, dtype=np.intp), np.zeros(0), 0)


class PixelTally:
    """One member's heat maps against the truth, photo by photo; it keeps three histograms and no map."""

    def __init__(self) -> None:
        self.sound = np.zeros(BINS, dtype=np.int64)  # pixels outside all regions, by their heat
        self.damaged = np.zeros(BINS, dtype=np.int64)
        self.overlap = np.zeros(BINS)  # damaged pixels, each as its share of its region
        self.regions = 0

    def add(self, heat: HeatMap, truth: Truth) -> None:
        """Count the pixels of one photo; the map is stretched over it by bilinear interpolation."""
        flat = enlarge(heat.values, truth.size).ravel()
        for start in range(0, flat.size, AT_ONCE):
            self.sound += np.bincount(_bins(flat[start : start + AT_ONCE]), minlength=BINS)
        if truth.regions:
            hit = _bins(flat[truth.damaged])
            damaged = np.bincount(hit, minlength=BINS)
            self.sound -= damaged
            self.damaged += damaged
            self.overlap += np.bincount(hit, weights=truth.shares, minlength=BINS)
            self.regions += truth.regions

    def figures(self) -> dict[str, float | None]:
        """`pixel_auroc` and `aupro`, both None as long as no pixel is damaged or none is sound."""
        if not self.regions or not self.sound.any():
            return {"pixel_auroc": None, "aupro": None}
        false = _from_hottest(self.sound)
        return {
            "pixel_auroc": round(_area(false, _from_hottest(self.damaged), 1.0), 6),
            "aupro": round(_area(false, _from_hottest(self.overlap), LIMIT), 6),
        }


def _bins(heat: NDArray[np.float32]) -> NDArray[np.intp]:
    """(P,) heat in [0, 1] -> (P,) numbers of bins; interpolation may leave the range by a rounding error."""
    return np.clip(heat * BINS, 0, BINS - 1).astype(np.intp)


def _from_hottest(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """(BINS,) counts -> (BINS + 1,) shares of them that lie at or above a cut which falls from above all to zero."""
    risen = np.concatenate([[0.0], np.cumsum(counts[::-1], dtype=np.float64)])
    return risen / risen[-1]


def _area(across: NDArray[np.float64], up: NDArray[np.float64], limit: float) -> float:
    """The area under a rising curve from (0, 0) to (1, 1), up to a limit, as a share of the limit."""
    stop = int(np.searchsorted(across, limit, side="right"))
    x, y = across[:stop], up[:stop]
    if stop < len(across):
        step = (limit - x[-1]) / (across[stop] - x[-1])
        x, y = np.append(x, limit), np.append(y, y[-1] + step * (up[stop] - y[-1]))
    return min(1.0, float(np.trapezoid(y, x)) / limit)
