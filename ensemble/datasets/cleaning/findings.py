"""What cleaning says of photos: findings with a sentence each, and the groups of photos that are one picture."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ensemble.datasets.collection.values import (
    BLURRED,
    CONTRADICTION,
    COPIES,
    DARK,
    EXACT_DUPLICATE,
    LABEL,
    LEAK,
    LIGHT,
    LOW_INFORMATION,
    MASK,
    NEAR_DUPLICATE,
    ODD_ASPECT,
    ODD_SIZE,
    UNREADABLE,
    Finding,
)


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding for people: its title, what it means and what to do."""

    title: str
    meaning: str
    advice: str


FINDING_KINDS: Mapping[str, FindingKind] = {
    CONTRADICTION: FindingKind(
        "Same photo, two labels",
        "The very same file came in under two labels, so it takes part in nothing until somebody decides.",
        "Say what it shows, or leave it out.",
    ),
    LEAK: FindingKind(
        "Copies across train and test",
        "A test photo has a copy among the photos that are learnt from, so the test measures memory.",
        "Keep all copies in one split, or drop the test photo.",
    ),
    UNREADABLE: FindingKind(
        "Unreadable", "The file cannot be opened as a photo.", "Replace the file by a good copy, or drop it."
    ),
    EXACT_DUPLICATE: FindingKind(
        "Exact duplicates",
        "Different files hold the very same pixels.",
        "Keep one of them and drop the others.",
    ),
    NEAR_DUPLICATE: FindingKind(
        "Near duplicates",
        "The same picture, turned, mirrored, stretched, cropped, brightened or saved again.",
        "Keep them in one split, or drop all but one.",
    ),
    LABEL: FindingKind(
        "Doubtful labels",
        "A model that has not learnt from the photo gives it another class.",
        "Look at the photo and relabel it, or keep its label.",
    ),
    MASK: FindingKind(
        "Masks that contradict the class",
        "The mask of a defective photo marks nothing, or that of a good one marks damage.",
        "Relabel the photo, or drop it and bring it in again with another mask.",
    ),
    DARK: FindingKind(
        "Dark", "The photo is far darker than the others.", "Take it again with the usual light, or drop it."
    ),
    LIGHT: FindingKind(
        "Light", "The photo is far lighter than the others.", "Take it again with less light, or drop it."
    ),
    BLURRED: FindingKind(
        "Blurred",
        "The photo is far less sharp than the others.",
        "Take it again in focus and without motion, or drop it.",
    ),
    LOW_INFORMATION: FindingKind(
        "Hardly anything on it",
        "The photo holds far fewer shades than the others.",
        "Check that a part is on it; otherwise drop it.",
    ),
    ODD_SIZE: FindingKind(
        "Odd size",
        "The photo is far larger or smaller than the others.",
        "Check that it comes from the same camera and is not cut out of another photo.",
    ),
    ODD_ASPECT: FindingKind(
        "Odd shape",
        "The photo's width and height have another ratio than those of the others.",
        "Check that it shows the whole part and is not stretched when it is learnt from.",
    ),
}


def groups(findings: Iterable[Finding]) -> list[frozenset[str]]:
    """Photos (SHA-256) that are copies of one another and belong in one split; largest first, then by name."""
    group_of: dict[str, set[str]] = {}
    for finding in findings:
        if finding.kind not in COPIES:
            continue
        merged = {finding.sha256, *finding.others}
        for sha256 in tuple(merged):
            merged |= group_of.get(sha256, set())
        group_of |= dict.fromkeys(merged, merged)
    found = {frozenset(group) for group in group_of.values() if len(group) > 1}
    return sorted(found, key=lambda group: (-len(group), min(group)))


def findings_report(findings: Iterable[Finding]) -> dict[str, Any]:
    """Counts as plain JSON: findings and photos of each kind, and the groups of copies with the largest one's size."""
    findings = tuple(findings)
    counts = Counter(finding.kind for finding in findings)
    photos = {kind: {sha for f in findings if f.kind == kind for sha in (f.sha256, *f.others)} for kind in counts}
    copies = groups(findings)
    return {
        "findings": {kind: counts[kind] for kind in FINDING_KINDS if counts[kind]},
        "photos": {kind: len(photos[kind]) for kind in FINDING_KINDS if counts[kind]},
        "groups": len(copies),
        "largest_group": len(copies[0]) if copies else 0,
    }
