"""A labelled photo on disk, and the labelled photos of one folder in their parts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensemble.values.results import Classes
from ensemble.values.view import AS_IT_IS, View


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo's file and the class it belongs to; where they are known, its kind of defect and the mask of it.

    `category` is the one that the photo comes from, where a product spans several; `part` names the very part that it
    shows, where that is known better than by its file name. `sha256` is its file's digest where that
    was read, `split` one of the splits, empty for none; `view` is how the photo is looked at.
    """

    path: Path
    label: str
    defect: str = ""
    mask: Path | None = None
    category: str = ""
    part: str = ""
    sha256: str = ""
    split: str = ""
    view: View = AS_IT_IS


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder holds: classes, its parts, which folder names mean which class, and what a person should know.

    `calibration` photos are there to choose thresholds on and nothing learns from them; without any, training holds
    some out.
    """

    classes: Classes
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    folders: Mapping[str, str]
    notes: tuple[str, ...]
    calibration: tuple[Sample, ...] = ()

    @property
    def view(self) -> View:
        """How its photos are looked at."""
        return next((each.view for part in (self.train, self.test, self.calibration) for each in part), AS_IT_IS)

    def seen(self, view: View) -> "Dataset":
        """The same photos, all of them looked at so."""
        parts = (tuple(replace(each, view=view) for each in part) for part in (self.train, self.test, self.calibration))
        train, test, calibration = parts
        return replace(self, train=train, test=test, calibration=calibration)


DEFECTS = ("scratch", "dent", "crack", "stain", "burr", "missing_hole")


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """What photo number k shows and where it goes; it depends on k alone."""

    number: int
    part: str
    defect: str | None
    hard: bool

    @property
    def label(self) -> str:
        return "defective" if self.defect else "non_defective"

    @property
    def stem(self) -> str:
        name = f"{self.defect or 'good'}{'_hard' if self.hard else ''}"
        return f"{name}_{self.number:03d}"


def plan_sample(number: int) -> SamplePlan:
    """Good and defective take turns; every ten of a kind are seven for training and three for the test."""
    place = number // 2
    if number % 2 == 0:
        return SamplePlan(number, _sample_part(place), None, False)
    kinds = len(DEFECTS)
    # a round is every defect, easy and hard; each round shifts the places that go to the test
    return SamplePlan(
        number, _sample_part(place + place // (2 * kinds)), DEFECTS[place % kinds], place // kinds % 2 == 1
    )


def _sample_part(place: int) -> str:
    return "test" if place % 10 in (3, 6, 9) else "train"


CAPTURE = re.compile(r"exp\d+_num_(\d+)")
LONGEST_PAUSE = 150  # frames; captures of one part follow each other within 90, the next part comes hundreds later


def frame_number(photo: Path) -> int | None:
    """The frame that a repeat capture was taken at; None for any other photo."""
    found = CAPTURE.search(photo.stem)
    return int(found[1]) if found else None


def captured_parts(photos: Sequence[Path]) -> list[int]:
    """For each photo the number of the part that it shows; a photo whose name does not tell is a part of its own."""
    frames = [frame_number(photo) for photo in photos]
    numbers = [0] * len(photos)
    part, last = -1, None
    for frame, place in sorted((frame, place) for place, frame in enumerate(frames) if frame is not None):
        if last is None or frame - last > LONGEST_PAUSE:
            part += 1
        numbers[place], last = part, frame
    for place in [place for place, frame in enumerate(frames) if frame is None]:
        part += 1
        numbers[place] = part
    return numbers
