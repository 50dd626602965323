"""The detector is trained: masks become boxes, photos and labels a data set, and Ultralytics learns from it."""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ensemble.imaging.masks import boxes
from ensemble.members.detector_file import OVERLAP

NETWORK = "yolo11n.yaml"  # a description without weights
DETECTOR_BATCH = 8
DETECTOR, RESULT = "detector.onnx", "result.json"
EPOCH = "epoch "  # how the line that ends an epoch begins
SERVICES = (
    "sync",
    "clearml",
    "comet",
    "dvc",
    "mlflow",
    "raytune",
    "tensorboard",
    "wandb",
    "vscode_msg",
    "openvino_msg",
)


def train_detector(folder: Path, side: int, epochs: int, seed: int) -> None:
    """Train on `data.yaml`, keep the epoch with the best mAP on the held-out photos and export it as ONNX."""
    make = _import_alone(folder)
    curves: dict[str, list[float]] = {"box_loss": [], "class_loss": [], "map50": [], "map50_95": []}

    def tell(trainer: Any) -> None:
        if trainer.epoch < trainer.epochs:  # not for the last measurement, which repeats the best epoch
            _note_epoch(curves, trainer)
            print(f"{EPOCH}{trainer.epoch + 1}", flush=True)

    model = make(NETWORK, task="detect")
    model.add_callback("on_fit_epoch_end", tell)
    model.train(
        data=str(folder / "data.yaml"),
        imgsz=side,
        epochs=epochs,
        seed=seed,
        batch=DETECTOR_BATCH,
        nbs=DETECTOR_BATCH,  # a step for each batch, which a few hundred photos need
        warmup_epochs=1,
        close_mosaic=max(1, epochs // 5),
        iou=OVERLAP,
        pretrained=False,
        amp=False,  # its check would ask for weights
        plots=False,
        workers=0,
        project=str(folder),
        name="run",
        verbose=False,
    )
    measured = model.trainer.validator.metrics.box
    result = {
        "curves": curves,
        "epoch": 1 + max(range(len(curves["map50"])), key=curves["map50_95"].__getitem__),
        "map50": float(measured.map50),
        "map50_95": float(measured.map),
        "confidence": _best_confidence(measured),
    }
    exported = make(model.trainer.best).export(format="onnx", imgsz=side, simplify=False)
    Path(exported).replace(folder / DETECTOR)
    (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")


def mean_average_precision(detector: Path, folder: Path, side: int) -> dict[str, float]:
    """The mAP of an ONNX detector of one class on the `val` part of the folder's `data.yaml`.

    Like training, it wants a process of its own.
    """
    model = _import_alone(folder)(str(detector), task="detect")
    measured = model.val(
        data=str(folder / "data.yaml"),
        imgsz=side,
        iou=OVERLAP,
        single_cls=True,
        batch=1,
        rect=False,
        plots=False,
        workers=0,
        project=str(folder),
        name="run",
        verbose=False,
    )
    return {"map50": float(measured.box.map50), "map50_95": float(measured.box.map)}


def _import_alone(folder: Path) -> Any:
    """The YOLO class, with no network, no installing, no user's settings and no services that runs are reported to."""
    socket.getaddrinfo = _refuse
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_VERBOSE": "0"}
    os.environ |= {"YOLO_CONFIG_DIR": str(folder), "MPLCONFIGDIR": str(folder), "MPLBACKEND": "agg"}
    settings = folder / "Ultralytics" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(dict.fromkeys(SERVICES, False)), encoding="utf-8")
    from ensemble.features import backbones  # noqa: F401, I001 - first, so that torchvision opens beside any torch
    from ultralytics import YOLO
    from ultralytics.utils.nms import TorchNMS

    sys.modules["torchvision"].ops.nms = TorchNMS.nms  # its own may be compiled for another torch
    return YOLO


def _refuse(*_: object, **__: object) -> NoReturn:
    raise OSError("Training a detector uses no network.")


def _note_epoch(curves: dict[str, list[float]], trainer: Any) -> None:
    losses, measured = trainer.tloss, trainer.metrics
    numbers = (losses["box_loss"], losses["cls_loss"], measured["metrics/mAP50(B)"], measured["metrics/mAP50-95(B)"])
    for curve, number in zip(curves.values(), numbers, strict=True):
        curve.append(round(float(number), 4))


def _best_confidence(measured: Any) -> float | None:
    """The confidence with the best F1 over all classes on the held-out photos; None where it finds nothing there."""
    if not len(measured.f1_curve) or not measured.f1_curve.max() > 0:
        return None
    return float(measured.px[measured.f1_curve.mean(0).argmax()])


if __name__ == "__main__":
    train_detector(Path(sys.argv[1]), *map(int, sys.argv[2:]))

ANY_DEFECT = "defect"  # the class of damage whose kind is unknown or does not matter
LEARN, HOLD = "train", "val"  # YOLO's own words
DETECTOR_HELD_OUT = 0.2


def held_out_places(count: int, random: np.random.Generator) -> set[int]:
    """Which of `count` places are held out."""
    wanted = max(1, round(DETECTOR_HELD_OUT * count)) if count > 1 else 0
    return {int(place) for place in random.permutation(count)[:wanted]}


def label_text(damage: NDArray[np.bool_], number: int = 0) -> str:
    """The lines for the damaged regions of a mask (height, width), all of the class `number`; none without damage."""
    height, width = damage.shape
    lines = []
    for left, top, right, bottom in boxes(damage):
        middle = (left + right) / 2 / width, (top + bottom) / 2 / height
        shares = (*middle, (right - left) / width, (bottom - top) / height)
        lines.append(f"{number} " + " ".join(f"{share:.8f}" for share in shares) + "\n")
    return "".join(lines)


def data_text(names: Sequence[str]) -> str:
    """The data YAML; the photos are found beside it, wherever the folder is moved."""
    classes = "".join(f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(names))
    return f"train: images/{LEARN}\nval: images/{HOLD}\nnames:\n{classes}"


def make_folders(folder: Path) -> Path:
    """The empty folders of a set of photos and labels."""
    for part in (LEARN, HOLD):
        for content in ("images", "labels"):
            (folder / content / part).mkdir(parents=True)
    return folder


def write_label(folder: Path, part: str, file: str, text: str) -> None:
    """Write the label of a photo that lies in `images/PART/FILE`."""
    (folder / "labels" / part / file).with_suffix(".txt").write_text(text, encoding="ascii")
