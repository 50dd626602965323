"""What is odd about a photo: found by cleaning, kept by a collection until a person decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNREADABLE, ODD_SIZE, ODD_ASPECT = "unreadable", "odd_size", "odd_aspect"
DARK, LIGHT, BLURRED, LOW_INFORMATION = "dark", "light", "blurred", "low_information"
EXACT_DUPLICATE, NEAR_DUPLICATE, LEAK, LABEL = "exact_duplicate", "near_duplicate", "leak", "label"
MASK = "mask"
CONTRADICTION = "contradiction"  # the same bytes came in under two labels
COPIES = (LEAK, EXACT_DUPLICATE, NEAR_DUPLICATE)  # photos that show one picture and must not come apart in a split
ALL = (CONTRADICTION, *COPIES, UNREADABLE, ODD_SIZE, ODD_ASPECT, DARK, LIGHT, BLURRED, LOW_INFORMATION, LABEL, MASK)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at: what it is, the photo, other photos that it concerns, and a sentence.

    `score` is in [0, 1], higher is surer. `suggestion` is the class that a label finding would give the photo, or the
    other one of two that it came in under.
    """

    kind: str
    sha256: str
    others: tuple[str, ...]
    score: float
    sentence: str
    suggestion: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ALL:
            raise ValueError(f"A finding is one of {', '.join(ALL)}. Got {self.kind!r}.")
        if not 0 <= self.score <= 1:
            raise ValueError(f"The score of a finding must lie in [0, 1]. Got {self.score}.")

    def key(self) -> str:
        """What tells it apart from others, whenever it is looked for anew."""
        label = (self.suggestion,) if self.kind == CONTRADICTION else ()
        return " ".join((self.kind, self.sha256, *sorted(self.others), *label))


def is_mended(found: Finding, photos: Mapping[str, Any]) -> bool:
    """Whether what was odd no longer is: the photo has the suggested class, or its copies lie in its own split."""
    own = photos[found.sha256]
    if found.suggestion:
        return bool(own["label"] == found.suggestion)
    return found.kind == LEAK and {photos[other]["split"] for other in found.others} == {own["split"]}
