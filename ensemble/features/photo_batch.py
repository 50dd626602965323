"""The photos of one inspection as its inputs read them: every resize and every backbone pass is made once.

Backbones that read photos in the same way pass them in one graph, where the runtime compiles graphs: it gives the very
numbers of one after another, and spares a call a backbone and, between them, every thread's waiting.
"""

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeGuard, TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.graphs import TORCH, Forward, Maps, Size
from ensemble.features.included import as_grid, pool
from ensemble.features.preprocessing import PIXELS, BackboneSpec, Preprocessing
from ensemble.features.runtimes import Passes, tracing_lock
from ensemble.imaging.looking import Look

Input = FeatureExtractor | Preprocessing
Known = tuple[np.ndarray, float]  # (N, ...) rows and the seconds that all of them took
Calls = Callable[[Hashable, Callable[[Any], Any], Any], Any]  # a key, a function, and the rows that it is called with
Shown = Sequence[Image.Image] | Sequence[Look] | Sequence[Image.Image | Look]
Thing = TypeVar("Thing")
InputValue = TypeVar("InputValue")
FILL = 16  # photos that pass a backbone together wherever their rows are learnt from, measured or kept


def source_preprocessing(source: Input) -> Preprocessing:
    """How a source brings a photo into its shape."""
    return source if isinstance(source, Preprocessing) else source.spec.preprocessing


def input_key(source: Input) -> Any:
    """What tells two inputs apart."""
    return source if isinstance(source, Preprocessing) else source.spec


def batches(things: Sequence[Thing], size: int = 32) -> Iterator[Sequence[Thing]]:
    """Photos, or whatever stands for them, in slices of at most `size`."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def at_once(_key: Hashable, function: Callable[[Any], Any], rows: Any) -> Any:
    """The usual way to call a function with (N, ...) rows."""
    return function(rows)


class PhotoBatch:
    """Decoded pictures with every resize and every backbone pass made once, whatever number of members ask.

    Where a product has a view, what it shows of photos stands in place of their pictures, and `looks` gives it back.
    `known` are rows that were made before, with the seconds that they took; where all rows are known, pictures that
    come as a function are never decoded. With `fill`, as many photos pass a backbone together whatever their number:
    the last bits of a network's output depend on how many they are, though never on the other photos.
    Backbones of the `expected` inputs pass photos in one graph where they may, and each is said to take an equal part.
    `calls` is how networks are called with the rows of several photos.
    """

    def __init__(
        self,
        pictures: Shown | Callable[[], Shown],
        *,
        known: Mapping[Hashable, Known] = MappingProxyType({}),
        fill: int = 0,
        expected: Sequence[Input] = (),
        calls: Calls = at_once,
    ) -> None:
        self._pictures = pictures
        self._known = known
        self._fill = fill
        self._expected = {_maps_key(each.spec): each for each in expected if _reads_maps(each)}
        self.calls = calls
        self._made: dict[Hashable, tuple[Any, float]] = {}

    @property
    def pictures(self) -> Sequence[Image.Image]:
        """The decoded pictures, as members see them."""
        shown = self._shown
        if not any(isinstance(each, Look) for each in shown):
            return cast(Sequence[Image.Image], shown)
        return [each.picture if isinstance(each, Look) else each for each in shown]

    @property
    def looks(self) -> Sequence[Look | None]:
        """How a view shows each photo; None for one that is seen as it came."""
        return [each if isinstance(each, Look) else None for each in self._shown]

    @property
    def _shown(self) -> Shown:
        if callable(self._pictures):
            self._pictures = self._pictures()
        return self._pictures

    def alone(self, place: int) -> "PhotoBatch":
        """A batch of one of these photos, with the backbones' rows that are there already."""
        one, count = slice(place, place + 1), len(self)
        made = {key: rows for key, (rows, _) in self._made.items() if isinstance(rows, np.ndarray)}
        known = {key: (rows[one], self._seconds(key) / count) for key, rows in made.items()}
        known |= {key: (rows[one], seconds / count) for key, (rows, seconds) in self._known.items()}
        return PhotoBatch(lambda: self._shown[one], known=known, fill=self._fill, calls=self.calls)

    def __len__(self) -> int:
        return next((len(rows) for rows, _ in self._known.values()), 0) or len(self.pictures)

    def rows(self, source: Input) -> np.ndarray:
        """What a member reads: (N, D) features or maps of a backbone, or (N, 3, height, width) uint8 pixels."""
        if known := self._known.get(input_key(source)):
            return known[0]
        if isinstance(source, Preprocessing):
            return self._pixels(source).numpy()
        if source.spec.pooling == PIXELS:
            return self._pixels(source.spec.preprocessing).numpy()
        return self._once(source.spec, lambda: self._pooled(source))

    def _pooled(self, extractor: FeatureExtractor) -> np.ndarray:
        return pool(self._maps(extractor), extractor.spec.pooling)[: len(self.pictures)].numpy()

    def has_maps(self, source: FeatureExtractor) -> bool:
        """Whether this backbone has run already, so that another pooling costs next to nothing."""
        return _maps_key(source.spec) in self._made

    def seconds(self, source: Input) -> float:
        """What the rows of a source took, with everything that they rest on."""
        known = self._known.get(input_key(source))
        return known[1] if known else self._seconds(input_key(source))

    def _seconds(self, key: Hashable) -> float:
        parts = {each: self._made[each][1] for each in _rests_on(key) if each in self._made}
        ours = min(1.0, len(self.pictures) / self._fill) if self._fill else 1.0  # of the photos that passed together
        return sum(seconds if _is_pixels(each) else ours * seconds for each, seconds in parts.items())

    def _pixels(self, preprocessing: Preprocessing) -> Tensor:
        return self._once(_pixels_key(preprocessing), lambda: preprocessing.resize(self.pictures))

    def _maps(self, extractor: FeatureExtractor) -> dict[str, Tensor]:
        """The maps of a backbone, (N, C, h, w) by layer; extractors that differ in pooling alone share them."""
        key = _maps_key(extractor.spec)
        group = [each for other, each in self._expected.items() if other != key and other not in self._made]
        group = [extractor, *(each for each in group if goes_with(extractor, each))]
        if key not in self._made and len(group) > 1:
            self._pass_together(group)
        return self._once(key, lambda: self.calls(key, extractor.maps, self._prepared(extractor)))

    def _pass_together(self, group: Sequence[FeatureExtractor]) -> None:
        prepared, start = self._prepared(group[0]), time.perf_counter()
        keys = [_maps_key(each.spec) for each in group]
        maps = self.calls(tuple(keys), lambda batch: maps_together(group, batch), prepared)
        seconds = (time.perf_counter() - start) / len(group)
        self._made |= {key: (found, seconds) for key, found in zip(keys, maps, strict=True)}

    def _prepared(self, extractor: FeatureExtractor) -> Tensor:
        reads = extractor.spec.preprocessing
        pixels = self._pixels(reads)
        missing = self._fill - len(pixels)
        full = torch.cat([pixels, pixels[:1].expand(missing, -1, -1, -1)]) if missing > 0 else pixels
        return reads.normalise(full)

    def _once(self, key: Hashable, make: Callable[[], InputValue]) -> InputValue:
        if key not in self._made:
            before, start = sum(seconds for _, seconds in self._made.values()), time.perf_counter()
            value = make()
            inner = sum(seconds for _, seconds in self._made.values()) - before  # made on the way, and counted there
            self._made[key] = value, time.perf_counter() - start - inner
        made: InputValue = self._made[key][0]
        return made


