"""What a YOLO detector learns from: a folder of photos, a text file of boxes for each, and the data YAML.

One line a connected damaged region, `class x y width height`, the box's middle and size in shares of the photo.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.imaging.masks import boxes

ANY_DEFECT = "defect"  # the class of damage whose kind is unknown or does not matter
LEARN, HOLD = "train", "val"  # YOLO's own words
HELD_OUT = 0.2


def held_out_places(count: int, random: np.random.Generator) -> set[int]:
    """Which of `count` places are held out."""
    wanted = max(1, round(HELD_OUT * count)) if count > 1 else 0
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
