"""The exact distance to the nearest place of a memory, for which most places are never looked at whole.

A shadow of a place is what it comes to along some axes, with what lies beside them as one more number, each rounded to
eight bits. Two shadows lie at most as far apart as their places, but for what rounding has moved them, and how far that
is, is known. So whatever lies farther from a point, by the shadows, than some place truly does, is not the nearest.
Integers multiply exactly, and several times faster than floats.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

AXES = 191  # and one number for what lies beside them: few enough to be quick, on photos of parts enough to decide
BLOCK = 16  # places whose shadows are looked at together
FEWEST = 1024  # places below which looking at all of them is as fast
MOST_BLOCKS = 64  # left for a point by few axes: above, all axes are asked
MOST_OF_ALL = 128  # blocks left for a point by all axes: above, all places are looked at
PAIRS = 512  # of points and places that are compared at a time, which stay near the processor
ROUNDING = 1e-5  # of the squared lengths: many times what float32 errs in such sums
LARGEST = 127  # of the integers of eight bits, as far below 0 as above it
TINY = 1e-30  # in place of a zero that something is divided by
SAMPLE = 2048  # places from which the axes are found
PRODUCTS = 2**24  # products of shadows, which bounds the memory


class Shadows(NamedTuple):
    """Shadows of places: as they are multiplied (N, K), the unit of each (N, 1), how far rounding has moved each (N,),
    and their squared lengths (N,)."""

    numbers: Tensor
    units: Tensor
    moved: Tensor
    lengths: Tensor


class NearestPlaces:
    """A memory (M, C) that is asked often; it gets ready when it is asked first."""

    def __init__(self, memory: Tensor) -> None:
        self._memory = memory
        self._few: Bounds | None = None
        self._all: Bounds | None = None
        self._decides = memory.shape[1] > 2 * AXES  # whether few axes do for most points

    def __call__(self, points: Tensor) -> Tensor:
        """How far each of (N, C) points is from its nearest place: (N,)."""
        if len(self._memory) < FEWEST:
            return nearest_by_product(self._memory, points)
        points = points.contiguous()  # features of maps lie side by side, and rows are picked several times faster
        ask = self._by_few if self._decides else self._by_all
        return torch.cat([ask(part) for part in points.split(max(1, PRODUCTS // len(self._memory)))])

    def _by_few(self, points: Tensor) -> Tensor:
        self._few = self._few or Bounds(self._memory, AXES)
        nearest, undecided = self._few.nearest(points, MOST_BLOCKS)
        if len(undecided):
            self._decides = 2 * len(undecided) < len(points)
            nearest[undecided] = self._by_all(points[undecided])
        return nearest

    def _by_all(self, points: Tensor) -> Tensor:
        self._all = self._all or Bounds(self._memory, self._memory.shape[1])
        nearest, undecided = self._all.nearest(points, MOST_OF_ALL)
        if len(undecided):
            nearest[undecided] = nearest_one_by_one(self._memory, points[undecided])
        return nearest


class Bounds:
    """Lower bounds of the distances to all places of a memory (M, C), and the places that they leave."""

    def __init__(self, memory: Tensor, axes: int) -> None:
        self._memory = memory
        self._middle = memory.mean(dim=0)
        apart = memory - self._middle
        self._axes = principal_axes(apart, axes)
        self._beside: Tensor | None = None  # how far places lie beside the axes, on average
        if axes < memory.shape[1]:
            self._beside = _off_axes(apart, apart @ self._axes)[0].mean()
        shadows = self._shadows(memory, whole=True)
        order = shadows.lengths.argsort()  # in a block all are about as long, and its shortest stands for them
        order = torch.cat([order, order[-1:].expand(-len(order) % BLOCK)])  # one that is there twice changes nothing
        self._order = order
        self._numbers = shadows.numbers[order].contiguous()
        self._unit = shadows.units[0]
        self._shortest = shadows.lengths[order[::BLOCK]]  # (M / BLOCK,)
        self._moved, self._longest = shadows.moved.max(), shadows.lengths.max().sqrt()

    def _shadows(self, points: Tensor, *, whole: bool) -> Shadows:
        """Of (N, C) points: along the axes and, where they are not all, how far beside; of the `whole` in one unit."""
        apart = points - self._middle
        along, errs = apart @ self._axes, torch.zeros(len(points))
        if self._beside is not None:
            far, errs = _off_axes(apart, along)
            along = torch.cat([along, (far - self._beside)[:, None]], dim=1)
        largest = along.abs().amax() if whole else along.abs().amax(dim=1, keepdim=True)
        shadows = in_bytes(along, largest)
        return shadows._replace(moved=shadows.moved + errs)

    def nearest(self, points: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """The distances (N,) of (N, C) points from their nearest places, and which points are undecided: for them more
        than so many blocks are left."""
        shadows = self._shadows(points, whole=False)
        units = 2 * self._unit * shadows.units[:, 0]
        products = multiplied(self._numbers, shadows.numbers).unflatten(0, (-1, BLOCK))  # (M / BLOCK, BLOCK, N)
        tops = products.amax(dim=1).float()
        lows = torch.addcmul(self._shortest[:, None], tops, units, value=-1)  # less the points' own squared lengths
        block, every = lows.min(dim=0).indices, torch.arange(len(points))
        first = block * BLOCK + products[block, :, every].argmax(dim=1)
        squares = self._squares(points, every, first)
        slack = ROUNDING * (self._longest + shadows.lengths.sqrt()).square()
        bound = (squares.sqrt() + shadows.moved + self._moved).square() + slack - shadows.lengths
        blocks, owners = (lows <= bound).nonzero(as_tuple=True)
        many = owners.bincount(minlength=len(points)) > most
        undecided = many.nonzero()[:, 0]
        if len(undecided):
            decided = ~many[owners]
            blocks, owners = blocks[decided], owners[decided]
        least = (self._shortest[blocks] - bound[owners]) / units[owners]
        pairs, inside = (products[blocks, :, owners] >= least[:, None]).nonzero(as_tuple=True)
        owners, rows = owners[pairs], blocks[pairs] * BLOCK + inside
        left = [self._squares(points, *pair) for pair in zip(owners.split(PAIRS), rows.split(PAIRS), strict=True)]
        return squares.scatter_reduce(0, owners, torch.cat(left), "amin").sqrt(), undecided

    def _squares(self, points: Tensor, owners: Tensor, rows: Tensor) -> Tensor:
        """Exact squared distances of pairs: of these points to the places of these rows."""
        places = self._memory.index_select(0, self._order[rows])
        return places.sub_(points.index_select(0, owners)).square_().sum(dim=1)


def _off_axes(apart: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """How far (N, C) places lie beside axes along which they come to (N, K), and how far that may err: (N,) each."""
    squares = apart.square().sum(dim=1)
    far = (squares - along.square().sum(dim=1)).clamp(min=0).sqrt()
    errs = ROUNDING * squares  # of the square, and of its root the less, the larger that is
    return far, errs / torch.maximum(far, errs.sqrt()).clamp(min=TINY)


def nearest_by_product(memory: Tensor, points: Tensor) -> Tensor:
    """How far each of (N, C) points is from its nearest place of a memory (M, C), as floats find it: (N,)."""
    squares = torch.addmm(memory.square().sum(dim=1, keepdim=True), memory, points.T, alpha=-2)
    return torch.linalg.vector_norm(points - memory[squares.min(dim=0).indices], dim=1)


def nearest_one_by_one(memory: Tensor, points: Tensor) -> Tensor:
    """How far each of (N, C) points is from its nearest place of a memory (M, C): (N,), place by place."""
    return torch.cdist(points, memory, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)


def principal_axes(apart: Tensor, count: int) -> Tensor:
    """About the first principal axes (C, count) of (N, C) places, turned so that no one of them stands out."""
    generator = torch.Generator().manual_seed(0)
    sample = apart[torch.randperm(len(apart), generator=generator)[:SAMPLE]]
    axes = torch.randn(apart.shape[1], count, generator=generator)
    if count == apart.shape[1]:
        return torch.linalg.qr(axes).Q
    for _ in range(3):
        axes = torch.linalg.qr(sample.T @ (sample @ axes)).Q
    return axes @ torch.linalg.qr(torch.randn(count, count, generator=generator)).Q


def in_bytes(along: Tensor, largest: Tensor) -> Shadows:
    """(N, K) numbers, none farther from 0 than `largest` (of all, or of each row), as shadows."""
    if not has_integer_products():
        return Shadows(along, torch.ones(len(along), 1), torch.zeros(len(along)), along.square().sum(dim=1))
    units = (largest / LARGEST).clamp(min=TINY).expand(len(along), 1)
    steps = (along / units).round_()
    shadows = steps * units
    moved = torch.linalg.vector_norm(along - shadows, dim=1)
    return Shadows(steps.to(torch.int8), units, moved, shadows.square().sum(dim=1))


def multiplied(ones: Tensor, others: Tensor) -> Tensor:
    """(M, K) and (N, K) -> (M, N)."""
    return torch._int_mm(ones, others.T) if ones.dtype == torch.int8 else ones @ others.T


@cache
def has_integer_products() -> bool:
    """Whether this processor multiplies eight-bit integers fast, and without cutting off large sums."""
    if not torch.cpu._is_vnni_supported():
        return False
    largest = torch.full((64, 64), LARGEST, dtype=torch.int8)
    largest[::2] = -LARGEST
    whole = largest.long()
    return torch.equal(torch._int_mm(largest, largest.T).long(), whole @ whole.T)
