"""Runtimes: what carries photos through a frozen network. Torch is the reference, compiled graphs are faster.

A network that a runtime cannot carry, or carries to other numbers, stays with torch.
"""

import logging
import os
import threading
from collections.abc import Hashable
from typing import Protocol

import torch
from torch import Tensor, nn

from ensemble.features.graphs import (
    ONNXRUNTIME,
    OPENVINO,
    OPENVINO_INT8,
    RUNTIME_NAMES,
    TORCH,
    Forward,
    Identity,
    Maps,
    Size,
)
from ensemble.features.onnx_runtime import OnnxRuntime
from ensemble.features.openvino_runtime import CalibratedRuntime, OpenVinoRuntime, has_openvino, openvino_here
from ensemble.values.errors import SettingError
from ensemble.values.titles import runtime_title

RUNTIME_SETTING = "QUORUM_RUNTIME"

tracing_lock = threading.Lock()  # tracing a network patches torch for the whole process
_LOG = logging.getLogger(__name__)


class Runtime(Protocol):
    """Carries batches through networks."""

    @property
    def name(self) -> str:
        """How the setting calls it."""
        ...

    @property
    def calibration(self) -> str:
        """A digest of the photos that its numbers depend on; empty where they depend on none."""
        ...

    def compile(self, network: nn.Module, identity: Identity, size: Size) -> Forward:
        """From (N, 3, height, width) to one output a layer, for photos of this (width, height)."""
        ...


class TorchRuntime:
    """The reference: the network as it is."""

    name = TORCH
    calibration = ""

    def compile(self, network: nn.Module, _identity: Identity, _size: Size) -> Forward:
        """The network without gradients."""

        def forward(batch: Tensor) -> Maps:
            with torch.inference_mode():
                outputs: Maps = network(batch)
                return outputs

        return forward


class Passes:
    """A network's forward passes, compiled once for each size of photo; safe to share between threads."""

    def __init__(self, network: nn.Module, identity: Identity, runtime: Runtime) -> None:
        self.network = network
        self.runtime = runtime
        self.identity = identity
        self.joined: dict[Hashable, Forward | None] = {}  # graphs that carry others too, by `photo_batch`
        self._compiled: dict[Size, Forward] = {}

    def __call__(self, batch: Tensor) -> Maps:
        """One output a layer of an (N, 3, height, width) batch."""
        size = batch.shape[3], batch.shape[2]
        forward = self._compiled.get(size)
        if forward is None:
            with tracing_lock:  # nor is a graph compiled by two
                forward = self._compiled.get(size) or self._compile(size)
                self._compiled[size] = forward
        return forward(batch)

    def _compile(self, size: Size) -> Forward:
        try:
            return self.runtime.compile(self.network, self.identity, size)
        except Exception as error:  # noqa: BLE001 - whatever a compiler stumbles over, the reference gives the numbers
            _LOG.warning("%s stays with torch: %s cannot carry it (%s)", self.identity[0], self.runtime.name, error)
            return TorchRuntime().compile(self.network, self.identity, size)


def runtime_in_use(named: str = "", calibration: str = "") -> Runtime:
    """The one that is named, else what QUORUM_RUNTIME forces, else torch; a SettingError where it cannot be had.

    `calibration` is the digest of the photos on which a product's networks were calibrated for 8 bits.
    """
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
    if named == ONNXRUNTIME:
        return OnnxRuntime()
    if not has_openvino():
        raise SettingError(
            "{setting} asks for OpenVINO, which is not installed. Install it with pip install -r "
            "requirements-extras.txt, or set it to {torch}.",
            setting=RUNTIME_SETTING,
            torch=TORCH,
        )
    if named not in openvino_here():
        raise SettingError(
            "{setting} asks for {runtime}, which this processor does not have. Set it to {openvino} or {torch}.",
            setting=RUNTIME_SETTING,
            runtime=runtime_title(named),
            openvino=OPENVINO,
            torch=TORCH,
        )
    if named != OPENVINO_INT8:
        return OpenVinoRuntime(named)
    if not calibration:
        raise SettingError(
            "{setting} asks for {runtime}, which is calibrated on a trained product's photos. Leave the setting out, "
            "and run `python -m ensemble runtime PRODUCT` first.",
            setting=RUNTIME_SETTING,
            runtime=runtime_title(named),
        )
    return CalibratedRuntime(calibration)


def forced_runtime() -> str:
    """What QUORUM_RUNTIME names; empty where it leaves the choice to each product."""
    return os.environ.get(RUNTIME_SETTING, "")


def available_runtimes() -> tuple[str, ...]:
    """Those that this machine has, from the most to the least exact."""
    return (TORCH, ONNXRUNTIME, *openvino_here())
