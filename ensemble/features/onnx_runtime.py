"""Networks carried by ONNX Runtime, in 32 bits."""

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ensemble.features.graphs import ONNXRUNTIME, Forward, GraphRuntime, Maps, Size, as_pixels, traced, versions_of

PIXELS_IN, PHOTOS = "pixels", "photos"
ONNX_OPSET = 17


class OnnxRuntime(GraphRuntime):
    """The same network as an ONNX graph."""

    name = ONNXRUNTIME

    def build(self, network: nn.Module, layers: Sequence[str], size: Size) -> tuple[Any, Callable[[], bytes]]:
        """A session, and the ONNX file that it was opened from."""
        data = exported_onnx(network, layers, size)
        return self.read(data), lambda: data

    def read(self, data: bytes) -> Any:
        """A session with torch's number of threads, which do not spin while they wait for the next pass."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def forward(self, compiled: Any, layers: Sequence[str]) -> Forward:
        """Passes of several threads share the session's own."""

        def run(batch: Tensor) -> Maps:
            outputs = compiled.run(None, {PIXELS_IN: as_pixels(batch)})
            return dict(zip(layers, map(torch.from_numpy, outputs), strict=True))

        return run

    def depends(self) -> list[Any]:
        """Versions alone: threads are the session's."""
        return [self.name, versions_of("onnxruntime", "onnx", "torch", "torchvision"), torch.get_num_threads()]


def exported_onnx(network: nn.Module, layers: Sequence[str], size: Size) -> bytes:
    """An ONNX file for any number of photos, from pixels to one output a layer in their order."""
    script, example = traced(network, layers, size)
    written = io.BytesIO()
    names = [f"output{place}" for place in range(len(layers))]
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is the old one, which needs no other package
        torch.onnx.export(
            script,
            (example,),
            written,
            dynamo=False,
            opset_version=ONNX_OPSET,
            input_names=[PIXELS_IN],
            output_names=names,
            dynamic_axes={name: {0: PHOTOS} for name in (PIXELS_IN, *names)},
        )
    return written.getvalue()
