"""The networks of the backbones that come with the app, how weights are laid out for CPUs, and what becomes of maps.

EfficientNet-Lite0 (EfficientNet-B0, Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6)
is written here because torchvision has none; the names of its parts are those of the published weights.
"""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ensemble.features.preprocessing import MAPS

Network = TypeVar("Network", bound=nn.Module)

BUNDLED_WIDTHS = (32, 128, 256)  # channels of the stem (stride 4), stage1 (stride 8) and stage2 (stride 16)
EPSILON = 1e-3  # of the batch norms, as the weights were trained with
STEM_WIDTH = 32
# How many blocks of a stage, their kernel, the stride of the first, how far channels are expanded, and channels out.
LITE_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def channels_last(network: Network) -> Network:
    """The same network with its weights laid out channel by channel within a pixel, which CPUs convolve faster."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut; the shortcut is a 1×1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.relu1 = nn.ReLU(inplace=True)
        self.convolution2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.relu2 = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.relu1(self.norm1(self.convolution1(maps)))
        return self.relu2(self.norm2(self.convolution2(inner)) + self.shortcut(maps))


class SmallResNet(nn.Module):
    """The bundled backbone: a plain residual network, (N, 3, H, W) ImageNet-normalised RGB to (N, 256, H/16, W/16).

    The children `stage1` (128 channels, stride 8) and `stage2` (256 channels, stride 16) name the maps to take.
    """

    def __init__(self, widths: tuple[int, int, int] = BUNDLED_WIDTHS) -> None:
        super().__init__()
        low, middle, high = widths
        self.stem = nn.Sequential(
            nn.Conv2d(3, low, 7, 2, 3, bias=False),
            nn.BatchNorm2d(low),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
            ResidualBlock(low, low),
        )
        self.stage1 = nn.Sequential(ResidualBlock(low, middle, stride=2), ResidualBlock(middle, middle))
        self.stage2 = nn.Sequential(
            ResidualBlock(middle, high, stride=2), ResidualBlock(high, high), ResidualBlock(high, high)
        )

    def forward(self, photos: Tensor) -> Tensor:
        maps: Tensor = self.stage2(self.stage1(self.stem(photos)))
        return maps


class InvertedResidual(nn.Module):
    """A 1×1 expansion, a convolution of each channel alone and a 1×1 projection; a shortcut where shapes agree."""

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expands = expansion != 1
        self.shortcut = stride == 1 and channels_in == channels_out
        if self.expands:
            self._expand_conv = nn.Conv2d(channels_in, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, EPSILON)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, EPSILON)
        self._project_conv = nn.Conv2d(inner, channels_out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(channels_out, EPSILON)
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.relu(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = self.relu(self._bn1(self._depthwise_conv(inner)))
        projected: Tensor = self._bn2(self._project_conv(inner))
        return projected + maps if self.shortcut else projected


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 without its classifier: (N, 3, H, W) RGB in [-1, 1] to (N, 320, H/32, W/32).

    Block 4 has 40 channels at stride 8, block 10 has 112 at stride 16, and block 14 has 192 at stride 32.

    Maps are padded alike on all sides. The weights come from TensorFlow, which pads one pixel more to the right and to
    the bottom at stride 2; with that, an SVM on clothing (540 photos to learn from, 180 to test) was no better in any
    pooling and worse in five folds of the first (0.937 to 0.967, against 0.967 to 0.978), and padding on its own takes
    a third more time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, STEM_WIDTH, 3, 2, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM_WIDTH, EPSILON)
        self.relu = nn.ReLU6(inplace=True)
        blocks, width = [], STEM_WIDTH
        for count, kernel, stride, expansion, channels in LITE_STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(InvertedResidual(width, channels, kernel=kernel, stride=first, expansion=expansion))
                width = channels
        self._blocks = nn.ModuleList(blocks)

    def forward(self, photos: Tensor) -> Tensor:
        maps: Tensor = self.relu(self._bn0(self._conv_stem(photos)))
        for block in self._blocks:
            maps = block(maps)
        return maps


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
