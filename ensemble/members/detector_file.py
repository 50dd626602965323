"""A detector's ONNX file, opened once its graph has been looked through, and the boxes that come out of it."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.features.preprocessing import LARGEST_SIDE
from ensemble.members.detector_graph import refuse_strange_graph
from ensemble.values.errors import MemberError
from ensemble.values.language import Message
from ensemble.values.vocabulary import is_good

CONFIDENCE_KEY = "quorum_confidence"  # the metadata's key for the confidence from which on a box is believed
STATED = 0.25  # where a file does not say: what YOLO itself uses
DETECTION_TASK = "detect"
MOST_MEMORY = 1_500_000_000  # bytes for all that detectors compute; the largest of them take half of it at 1280 pixels
NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
HOW_TO_EXPORT = Message("Export a YOLOv8 or YOLOv11 detector with format=onnx, nms=False and batch=1.")


@dataclass(frozen=True, slots=True, eq=False)
class DetectorFile:
    """A detector that is ready to run: the side of its square in pixels, what it finds, when it is to be believed."""

    session: Any
    side: int
    names: tuple[str, ...]
    confidence: float
    dtype: type

    @classmethod
    def from_bytes(cls, data: bytes) -> "DetectorFile":
        """Open an ONNX file; a MemberError says why it is no detector that can be used here."""
        try:
            refuse_strange_graph(data)
            session = _session(data)
        except MemberError:
            raise
        except Exception as error:  # its errors share no base but this one
            raise MemberError(
                "It is no ONNX file that onnxruntime can open ({error}). {how_to_export}",
                error=_reason(error),
                how_to_export=HOW_TO_EXPORT,
            ) from error
        metadata = session.get_modelmeta().custom_metadata_map
        task = metadata.get("task", DETECTION_TASK)
        if task != DETECTION_TASK:
            raise MemberError(
                "It is made for the task {task}; a detector's is {detection_task}. {how_to_export}",
                task=task,
                detection_task=DETECTION_TASK,
                how_to_export=HOW_TO_EXPORT,
            )
        dtype, side = _input(session, metadata)
        found = cls(session, side, _class_names(metadata), _confidence(metadata), dtype)
        found._check()
        return found

    def defects(self, good: str) -> "Defects":
        """What of its outputs speaks against a part; a MemberError where it points at good parts alone.

        A class is good where its name is the product's `good` one or any other that is known to mean good parts.
        """
        bad = [
            number for number, name in enumerate(self.names) if not is_good(name) and name.casefold() != good.casefold()
        ]
        if not bad:
            raise MemberError(
                "It points at good parts alone ({names}), and nothing that it finds would speak against "
                "a part. Train it on damage.",
                names=", ".join(self.names)[:60],
            )
        return Defects(tuple(self.names[number] for number in bad), [*range(4), *(4 + number for number in bad)])

    def run(self, photo: np.ndarray) -> np.ndarray:
        """One photo's (3, side, side) uint8 pixels -> its raw (4 + K, n) numbers."""
        pixels: np.ndarray = (photo[None] / np.float32(255)).astype(self.dtype)
        name = self.session.get_inputs()[0].name
        return np.asarray(self.session.run(None, {name: np.ascontiguousarray(pixels)})[0])[0]

    def _check(self) -> None:
        """Whether a grey photo gets the numbers of a detector with these names."""
        outputs = self.session.get_outputs()
        if len(outputs) != 1:
            raise MemberError(
                "A detector has one output. It has {count}. {how_to_export}",
                count=len(outputs),
                how_to_export=HOW_TO_EXPORT,
            )
        try:
            output = self.run(np.full((3, self.side, self.side), 114, dtype=np.uint8))
        except Exception as error:
            raise MemberError(
                "It fails on a grey photo of {side} × {side} pixels ({error}). {how_to_export}",
                side=self.side,
                error=_reason(error),
                how_to_export=HOW_TO_EXPORT,
            ) from error
        if output.ndim != 2 or output.shape[0] < 5 or output.shape[0] >= output.shape[1]:
            raise MemberError(
                "A detector gives each of many places four numbers for a box and one for each class, as "
                "(1, 4 + classes, places). It gives {shape}. {how_to_export}",
                shape=(1, *output.shape),
                how_to_export=HOW_TO_EXPORT,
            )
        if output.shape[0] != 4 + len(self.names):
            raise MemberError(
                "It names {count} classes ({names}) and tells {shape} apart. Export it again from the "
                "model that it belongs to.",
                count=len(self.names),
                names=", ".join(self.names[:5]),
                shape=output.shape[0] - 4,
            )


