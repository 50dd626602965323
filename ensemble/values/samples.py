"""A labelled photo on disk, and the labelled photos of one folder in their parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.values.results import Classes


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo's file and the class it belongs to; where they are known, its kind of defect and the mask of it.

    `category` is the one that the photo comes from, where a product spans several; `part` names the very part that it
    shows, where that is known better than by its file name.
    """

    path: Path
    label: str
    defect: str = ""
    mask: Path | None = None
    category: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder holds: classes, its parts, which folder names mean which class, and what a person should know.

    `calibration` photos are there to choose cuts on and nothing learns from them; without any, training holds some out.
    """

    classes: Classes
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    folders: Mapping[str, str]
    notes: tuple[str, ...]
    calibration: tuple[Sample, ...] = ()
