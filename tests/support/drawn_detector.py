"""A detector that is drawn and not trained: it points at green and blue marks, in the layout that YOLO exports.

It looks at the square in 8 × 8 fields and gives each field one box, tight around the field's marked pixels. A mark
that lies in one field therefore gets exactly one box, and its edges are known.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

NAMES = ("leak", "stain")  # green, blue
FIELDS = 8
MARKED = 0.3  # how much greener or bluer than its other colours a marked pixel is
GREEN, BLUE = (20, 230, 20), (20, 20, 230)
MARKS = {"leak": (130, 44, 154, 70), "stain": (44, 132, 58, 152)}  # left, top, right, bottom in pixels
SIZE = (320, 240)


def drawn_photo(size: tuple[int, int] = SIZE, *, marked: bool = True) -> Image.Image:
    """A grey part on a darker bench with the `MARKS`; another size scales all of it, and a good part has no mark."""
    picture = Image.new("RGB", SIZE, (70, 70, 70))
    canvas = ImageDraw.Draw(picture)
    canvas.ellipse((15, 15, 305, 225), fill=(160, 160, 160))
    for name, (left, top, right, bottom) in MARKS.items() if marked else ():
        canvas.rectangle((left, top, right - 1, bottom - 1), fill=GREEN if name == "leak" else BLUE)
    return picture.resize(size, Image.Resampling.BOX) if size != SIZE else picture


def write_drawn_detector(path: Path, side: int = SIZE[0]) -> Path:
    """Write the detector's ONNX file; on photos of `SIZE` it finds the `MARKS` to the pixel."""
    path.write_bytes(drawn_detector(side))
    return path


def drawn_detector(
    side: int = 64, names: tuple[str, ...] = NAMES, *, dynamic: bool = False, metadata: dict[str, str] | None = None
) -> bytes:
    """The bytes of the ONNX file; with one name it points at green marks alone."""
    field, rows = side // FIELDS, [f"marked_{number}" for number in range(len(names))]
    nodes = [helper.make_node("Split", ["images"], ["red", "green", "blue"], axis=1, num_outputs=3)]
    for row, (own, *others) in zip(rows, (("green", "red", "blue"), ("blue", "red", "green")), strict=False):
        nodes.append(helper.make_node("Max", others, [f"{row}_others"]))
        nodes.append(helper.make_node("Sub", [own, f"{row}_others"], [row]))
    nodes.append(helper.make_node("Max", rows, ["strongest"]))
    nodes.append(helper.make_node("Greater", ["strongest", "least"], ["is_marked"]))
    nodes.append(helper.make_node("Cast", ["is_marked"], ["marked"], to=TensorProto.FLOAT))
    for edge in ("right", "bottom", "from_left", "from_top"):  # the largest coordinate of a field's marked pixels
        nodes.append(helper.make_node("Mul", ["marked", f"{edge}_of"], [f"{edge}_marked"]))
        nodes.append(_pool(f"{edge}_marked", edge, field))
    for edge, opposite in (("left", "from_left"), ("top", "from_top")):
        nodes.append(helper.make_node("Sub", ["side", opposite], [edge]))
    for near, far, axis in (("left", "right", "x"), ("top", "bottom", "y")):
        nodes.append(helper.make_node("Add", [near, far], [f"{axis}_sum"]))
        nodes.append(helper.make_node("Mul", [f"{axis}_sum", "half"], [f"{axis}_middle"]))
        nodes.append(helper.make_node("Sub", [far, near], [f"{axis}_size"]))
    nodes += [_pool(row, f"{row}_best", field) for row in rows]
    for row in rows:
        nodes.append(helper.make_node("Clip", [f"{row}_best", "lowest", "highest"], [f"{row}_confidence"]))
    numbers = ["x_middle", "y_middle", "x_size", "y_size", *(f"{row}_confidence" for row in rows)]
    nodes.append(helper.make_node("Concat", numbers, ["fields"], axis=1))
    nodes.append(helper.make_node("Reshape", ["fields", "shape"], ["output0"]))
    across = np.arange(side, dtype=np.float32).reshape(1, 1, 1, side).repeat(side, axis=2)
    down = across.transpose(0, 1, 3, 2)
    constants = {
        **{"right_of": across + 1, "bottom_of": down + 1, "from_left_of": side - across, "from_top_of": side - down},
        **{"side": side, "half": 0.5, "least": MARKED, "lowest": 0.001, "highest": 0.95},
    }
    known = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()]
    shape = np.array([1, 4 + len(names), FIELDS**2], np.int64)
    sizes: list[Any] = ["batch", 3, "height", "width"] if dynamic else [1, 3, side, side]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape.tolist())],
        [*known, numpy_helper.from_array(shape, "shape")],
    )
    exported = {"task": "detect", "imgsz": str([side, side]), "stride": "32", "names": str(dict(enumerate(names)))}
    return as_file(graph, exported | (metadata or {}))


def as_file(graph: onnx.GraphProto, metadata: dict[str, str]) -> bytes:
    """An ONNX file of a graph with metadata."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


def _pool(source: str, target: str, field: int) -> onnx.NodeProto:
    return helper.make_node("MaxPool", [source], [target], kernel_shape=[field, field], strides=[field, field])
