"""What a YOLO network's raw numbers say: boxes, their classes and confidences, and each thing found once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVERLAP = 0.5  # of two boxes of one class that share more of their union, the less confident one is dropped
MOST = 100  # boxes of one photo
CANDIDATES = 2000  # the most confident ones, which bounds the work on a photo where everything stands out


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
    places = places[np.argsort(-confidences[places], kind="stable")][:CANDIDATES]
    middle, half = numbers[:2, places], numbers[2:4, places] / 2
    boxes = np.concatenate([middle - half, middle + half]).T / side  # (4, M) -> (M, 4)
    found = Detections(np.clip(boxes, 0.0, 1.0), confidences[places], classes[places])
    return _suppress(found.at(np.flatnonzero(_areas(found.boxes) > 0)))


def _suppress(found: Detections) -> Detections:
    """Non-maximum suppression within each class."""
    areas = _areas(found.boxes)
    waiting = np.arange(len(areas))
    kept: list[int] = []
    while len(waiting) and len(kept) < MOST:
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
    odds = _odds(np.asarray(confidences, dtype=np.float64)) / _odds(np.asarray(stated, dtype=np.float64))
    return odds / (1 + odds)


def _odds(confidences: NDArray[np.float64]) -> NDArray[np.float64]:
    certain = np.clip(confidences, 1e-12, 1 - 1e-8)  # closer to 1 than any other value that a network can give
    return certain / (1 - certain)
