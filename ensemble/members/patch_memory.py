"""The patch memory: every small place of a photo is compared with those that good parts have shown (PatchCore)."""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ensemble.members.good_parts import (
    FEWEST_GOOD,
    PHOTOS_HELD_OUT,
    GoodPartsMember,
    HeldOut,
    Measured,
    SyntheticAnomalies,
    finest_grid,
    held_together,
    part_of,
    patches,
    shapes_of,
    smoothed,
)
from ensemble.members.nearest import NearestPlaces
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

SHARE = 0.01  # of all places seen that are remembered
MEMORY = (256, 6000)  # at least and at most so many, where there are as many
CANDIDATE_PLACES = 200_000  # places among which the memory is chosen: this bounds memory and seconds
CHOICE = 20  # places for each that may join an extended memory, among which it is chosen
SCALE_PHOTOS = 120  # photos whose distances set the scale


class PatchMemoryMember(GoodPartsMember):
    """Patch features of two middle layers, a greedy k-centre coreset of them, and the distance to the nearest one.

    Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022; the coreset after Sener and
    Savarese, ICLR 2018. A photo's distance is that of its farthest place.
    """

    kind: ClassVar[str] = "patch_memory"
    points = by_tiles = True
    title: ClassVar[str] = KIND_TITLES["patch_memory"]
    fewest_good: ClassVar[int] = 1
    _seconds: float | None = None  # that choosing the memory took; a file tells no times, so that equal ones are equal

    def _fit(
        self, rows: np.ndarray, photos: np.ndarray, damaged: SyntheticAnomalies, progress: ShareDone
    ) -> tuple[Mapping[str, np.ndarray], HeldOut]:
        """One memory of all photos; a photo is held out by leaving out what the memory has from it."""
        together = held_together(photos)
        start = time.perf_counter()
        memory, owners = self._remember(rows, partial(part_of, progress, 0.0, 0.7))
        self._seconds = round(time.perf_counter() - start, 1)
        drawn = np.random.default_rng(self.seed).permutation(len(rows))[:SCALE_PHOTOS].tolist()
        held = sorted({*drawn, *damaged})
        distances, peaks, calm, harmed = [], [], [], []
        for number, place in enumerate(held):
            others = memory[torch.from_numpy(together)[owners] != together[place]]
            others = others if len(others) else memory
            distance, maps = self._nearest(others, rows[place : place + 1])
            if place in damaged:
                harmed.append(self._nearest(others, damaged[place][None])[0][0])
            distances.append(distance[0])
            peaks.append(maps.max())
            calm.append(np.median(maps))
            progress(0.7 + 0.3 * (number + 1) / len(held))
        return {"memory": memory.half().numpy()}, HeldOut(
            np.array(distances), np.array(peaks), float(np.median(calm)), np.array(harmed)
        )

    def _remember(self, rows: np.ndarray, progress: ShareDone) -> tuple[Tensor, Tensor]:
        """The remembered places (M, C) and the photo that each is from (M,)."""
        from ensemble.features.coreset import farthest_first, shadows  # judging needs none of it

        shapes = shapes_of(self.input, self.title)
        places = int(np.prod(finest_grid(shapes)))
        rng = np.random.default_rng(self.seed)
        wanted = min(places, max(1, CANDIDATE_PLACES // len(rows)))
        candidates, owners = [], []
        for place in range(len(rows)):
            chosen = np.sort(rng.permutation(places)[:wanted])
            candidates.append(patches(rows[place : place + 1], shapes)[0, chosen].half())
            owners.append(torch.full((wanted,), place))
        size = int(np.clip(round(SHARE * places * len(rows)), *MEMORY))
        points = torch.cat(candidates)
        generator = torch.Generator().manual_seed(self.seed)
        picks = farthest_first(shadows(points, generator), min(size, len(points)), generator, progress)
        return points[picks].float(), torch.cat(owners)[picks]

    def extend(
        self, rows: np.ndarray, learnt: int, *, rescaled: bool, progress: ShareDone = lambda _: None
    ) -> "PatchMemoryMember":
        """Add what (N, D) rows of further good parts show that the memory has not: its places stay, farthest first.

        Places join up to as many as learning from all of the photos would remember, the `learnt` ones among them, and
        beyond while they lie farther away than the memory's own lie from each other: at most as many a photo as it has
        of each before, and up to `MEMORY` in all. With `rescaled` the scale rests on the new photos too, each held out
        by leaving out what joined from it; variations of photos leave it once there are enough.
        """
        from ensemble.features.coreset import farther_ones, usual_gap

        memory, places = self._memory, int(np.prod(finest_grid(shapes_of(self.input, self.title))))
        room = MEMORY[1] - len(memory)
        wanted = int(np.clip(round(SHARE * places * (learnt + len(rows))), *MEMORY)) - len(memory)
        most = min(room, max(wanted, -(-len(memory) // learnt) * len(rows)))
        points, gaps, owner = self._new_places(memory, rows, lambda done: progress(done / 2))
        far = gaps.topk(min(len(gaps), CHOICE * most)).indices  # what lies near will not be chosen
        points, gaps, owner = points[far], gaps[far], owner[far]
        picks = farther_ones(points, gaps, usual_gap(memory), (wanted, most))
        added, owner = points[picks], owner[picks]
        arrays = {**self.arrays_, "memory": torch.cat([memory, added]).half().numpy()}
        held = [self._nearest(torch.cat([memory, added[owner != n]]), rows[n : n + 1]) for n in range(len(rows))]
        if rescaled:
            photos = int(arrays.pop(PHOTOS_HELD_OUT, len(arrays["held_out"])))  # variations of photos stand behind them
            few = photos + len(rows) < FEWEST_GOOD
            new = [distance[0] for distance, _ in held], [float(maps.max()) for _, maps in held]
            for name, values in zip(("held_out", "held_out_peaks"), new, strict=True):
                known = np.insert(arrays[name], photos, values)
                arrays[name] = known if few else known[: photos + len(rows)]
            arrays |= {PHOTOS_HELD_OUT: np.asarray(photos + len(rows))} if few else {}
        self._take(arrays)
        progress(1.0)
        return self

    def _new_places(self, memory: Tensor, rows: np.ndarray, progress: ShareDone) -> tuple[Tensor, Tensor, Tensor]:
        """Places of (N, D) rows (M, C), those farthest from a memory where they are too many, how far they are from it
        (M,), and the photo that each is from (M,)."""
        shapes = shapes_of(self.input, self.title)
        found, gaps, owners = [], [], []
        for number in range(len(rows)):
            shown = patches(rows[number : number + 1], shapes)[0].half().float()  # (h*w, C), as they are kept
            gap = _gaps(memory, shown)
            chosen = gap.topk(min(len(gap), max(1, CANDIDATE_PLACES // len(rows)))).indices
            found.append(shown[chosen])
            gaps.append(gap[chosen])
            owners.append(torch.full((len(chosen),), number))
            progress((number + 1) / len(rows))
        return torch.cat(found), torch.cat(gaps), torch.cat(owners)

    def _nearest(self, memory: Tensor | NearestPlaces, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far each place is from its nearest one in the memory: photos (N,), maps (N, h, w)."""
        shapes = shapes_of(self.input, self.title)
        ask = partial(_gaps, memory) if isinstance(memory, Tensor) else memory
        maps = [ask(patches(rows[place : place + 1], shapes)[0]) for place in range(len(rows))]  # of (h*w, C)
        grid = torch.stack(maps).unflatten(1, finest_grid(shapes)).numpy()
        smooth = smoothed(grid)
        return smooth.max(axis=(1, 2)).astype(np.float64), smooth

    def _measure(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        return self._nearest(self._places, rows)

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        super()._take(arrays)
        self._memory = torch.from_numpy(arrays["memory"]).float()
        self._places = NearestPlaces(self._memory)

    def _names(self, arrays: Mapping[str, np.ndarray]) -> Iterable[str]:
        return ("memory",)

    def _check(self, arrays: Mapping[str, np.ndarray]) -> None:
        width = sum(shape[0] for shape in shapes_of(self.input, self.title).values())
        if "memory" not in arrays or arrays["memory"].ndim != 2 or arrays["memory"].shape[1] != width:
            raise MemberError("Expected a memory of places with {width} features each. Train it again.", width=width)

    def _trained_facts(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        megabytes = round(arrays["memory"].nbytes / 1e6, 1)
        return {"places": len(arrays["memory"]), "megabytes": megabytes, "seconds": self._seconds}


def _gaps(memory: Tensor, points: Tensor) -> Tensor:
    """How far each of (N, C) points is from its nearest one in a memory (M, C): (N,)."""
    nearest = torch.addmm((memory * memory).sum(dim=1), points, memory.T, alpha=-2).amin(dim=1)
    return (nearest + (points * points).sum(dim=1)).clamp(min=0).sqrt()
