"""What makes two backbones give the same features, as a manifest keeps it: layers, pooling, preprocessing, weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ensemble.features.preprocessing import Preprocessing

BUNDLED = "quorum_small"
POOLINGS = ("average", "average_std", "grid")
MAPS, PIXELS = "maps", "pixels"
READINGS = (*POOLINGS, MAPS, PIXELS)  # pooled, every place of every map, or the pixels that its network would read


# The layers that are read where nobody names others: a middle one, which sees scratches, and a later one, for shapes.
# A backbone that is not listed gives its last layer that still has a grid.
LAYERS: Mapping[str, tuple[str, ...]] = {
    BUNDLED: ("stage1", "stage2"),
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
    weights: (
        str  # SHA-256 of `FeatureExtractor.weights_bytes()`: the weights that the layers in use need, and no others
    )

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
