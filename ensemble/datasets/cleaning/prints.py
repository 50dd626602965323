"""What is kept of every photo to find copies by: a grey square, a glance of it and perceptual hashes."""

import tempfile
from collections.abc import Sequence

import imagehash
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

DETAIL_SIDE = 192  # pixels of the square that detail is compared in
SMALL = 120  # photos of fewer pixels a side hold no detail for such a square: half of it, then
MIDDLE = 64  # pixels of the square that photos are laid over each other in
GLANCE = 16  # pixels of the square that candidates are found by
HASH = 16  # a hash of 256 bits: in the usual 64, parts from one mould are all alike


class Prints:
    """The prints of up to `count` photos: 5.5 KB a photo in memory, and 37 KB in a file that goes with this object."""

    def __init__(self, count: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the array in it
        self._squares = np.memmap(self._file, np.uint8, "w+", shape=(max(count, 1), DETAIL_SIDE, DETAIL_SIDE))
        self._small = torch.zeros(count, 1, MIDDLE, MIDDLE, dtype=torch.uint8)
        self._glances = torch.zeros(count, GLANCE * GLANCE)
        self._hashes = np.zeros((count, TURN_COUNT, HASH * HASH // 8), np.uint8)
        self._sides: list[float] = []

    def __len__(self) -> int:
        return len(self._sides)

    def add(self, picture: Image.Image) -> None:
        """Keep what is needed of the next photo."""
        place = len(self)
        square = picture.convert("L").resize((DETAIL_SIDE, DETAIL_SIDE), Image.Resampling.BOX)
        self._squares[place] = np.asarray(square)
        whole = self.squares([place])
        self._small[place] = functional.avg_pool2d(whole, DETAIL_SIDE // MIDDLE)[0].round().byte()
        self._glances[place] = _glances(whole)[0]
        self._hashes[place] = _hashes(square)
        self._sides.append((picture.width * picture.height) ** 0.5)

    def side(self) -> int:
        """The side of the square in which detail of these photos can be compared."""
        return DETAIL_SIDE if not self._sides or np.median(self._sides) >= SMALL else DETAIL_SIDE // 2

    def squares(self, places: Sequence[int], turns: Sequence[int] | None = None) -> Tensor:
        """(n, 1, 192, 192) float32 grey values of some photos, each turned as told."""
        return _turned_print(torch.from_numpy(self._squares[list(places)]).float()[:, None], turns)

    def small(self, places: Sequence[int], turns: Sequence[int] | None = None) -> Tensor:
        """(n, 1, 64, 64) float32 grey values of some photos, each turned as told."""
        return _turned_print(self._small[list(places)].float(), turns)

    def glance_at(self, places: Sequence[int]) -> Tensor:
        """(n, N) correlation of some photos, in the best of their eight turns, with all photos as they lie."""
        return (self._turned_glances(places) @ self._glances[: len(self)].T).amax(1)

    def turn_likeness(self, pairs: Sequence[tuple[int, int]]) -> Tensor:
        """(n, 8) correlation of each pair's first photo with its second in each of the eight turns."""
        ways = self._turned_glances([other for _, other in pairs])
        return (ways * self._glances[[one for one, _ in pairs]][:, None]).sum(-1)

    def _turned_glances(self, places: Sequence[int]) -> Tensor:
        seen = self._glances[list(places)].view(-1, GLANCE, GLANCE)
        return torch.stack([turned(seen, turn) for turn in range(TURN_COUNT)], dim=1).flatten(2)  # (n, 8, 256)

    def hash_distances(self, places: Sequence[int]) -> Tensor:
        """(n, N) how many of 256 bits differ between some photos, in the best of their eight turns, and all photos."""
        bits = np.unpackbits(self._hashes[: len(self), 0], axis=-1).astype(np.float32) * 2 - 1  # (N, 256)
        turns = np.unpackbits(self._hashes[list(places)], axis=-1).astype(np.float32) * 2 - 1  # (n, 8, 256)
        alike = (torch.from_numpy(turns) @ torch.from_numpy(bits).T).amax(1)
        return (bits.shape[1] - alike) / 2


def _turned_print(chosen: Tensor, turns: Sequence[int] | None) -> Tensor:
    if turns is None:
        return chosen
    return torch.stack([turned(square, turn) for square, turn in zip(chosen, turns, strict=True)])


def _glances(squares: Tensor) -> Tensor:
    """(n, 1, 192, 192) -> (n, 256), of length 1: smoothed, so that small shifts hardly matter."""
    small = blurred(functional.avg_pool2d(squares, squares.shape[-1] // GLANCE))
    return standardised(small).flatten(1) / GLANCE


def _hashes(square: Image.Image) -> np.ndarray:
    """The perceptual hash of a square in each of its eight turns: (8, 32) packed bits."""
    small = torch.from_numpy(np.asarray(square.resize((4 * HASH, 4 * HASH), Image.Resampling.BOX)).copy())
    ways = [Image.fromarray(turned(small, turn).numpy()) for turn in range(TURN_COUNT)]
    return np.stack([np.packbits(imagehash.phash(way, HASH).hash) for way in ways])


TURN_COUNT = 8  # the four quarter turns, and those of the mirrored picture
SQUARE = 8  # pixels a side of the squares in which detail is compared
COMPRESSION_VARIANCE = 2.0  # variance of grey values (0 to 255) that rounding and compression may cause
EMPTY_VARIANCE = 4.0  # below this variance a square is empty
ENOUGH_DETAIL = 0.1  # share of squares that must lie in both pictures and hold detail
STRETCH = (0.5, 2.0)  # how much smaller or larger a copy may be along any direction
SHIFT = 0.6  # of half a side


def turned(pictures: Tensor, turn: int) -> Tensor:
    """(..., h, h) in one of the eight ways that a square can lie."""
    mirrored = pictures.flip(-1) if turn >= TURN_COUNT // 2 else pictures
    return torch.rot90(mirrored, turn % 4, (-2, -1))


def standardised(pictures: Tensor) -> Tensor:
    """(N, 1, h, h) with mean 0 and deviation 1 each; a flat picture becomes zeros."""
    centred = pictures - pictures.mean((-2, -1), keepdim=True)
    return centred / centred.square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-3)


def blurred(pictures: Tensor) -> Tensor:
    """(N, 1, h, w) smoothed by the binomial 1 4 6 4 1 in both directions."""
    padded = functional.pad(pictures, (2, 2, 2, 2), mode="reflect")
    for _ in range(2):  # 1 2 1 twice; sums of slices are several times faster than a convolution of one channel
        padded = padded[..., 2:] + 2 * padded[..., 1:-1] + padded[..., :-2]
        padded = padded[..., 2:, :] + 2 * padded[..., 1:-1, :] + padded[..., :-2, :]
    return padded / 256


def untouched(count: int) -> Tensor:
    """(count, 2, 3) warps that change nothing."""
    return torch.eye(3)[:2].repeat(count, 1, 1)


def warped(pictures: Tensor, warps: Tensor) -> Tensor:
    """(N, 1, h, h) pictures, each seen through its (2, 3) warp in coordinates of -1 to 1."""
    grid = functional.affine_grid(warps, list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def align(fixed: Tensor, moving: Tensor, warps: Tensor, steps: int) -> Tensor:
    """The warps (N, 2, 3) that lay `moving` over `fixed`, both standardised (N, 1, h, h), starting from `warps`."""
    slopes = _slopes(fixed)  # (N, 8, h²)
    curvature = slopes @ slopes.transpose(1, 2)
    damping = curvature.diagonal(dim1=1, dim2=2) * 1e-3 + 1e-3
    solver = torch.linalg.solve(curvature + torch.diag_embed(damping), slopes)
    last = torch.tensor([0.0, 0.0, 1.0]).expand(len(fixed), 1, 3)
    for _ in range(steps):
        error = (standardised(warped(moving, warps)) - fixed).flatten(1)
        change = (solver @ error[..., None])[:, :6, 0].reshape(-1, 2, 3)
        inverse = torch.linalg.inv(torch.cat([change + untouched(1), last], dim=1))
        warps = (torch.cat([warps, last], dim=1) @ inverse)[:, :2]
        warps = torch.where(_plausible(warps)[:, None, None], warps, untouched(1))
    return warps


def _slopes(fixed: Tensor) -> Tensor:
    """How each pixel changes with the six numbers of a warp, gain and offset: (N, 1, h, h) -> (N, 8, h²)."""
    side = fixed.shape[-1]
    place = (torch.arange(side) * 2 + 1) / side - 1
    y, x = torch.meshgrid(place, place, indexing="ij")
    padded = functional.pad(fixed, (1, 1, 1, 1), mode="replicate")[:, 0]
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) * side / 4  # a pixel is 2 / side wide
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) * side / 4
    columns = [across * x, across * y, across, down * x, down * y, down, fixed[:, 0], torch.ones_like(across)]
    return torch.stack(columns, dim=1).flatten(2)


def _plausible(warps: Tensor) -> Tensor:
    finite = warps.isfinite().flatten(1).all(1)
    stretches = torch.linalg.svdvals(torch.where(finite[:, None, None], warps, untouched(1))[:, :, :2])
    fits = (stretches[:, 0] <= STRETCH[1]) & (stretches[:, 1] >= STRETCH[0])
    return finite & fits & (warps[:, :, 2].abs().amax(1) <= SHIFT)


def similarity(fixed: Tensor, moving: Tensor, warps: Tensor) -> Tensor:
    """(N,) correlation of whole pictures, both standardised, after the warp."""
    return (standardised(warped(moving, warps)) * fixed).mean((1, 2, 3))


def agreement(fixed: Tensor, moving: Tensor, warps: Tensor) -> Tensor:
    """(N,) mean correlation of fine detail over all squares that hold any; 0 where too few do. Grey values 0 to 255."""
    one, other = _detail(fixed), _detail(warped(moving, warps))
    grid = functional.affine_grid(warps, list(fixed.shape), align_corners=False)
    inside = (grid.abs().amax(-1) <= 1).float()[:, None]
    whole = functional.avg_pool2d(inside, SQUARE) == 1
    mean_one, mean_other = functional.avg_pool2d(one, SQUARE), functional.avg_pool2d(other, SQUARE)
    variance_one = functional.avg_pool2d(one * one, SQUARE) - mean_one.square()
    variance_other = functional.avg_pool2d(other * other, SQUARE) - mean_other.square()
    shared = functional.avg_pool2d(one * other, SQUARE) - mean_one * mean_other
    correlation = shared / ((variance_one + COMPRESSION_VARIANCE) * (variance_other + COMPRESSION_VARIANCE)).sqrt()
    telling = whole & (torch.maximum(variance_one, variance_other) > EMPTY_VARIANCE)
    count = telling.sum((1, 2, 3))
    mean = (correlation * telling).sum((1, 2, 3)) / count.clamp_min(1)
    return torch.where(count >= ENOUGH_DETAIL * telling[0].numel(), mean, torch.zeros(()))


def _detail(pictures: Tensor) -> Tensor:
    return pictures - blurred(blurred(pictures))
