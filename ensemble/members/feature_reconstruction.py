"""The feature-reconstruction member: what of a photo's features the good parts' own subspace cannot explain (DFM)."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ensemble.members.good_parts import GoodPartsMember, Measured, grids, shapes_of
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

EXPLAINED = 0.97  # of the good parts' variance
COMPONENTS = 400  # at most, which bounds the file
SCORE, PLACES = "judges", "shows"  # what a subspace is for, as the arrays are called
JUDGES, SHOWS = (4,), (3, 8)  # places a side: of the deepest layer for the score, of the finest one for the map
PEAK = 8  # the norm over places: near their maximum, and steadier
MAP = 32  # places a side of the map


class FeatureReconstructionMember(GoodPartsMember):
    """Principal components of the good parts' maps, whole photos at a time, and the error of what they leave out.

    After Ahuja et al., "Probabilistic Modeling of Deep Features for Out-of-Distribution and Adversarial Detection",
    2019. The deepest layer judges the photo; the finest one, which keeps its places better, shows where.
    """

    kind: ClassVar[str] = "feature_reconstruction"
    points = by_tiles = True
    title: ClassVar[str] = KIND_TITLES["feature_reconstruction"]

    def _spaces(self) -> list[tuple[str, str, int]]:
        """The name, the layer and the places a side of each subspace."""
        shapes = shapes_of(self.input, self.title)
        finest = max(shapes, key=lambda layer: shapes[layer][1])
        deepest = list(shapes)[-1]
        pairs = [(SCORE, deepest, side) for side in JUDGES] + [(PLACES, finest, side) for side in SHOWS]
        return [(f"{role}_{side}", layer, min(side, *shapes[layer][1:])) for role, layer, side in pairs]

    def _pooled(self, rows: np.ndarray, layer: str, side: int) -> Tensor:
        """Rows -> (N, C, side, side), each place the mean of its part of the layer's map."""
        shapes = shapes_of(self.input, self.title)
        parts = [rows[start : start + 64] for start in range(0, len(rows), 64)]
        return torch.cat([functional.adaptive_avg_pool2d(grids(part, shapes)[layer], side) for part in parts])

    def _learn(self, rows: np.ndarray, progress: ShareDone) -> Mapping[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        spaces = self._spaces()
        for number, (name, layer, side) in enumerate(spaces):
            points = self._pooled(rows, layer, side).flatten(1)  # (N, C, s, s) -> (N, C*s*s)
            mean, components = subspace(points)
            arrays[f"{name}_mean"], arrays[f"{name}_components"] = mean.numpy(), components.half().numpy()
            arrays[f"{name}_usual"] = np.asarray(usual_error(points))
            progress((number + 1) / len(spaces))
        return arrays

    def _errors(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, Tensor]:
        """The error of each place that each subspace leaves, (N, s, s) by name."""
        found = {}
        for name, layer, side in self._spaces():
            pooled = self._pooled(rows, layer, side)
            components = torch.from_numpy(arrays[f"{name}_components"]).float()
            apart = pooled.flatten(1) - torch.from_numpy(arrays[f"{name}_mean"])
            left = apart - (apart @ components) @ components.T
            found[name] = left.view_as(pooled).square().sum(dim=1) / float(arrays[f"{name}_usual"])
        return found

    def _measure(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        errors = self._errors(arrays, rows)
        judged = sum(
            error.double().pow(PEAK).mean(dim=(1, 2)) for name, error in errors.items() if name.startswith(SCORE)
        )
        shown = [error for name, error in errors.items() if name.startswith(PLACES)]
        size = (MAP, MAP)
        maps = [functional.interpolate(error[:, None], size=size, mode="bilinear")[:, 0] for error in shown]
        return torch.as_tensor(judged).pow(1 / PEAK).numpy(), torch.stack(maps).sum(dim=0).sqrt().numpy()

    def _names(self, arrays: Mapping[str, np.ndarray]) -> Iterable[str]:
        return [f"{name}_{part}" for name, _, _ in self._spaces() for part in ("mean", "usual", "components")]

    def _check(self, arrays: Mapping[str, np.ndarray]) -> None:
        shapes = shapes_of(self.input, self.title)
        for name, layer, side in self._spaces():
            width = shapes[layer][0] * side * side
            if {f"{name}_mean", f"{name}_usual", f"{name}_components"} - set(arrays) or arrays[
                f"{name}_components"
            ].shape[:1] != (width,):
                raise MemberError(
                    "Expected components of {width} features as {name}. Train it again.", width=width, name=name
                )

    def _trained_facts(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        counts = {name: arrays[f"{name}_components"].shape[1] for name, _, _ in self._spaces()}
        return {"components": max(counts.values())}


def subspace(points: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (D,) of (N, D) points and the components (D, k) that explain `EXPLAINED` of their variance.

    Through the N×N matrix of inner products, because there are fewer photos than features.
    """
    mean = points.mean(dim=0)
    apart = points - mean
    values, vectors = torch.linalg.eigh((apart @ apart.T).double())
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    total = float(values.sum())
    if total <= 0:
        return mean, torch.zeros(points.shape[1], 0)
    enough = int((values.cumsum(0) < EXPLAINED * total).sum()) + 1
    count = min(enough, COMPONENTS, int((values > 1e-6 * values[0]).sum()))
    components = apart.T @ vectors[:, :count].float() / values[:count].sqrt().float()
    return mean, components


def usual_error(points: Tensor) -> float:
    """The mean squared error of the last fifth of (N, D) points in the subspace of the others: a unit for errors."""
    known = len(points) - max(1, len(points) // 5)
    mean, components = subspace(points[:known])
    apart = points[known:] - mean
    return max(float((apart - (apart @ components) @ components.T).square().mean()), 1e-12)
