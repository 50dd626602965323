"""The maps of a backbone's layers made into one row of numbers a photo."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ensemble.features.preprocessing import MAPS


def pool(maps: Mapping[str, Tensor], pooling: str) -> Tensor:
    """Maps (N, C, h, w) -> (N, D): the average, the average and the deviation, the averages of a 2×2 grid, or all."""
    with torch.inference_mode():
        if pooling == MAPS:  # half the memory; its three digits are more than distances between photos need
            return torch.cat([grid.contiguous().flatten(1).clamp(-6e4, 6e4).half() for grid in maps.values()], dim=1)
        parts = []
        for grid in maps.values():
            if pooling == "grid":
                parts.append(nn.functional.adaptive_avg_pool2d(grid, 2).flatten(1))  # (N, C, 2, 2) -> (N, 4C)
            else:
                parts.append(grid.mean(dim=(2, 3)))
            if pooling == "average_std":
                parts.append(grid.std(dim=(2, 3), correction=0))
        return torch.cat(parts, dim=1)


def as_grid(output: Tensor) -> Tensor:
    """A layer's output as (N, C, h, w); a vision transformer's tokens lose their class token and become a grid."""
    if output.ndim == 4:
        return output
    side = int((output.shape[1] - 1) ** 0.5)  # (N, 1 + side², C)
    return output[:, -side * side :].transpose(1, 2).unflatten(2, (side, side))
