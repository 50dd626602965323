"""The bundled backbone's network, and how weights are laid out for CPUs."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

BUNDLED_WIDTHS = (32, 128, 256)  # channels of the stem (stride 4), stage1 (stride 8) and stage2 (stride 16)


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
