"""Photos of a collection, decisions about them, and what is odd: its values, and the sentences that say them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ensemble.importers import FoundPhoto, Problem
from ensemble.values.language import Message
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW, word
from ensemble.values.samples import Sample
from ensemble.values.vocabulary import is_bad

TRAIN, CALIBRATION, TEST, UNSPLIT = "train", "calibration", "test", ""
SPLITS = (TRAIN, CALIBRATION, TEST)
IN, OUT, WAITS = 0, 1, 2  # what `dropped` says: takes part, left out, or came under two labels and waits for a person

SPLIT_WORDS: Mapping[str, Message] = MappingProxyType(
    {TRAIN: Message("train"), CALIBRATION: Message("calibration"), TEST: Message("test")}
)

# What a person can decide, and how it reads afterwards.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "import": Message("Imported"),
        "keep": Message("Kept"),
        "move": Message("Split changed"),
        "relabel": Message("Class changed"),
        "drop": Message("Excluded"),
        "restore": Message("Restored"),
        "split": Message("Split again"),
        "pull": Message("Added to training set"),
        "mark": Message("Defect marked"),
    }
)


@dataclass(frozen=True, slots=True)
class CollectedPhoto:
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

    @property
    def sample(self) -> Sample:
        """What splitting, cleaning and training see of it."""
        return Sample(self.path, self.label, self.defect, self.mask, self.category, self.part, self.sha256, self.split)


@dataclass(frozen=True, slots=True)
class Added:
    """What an import has brought: new photos, photos that were there already (by their names), and those refused."""

    added: int
    known: tuple[Problem, ...]
    refused: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
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
        return Message("{change}.", change=self._change())

    def undone_sentence(self) -> str:
        """That it was taken back, for a person."""
        return Message("Undone: “{change}”.", change=self._change())

    def _change(self) -> Message:
        action, count = ACTIONS[self.action], len(self.after)
        column = {"move": "split", "relabel": "label"}.get(self.action, "")
        values = {str(change[column]) for change in self.after.values() if column in change}
        if len(values) != 1:
            return Message("{action}: {count} photo", "{action}: {count} photos", action=action, count=count)
        value = values.pop()
        return Message(
            "{action} ({value}): {count} photo",
            "{action} ({value}): {count} photos",
            action=action,
            value=SPLIT_WORDS[value] if value in SPLIT_WORDS else word(value),
            count=count,
        )


@dataclass(frozen=True, slots=True)
class Mistake:
    """A verdict that a person has put right: an `escape`, an `overkill`, `confused` among several classes, `decided`
    where the verdict had left it to a person; or found right where that was in doubt: `agreed`."""

    sha256: str
    kind: str
    label: str
    verdict: str
    at: str
    author: str


def counts(photos: Iterable[CollectedPhoto]) -> dict[str, dict[str, int]]:
    """How many photos of each class lie in each split, dropped ones left out."""
    found: dict[str, Counter[str]] = {}
    for photo in photos:
        if not photo.dropped:
            found.setdefault(photo.split, Counter())[photo.label] += 1
    return {split: dict(found[split]) for split in (*SPLITS, UNSPLIT) if split in found}


UNREADABLE, ODD_SIZE, ODD_ASPECT = "unreadable", "odd_size", "odd_aspect"
DARK, LIGHT, BLURRED, LOW_INFORMATION = "dark", "light", "blurred", "low_information"
EXACT_DUPLICATE, NEAR_DUPLICATE, LEAK, LABEL = "exact_duplicate", "near_duplicate", "leak", "label"
MASK = "mask"
CONTRADICTION = "contradiction"  # the same bytes came in under two labels
COPIES = (LEAK, EXACT_DUPLICATE, NEAR_DUPLICATE)  # photos that show one picture and must not come apart in a split


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding for people: its title, what it means and what to do."""

    title: str
    meaning: str
    advice: str


