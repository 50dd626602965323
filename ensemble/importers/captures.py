"""Which photos show one and the same part, as far as their file names tell: such photos never come apart in a split.

Magnetic tile (Huang et al. 2020) names repeat captures `expN_num_FRAME`: captures of one part are neighbours in frame
number, whatever their experiment and their type of defect.
"""

import re
from collections.abc import Sequence
from pathlib import Path

CAPTURE = re.compile(r"exp\d+_num_(\d+)")
LONGEST_PAUSE = 150  # frames; captures of one part follow each other within 90, the next part comes hundreds later


def frame_number(photo: Path) -> int | None:
    """The frame that a repeat capture was taken at; None for any other photo."""
    found = CAPTURE.search(photo.stem)
    return int(found[1]) if found else None


def parts(photos: Sequence[Path]) -> list[int]:
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
