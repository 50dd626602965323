"""How small a defect may be that a product's models of places still tell, by arithmetic on what they read."""

import math
from dataclasses import dataclass

from ensemble.features.preprocessing import Preprocessing
from ensemble.members import KINDS
from ensemble.store.manifest import Manifest
from ensemble.values.language import Message, NumberText

PIXELS_TOLD = 4.0  # across, of what models read: where `python -m benchmarks.smallest` finds them sure of a faint disc


@dataclass(frozen=True, slots=True)
class SmallestDefect:
    """How many pixels of a photo it is across, how many of these stand for one that models read, and its millimetres,
    where the product states a scale."""

    pixels: int
    pace: float
    millimetres: float | None

    def sentence(self) -> Message:
        """What a person should know of it."""
        known = {"pixels": self.pixels, "pace": NumberText(f"{self.pace:.1f}")}
        if self.millimetres is None:
            return Message(
                "Smallest visible defect: about {pixels} pixels across. Models read one pixel for {pace} of the photo.",
                **known,
            )
        return Message(
            "Smallest visible defect: about {pixels} pixels ({size} mm) across. Models read one pixel for {pace} of "
            "the photo.",
            **known,
            size=NumberText(f"{self.millimetres:.2g}"),
        )


def smallest_defect(manifest: Manifest) -> SmallestDefect | None:
    """What the model of places that reads photos the finest can tell; None without one, or where sizes are unknown.

    Models of the jury count alone, where one of them says where. Others look at the photo as a whole.
    """
    size = seen_size(manifest)
    placed = [record for record in manifest.members.values() if record.kind in KINDS and KINDS[record.kind].points]
    placed = [record for record in placed if record.weight] or placed
    if size is None or not placed:
        return None
    pace = min(_photo_pace(record.preprocessing, size) for record in placed)
    scale = manifest.view.mm_per_pixel if manifest.view.reference else None
    pixels = PIXELS_TOLD * pace
    return SmallestDefect(math.ceil(round(pixels, 6)), pace, None if scale is None else pixels * scale)


def seen_size(manifest: Manifest) -> tuple[int, int] | None:
    """How many pixels of a photo models see at a time: of a tile, of the region of interest, else of the largest of the
    training photos; None where nothing of them is kept."""
    view = manifest.view
    if view.tiles:
        return view.tiles.side, view.tiles.side
    if view.reference:
        left, top, right, bottom = view.box
        return right - left, bottom - top
    if manifest.photo_range is None:
        return None
    ranges = manifest.photo_range.ranges  # of logarithms
    side, stretch = math.exp(ranges["side"][1]), math.exp(sum(ranges["aspect"]) / 4)
    return round(side * stretch), round(side / stretch)


def _photo_pace(reads: Preprocessing, size: tuple[int, int]) -> float:
    """How many pixels of what is seen stand for one that is read, along the side where they are most; never below 1."""
    left, top, right, bottom = reads.frame(size)
    return max(1.0, size[0] / (right - left), size[1] / (bottom - top))