# Those that matter most first.
FINDING_KINDS: Mapping[str, FindingKind] = {
    CONTRADICTION: FindingKind(
        Message("Same photo, two labels"),
        Message("The same file was imported with two labels and is not used until you decide."),
        Message("Select its class, or exclude it."),
    ),
    LEAK: FindingKind(
        Message("Leakage"),
        Message("A test photo has a duplicate in training, so test results are too optimistic."),
        Message("Move it to the same split, or exclude it."),
    ),
    UNREADABLE: FindingKind(
        Message("Not readable"),
        Message("The file cannot be opened as a photo."),
        Message("Replace the file, or exclude it."),
    ),
    EXACT_DUPLICATE: FindingKind(
        Message("Exact duplicates"),
        Message("Different files with identical pixels."),
        Message("Keep one and exclude the others."),
    ),
    NEAR_DUPLICATE: FindingKind(
        Message("Near duplicates"),
        Message("The same picture, rotated, mirrored, stretched, cropped, brightened or saved again."),
        Message("Keep them in one split, or exclude all but one."),
    ),
    LABEL: FindingKind(
        Message("Possible label errors"),
        Message("A model that was not trained on the photo predicts another class."),
        Message("Change or keep the label."),
    ),
    MASK: FindingKind(
        Message("Mask and class differ"),
        Message("The mask of an NOK photo is empty, or that of an OK photo is not."),
        Message("Change the label, or exclude the photo and import it with another mask."),
    ),
    DARK: FindingKind(
        Message("Dark"),
        Message("The photo is much darker than the others."),
        Message("Take it again with normal light, or exclude it."),
    ),
    LIGHT: FindingKind(
        Message("Overexposed"),
        Message("The photo is much brighter than the others."),
        Message("Take it again with less light, or exclude it."),
    ),
    BLURRED: FindingKind(
        Message("Blurred"),
        Message("The photo is much less sharp than the others."),
        Message("Take it again in focus and without motion, or exclude it."),
    ),
    LOW_INFORMATION: FindingKind(
        Message("Low content"),
        Message("The photo has much less detail than the others."),
        Message("Check that it shows a part; otherwise exclude it."),
    ),
    ODD_SIZE: FindingKind(
        Message("Unusual size"),
        Message("The photo is much larger or smaller than the others."),
        Message("Check that it is from the same camera and not cropped."),
    ),
    ODD_ASPECT: FindingKind(
        Message("Unusual aspect ratio"),
        Message("The photo has another ratio of width to height than the others."),
        Message("Check that it shows the whole part and is not stretched."),
    ),
}


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
        if self.kind not in FINDING_KINDS:
            raise ValueError(f"A finding is one of {', '.join(FINDING_KINDS)}. Got {self.kind!r}.")
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


def said_of(entry: FoundPhoto, label: str, split: str | None, mask: str) -> dict[str, Any]:
    """What an import says of a photo; a kind that was taken for defective is its type of defect where none is named."""
    named = entry.kind if label == DEFECTIVE and entry.kind != label and not is_bad(entry.kind) else ""
    return {
        "label": label,
        "split": entry.split if split is None else split,
        "defect": entry.defect or named,
        "category": entry.category,
        "part": entry.part,
        "mask": mask,
        "dropped": 0,
    }


def waiting_note(count: int) -> tuple[str, ...]:
    """What is said of photos that came in under two labels; nothing where there are none."""
    if not count:
        return ()
    said = Message(
        "{count} photo has two labels. Decide under Data, Check.",
        "{count} photos have two labels. Decide under Data, Check.",
        count=count,
    )
    return (said,)


def confirmed_note(kind: str, name: str = "") -> Message:
    """What a person has confirmed of a verdict, with the name of a photo that comes in by it."""
    if kind == "escape":
        return Message("Confirmed escape: {name}", name=name) if name else Message("Confirmed escape.")
    if kind == "overkill":
        return Message("Confirmed overkill: {name}", name=name) if name else Message("Confirmed overkill.")
    if kind == "confused":
        return Message("Confirmed confusion: {name}", name=name) if name else Message("Confirmed confusion.")
    if kind == "agreed":
        return Message("Confirmed verdict: {name}", name=name) if name else Message("Confirmed verdict.")
    return Message("Confirmed review: {name}", name=name) if name else Message("Confirmed review.")


def kind_of_mistake(label: str, verdict: str) -> str:
    """What a verdict is called of which a person has said what the part is."""
    if label == verdict:
        return "agreed"
    if verdict == REVIEW:
        return "decided"
    return {DEFECTIVE: "escape", NON_DEFECTIVE: "overkill"}.get(label, "confused")
