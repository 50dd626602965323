"""From the rows of a backbone's maps back to grids, and to patch features that know their neighbourhood."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from ensemble.features.backbone_spec import MAPS
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import Input
from ensemble.values.errors import MemberError

SMOOTHING = 0.8  # places
Shapes = Mapping[str, tuple[int, int, int]]  # layer -> (C, h, w)


def shapes_of(source: Input, title: str) -> Shapes:
    """The shapes of the maps that a member reads; a MemberError where it is not given maps."""
    if not isinstance(source, FeatureExtractor) or source.spec.pooling != MAPS:
        raise MemberError(f"{title} reads the maps of a backbone: a FeatureExtractor with the pooling {MAPS!r}.")
    return source.shapes()


def grids(rows: np.ndarray, shapes: Shapes) -> dict[str, Tensor]:
    """Rows (N, D) as `FeatureExtractor.extract` gives them with the pooling `maps` -> maps (N, C, h, w) by layer."""
    found, start = {}, 0
    for layer, shape in shapes.items():
        size = int(np.prod(shape))
        found[layer] = torch.from_numpy(rows[:, start : start + size]).float().unflatten(1, shape)
        start += size
    return found


def patches(rows: np.ndarray, shapes: Shapes) -> Tensor:
    """Rows (N, D) -> (N, places, C): each place's features of all layers, averaged over its 3×3 neighbourhood.

    Coarser layers are stretched to the grid of the finest, as in PatchCore (Roth et al., CVPR 2022).
    """
    maps = grids(rows, shapes).values()
    finest = max((tuple(grid.shape[2:]) for grid in maps), default=(1, 1))
    parts = []
    for grid in maps:
        known = functional.avg_pool2d(grid, 3, stride=1, padding=1)
        if tuple(known.shape[2:]) != finest:
            known = functional.interpolate(known, size=finest, mode="bilinear", align_corners=False)
        parts.append(known)
    return torch.cat(parts, dim=1).flatten(2).transpose(1, 2)  # (N, C, h, w) -> (N, h*w, C)


def finest_grid(shapes: Shapes) -> tuple[int, int]:
    """Rows and columns of the finest layer."""
    return max((height, width) for _, height, width in shapes.values())


def smoothed(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (N, h, w) with each place averaged softly with its neighbours, so that one noisy place is no defect."""
    return gaussian_filter(maps, sigma=SMOOTHING, axes=(1, 2))
