"""Frozen backbones: any torchvision classification network, or one that comes with the app, as a FeatureExtractor.

The only module that knows torchvision. A backbone's weights come from a folder that was named, then from torch's own
cache, then, only where the caller allows it, from torchvision's download; never from random numbers.
"""

import copy
import hashlib
import sys
import warnings
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse

from ensemble.features import weights
from ensemble.features.included import INCLUDED, as_grid, channels_last, find_included, last_grid_layer, pool
from ensemble.features.preprocessing import LAYERS, PIXELS, POOLINGS, READINGS, BackboneSpec, Preprocessing
from ensemble.features.runtimes import Passes, Runtime, runtime_in_use, tracing_lock
from ensemble.features.weights import as_safetensors, named_folders, read_state
from ensemble.values.bombs import BombError
from ensemble.values.errors import WeightsError


def _import_torchvision() -> Any:
    """Import torchvision, also beside a torch it was not compiled for.

    Its compiled operators then do not load and the import fails for want of two schemas; models and transforms need
    neither operator, so declaring the schemas is enough. The returned library object must stay referenced.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        import torchvision  # noqa: F401

        return library
    return None


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Keep torchvision from importing torch's compiler, a second of work, for one question that its RoI layers ask."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    compiler, utils = ModuleType("torch._dynamo"), ModuleType("torch._dynamo.utils")
    compiler.utils = utils  # type: ignore[attr-defined]
    utils.is_compile_supported = lambda _device: False  # type: ignore[attr-defined]
    stand_ins = {module.__name__: module for module in (compiler, utils)}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


with (
    _without_compiler(),
    warnings.catch_warnings(),
):  # its optional picture reader is missing beside a CPU torch; Pillow reads our pictures
    warnings.filterwarnings("ignore", message="Failed to load image Python extension")
    _library = _import_torchvision()
    from torchvision import models
    from torchvision.models.feature_extraction import create_feature_extractor


DEFAULT_TRIO = ("resnet50", "vgg16", "densenet121")
LIGHT_TRIO = ("resnet18", "mobilenet_v2", "squeezenet1_1")
MOST_SHARED = 3  # networks that are kept for whoever opens the same weights again
_networks: dict[Hashable, Any] = {}  # to take one apart, trace and fuse it takes longer than many a photo


def backbone_names() -> list[str]:
    """Every backbone that can be asked for by name."""
    return [*INCLUDED, *models.list_models(module=models)]


def build_network(name: str) -> nn.Module:
    """The whole network of a backbone with random weights, in evaluation mode."""
    if name in INCLUDED:
        return INCLUDED[name].network().eval()
    _check_name(name)
    slow_to_draw = {"googlenet", "inception_v3"}  # their own random weights take seconds, and a warning
    settings = {"init_weights": False} if name in slow_to_draw else {}
    return models.get_model(name, weights=None, **settings).eval()


def backbone_preprocessing(name: str) -> Preprocessing:
    """The preprocessing that belongs to a backbone's published weights."""
    if name in INCLUDED:
        return INCLUDED[name].preprocessing
    _check_name(name)
    preset = models.get_model_weights(name).DEFAULT.transforms()
    return Preprocessing(preset.crop_size[0], tuple(preset.mean), tuple(preset.std), preset.interpolation.value)


def find_weights(name: str, folders: Sequence[Path], *, download: bool = False) -> Path:
    """The weights file of a backbone, in the order of `weights.find`; those that come with the app have a home."""
    if name in INCLUDED:
        return find_included(name, folders)
    _check_name(name)
    return weights.find(name, folders, models.get_model_weights(name).DEFAULT.url, download=download)


def _check_name(name: str) -> None:
    if name not in backbone_names():
        raise WeightsError(
            "No backbone is called {name!r}. Use {included} or a torchvision classification model, "
            "such as {default_trio}.",
            name=name,
            included=", ".join(INCLUDED),
            default_trio=", ".join(DEFAULT_TRIO + LIGHT_TRIO),
        )


