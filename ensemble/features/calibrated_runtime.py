"""Networks in 8 bits: OpenVINO's graphs, quantised by NNCF on a product's own calibration photos.

The only module that knows nncf, and it needs it while it calibrates alone: afterwards the graphs that are kept judge.
"""

import importlib.util
import logging
from typing import Any

from torch import Tensor, nn

from ensemble.disk.files import folder_of_setting
from ensemble.features.graphs import OPENVINO_INT8, Forward, Identity, Size, as_pixels, keep_graph, kept_graph
from ensemble.features.openvino_runtime import OpenVinoRuntime, convert_network, exported_bytes, openvino_core

MOST_TO_CALIBRATE = 32  # photos


class CalibratedRuntime(OpenVinoRuntime):
    """Convolutions in 8 bits with 32 around them, as they were calibrated before: no other graph is ever made.

    `calibration` is a digest of the photos on which the ranges of numbers were measured.
    """

    def __init__(self, calibration: str) -> None:
        super().__init__(OPENVINO_INT8)
        self.calibration = calibration

    def compile(self, network: nn.Module, identity: Identity, size: Size) -> Forward:
        """The graph that was calibrated; a ValueError where none is kept."""
        file = self.file(identity, size)
        kept = kept_graph(file, self.read) if file else None
        if kept is None:
            raise ValueError("its 8-bit graph is not kept on this machine")
        return self.forward(kept, identity[1])

    def is_calibrated(self, identity: Identity, size: Size) -> bool:
        """Whether a graph is kept."""
        file = self.file(identity, size)
        return file is not None and file.is_file()

    def calibrate(self, network: nn.Module, identity: Identity, batch: Tensor) -> None:
        """Quantise a network on a prepared (N, 3, height, width) batch and keep the graph."""
        import nncf

        nncf.set_log_level(logging.ERROR)
        size = batch.shape[3], batch.shape[2]
        rows = [as_pixels(row[None]) for row in batch[:MOST_TO_CALIBRATE]]
        model = nncf.quantize(
            convert_network(network, identity[1], size), nncf.Dataset(rows), subset_size=len(rows)
        )
        compiled = openvino_core().compile_model(model, "CPU", self.settings())
        self.try_out(self.forward(compiled, identity[1]), network, size)
        if file := self.file(identity, size):
            keep_graph(file, exported_bytes(compiled))

    def depends(self) -> list[Any]:
        """The photos too, but no number of threads: the same graph judges wherever it is calibrated."""
        settings, *others = super().depends()
        return [{**settings, "INFERENCE_NUM_THREADS": 0}, *others, self.calibration]


def can_calibrate() -> bool:
    """Whether NNCF is installed and there is a folder to keep graphs in."""
    return importlib.util.find_spec("nncf") is not None and folder_of_setting() is not None
