"""The detector: a YOLO network that points at damage with boxes, run from its ONNX file.

Any file that YOLOv8 or YOLOv11 exports will do, whatever its input size and the names of what it finds. All of it
speaks against the part, except for classes that are known to be good: their boxes count for nothing and are not shown,
and a place is judged by what it says of defects alone. Only training one needs the optional package ultralytics, whose
licence is AGPL-3.0.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.members.contract import Lesson, Member, Parts, Prediction
from ensemble.members.detector_file import CONFIDENCE_KEY, STATED, DetectorFile, decode, on_scale
from ensemble.members.detector_graph import with_metadata
from ensemble.members.detector_training import (
    ANY_DEFECT,
    DETECTOR,
    EPOCH,
    HOLD,
    LEARN,
    RESULT,
    data_text,
    held_out_places,
    label_text,
    make_folders,
    write_label,
)
from ensemble.values.errors import MemberError
from ensemble.values.language import Message
from ensemble.values.results import Region
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

ONNX = ".onnx"
DETECTOR_INPUT = Preprocessing(side=320, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), pad=True)
FEWEST_MASKS = 5  # photos with a mask
GOOD_A_DAMAGED = 3  # damaged photos for each one of a good part
SEEN, EPOCHS = 3000, (8, 100)  # photos looked at in all, which bounds the time, but each so many times
PROCESS = "ensemble.members.detector_training"
EXTRAS = "requirements-extras.txt"


class DetectorMember(Member):
    """A YOLO detector on (N, 3, side, side) pixels with grey bars; the side is its file's own, 320 where it learns."""

    kind: ClassVar[str] = "detector"
    points = True
    title: ClassVar[str] = KIND_TITLES["detector"]
    pixels: ClassVar[Preprocessing | None] = DETECTOR_INPUT
    lesson: ClassVar[Lesson] = "masks"
    needs: ClassVar[str | None] = "ultralytics"
    libraries: ClassVar[tuple[str, ...]] = ()  # an ONNX file holds all that it needs
    endings: ClassVar[tuple[str, ...]] = (ONNX,)

    def fit(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        progress: ShareDone | None = None,
        *,
        masks: np.ndarray | None = None,
    ) -> "DetectorMember":
        """Train a YOLO11n from scratch on (N, 3, side, side) pixels and (N, side, side) masks, true where damaged.

        A fifth of the photos is held out; `facts_` and `curves_` hold what is measured there, where the best epoch and
        the confidence from which a box is believed are chosen too.
        """
        good = self.good_column()
        self._check_package()
        if masks is None:
            raise MemberError("A detector learns from masks, which say where the damage is. Give it the photos' masks.")
        damaged = np.flatnonzero(masks.any(axis=(1, 2)))
        if len(damaged) < FEWEST_MASKS:
            raise MemberError(
                "A detector needs at least {fewest_masks} photos with damage in their masks. Got {count}. Add masks.",
                fewest_masks=FEWEST_MASKS,
                count=len(damaged),
            )
        random = np.random.default_rng(self.seed)
        # A few good parts: most of a damaged one is background too.
        intact = np.flatnonzero((labels == good) & ~masks.any(axis=(1, 2)))
        calm = random.permutation(intact)[: len(damaged) // GOOD_A_DAMAGED]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            held = _write_lesson(folder, rows, masks, (damaged, np.sort(calm)), random)
            epochs = self.teaching.epochs(int(np.clip(SEEN // (len(damaged) + len(calm)), *EPOCHS)))
            _train_apart(folder, rows.shape[-1], epochs, self.seed, progress or (lambda _: None))
            result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
            data = (folder / DETECTOR).read_bytes()
            data = with_metadata(data, CONFIDENCE_KEY, str(result["confidence"] or STATED))
        self.restore({ONNX: data})
        self.curves_ = result["curves"]
        self.facts_ = {
            "photos": len(damaged) + len(calm),
            "with_damage": len(damaged),
            "held_out": held,
            "epochs": epochs,
            "best_epoch": result["epoch"],
            "held_out_map50": round(result["map50"], 4),
            "held_out_map50_95": round(result["map50_95"], 4),
            "confidence": round(self.file_.confidence, 4),
        }
        return self

    def _check_package(self) -> None:
        if self.needs and importlib.util.find_spec(self.needs) is None:
            raise MemberError(
                "Training a detector needs the package {needs}. Install it with pip install -r {extras}.",
                needs=self.needs,
                extras=EXTRAS,
            )

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, 3, side, side) uint8 pixels -> probabilities (N, 2) by the most confident box, and a region for each box.

        Photo by photo, so that none depends on its batch. The confidence from which the detector is believed is 0.5.
        """
        file = self.file_
        defective, regions = np.empty(len(rows)), []
        for place, row in enumerate(rows):
            output = file.run(row)[self.defects_.rows]
            defective[place] = float(on_scale(output[4:].max(), file.confidence))
            regions.append(_regions(output, file, self.defects_.names))
        return Prediction(self.by_class(defective), regions=regions)

    def parts(self) -> Parts:
        """The ONNX file."""
        return {ONNX: self._data}

    def restore(self, parts: Parts) -> "DetectorMember":
        """Take an ONNX file; from then on `input` has the file's own side."""
        good = self.classes.names[self.good_column()]
        file = DetectorFile.from_bytes(parts[ONNX])
        self.file_, self.defects_, self._data = file, file.defects(good), parts[ONNX]
        self.input = replace(DETECTOR_INPUT, side=file.side)
        return self


def _regions(output: np.ndarray, file: DetectorFile, names: Sequence[str]) -> tuple[Region, ...]:
    found = decode(output, file.side, file.confidence)
    scores = on_scale(found.confidences, file.confidence)
    regions = []
    for box, score, number in zip(found.boxes, scores, found.classes, strict=True):
        left, top, right, bottom = map(float, box)
        area = (right - left) * (bottom - top)
        regions.append(Region(names[number], (left, top, right, bottom), float(score), area))
    return tuple(regions)


def _write_lesson(
    folder: Path,
    rows: np.ndarray,
    masks: np.ndarray,
    groups: tuple[np.ndarray, ...],
    random: np.random.Generator,
) -> int:
    """Write photos and labels, a fifth of each group held out; how many those are."""
    make_folders(folder)
    count = 0
    for group in groups:
        held = held_out_places(len(group), random)
        count += len(held)
        for place, number in enumerate(group):
            part, file = HOLD if place in held else LEARN, f"{number}.png"
            Image.fromarray(rows[number].transpose(1, 2, 0)).save(folder / "images" / part / file)
            write_label(folder, part, file, label_text(masks[number]))
    (folder / "data.yaml").write_text(data_text([ANY_DEFECT]), encoding="utf-8")
    return count


def _train_apart(folder: Path, side: int, epochs: int, seed: int, progress: ShareDone) -> None:
    """Run the training in a process of its own; a MemberError where it fails."""
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-m", PROCESS, str(folder), str(side), str(epochs), str(seed)]
    complaints = folder / "complaints.txt"
    with (
        complaints.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                if line.startswith(EPOCH):
                    progress(int(line.removeprefix(EPOCH)) / epochs)
        except BaseException:  # whoever was told has given up
            process.kill()
            raise
    if process.returncode != 0 or not (folder / RESULT).is_file():
        last = (
            complaints.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            or [Message("no reason was given")]
        )[-1]
        raise MemberError("Training the detector failed ({last}). Train again, or leave the detector out.", last=last)
