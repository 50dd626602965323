"""Measures a trained detector's boxes on the test part of an arranged set with masks; needs requirements-extras.txt.

    python -m benchmarks.arrange tile ../shared/data/magnetic_tile /tmp/tile --seed 0 --masks
    python -m ensemble train --data /tmp/tile --models /tmp/product --members detector
    python -m benchmarks.detector /tmp/tile /tmp/product

mAP by ultralytics, over all photos of the test part, every damaged region a box of one class; AUROC of the vote by
`python -m ensemble evaluate`.
"""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ensemble.datasets.loading import find_dataset
from ensemble.datasets.yolo_labels import write_labels
from ensemble.members.detector_file import DetectorFile
from ensemble.members.detector_training import mean_average_precision


def main(
    data: Annotated[Path, typer.Argument(help="Folder with test/CLASS and ground_truth/test/CLASS")],
    models: Annotated[Path, typer.Argument(help="Folder with detector.onnx")],
) -> None:
    """Print mAP at an overlap of 0.5 and from 0.5 to 0.95, with the number of photos and boxes."""
    dataset = find_dataset(data)
    detector = models.resolve() / "detector.onnx"
    if not detector.is_file():
        raise typer.BadParameter(f"{models} holds no detector.onnx. Train one with --members detector.")
    side = DetectorFile.from_bytes(detector.read_bytes()).side
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "test"
        labels = write_labels((), folder, held_out=dataset.test, one_class=True)
        measured = mean_average_precision(detector, folder, side)
    typer.echo(json.dumps(measured | {"photos": labels.photos, "boxes": labels.boxes}))


if __name__ == "__main__":
    typer.run(main)
