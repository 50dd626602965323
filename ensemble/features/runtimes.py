"""Runtimes: what carries photos through a frozen network. Torch is the reference, OpenVINO is faster.

The only module that knows openvino, and it imports it only where it is used. A compiled graph is tried against torch
once, then kept on disk, so that the next start neither traces nor compiles. A network that OpenVINO cannot carry, or
carries to other numbers, stays with torch.
"""

import hashlib
import importlib.util
import io
import json
import logging
import os
import platform
import sys
import threading
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ensemble.disk.files import digest_of, write_atomically
from ensemble.features.cache_folder import folder_of_setting
from ensemble.values.errors import SettingError, StoreError

RUNTIME_SETTING = "QUORUM_RUNTIME"
TORCH, OPENVINO, OPENVINO_BF16 = "torch", "openvino", "openvino-bf16"
RUNTIME_NAMES = (TORCH, OPENVINO, OPENVINO_BF16)
PRECISIONS = {OPENVINO: "f32", OPENVINO_BF16: "bf16"}
EXACT_RUNTIMES = (TORCH, OPENVINO)  # every graph of these is tried against torch wherever it is compiled
GRAPHS_FOLDER = "graphs"  # below the folder of kept features
GRAPH_FORMAT = 1
MOST_GRAPH_BYTES = 1_000_000_000  # all graphs together
DIGEST_BYTES = 32
TOLERANCE = 1e-4  # of a map's largest number: how far 32 bits may lie from torch's before a graph is refused
TRIED_BATCHES = (1, 3)  # a graph must take any number of photos, also one that it was not traced with

Maps = Mapping[str, Tensor]
Forward = Callable[[Tensor], Maps]
Identity = tuple[str, Sequence[str], str]  # a backbone's name, its layers, the digest of its weights

tracing_lock = threading.Lock()  # tracing a network patches torch for the whole process
_LOG = logging.getLogger(__name__)


class Runtime(Protocol):
    """Carries batches through networks."""

    @property
    def name(self) -> str:
        """How the setting calls it."""
        ...

    def compile(self, network: nn.Module, identity: Identity, size: tuple[int, int]) -> Forward:
        """From (N, 3, height, width) to one output a layer, for photos of this (width, height)."""
        ...


class TorchRuntime:
    """The reference: the network as it is."""

    name = TORCH

    def compile(self, network: nn.Module, _identity: Identity, _size: tuple[int, int]) -> Forward:
        """The network without gradients."""

        def forward(batch: Tensor) -> Maps:
            with torch.inference_mode():
                outputs: Maps = network(batch)
                return outputs

        return forward


class OpenVinoRuntime:
    """The same network compiled for this processor, in 32 bits or in bfloat16, never left to chance."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.precision = PRECISIONS[name]

    def compile(self, network: nn.Module, identity: Identity, size: tuple[int, int]) -> Forward:
        """A graph for any number of photos, from disk where it is kept there."""
        layers, file, settings = identity[1], self._file(identity, size), self._settings()
        kept = _kept_graph(file, settings) if file else None
        if kept is not None:
            return _Graph(kept, layers)
        compiled = _core().compile_model(_convert(network, layers, size), "CPU", settings)
        graph = _Graph(compiled, layers)
        self._try_out(graph, network, size)
        if file:
            _keep_graph(file, compiled)
        return graph

    def _settings(self) -> dict[str, Any]:
        """Torch's number of threads; they are not tied to cores, where they would wait for whoever runs on theirs."""
        return {
            "INFERENCE_PRECISION_HINT": self.precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,
        }

    def _file(self, identity: Identity, size: tuple[int, int]) -> Path | None:
        """Where a graph is kept: its name is a digest over all that it depends on."""
        folder = folder_of_setting()
        if folder is None:
            return None
        name, layers, weights = identity
        depends = [GRAPH_FORMAT, name, list(layers), weights, size, self._settings(), _versions(), _processor()]
        digest = hashlib.sha256(json.dumps(depends).encode()).hexdigest()
        return folder / GRAPHS_FOLDER / f"{name}-{digest[:32]}.graph"

    def _try_out(self, graph: Forward, network: nn.Module, size: tuple[int, int]) -> None:
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


class Passes:
    """A network's forward passes, compiled once for each size of photo; safe to share between threads."""

    def __init__(self, network: nn.Module, identity: Identity, runtime: Runtime) -> None:
        self.network = network
        self.runtime = runtime
        self.identity = identity
        self.joined: dict[Hashable, Forward | None] = {}  # graphs that carry others too, by `side_by_side`
        self._compiled: dict[tuple[int, int], Forward] = {}

    def __call__(self, batch: Tensor) -> Maps:
        """One output a layer of an (N, 3, height, width) batch."""
        size = batch.shape[3], batch.shape[2]
        forward = self._compiled.get(size)
        if forward is None:
            with tracing_lock:  # nor is a graph compiled by two
                forward = self._compiled.get(size) or self._compile(size)
                self._compiled[size] = forward
        return forward(batch)

    def _compile(self, size: tuple[int, int]) -> Forward:
        try:
            return self.runtime.compile(self.network, self.identity, size)
        except Exception as error:  # noqa: BLE001 - whatever a compiler stumbles over, the reference gives the numbers
            _LOG.warning("%s stays with torch: %s cannot carry it (%s)", self.identity[0], self.runtime.name, error)
            return TorchRuntime().compile(self.network, self.identity, size)


