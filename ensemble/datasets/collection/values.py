"""What a collection tells: photos, decisions, and mistakes that a person has confirmed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ensemble.importers import Problem

TRAIN, CALIBRATION, TEST, UNSPLIT = "train", "calibration", "test", ""
SPLITS = (TRAIN, CALIBRATION, TEST)
IN, OUT, WAITS = 0, 1, 2  # what `dropped` says: takes part, left out, or came under two labels and waits for a person

# What a person can decide, and how it reads afterwards.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "import": "Brought in",
        "keep": "Kept as it is",
        "move": "Moved to another split",
        "relabel": "Given another class",
        "drop": "Left out",
        "restore": "Taken back in",
        "split": "Split anew",
        "pull": "Pulled into training",
    }
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One photo of a collection: its content, where it came from, and what holds of it now.

    `name` is its path in the source, `path` where it lies; `split` is one of SPLITS or empty while nobody has chosen;
    a dropped photo stays in its place and takes part in nothing.
    """

    sha256: str
    path: Path
    name: str
    label: str
    split: str
    defect: str
    category: str
    part: str
    mask: Path | None
    dropped: bool
    width: int
    height: int
    added_at: str
    origin: str


@dataclass(frozen=True, slots=True)
class Added:
    """What an import has brought: new photos, photos that were there already (by their names), and those refused."""

    added: int
    known: tuple[Problem, ...]
    refused: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: what was done, by whom, why, to how many photos, and whether it was taken back.

    `before` and `after` hold what changed, by photo.
    """

    number: int
    at: str
    author: str
    action: str
    reason: str
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]
    undone: bool

    def sentence(self) -> str:
        """What was done, for a person."""
        count = len(self.after)
        column = {"move": "split", "relabel": "label"}.get(self.action, "")
        values = {str(change[column]) for change in self.after.values() if column in change}
        what = f" ({values.pop()})" if len(values) == 1 else ""
        return f"{ACTIONS[self.action]}{what}: {count} photo{'' if count == 1 else 's'}."

    def undone_sentence(self) -> str:
        """That it was taken back, for a person."""
        return f"Undone: “{self.sentence().removesuffix('.')}”."


@dataclass(frozen=True, slots=True)
class Mistake:
    """A verdict that a person has put right: an `escape`, an `overkill`, `confused` among several classes, or `decided`
    where the verdict had left it to a person."""

    sha256: str
    kind: str
    label: str
    verdict: str
    at: str
    author: str


def counts(photos: Iterable[Kept]) -> dict[str, dict[str, int]]:
    """How many photos of each class lie in each split, dropped ones left out."""
    found: dict[str, Counter[str]] = {}
    for photo in photos:
        if not photo.dropped:
            found.setdefault(photo.split, Counter())[photo.label] += 1
    return {split: dict(found[split]) for split in (*SPLITS, UNSPLIT) if split in found}