@dataclass(frozen=True, slots=True)
class Defects:
    """The classes of a detector that are defects, and the rows of its output that belong to them and to the boxes."""

    names: tuple[str, ...]
    rows: list[int]


@cache
def _runtime() -> Any:
    """onnxruntime with a limit to the memory that sessions may take together: a small file can ask for any amount."""
    import onnxruntime

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    unset = dict.fromkeys(
        ("initial_chunk_size_bytes", "max_dead_bytes_per_chunk", "initial_growth_chunk_size_bytes"), -1
    )
    as_asked = {"arena_extend_strategy": 1}
    limits = onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY, **as_asked, **unset})
    onnxruntime.create_and_register_allocator(memory, limits)
    return onnxruntime


def _session(data: bytes) -> Any:
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # a damaged file is told to the person and not to the log
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.load_model_format", "ONNX")  # no other one has been looked through
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _input(session: Any, metadata: Mapping[str, str]) -> tuple[type, int]:
    """The number type and the side of the one square photo that it reads."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs)
        raise MemberError(
            "A detector has one input, a photo. It has {count} ({names}). {how_to_export}",
            count=len(inputs),
            names=names,
            how_to_export=HOW_TO_EXPORT,
        )
    shape, dtype = inputs[0].shape, NUMBERS.get(inputs[0].type)
    fits = len(shape) == 4 and shape[1] == 3 and not (isinstance(shape[0], int) and shape[0] != 1)
    if dtype is None or not fits:
        raise MemberError(
            "A detector reads one RGB photo of floating-point numbers, as (1, 3, side, side). It "
            "reads {shape} of {kind}. {how_to_export}",
            shape=tuple(shape),
            kind=inputs[0].type,
            how_to_export=HOW_TO_EXPORT,
        )
    wanted = _literal(metadata.get("imgsz", "640"), "imgsz")
    declared = list(wanted) if isinstance(wanted, list | tuple) else [wanted, wanted]
    sizes = [given if isinstance(given, int) else size for given, size in zip(shape[2:], declared, strict=False)]
    if len(sizes) != 2 or sizes[0] != sizes[1] or not isinstance(sizes[0], int) or sizes[0] < 1:
        raise MemberError(
            "A detector reads square photos. It reads {size} pixels. {how_to_export}",
            size=" × ".join(map(str, sizes)),
            how_to_export=HOW_TO_EXPORT,
        )
    if sizes[0] > LARGEST_SIDE:
        raise MemberError(
            "It reads {sizes} × {sizes} pixels, and {largest_side} a side are the most. {how_to_export}",
            sizes=sizes[0],
            largest_side=LARGEST_SIDE,
            how_to_export=HOW_TO_EXPORT,
        )
    return dtype, sizes[0]


def _class_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """What it can find, in the order of its outputs: `{0: 'crack', 1: 'dent'}` in the metadata."""
    names = _literal(metadata.get("names", "None"), "names")
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or sorted(names, key=str) != sorted(range(len(names)), key=str):
        raise MemberError(
            "Its metadata does not name what it finds, as in names = {{0: 'crack'}}. {how_to_export}",
            how_to_export=HOW_TO_EXPORT,
        )
    return tuple(str(names[number]) for number in range(len(names)))


def _confidence(metadata: Mapping[str, str]) -> float:
    value = _literal(metadata.get(CONFIDENCE_KEY, str(STATED)), CONFIDENCE_KEY)
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise MemberError(
            "The metadata {confidence_key} must be a number between 0 and 1. Got {value!r}. Mend it.",
            confidence_key=CONFIDENCE_KEY,
            value=value,
        )
    return float(value)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0][:150]


def _literal(text: str, key: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise MemberError(
            "Its metadata {key} cannot be read: {value!r}. {how_to_export}",
            key=key,
            value=text[:60],
            how_to_export=HOW_TO_EXPORT,
        ) from error


OVERLAP = 0.5  # of two boxes of one class that share more of their union, the less confident one is dropped
MOST_BOXES = 100  # boxes of one photo
MOST_CANDIDATES = 2000  # the most confident ones, which bounds the work on a photo where everything stands out


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """M things found in a square: boxes (M, 4) as left, top, right, bottom in shares of it, the most confident first.

    `confidences` (M,) in [0, 1], `classes` (M,) positions in the detector's names.
    """

    boxes: NDArray[np.float64]
    confidences: NDArray[np.float64]
    classes: NDArray[np.int64]

    def at(self, places: NDArray[np.int64]) -> "Detections":
        """Those at these places, in their order."""
        return Detections(self.boxes[places], self.confidences[places], self.classes[places])


def decode(output: np.ndarray, side: int, least: float) -> Detections:
    """The (4 + K, n) numbers of a YOLOv8 or v11 network -> what it finds with at least this confidence.

    Its first four rows are a box's middle, width and height in pixels, the others the confidence of each of K classes.
    """
    numbers = np.asarray(output, dtype=np.float64)
    confidences, classes = numbers[4:].max(axis=0), numbers[4:].argmax(axis=0)
    places = np.flatnonzero(confidences >= least)
    places = places[np.argsort(-confidences[places], kind="stable")][:MOST_CANDIDATES]
    middle, half = numbers[:2, places], numbers[2:4, places] / 2
    boxes = np.concatenate([middle - half, middle + half]).T / side  # (4, M) -> (M, 4)
    found = Detections(np.clip(boxes, 0.0, 1.0), confidences[places], classes[places])
    return _suppress(found.at(np.flatnonzero(_areas(found.boxes) > 0)))


def _suppress(found: Detections) -> Detections:
    """Non-maximum suppression within each class."""
    areas = _areas(found.boxes)
    waiting = np.arange(len(areas))
    kept: list[int] = []
    while len(waiting) and len(kept) < MOST_BOXES:
        first, rest = waiting[0], waiting[1:]
        kept.append(int(first))
        left_top = np.maximum(found.boxes[first, :2], found.boxes[rest, :2])
        right_bottom = np.minimum(found.boxes[first, 2:], found.boxes[rest, 2:])
        shared = _areas(np.concatenate([left_top, np.maximum(left_top, right_bottom)], axis=1))
        overlap = shared / (areas[first] + areas[rest] - shared)
        waiting = rest[(overlap <= OVERLAP) | (found.classes[rest] != found.classes[first])]
    return found.at(np.array(kept, dtype=np.int64))


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def on_scale(confidences: np.ndarray, stated: float) -> NDArray[np.float64]:
    """Confidences -> the same order in (0, 1) with the stated one at 0.5: their odds, divided by its odds."""
    odds = _as_odds(np.asarray(confidences, dtype=np.float64)) / _as_odds(np.asarray(stated, dtype=np.float64))
    return odds / (1 + odds)


def _as_odds(confidences: NDArray[np.float64]) -> NDArray[np.float64]:
    certain = np.clip(confidences, 1e-12, 1 - 1e-8)  # closer to 1 than any other value that a network can give
    return certain / (1 - certain)