class FeatureExtractor:
    """A frozen backbone: its layers, its weights, its own preprocessing and its pooling.

    Safe to share between threads: it holds no state between calls and registers no hooks.
    """

    def __init__(
        self, spec: BackboneSpec, network: nn.Module, state: dict[str, Tensor], passes: Passes | None = None
    ) -> None:
        self.spec = spec
        self.state = state
        self._network = network
        self.passes = passes or Passes(network, (spec.name, spec.layers, spec.weights), runtime_in_use())
        self._shapes: dict[str, tuple[int, int, int]] = {}

    @classmethod
    def open(
        cls,
        name: str,
        *,
        layers: Sequence[str] | None = None,
        pooling: str = "average",
        weights: Path | None = None,
        download: bool = False,
    ) -> "FeatureExtractor":
        """Find, check and load a backbone; a WeightsError says which file was expected where."""
        path = find_weights(name, named_folders(weights), download=download)
        return cls.from_bytes(name, path.read_bytes(), path, layers=layers, pooling=pooling)

    @classmethod
    def from_bytes(
        cls,
        name: str,
        data: bytes,
        path: Path,
        *,
        layers: Sequence[str] | None = None,
        pooling: str = "average",
        runtime: Runtime | None = None,
    ) -> "FeatureExtractor":
        """Load a backbone from the bytes of a weights file; `path` says how to read them and names them in errors."""
        if pooling not in READINGS:
            raise WeightsError(
                "Pooling must be one of {readings}. Got {pooling!r}.", readings=", ".join(READINGS), pooling=pooling
            )
        key = name, path.suffix, hashlib.sha256(data).hexdigest(), tuple(layers or ())
        if (known := _networks.get(key)) is None:
            known = _networks[key] = _read_network(name, data, path, layers)
            for each in list(_networks)[:-MOST_SHARED]:
                _networks.pop(each, None)
        network, kept, chosen, digest = known
        spec = BackboneSpec(name, chosen, pooling, backbone_preprocessing(name), digest)
        passes = Passes(network, (spec.name, spec.layers, spec.weights), runtime or runtime_in_use())
        return cls(spec, network, kept, passes)

    def with_pooling(self, pooling: str) -> "FeatureExtractor":
        """The same network, shared, with another pooling."""
        return FeatureExtractor(replace(self.spec, pooling=pooling), self._network, self.state, self.passes)

    def at(self, side: int, aspect: float | None = None) -> "FeatureExtractor":
        """The same network, shared, reading photos of so many pixels a side, in another shape where one is named."""
        reads = self.spec.preprocessing
        reads = replace(reads, side=side, aspect=reads.aspect if aspect is None else aspect)
        return FeatureExtractor(replace(self.spec, preprocessing=reads), self._network, self.state, self.passes)

    def shaped(self, aspect: float) -> "FeatureExtractor":
        """The same network reading photos of this width by height; as it is where the network needs squares."""
        shaped = self.at(self.spec.preprocessing.side, aspect)
        try:
            with torch.inference_mode():
                outputs = shaped._network(shaped._blank()).values()
        except (RuntimeError, AssertionError):  # what transformers say of a picture whose patches they do not expect
            return self
        return shaped if all(output.ndim == 4 for output in outputs) else self

    @property
    def runtime(self) -> Runtime:
        """What carries its photos."""
        return self.passes.runtime

    def _blank(self) -> Tensor:
        width, height = self.spec.preprocessing.size
        return torch.zeros(1, 3, height, width)

    def shapes(self) -> dict[str, tuple[int, int, int]]:
        """The shape (C, h, w) of each layer's map."""
        if not self._shapes:  # they cost a pass and never change
            maps = self.maps(self._blank())
            self._shapes = {layer: (grid.shape[1], grid.shape[2], grid.shape[3]) for layer, grid in maps.items()}
        return self._shapes

    def width(self) -> int:
        """How many numbers a photo gives."""
        if self.spec.pooling == PIXELS:
            return 3 * self.spec.preprocessing.pixels
        return self.extract(self._blank()).shape[1]

    def for_width(self, features: int) -> "FeatureExtractor":
        """The same network with the pooling that gives so many features."""
        widths = {pooling: self.with_pooling(pooling).width() for pooling in POOLINGS}
        for pooling, width in widths.items():
            if width == features:
                return self.with_pooling(pooling)
        raise WeightsError(
            "{spec} gives {widths} features, the scaler expects {features}. Extract the features with "
            "the FeatureExtractor of that name.",
            spec=self.spec.name,
            widths=", ".join((f"{width} ({pooling})" for pooling, width in widths.items())),
            features=features,
        )

    def weights_bytes(self) -> bytes:
        """A safetensors file of the weights that the layers in use need, as a product keeps it."""
        return as_safetensors(self.state)

    def trainable(self) -> nn.Module:
        """A copy of the network whose deep part can learn: prepared (N, 3, h, w) photos to an output a layer.

        The deep part is what runs after the last but one of its layers, or the last third where it reads one alone.
        """
        network = cast(fx.GraphModule, copy.deepcopy(self._network))
        nodes = list(network.graph.nodes)
        read = sorted(nodes.index(node) for node in nodes[-1].args[0].values())
        start = read[-2] if len(read) > 1 else len(nodes) * 2 // 3
        for node in nodes[start + 1 :]:
            if node.op == "call_module":
                network.get_submodule(str(node.target)).requires_grad_(True)
        return network

    def maps(self, photos: Sequence[Image.Image] | Tensor) -> dict[str, Tensor]:
        """One map a layer, (N, C, h, w) each, from RGB pictures or an already prepared (N, 3, H, W) batch."""
        batch = photos if isinstance(photos, Tensor) else self.spec.preprocessing.prepare(photos)
        with torch.inference_mode():
            return {layer: as_grid(output) for layer, output in self.passes(batch).items()}

    def extract(self, photos: Sequence[Image.Image] | Tensor) -> Tensor:
        """Features of every layer side by side, (N, D): float32 where they are pooled, float16 where they are maps."""
        return pool(self.maps(photos), self.spec.pooling)


