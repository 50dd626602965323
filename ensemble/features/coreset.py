"""The greedy k-centre choice of a coreset: few points that all others lie near to (Sener and Savarese, ICLR 2018)."""

import torch
from torch import Tensor

from ensemble.values.training import ShareDone

COMPONENTS, SAMPLE = 64, 20_000  # principal components in which it is chosen, of so many points
CANDIDATES = 1024  # points that are looked at together, the farthest ones
COMPARED_AT_ONCE = 4096  # points that are compared at a time, which bounds the memory


def shadows(points: Tensor, generator: torch.Generator) -> Tensor:
    """(N, C) half-precision points -> (N, COMPONENTS): where they differ most, for choosing among them alone."""
    sample = points[torch.randperm(len(points), generator=generator)[:SAMPLE]].double()
    apart = sample - sample.mean(dim=0)
    _, vectors = torch.linalg.eigh(apart.T @ apart)
    axes = vectors[:, -COMPONENTS:].float()
    return torch.cat([part.float() @ axes for part in points.split(SAMPLE)])


def farthest_first(points: Tensor, count: int, generator: torch.Generator, progress: ShareDone) -> Tensor:
    """Positions (count,) of a greedy k-centre choice among (N, D) points: always the one farthest from those chosen.

    Distances only shrink, so that while the farthest one among some candidates lies farther than all others did, it is
    the next: many are chosen for one product of matrices with all points, which is what takes the time.
    """
    squares = (points * points).sum(dim=1)
    nearest = torch.full((len(points),), float("inf"))
    picks = torch.randint(len(points), (1,), generator=generator)
    _come_near(nearest, points, squares, picks)
    while len(picks) < count:
        fresh = _next_ones(nearest, points, squares, count - len(picks))
        _come_near(nearest, points, squares, fresh)
        picks = torch.cat([picks, fresh])
        progress(len(picks) / count)
    progress(1.0)
    return picks


def _come_near(nearest: Tensor, points: Tensor, squares: Tensor, picks: Tensor) -> None:
    """Shrink the squared distances (N,) to the nearest chosen point by further picks (M,)."""
    chosen, lengths = points[picks].T, squares[picks]
    for start in range(0, len(points), COMPARED_AT_ONCE):
        part = slice(start, start + COMPARED_AT_ONCE)
        reach = torch.addmm(lengths, points[part], chosen, alpha=-2).amin(dim=1).add_(squares[part]).clamp_(min=0)
        torch.minimum(nearest[part], reach, out=nearest[part])
    nearest[picks] = -1.0  # rounding must not choose a point twice


def _next_ones(nearest: Tensor, points: Tensor, squares: Tensor, most: int) -> Tensor:
    """The next picks (M,), one at least: those among the farthest points that lie farther than any other point did."""
    gaps, places = nearest.topk(min(CANDIDATES + 1, len(nearest)))
    others = float(gaps[-1]) if len(gaps) < len(nearest) else -1.0
    candidates = points[places]
    apart = torch.addmm(squares[places], candidates, candidates.T, alpha=-2).add_(squares[places, None]).clamp_(min=0)
    picks = [0]  # as `topk` sorts them
    while len(picks) < most:
        gaps = torch.minimum(gaps, apart[picks[-1]])
        gaps[picks] = -1.0
        pick = int(gaps.argmax())
        if float(gaps[pick]) < others:
            break
        picks.append(pick)
    return places[picks]


def usual_gap(memory: Tensor) -> float:
    """How far a place of a memory (M, C) lies from the nearest other one, in the middle; 0 where it has one alone."""
    squares = (memory * memory).sum(dim=1)
    apart = torch.addmm(squares, memory, memory.T, alpha=-2) + squares[:, None]
    nearest = apart.fill_diagonal_(float("inf")).amin(dim=1).clamp(min=0).sqrt()
    return float(nearest.median()) if len(memory) > 1 else 0.0


def farther_ones(points: Tensor, gaps: Tensor, typical: float, bounds: tuple[int, int]) -> Tensor:
    """Positions of some of (N, C) points by the greedy k-centre choice that goes on from a memory.

    `gaps` (N,) are how far they lie from it. Of `bounds` the first many are chosen in any case, unless all have been
    met, and up to the second many while some lies farther than `typical` from whatever was chosen.
    """
    squares, gaps, picks = points.square().sum(dim=1), gaps.clone(), list[int]()
    while len(picks) < bounds[1] and len(points):
        pick = int(gaps.argmax())
        if float(gaps[pick]) <= (0.0 if len(picks) < bounds[0] else typical):
            break
        picks.append(pick)
        reach = torch.addmv(squares, points, points[pick], alpha=-2).add_(squares[pick])
        gaps = torch.minimum(gaps, reach.clamp_(min=0).sqrt_())
        gaps[pick] = 0.0  # rounding must not choose a place twice
    return torch.tensor(picks, dtype=torch.long)