def _pixels_key(preprocessing: Preprocessing) -> Hashable:
    return "pixels", preprocessing.size, preprocessing.interpolation, preprocessing.pad


def _reads_maps(source: Input) -> TypeGuard[FeatureExtractor]:
    return isinstance(source, FeatureExtractor) and source.spec.pooling != PIXELS


def _is_pixels(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] == "pixels"


def _maps_key(spec: BackboneSpec) -> Hashable:
    return "maps", spec.name, spec.layers, spec.preprocessing, spec.weights


def _rests_on(key: Hashable) -> set[Hashable]:
    if isinstance(key, Preprocessing):
        return {_pixels_key(key)}
    if not isinstance(key, BackboneSpec):
        return {key}
    if key.pooling == PIXELS:
        return {_pixels_key(key.preprocessing)}
    return {_pixels_key(key.preprocessing), _maps_key(key), key}


MOST_GROUPS = 4  # that a backbone is joined with: each graph holds the weights anew


class SideBySide(nn.Module):
    """Several networks as one that reads the same batch; an output is called by its network's place and its layer."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        outputs = [network(batch) for network in self.networks]
        return {f"{place}/{layer}": grid for place, maps in enumerate(outputs) for layer, grid in maps.items()}


def goes_with(extractor: FeatureExtractor, other: FeatureExtractor) -> bool:
    """Whether one graph may carry both."""
    alike = extractor.spec.preprocessing == other.spec.preprocessing
    return alike and extractor.runtime.name == other.runtime.name != TORCH


def maps_together(extractors: Sequence[FeatureExtractor], batch: Tensor) -> list[dict[str, Tensor]]:
    """The maps of each, of a prepared (N, 3, height, width) batch that all of them read."""
    with torch.inference_mode():
        outputs = _pass_together([each.passes for each in extractors], batch)
        return [{layer: as_grid(output) for layer, output in maps.items()} for maps in outputs]


def _pass_together(passes: Sequence[Passes], batch: Tensor) -> list[Maps]:
    size = batch.shape[3], batch.shape[2]
    key = size, tuple(each.identity for each in passes)
    graphs = passes[0].joined
    if key not in graphs:
        with tracing_lock:  # nor is a graph compiled by two
            if key not in graphs and len(graphs) < MOST_GROUPS:
                graphs[key] = _compile(passes, size)
    forward = graphs.get(key)
    if forward is None:
        return [each(batch) for each in passes]
    outputs = forward(batch)
    return [{layer: outputs[f"{place}/{layer}"] for layer in each.identity[1]} for place, each in enumerate(passes)]


def _compile(passes: Sequence[Passes], size: Size) -> Forward | None:
    """None where the runtime cannot carry one of them: each then goes its own way."""
    identities = [each.identity for each in passes]
    name = "+".join(identity[0] for identity in identities)
    layers = tuple(f"{place}/{layer}" for place, identity in enumerate(identities) for layer in identity[1])
    weights = hashlib.sha256(json.dumps(identities).encode()).hexdigest()
    try:
        network = SideBySide([each.network for each in passes]).eval()
        return passes[0].runtime.compile(network, (name, layers, weights), size)
    except Exception:  # noqa: BLE001 - whatever a compiler stumbles over
        return None
