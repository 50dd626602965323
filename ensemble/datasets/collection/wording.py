"""What an import, a second copy and a mistake say of a photo."""

from collections.abc import Mapping
from typing import Any

from ensemble.importers import Entry
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW, word
from ensemble.values.vocabulary import is_bad


def said_of(entry: Entry, label: str, split: str | None, mask: str) -> dict[str, Any]:
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


def same_photo(name: str, label: str, first: Mapping[str, str]) -> str:
    """The sentence for a photo that came a second time."""
    same = f"{name} is the same photo as {first['name']}, byte for byte: it is kept once"
    return f"{same}." if label == first["label"] else f"{same}, as {first['label']}, which a person has said."


def two_labels(name: str, label: str, first: Mapping[str, str]) -> str:
    """The sentence for a photo that came a second time, under another label."""
    return (
        f"{first['name']} says {word(first['label'])} and {name} says {word(label)}, and they are the same photo, byte "
        "for byte: it takes part in nothing until somebody says which is right."
    )


def waiting_note(count: int) -> tuple[str, ...]:
    """What is said of photos that came in under two labels; nothing where there are none."""
    if not count:
        return ()
    if count == 1:
        came, place = "1 photo came in under two labels and waits", "it is"
    else:
        came, place = f"{count} photos came in under two labels and wait", "they are"
    return (f"{came} for a decision: {place} at the top of Clean, on the screen Data.",)


def kind_of_mistake(label: str, verdict: str) -> str:
    """What a verdict is called that a person has put right; a DataError where it was right."""
    if label == verdict:
        raise DataError(f"The verdict was {verdict} and so is the part: that is no mistake.")
    if verdict == REVIEW:
        return "decided"
    return {DEFECTIVE: "escape", NON_DEFECTIVE: "overkill"}.get(label, "confused")
