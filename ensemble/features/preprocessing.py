"""How a photo becomes what a network reads, and which layers of a backbone are read: what a manifest keeps of both."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ensemble.imaging.masks import HALF
from ensemble.values.digits import is_number
from ensemble.values.results import Box
from ensemble.values.training import DEFAULT_BACKBONES

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LARGEST_SIDE = 4096  # pixels a side; more is no network's, and would not fit into memory
MOST_ASPECT = 4.0  # of the longer side to the shorter one; what is longer is stretched into that
SIDE_STEP = 32  # pixels: what the usual backbones halve their input by, five times
PADDING_GREY = (114, 114, 114)  # the bars that YOLO detectors are trained with


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Resize the whole picture to a square of `side` pixels, scale to [0, 1], subtract the mean, divide by deviation.

    The whole picture, not a crop from its centre as in classification benchmarks: a defect can sit on the border.
    It is stretched to the square, or, with `pad`, keeps its shape and gets grey bars. Where photos are no squares,
    `aspect`, their width by their height, makes a rectangle of it, whose shorter side has `side` pixels.
    """

    side: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    pad: bool = False
    aspect: float = 1.0

    def __post_init__(self) -> None:
        if type(self.side) is not int or not 1 <= self.side <= LARGEST_SIDE:
            raise ValueError(f"The side must be a whole number of pixels, at most {LARGEST_SIDE}. Got {self.side!r}.")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(map(is_number, (*self.mean, *self.std))):
            raise ValueError(f"Mean and deviation must be three numbers each. Got {self.mean!r} and {self.std!r}.")
        if not all(deviation > 0 for deviation in self.std):
            raise ValueError(f"A deviation must be above 0. Got {self.std!r}.")
        if not isinstance(self.interpolation, str) or self.interpolation.upper() not in Image.Resampling.__members__:
            raise ValueError(f"Interpolation must be one that Pillow knows. Got {self.interpolation!r}.")
        if not is_number(self.aspect) or not 1 / MOST_ASPECT <= self.aspect <= MOST_ASPECT:
            raise ValueError(f"An aspect must lie from {1 / MOST_ASPECT} to {MOST_ASPECT}. Got {self.aspect!r}.")
        if max(self.size) > LARGEST_SIDE:
            raise ValueError(f"No side may have more than {LARGEST_SIDE} pixels. Got {self.size[0]} × {self.size[1]}.")

    def __repr__(self) -> str:
        """As the JSON has it: checksums of features that are kept rest on it, and those of squares must stay."""
        return f"Preprocessing({', '.join(f'{name}={value!r}' for name, value in self.as_json().items())})"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; the longer side follows the aspect in whole steps of 32 pixels."""
        if self.aspect == 1:
            return self.side, self.side
        steps = int(self.side * max(self.aspect, 1 / self.aspect) / SIDE_STEP + 0.5)
        longer = max(self.side, SIDE_STEP * steps)
        return (longer, self.side) if self.aspect > 1 else (self.side, longer)

    @property
    def pixels(self) -> int:
        """How many pixels it makes of a photo."""
        return self.size[0] * self.size[1]

    def resize(self, pictures: Sequence[Image.Image]) -> Tensor:
        """RGB pictures of any sizes -> (N, 3, height, width) uint8, channels last in memory."""
        resample = Image.Resampling[self.interpolation.upper()]
        pixels = np.stack([np.asarray(self._fitted(picture, resample)) for picture in pictures])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)

    def resize_mask(self, mask: Image.Image) -> NDArray[np.bool_]:
        """A grey mask (L) -> (height, width), true where any pixel is at least half white: a thin scratch stays one."""
        damage = mask.point(lambda value: 255 if value > HALF else 0).convert("F")
        return np.asarray(self._fitted(damage, Image.Resampling.BOX)) > 0

    def _fitted(self, picture: Image.Image, resample: Image.Resampling) -> Image.Image:
        if not self.pad:
            return picture.resize(self.size, resample)
        left, top, right, bottom = self.frame(picture.size)
        padded = Image.new(picture.mode, self.size, PADDING_GREY if picture.mode == "RGB" else 0)
        padded.paste(picture.resize((right - left, bottom - top), resample), (left, top))
        return padded

    def frame(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where a photo of this (width, height) lies in the input: left, top, right, bottom in pixels."""
        if not self.pad:
            return 0, 0, *self.size
        scale = min(room / length for room, length in zip(self.size, size, strict=True))
        width, height = (min(room, max(1, round(length * scale))) for room, length in zip(self.size, size, strict=True))
        left, top = (self.size[0] - width) // 2, (self.size[1] - height) // 2
        return left, top, left + width, top + height

    def on_photo(self, box: Box, size: tuple[int, int]) -> Box:
        """A box in shares of the input -> the same box in shares of a photo of this (width, height)."""
        left, top, right, bottom = self.frame(size)
        across = [min(1.0, max(0.0, (x * self.size[0] - left) / (right - left))) for x in box[::2]]
        down = [min(1.0, max(0.0, (y * self.size[1] - top) / (bottom - top))) for y in box[1::2]]
        return across[0], down[0], across[1], down[1]

    def area_on_photo(self, area: float, size: tuple[int, int]) -> float:
        """A share of the input -> the same area as a share of a photo of this (width, height)."""
        left, top, right, bottom = self.frame(size)
        return min(1.0, area * self.pixels / ((right - left) * (bottom - top)))

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, 3, height, width) uint8 -> float32 of the same shape and memory order, as the weights expect it."""
        # (x / 255 - mean) / std as one multiplication and one addition
        scale = torch.tensor([1 / (255 * deviation) for deviation in self.std]).view(1, 3, 1, 1)
        shift = torch.tensor([-m / d for m, d in zip(self.mean, self.std, strict=True)]).view(1, 3, 1, 1)
        return torch.addcmul(shift, pixels.float(), scale).contiguous(memory_format=torch.channels_last)

    def prepare(self, pictures: Sequence[Image.Image]) -> Tensor:
        """RGB pictures of any sizes -> (N, 3, height, width) float32, ready for the network."""
        return self.normalise(self.resize(pictures))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as the manifest keeps them; that of a square tells no aspect."""
        return {name: value for name, value in asdict(self).items() if name != "aspect" or value != 1}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Preprocessing":
        """The inverse of `as_json`."""
        known = {"pad": False, "aspect": 1.0, **data}  # manifests of before know no padding
        mean, std = tuple(known["mean"]), tuple(known["std"])
        return cls(known["side"], mean, std, known["interpolation"], known["pad"], known["aspect"])


