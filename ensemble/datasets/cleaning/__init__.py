"""What is wrong with photos before anything learns from them: `find_issues` looks, a person decides.

| module | finds |
|---|---|
| `quality` | dark, light, blurred, empty photos, odd sizes and shapes |
| `copies` (`prints`, `alignment`) | the same picture twice, also turned, stretched or brightened |
| `labels` | labels that a model doubts |

Beside these, masks that contradict the class, and photos that are far too dark for the depth of their file.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ensemble.datasets.collection.values import COPIES, DARK, FINDING_KINDS, MASK, UNREADABLE, Finding
from ensemble.datasets.splits import linked
from ensemble.datasets.white_level import white_level_of
from ensemble.disk.files import digest_of
from ensemble.imaging.photos import read_photo
from ensemble.importers.mask_files import contradiction
from ensemble.values.errors import PhotoError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Classes
from ensemble.values.samples import Sample
from ensemble.values.training import Progress

if TYPE_CHECKING:  # it brings torch: seconds
    from ensemble.datasets.cleaning.labels import FeatureReader
    from ensemble.datasets.cleaning.prints import Prints

__all__ = ["FINDING_KINDS", "Finding", "find_issues", "findings_report", "groups"]

# In a notebook, tqdm regrets that it cannot draw bars, which cleanvision and cleanlab import and nobody is shown.
warnings.filterwarnings("ignore", message="IProgress not found")


def find_issues(
    photos: Sequence[Sample],
    *,
    classes: Classes,
    seed: int = 0,
    label_errors: bool = True,
    progress: Progress = lambda _stage, _done: None,
    features: "FeatureReader | None" = None,
) -> tuple[Finding, ...]:
    """All findings, those that matter most first: by the order of `FINDING_KINDS`, then surest first.

    `progress` gets a stage in words and the share of it that is done. `features` gives the (N, D) rows that labels are
    judged by, the bundled backbone's unless told otherwise.
    """
    # What is imported here brings torch, cleanvision and cleanlab: seconds.
    from ensemble.datasets.cleaning.copies import copy_findings, find_links, kept_together, same_pixels

    view = white_level_of(photos).view
    photos = [replace(photo, view=view) for photo in photos]
    seen = _looked_at(photos, classes, lambda share: progress(Message("Checking photos"), share))
    together = same_pixels(seen.pixels)
    links = find_links(seen.prints, together, lambda share: progress(Message("Checking duplicates"), share))
    findings = [*seen.findings, *copy_findings(seen.readable, seen.pixels, together, links)]
    if label_errors:
        from ensemble.datasets.cleaning.labels import bundled_features, doubtful_labels

        findings += doubtful_labels(
            seen.readable,
            kept_together(seen.readable, together),
            classes,
            seed=seed,
            progress=lambda share: progress(Message("Checking labels"), share),
            features=features or bundled_features,
        )
    order = list(FINDING_KINDS)
    return tuple(sorted(findings, key=lambda finding: (order.index(finding.kind), -finding.score, finding.sha256)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at every photo gives: the readable ones with their digests of pixels and prints, and findings."""

    readable: list[Sample]
    pixels: list[str]
    prints: "Prints"
    findings: list[Finding]


def _looked_at(photos: Sequence[Sample], classes: Classes, progress: Callable[[float], None]) -> _Seen:
    """Decode every photo once and measure it; what is odd about it whatever its copies are like."""
    from ensemble.datasets.cleaning.prints import Prints
    from ensemble.datasets.cleaning.quality import Measures, measure_quality, odd_photos

    seen, measures = _Seen([], [], Prints(len(photos)), []), list[Measures]()
    for done, photo in enumerate(photos, start=1):
        try:
            opened = read_photo(photo.path, photo.view)
        except PhotoError as error:
            reason = paragraph(error.message, FINDING_KINDS[UNREADABLE].advice)
            seen.findings.append(Finding(UNREADABLE, photo.sha256, (), 1.0, reason))
        else:
            picture = opened.picture
            seen.readable.append(photo)
            measures.append(measure_quality(picture))
            seen.pixels.append(digest_of(f"{picture.size}".encode() + picture.tobytes()))
            seen.prints.add(picture)
            seen.findings.extend(_by_itself(photo, opened.notes, classes))
        progress(done / len(photos))
    told = {(finding.kind, finding.sha256) for finding in seen.findings}
    odd = odd_photos(seen.readable, measures)
    seen.findings.extend(each for each in odd if (each.kind, each.sha256) not in told)
    return seen


def _by_itself(photo: Sample, notes: Sequence[str], classes: Classes) -> Iterator[Finding]:
    """What is odd about a photo whatever the others are like: its depth, and a mask that contradicts its class."""
    for note in notes:
        yield Finding(DARK, photo.sha256, (), 1.0, note)
    if photo.mask is None or classes.good is None:
        return
    if reason := contradiction(photo.mask, good=photo.label == classes.good):
        said = paragraph(Message("Its mask {reason}.", reason=reason), FINDING_KINDS[MASK].advice)
        yield Finding(MASK, photo.sha256, (), 1.0, said)


def groups(findings: Iterable[Finding]) -> list[frozenset[str]]:
    """Photos (SHA-256) that are copies of one another and belong in one split; largest first, then by name."""
    copies = linked((finding.sha256, *finding.others) for finding in findings if finding.kind in COPIES)
    found = [frozenset(group) for group in copies.subsets() if len(group) > 1]
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