def _read_network(
    name: str, data: bytes, path: Path, layers: Sequence[str] | None
) -> tuple[nn.Module, dict[str, Tensor], tuple[str, ...], str]:
    """A frozen network with the weights in it, those that it needs, the layers that are read, and a digest of both."""
    try:
        state = read_state(data, path.suffix)
    except WeightsError as error:
        raise WeightsError("{path}: {error}", path=path, error=error) from error
    except BombError as bomb:
        raise WeightsError(
            "{path} would take far more memory than weights of its size ({bomb}). Do not load it; fetch it again.",
            path=path,
            bomb=bomb,
        ) from bomb
    except Exception as error:  # a damaged file makes either reader raise almost anything
        raise WeightsError(
            "{path} is not a readable weights file ({name}). Fetch it again.", path=path, name=type(error).__name__
        ) from error
    network = build_network(name)
    with tracing_lock:
        side = backbone_preprocessing(name).side
        chosen = tuple(layers or LAYERS.get(name) or [last_grid_layer(network, side)])
        trimmed = _trim(name, network, chosen, state, path)
        kept = {key: state[key] for key in trimmed.state_dict() if key in state}
        fused = channels_last(fuse(trimmed, inplace=True).eval())
    return fused.requires_grad_(False), kept, chosen, hashlib.sha256(as_safetensors(kept)).hexdigest()


def _trim(name: str, network: nn.Module, layers: tuple[str, ...], state: dict[str, Tensor], path: Path) -> nn.Module:
    """The network up to the layers asked for, with the weights in it; every weight that it needs must be in `state`."""
    try:
        trimmed = create_feature_extractor(network, {layer: layer for layer in layers}).eval()
    except ValueError as error:
        raise WeightsError(
            "{name} has no layer called {layers} ({error}).", name=name, layers=" or ".join(layers), error=error
        ) from error
    own = set(network.state_dict())  # tracing adds constants of its own
    needed = {
        key: value
        for key, value in trimmed.state_dict().items()
        if key in own and not key.endswith("num_batches_tracked")
    }
    missing = sorted(set(needed) - set(state))
    if missing:
        raise WeightsError(
            "{path} does not cover the layers {layers} of {name}: {count} of {needed} weights are "
            "missing, the first is {missing}. Use a complete file or ask for earlier layers.",
            path=path,
            layers=", ".join(layers),
            name=name,
            count=len(missing),
            needed=len(needed),
            missing=missing[0],
        )
    wrong = [key for key in needed if state[key].shape != needed[key].shape]
    if wrong:
        raise WeightsError(
            "{path} does not fit {name}: {wrong} should have the shape {shape} and has {own}. "
            "Use weights of the same network.",
            path=path,
            name=name,
            wrong=wrong[0],
            shape=tuple(needed[wrong[0]].shape),
            own=tuple(state[wrong[0]].shape),
        )
    trimmed.load_state_dict(state, strict=False)
    return trimmed