class _Graph:
    """A compiled graph: one pass at a time, which has all threads for itself."""

    def __init__(self, compiled: Any, layers: Sequence[str]) -> None:
        self._request = compiled.create_infer_request()
        self._layers = layers
        self._alone = threading.Lock()

    def __call__(self, batch: Tensor) -> Maps:
        pixels = batch.detach().permute(0, 2, 3, 1).contiguous().numpy()  # as they lie in memory already
        with self._alone:
            self._request.infer([pixels], share_inputs=True)
            outputs = [np.array(self._request.get_output_tensor(place).data) for place in range(len(self._layers))]
        return dict(zip(self._layers, map(torch.from_numpy, outputs), strict=True))


class _Outputs(nn.Module):
    """A network as graphs take it: (N, height, width, 3) to a tuple of outputs."""

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.layers = tuple(layers)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(pixels.permute(0, 3, 1, 2))
        return tuple(outputs[layer] for layer in self.layers)


def runtime_in_use(named: str = "") -> Runtime:
    """The one that is named, else what QUORUM_RUNTIME forces, else torch; a SettingError where it cannot be had."""
    named = named or forced_runtime() or TORCH
    if named not in RUNTIME_NAMES:
        raise SettingError(
            "{setting} must be one of {names}. Got {named!r}.",
            setting=RUNTIME_SETTING,
            names=", ".join(RUNTIME_NAMES),
            named=named,
        )
    if named == TORCH:
        return TorchRuntime()
    if not has_openvino():
        raise SettingError(
            "{setting} asks for OpenVINO, which is not installed. Install it with pip install -r "
            "requirements-extras.txt, or set it to {torch}.",
            setting=RUNTIME_SETTING,
            torch=TORCH,
        )
    if named == OPENVINO_BF16 and not _has_bfloat16():
        raise SettingError(
            "{setting} asks for bfloat16, which this processor does not have. Set it to {openvino} or {torch}.",
            setting=RUNTIME_SETTING,
            openvino=OPENVINO,
            torch=TORCH,
        )
    return OpenVinoRuntime(named)


def forced_runtime() -> str:
    """What QUORUM_RUNTIME names; empty where it leaves the choice to each product."""
    return os.environ.get(RUNTIME_SETTING, "")


def available_runtimes() -> tuple[str, ...]:
    """Those that this machine has: the reference, then the exact ones, then those that round numbers."""
    if not has_openvino():
        return (TORCH,)
    return (TORCH, OPENVINO, *((OPENVINO_BF16,) if _has_bfloat16() else ()))


def made_with() -> dict[str, str]:
    """What the numbers of a runtime that rounds them depend on: versions of libraries, and the processor."""
    names = ("openvino", "torch", "torchvision")
    return dict(zip(names, _versions(), strict=True)) | {"processor": _processor()}


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return "openvino" in sys.modules or importlib.util.find_spec("openvino") is not None


@cache
def _core() -> Any:
    """OpenVINO's runtime alone: its converter would report every import to its maker."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # whoever imports the converter later
    converter = "openvino.tools.ovc"
    absent = converter not in sys.modules
    if absent:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if absent:
            del sys.modules[converter]
    return openvino.Core()


def _has_bfloat16() -> bool:
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _versions() -> list[str]:
    return [metadata.version(package) for package in ("openvino", "torch", "torchvision")]


@cache
def _processor() -> str:
    return f"{platform.machine()} {_core().get_property('CPU', 'FULL_DEVICE_NAME')}"


def _convert(network: nn.Module, layers: Sequence[str], size: tuple[int, int]) -> Any:
    """Read by the frontend for torch directly, not by the converter."""
    _core()  # imports openvino without its converter
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros(2, size[1], size[0], 3)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of constants, and what comes out is tried
        traced = torch.jit.trace(_Outputs(network, layers).eval(), example, check_trace=False, strict=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=(example,))  # the frontend does not keep it alive
    model = frontend.convert(frontend.load(decoder))
    model.reshape([-1, *example.shape[1:]])
    return model


def _kept_graph(file: Path, settings: Mapping[str, Any]) -> Any:
    """A graph that was kept; None where there is none, or where it is not what was written."""
    with suppress(OSError, RuntimeError):  # damaged, or of another make than its name says
        data = file.read_bytes()
        digest, graph = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if bytes.fromhex(digest_of(file.name.encode() + graph)) == digest:
            os.utime(file)  # what is used last is thrown away last
            return _core().import_model(io.BytesIO(graph), "CPU", dict(settings))
    return None


def _keep_graph(file: Path, compiled: Any) -> None:
    with suppress(StoreError, OSError):  # it then takes its time again
        exported = compiled.export_model()
        graph = exported if isinstance(exported, bytes) else exported.getvalue()
        write_atomically(file, bytes.fromhex(digest_of(file.name.encode() + graph)) + graph)
        graphs = sorted(file.parent.glob("*.graph"), key=lambda path: -path.stat().st_mtime)
        total = 0
        for path in graphs:
            total += path.stat().st_size
            if total > MOST_GRAPH_BYTES and path != file:
                path.unlink()
