"""Networks as compiled graphs: each is tried against torch once, then kept on disk for the next start."""

import hashlib
import json
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ensemble.disk.files import digest_of, folder_of_setting, write_atomically
from ensemble.values.errors import StoreError
from ensemble.values.titles import RUNTIME_TITLES

TORCH, ONNXRUNTIME, OPENVINO, OPENVINO_BF16, OPENVINO_INT8 = RUNTIME_TITLES  # from the most to the least exact
RUNTIME_NAMES = tuple(RUNTIME_TITLES)
EXACT_RUNTIMES = (TORCH, ONNXRUNTIME, OPENVINO)  # every graph of these is tried against torch wherever it is compiled
GRAPHS_FOLDER = "graphs"  # below the folder of kept features
GRAPH_FORMAT = 1
MOST_GRAPH_BYTES = 1_000_000_000  # all graphs together
DIGEST_BYTES = 32
TOLERANCE = 1e-4  # of a map's largest number: how far 32 bits may lie from torch's before a graph is refused
TRIED_BATCHES = (1, 3)  # a graph must take any number of photos, also one that it was not traced with

Maps = Mapping[str, Tensor]
Forward = Callable[[Tensor], Maps]
Identity = tuple[str, Sequence[str], str]  # a backbone's name, its layers, the digest of its weights
Size = tuple[int, int]  # width, height


class GraphRuntime(ABC):
    """What compiles networks; how, each kind says."""

    name: str
    calibration = ""  # a digest of the photos that its numbers depend on, if any

    def compile(self, network: nn.Module, identity: Identity, size: Size) -> Forward:
        """A graph for any number of photos, from disk where it is kept there."""
        layers, file = identity[1], self.file(identity, size)
        kept = kept_graph(file, self.read) if file else None
        if kept is not None:
            return self.forward(kept, layers)
        compiled, data = self.build(network, layers, size)
        forward = self.forward(compiled, layers)
        self.try_out(forward, network, size)
        if file:
            with suppress(StoreError, OSError):  # it then takes its time again
                keep_graph(file, data())
        return forward

    @abstractmethod
    def build(self, network: nn.Module, layers: Sequence[str], size: Size) -> tuple[Any, Callable[[], bytes]]:
        """A network compiled, and how to get the bytes that are kept of it."""

    @abstractmethod
    def read(self, data: bytes) -> Any:
        """The inverse of what `build` keeps."""

    @abstractmethod
    def forward(self, compiled: Any, layers: Sequence[str]) -> Forward:
        """From an (N, 3, height, width) batch to what the graph gives for each layer."""

    @abstractmethod
    def depends(self) -> list[Any]:
        """All that a kept graph depends on, besides its network and size."""

    def file(self, identity: Identity, size: Size) -> Path | None:
        """Where a graph is kept: its name is a digest over all that it depends on. None where nothing is kept."""
        folder = folder_of_setting()
        if folder is None:
            return None
        name, layers, weights = identity
        depends = [GRAPH_FORMAT, name, list(layers), weights, size, *self.depends()]
        digest = hashlib.sha256(json.dumps(depends).encode()).hexdigest()
        return folder / GRAPHS_FOLDER / f"{name}-{digest[:32]}.graph"

    def try_out(self, graph: Forward, network: nn.Module, size: Size) -> None:
        """A ValueError where a graph gives maps of other shapes than torch, or other numbers where it is exact."""
        for count in TRIED_BATCHES:
            batch = torch.rand(count, 3, size[1], size[0], generator=torch.Generator().manual_seed(count))
            with torch.inference_mode():
                outputs: Maps = network(batch)
            for layer, output in graph(batch).items():
                expected = outputs[layer]
                if output.shape != expected.shape:
                    raise ValueError(f"{layer}: {tuple(output.shape)} in place of {tuple(expected.shape)}")
                largest = TOLERANCE * float(expected.abs().max())
                if self.name in EXACT_RUNTIMES and not float((output - expected).abs().max()) <= largest:
                    raise ValueError(f"{layer}: other numbers than torch")


class NetworkOutputs(nn.Module):
    """A network as graphs take it: (N, height, width, 3) to a tuple of outputs."""

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.layers = tuple(layers)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(pixels.permute(0, 3, 1, 2))
        return tuple(outputs[layer] for layer in self.layers)


def traced(network: nn.Module, layers: Sequence[str], size: Size) -> tuple[Any, Tensor]:
    """A network as TorchScript, and the (N, height, width, 3) batch that it was traced with."""
    example = torch.zeros(2, size[1], size[0], 3)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of constants, and what comes out is tried
        script = torch.jit.trace(NetworkOutputs(network, layers).eval(), example, check_trace=False, strict=False)
    return script, example


def as_pixels(batch: Tensor) -> Any:
    """(N, height, width, 3) numbers of an (N, 3, height, width) batch, as they lie in memory already."""
    return batch.detach().permute(0, 2, 3, 1).contiguous().numpy()


def versions_of(*packages: str) -> list[str]:
    """Their installed versions."""
    return [metadata.version(package) for package in packages]


def kept_graph(file: Path, read: Callable[[bytes], Any]) -> Any:
    """A graph that was kept; None where there is none, or where it is not what was written."""
    with suppress(OSError, RuntimeError):  # damaged, or of another make than its name says
        data = file.read_bytes()
        digest, graph = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if bytes.fromhex(digest_of(file.name.encode() + graph)) == digest:
            os.utime(file)  # what is used last is thrown away last
            return read(graph)
    return None


def keep_graph(file: Path, graph: bytes) -> None:
    """Keep a graph's bytes; those that were not used for the longest time make room."""
    write_atomically(file, bytes.fromhex(digest_of(file.name.encode() + graph)) + graph)
    graphs = sorted(file.parent.glob("*.graph"), key=lambda path: -path.stat().st_mtime)
    total = 0
    for path in graphs:
        total += path.stat().st_size
        if total > MOST_GRAPH_BYTES and path != file:
            path.unlink()
