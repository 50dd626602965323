"""Networks in 8 bits: OpenVINO's graphs, quantised by NNCF on calibration photos."""

import logging
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ensemble.features.graphs import OPENVINO, Forward, Identity
from ensemble.features.openvino_runtime import OpenVinoRuntime, convert_network, openvino_core

NAME = "openvino-int8"


class Int8Runtime(OpenVinoRuntime):
    """Convolutions in 8 bits with 32 around them, their ranges measured on one (N, 3, height, width) batch."""

    def __init__(self, calibration: Tensor) -> None:
        super().__init__(OPENVINO)
        self.name = NAME
        self.calibration = calibration

    def compile(self, network: nn.Module, identity: Identity, size: tuple[int, int]) -> Forward:
        """A graph for photos of the size that was calibrated, or of any other; kept nowhere."""
        quantised = quantise(convert_network(network, identity[1], size), self.calibration)
        return self.forward(openvino_core().compile_model(quantised, "CPU", self.settings()), identity[1])


def quantise(model: Any, calibration: Tensor) -> Any:
    """The same graph with 8-bit convolutions."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    rows: Sequence[Any] = [row[None].permute(0, 2, 3, 1).contiguous().numpy() for row in calibration]
    return nncf.quantize(model, nncf.Dataset(rows), subset_size=len(rows))
