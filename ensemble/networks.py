"""The project's own networks."""

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


class BaselineCNN(nn.Module):
    """The baseline member's network: (N, 3, H, W) pixels from 0 to 255 to (N, K) logits, one for each class.

    The head reads the average and the maximum of each channel, near and far: a scratch shows in the fine maps and moves
    their maximum, not their average; a shape shows only where a cell sees much of the photo.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.near = nn.Sequential(  # (N, 3, H, W) -> (N, 96, H/8, W/8)
            *_convolution(3, 16, side=5, stride=2),
            *_convolution(16, 32),
            nn.MaxPool2d(2),
            *_convolution(32, 64),
            nn.MaxPool2d(2),
            *_convolution(64, 96),
        )
        self.far = nn.Sequential(  # -> (N, 128, H/32, W/32)
            nn.MaxPool2d(2),
            *_convolution(96, 128),
            nn.MaxPool2d(2),
            *_convolution(128, 128),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * 96 + 2 * 128, classes))

    def forward(self, pixels: Tensor) -> Tensor:
        near = self.near((pixels.float() - 127.5) / 63.75)
        far = self.far(near)
        seen = [near.mean(dim=(2, 3)), near.amax(dim=(2, 3)), far.mean(dim=(2, 3)), far.amax(dim=(2, 3))]
        logits: Tensor = self.head(torch.cat(seen, dim=1))  # (N, 448) -> (N, K)
        return logits


class SmallAutoencoder(nn.Module):
    """The autoencoder member's network: (N, 3, 128, 128) values around 0 through 64 numbers and back again.

    So narrow a middle cannot carry what most parts do not have, so a defect is not painted again (after Bergmann et
    al., VISAPP 2019, with fewer and narrower layers and the squared error).
    """

    def __init__(self, numbers: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(  # (N, 3, 128, 128) -> (N, 64, 4, 4) -> (N, numbers, 1, 1)
            *_leaky(nn.Conv2d(3, 16, 5, 2, 2)),
            *_leaky(nn.Conv2d(16, 32, 3, 2, 1)),
            *_leaky(nn.Conv2d(32, 48, 3, 2, 1)),
            *_leaky(nn.Conv2d(48, 64, 3, 2, 1)),
            *_leaky(nn.Conv2d(64, 64, 3, 2, 1)),
            nn.Conv2d(64, numbers, 4),
        )
        self.decoder = nn.Sequential(  # and back
            *_leaky(nn.ConvTranspose2d(numbers, 64, 4)),
            *_leaky(nn.ConvTranspose2d(64, 64, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(64, 48, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(48, 32, 4, 2, 1)),
            *_leaky(nn.ConvTranspose2d(32, 16, 4, 2, 1)),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        painted: Tensor = self.decoder(self.encoder(pixels))
        return painted


def _leaky(layer: nn.Module) -> list[nn.Module]:
    return [layer, nn.LeakyReLU(0.1, inplace=True)]


def _convolution(channels_in: int, channels_out: int, *, side: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]
