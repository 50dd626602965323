"""Networks compiled by OpenVINO, in 32 bits, in bfloat16 or, calibrated on photos by NNCF, in 8 bits.

The only module that knows openvino and nncf, and it imports them only where they are used.
"""

import importlib.util
import io
import logging
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ensemble.disk.files import folder_of_setting
from ensemble.features.graphs import (
    OPENVINO,
    OPENVINO_BF16,
    OPENVINO_INT8,
    Forward,
    GraphRuntime,
    Identity,
    Maps,
    Size,
    as_pixels,
    keep_graph,
    traced,
    versions_of,
)

PRECISIONS = {OPENVINO: "f32", OPENVINO_BF16: "bf16", OPENVINO_INT8: "f32"}  # of what is not quantised
CAPABILITIES = {OPENVINO_BF16: "BF16", OPENVINO_INT8: "INT8"}  # what a processor must have for it
PACKAGES = ("openvino", "torch", "torchvision")


class OpenVinoRuntime(GraphRuntime):
    """The same network compiled for this processor, its precision never left to chance."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.precision = PRECISIONS[name]

    def build(self, network: nn.Module, layers: Sequence[str], size: Size) -> tuple[Any, Callable[[], bytes]]:
        """OpenVINO's compiled model."""
        compiled = self.compiled(convert_network(network, layers, size))
        return compiled, lambda: exported_bytes(compiled)

    def compiled(self, model: Any) -> Any:
        """A model for this processor."""
        return openvino_core().compile_model(model, "CPU", self.settings())

    def read(self, data: bytes) -> Any:
        """A compiled model of before."""
        return openvino_core().import_model(io.BytesIO(data), "CPU", self.settings())

    def forward(self, compiled: Any, layers: Sequence[str]) -> Forward:
        """One pass at a time."""
        return _Graph(compiled, layers)

    def depends(self) -> list[Any]:
        """Its settings, versions and the processor."""
        return [self.settings(), versions_of(*PACKAGES), _processor()]

    def settings(self) -> dict[str, Any]:
        """Torch's number of threads; they are not tied to cores, where they would wait for whoever runs on theirs."""
        return {
            "INFERENCE_PRECISION_HINT": self.precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,
        }


class CalibratedRuntime(OpenVinoRuntime):
    """Convolutions in 8 bits, their ranges measured before: it carries what `calibrate` has kept, and nothing else.

    `calibration` is a digest of the photos on which they were measured.
    """

    def __init__(self, calibration: str) -> None:
        super().__init__(OPENVINO_INT8)
        self.calibration = calibration

    def calibrate(self, network: nn.Module, identity: Identity, batch: Tensor) -> None:
        """Quantise a network on a prepared (N, 3, height, width) batch, and keep the graph."""
        file = self.file(identity, (batch.shape[3], batch.shape[2]))
        assert file is not None, "can_calibrate says that there is a folder"
        keep_graph(file, exported_bytes(self.compiled(quantised(network, identity[1], batch))))

    def is_kept(self, identity: Identity, size: Size) -> bool:
        """Whether a network was calibrated for photos of this (width, height) on this machine."""
        file = self.file(identity, size)
        return file is not None and file.is_file()

    def build(self, network: nn.Module, layers: Sequence[str], size: Size) -> tuple[Any, Callable[[], bytes]]:
        """A ValueError: no photo to calibrate on is at hand where photos are judged."""
        raise ValueError("no calibrated graph of it is kept on this machine")

    def depends(self) -> list[Any]:
        """The photos too, but no number of threads: trainings calibrate with fewer than judge."""
        settings, *others = super().depends()
        return [{**settings, "INFERENCE_NUM_THREADS": 0}, *others, self.calibration]


class _Graph:
    """A compiled graph: one pass at a time, which has all threads for itself."""

    def __init__(self, compiled: Any, layers: Sequence[str]) -> None:
        self._request = compiled.create_infer_request()
        self._layers = layers
        self._alone = threading.Lock()

    def __call__(self, batch: Tensor) -> Maps:
        pixels = as_pixels(batch)
        with self._alone:
            self._request.infer([pixels], share_inputs=True)
            outputs = [np.array(self._request.get_output_tensor(place).data) for place in range(len(self._layers))]
        return dict(zip(self._layers, map(torch.from_numpy, outputs), strict=True))


def openvino_here() -> tuple[str, ...]:
    """Which of its runtimes this machine has."""
    if not has_openvino():
        return ()
    can = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name in PRECISIONS if CAPABILITIES.get(name) in {None, *can})


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return "openvino" in sys.modules or importlib.util.find_spec("openvino") is not None


def can_calibrate() -> bool:
    """Whether NNCF is installed, and graphs are kept."""
    return importlib.util.find_spec("nncf") is not None and folder_of_setting() is not None


def made_with() -> dict[str, str]:
    """What the numbers of a runtime that rounds them depend on: versions of libraries, and the processor."""
    if not has_openvino():
        return {}
    return dict(zip(PACKAGES, versions_of(*PACKAGES), strict=True)) | {"processor": _processor()}


@cache
def openvino_core() -> Any:
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


@cache
def _processor() -> str:
    return f"{platform.machine()} {openvino_core().get_property('CPU', 'FULL_DEVICE_NAME')}"


def convert_network(network: nn.Module, layers: Sequence[str], size: Size) -> Any:
    """A network as OpenVINO's model, read by the frontend for torch directly, not by the converter."""
    openvino_core()  # imports openvino without its converter
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    script, example = traced(network, layers, size)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(script, example_input=(example,))  # the frontend does not keep it alive
    model = frontend.convert(frontend.load(decoder))
    model.reshape([-1, *example.shape[1:]])
    return model


def quantised(network: nn.Module, layers: Sequence[str], batch: Tensor) -> Any:
    """A network as OpenVINO's model with 8-bit convolutions, ranges measured on a (N, 3, height, width) batch."""
    model = convert_network(network, layers, (batch.shape[3], batch.shape[2]))
    import nncf

    nncf.set_log_level(logging.ERROR)
    rows = [as_pixels(row[None]) for row in batch]
    return nncf.quantize(model, nncf.Dataset(rows), subset_size=len(rows))


def exported_bytes(compiled: Any) -> bytes:
    """A compiled model as it is kept."""
    exported = compiled.export_model()
    return exported if isinstance(exported, bytes) else bytes(exported.getvalue())
