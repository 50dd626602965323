"""How fast this processor could be at best: arithmetic at the pace of a matrix product, weights at that of its memory.

Both are measured, never looked up. A photo cannot take less than its networks' multiplications at the first pace, its
weights read once at the second, and its decoding.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

FP32, BF16, INT8 = PRECISION_NAMES = ("fp32", "bf16", "int8")
BYTES = {FP32: 4, BF16: 2, INT8: 1}
ROWS, INNER, COLUMNS = 1536, 1536, 1536
MEMORY_BYTES = 256_000_000  # far more than any cache holds


def best_seconds(work: Callable[[], Any], seconds: float, least: int = 3) -> float:
    """The fastest of as many runs as fit into these seconds."""
    work()
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < least or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def peak_operations(precision: str, seconds: float, side: int = ROWS) -> float:
    """Operations a second of a large product in this precision, a multiplication and an addition being two."""
    product = _product(precision, side)
    with torch.inference_mode():
        return 2 * side**3 / best_seconds(product, seconds)


def _product(precision: str, side: int) -> Callable[[], Tensor]:
    """As a convolution of one pixel, which is what networks are made of and what oneDNN does best."""
    if precision == INT8:
        pixels = torch.randint(0, 100, (side, side), dtype=torch.uint8)
        weights = torch.randint(-100, 100, (side, side), dtype=torch.int8)
        packed = torch.ops.onednn.qlinear_prepack(weights, [side, side])
        scales, zeros = torch.ones(side), torch.zeros(side, dtype=torch.int32)
        rest: tuple[Any, ...] = (None, 1.0, 0, torch.float32, "none", [], "")
        return lambda: torch.ops.onednn.qlinear_pointwise(pixels, 1.0, 0, packed, scales, zeros, *rest)
    kind = torch.float32 if precision == FP32 else torch.bfloat16
    drawn = torch.rand(1, side, 32, side // 32).to(kind).contiguous(memory_format=torch.channels_last)
    filters = torch.rand(side, side, 1, 1).to(kind).contiguous(memory_format=torch.channels_last)
    return lambda: nn.functional.conv2d(drawn, filters)


def memory_pace(seconds: float, size: int = MEMORY_BYTES) -> float:
    """Bytes a second that all threads read together."""
    held = torch.ones(size // 4)
    return size / best_seconds(held.sum, seconds)


def operations(network: nn.Module, size: tuple[int, int]) -> int:
    """What one photo of this (width, height) asks of a network's convolutions and full connections."""
    counted: list[int] = []

    def count(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        weights: Any = module.weight
        counted.append(2 * output.numel() * weights[0].numel())

    handles = [
        module.register_forward_hook(count) for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    with torch.inference_mode():
        network(torch.zeros(1, 3, size[1], size[0]))
    for handle in handles:
        handle.remove()
    return sum(counted)


def weights_of(networks: Sequence[nn.Module]) -> int:
    """How many numbers are read where each network runs once."""
    return sum(weights.numel() for network in networks for weights in network.parameters())
