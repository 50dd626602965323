"""What is kept of every photo to find copies by: a grey square, a glance of it and perceptual hashes."""

import tempfile
from collections.abc import Sequence

import imagehash
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ensemble.datasets.cleaning.alignment import TURNS, blurred, standardised, turned

SIDE = 192  # pixels of the square that detail is compared in
SMALL = 120  # photos of fewer pixels a side hold no detail for such a square: half of it, then
MIDDLE = 64  # pixels of the square that photos are laid over each other in
GLANCE = 16  # pixels of the square that candidates are found by
HASH = 16  # a hash of 256 bits: in the usual 64, parts from one mould are all alike


class Prints:
    """The prints of up to `count` photos: 5.5 KB a photo in memory, and 37 KB in a file that goes with this object."""

    def __init__(self, count: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the array in it
        self._squares = np.memmap(self._file, np.uint8, "w+", shape=(max(count, 1), SIDE, SIDE))
        self._small = torch.zeros(count, 1, MIDDLE, MIDDLE, dtype=torch.uint8)
        self._glances = torch.zeros(count, GLANCE * GLANCE)
        self._hashes = np.zeros((count, TURNS, HASH * HASH // 8), np.uint8)
        self._sides: list[float] = []

    def __len__(self) -> int:
        return len(self._sides)

    def add(self, picture: Image.Image) -> None:
        """Keep what is needed of the next photo."""
        place = len(self)
        square = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        self._squares[place] = np.asarray(square)
        whole = self.squares([place])
        self._small[place] = functional.avg_pool2d(whole, SIDE // MIDDLE)[0].round().byte()
        self._glances[place] = _glances(whole)[0]
        self._hashes[place] = _hashes(square)
        self._sides.append((picture.width * picture.height) ** 0.5)

    def side(self) -> int:
        """The side of the square in which detail of these photos can be compared."""
        return SIDE if not self._sides or np.median(self._sides) >= SMALL else SIDE // 2

    def squares(self, places: Sequence[int], turns: Sequence[int] | None = None) -> Tensor:
        """(n, 1, 192, 192) float32 grey values of some photos, each turned as told."""
        return _turned(torch.from_numpy(self._squares[list(places)]).float()[:, None], turns)

    def small(self, places: Sequence[int], turns: Sequence[int] | None = None) -> Tensor:
        """(n, 1, 64, 64) float32 grey values of some photos, each turned as told."""
        return _turned(self._small[list(places)].float(), turns)

    def glance_at(self, places: Sequence[int]) -> Tensor:
        """(n, N) correlation of some photos, in the best of their eight turns, with all photos as they lie."""
        return (self._turned_glances(places) @ self._glances[: len(self)].T).amax(1)

    def turn_likeness(self, pairs: Sequence[tuple[int, int]]) -> Tensor:
        """(n, 8) correlation of each pair's first photo with its second in each of the eight turns."""
        ways = self._turned_glances([other for _, other in pairs])
        return (ways * self._glances[[one for one, _ in pairs]][:, None]).sum(-1)

    def _turned_glances(self, places: Sequence[int]) -> Tensor:
        seen = self._glances[list(places)].view(-1, GLANCE, GLANCE)
        return torch.stack([turned(seen, turn) for turn in range(TURNS)], dim=1).flatten(2)  # (n, 8, 256)

    def hash_distances(self, places: Sequence[int]) -> Tensor:
        """(n, N) how many of 256 bits differ between some photos, in the best of their eight turns, and all photos."""
        bits = np.unpackbits(self._hashes[: len(self), 0], axis=-1).astype(np.float32) * 2 - 1  # (N, 256)
        turns = np.unpackbits(self._hashes[list(places)], axis=-1).astype(np.float32) * 2 - 1  # (n, 8, 256)
        alike = (torch.from_numpy(turns) @ torch.from_numpy(bits).T).amax(1)
        return (bits.shape[1] - alike) / 2


def _turned(chosen: Tensor, turns: Sequence[int] | None) -> Tensor:
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
    ways = [Image.fromarray(turned(small, turn).numpy()) for turn in range(TURNS)]
    return np.stack([np.packbits(imagehash.phash(way, HASH).hash) for way in ways])
