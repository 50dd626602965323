"""Backbones that read photos in the same way pass them in one graph, where the runtime compiles graphs.

It gives the very numbers of one after another, and spares a call a backbone and, between them, every thread's waiting.
"""

import hashlib
import json
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.graphs import TORCH, Forward, Maps, Size
from ensemble.features.included import as_grid
from ensemble.features.runtimes import Passes, tracing_lock

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