BUNDLED, LITE = DEFAULT_BACKBONES  # the one in the project itself, and the one that a package brings
POOLINGS = ("average", "average_std", "grid")
MAPS, PIXELS = "maps", "pixels"
READINGS = (*POOLINGS, MAPS, PIXELS)  # pooled, every place of every map, or the pixels that its network would read

# The layers that are read where nobody names others: a middle one, which sees scratches, and a later one, for shapes.
# A backbone that is not listed gives its last layer that still has a grid.
LAYERS: Mapping[str, tuple[str, ...]] = {
    BUNDLED: ("stage1", "stage2"),
    LITE: ("_blocks.4", "_blocks.10", "_blocks.14"),
    "resnet18": ("layer2", "layer3"),
    "resnet50": ("layer2", "layer3"),
    "vgg16": ("features.22", "features.29"),
    "densenet121": ("features.denseblock2", "features.denseblock3"),
    "mobilenet_v2": ("features.13", "features.18"),
    "squeezenet1_1": ("features.7", "features.12"),
}


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """All that makes two extractors give the same features: what a manifest keeps of a backbone."""

    name: str
    layers: tuple[str, ...]
    pooling: str  # one of READINGS
    preprocessing: Preprocessing
    weights: str  # SHA-256 of `FeatureExtractor.weights_bytes()`: of the weights that the layers in use need

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.name, *self.layers, self.weights)):
            raise ValueError(f"A backbone's name, layers and weights must be texts. Got {self.as_json()}.")
        if self.pooling not in READINGS:
            raise ValueError(f"Pooling must be one of {', '.join(READINGS)}. Got {self.pooling!r}.")

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "layers": list(self.layers),
            "pooling": self.pooling,
            "preprocessing": self.preprocessing.as_json(),
            "weights": self.weights,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BackboneSpec":
        """The inverse of `as_json`."""
        return cls(
            data["name"],
            tuple(data["layers"]),
            data["pooling"],
            Preprocessing.from_json(data["preprocessing"]),
            data["weights"],
        )
