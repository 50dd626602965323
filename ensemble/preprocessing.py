"""From an upright picture to the numbers that a network reads: one resize for training and for every inspection."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Resize the whole picture to a square of `side` pixels, scale to [0, 1], subtract the mean, divide by deviation.

    The whole picture, not a crop from its centre as in classification benchmarks: a defect can sit on the border.
    """

    side: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if type(self.side) is not int or self.side < 1:
            raise ValueError(f"The side must be a whole number of pixels. Got {self.side!r}.")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(map(_is_number, (*self.mean, *self.std))):
            raise ValueError(f"Mean and deviation must be three numbers each. Got {self.mean!r} and {self.std!r}.")
        if not all(deviation > 0 for deviation in self.std):
            raise ValueError(f"A deviation must be above 0. Got {self.std!r}.")
        if not isinstance(self.interpolation, str) or self.interpolation.upper() not in Image.Resampling.__members__:
            raise ValueError(f"Interpolation must be one that Pillow knows. Got {self.interpolation!r}.")

    def resize(self, pictures: Sequence[Image.Image]) -> Tensor:
        """RGB pictures of any sizes -> (N, 3, side, side) uint8, channels last in memory."""
        resample = Image.Resampling[self.interpolation.upper()]
        pixels = np.stack([np.asarray(picture.resize((self.side, self.side), resample)) for picture in pictures])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, 3, side, side) uint8 -> float32 of the same shape and memory order, as the weights expect it."""
        # (x / 255 - mean) / std as one multiplication and one addition
        scale = torch.tensor([1 / (255 * deviation) for deviation in self.std]).view(1, 3, 1, 1)
        shift = torch.tensor([-m / d for m, d in zip(self.mean, self.std, strict=True)]).view(1, 3, 1, 1)
        return torch.addcmul(shift, pixels.float(), scale).contiguous(memory_format=torch.channels_last)

    def prepare(self, pictures: Sequence[Image.Image]) -> Tensor:
        """RGB pictures of any sizes -> (N, 3, side, side) float32, ready for the network."""
        return self.normalise(self.resize(pictures))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, as the manifest keeps them."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Preprocessing":
        """The inverse of `as_json`."""
        return cls(data["side"], tuple(data["mean"]), tuple(data["std"]), data["interpolation"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
