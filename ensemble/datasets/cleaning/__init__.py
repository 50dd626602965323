"""What is wrong with photos before anything learns from them: `find_issues` looks, a person decides.

| module | finds |
|---|---|
| `quality` | dark, light, blurred, empty photos, odd sizes and shapes |
| `copies` (`prints`, `alignment`) | the same picture twice, also turned, stretched or brightened |
| `labels` | labels that a model doubts |

Beside these, masks that contradict the class, and photos that are far too dark for the depth of their file.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from ensemble.datasets.cleaning.findings import DARK, KINDS, MASK, UNREADABLE, Finding, Looked, groups, report
from ensemble.imaging.photos import read_photo
from ensemble.importers.ground_truth import contradiction
from ensemble.values.errors import PhotoError
from ensemble.values.results import Classes

__all__ = ["KINDS", "Finding", "Looked", "find_issues", "groups", "report"]

# In a notebook, tqdm regrets that it cannot draw bars, which cleanvision and cleanlab import and nobody is shown.
warnings.filterwarnings("ignore", message="IProgress not found")

Progress = Callable[[str, float], None]
Features = Callable[[Sequence[Looked], Classes, Callable[[float], None]], np.ndarray]


def find_issues(
    photos: Sequence[Looked],
    *,
    classes: Classes,
    seed: int = 0,
    label_errors: bool = True,
    progress: Progress = lambda _stage, _done: None,
    features: Features | None = None,
) -> tuple[Finding, ...]:
    """All findings, those that matter most first: by the order of `KINDS`, then surest first.

    `progress` gets a stage in words and the share of it that is done. `features` gives the (N, D) rows that labels are
    judged by, the bundled backbone's unless told otherwise.
    """
    from ensemble.datasets.cleaning.copies import find_links  # these bring torch, cleanvision and cleanlab: seconds
    from ensemble.datasets.cleaning.duplicates import copy_findings, kept_together, same_pixels
    from ensemble.datasets.cleaning.prints import Prints
    from ensemble.datasets.cleaning.quality import Measures, measure, odd_photos

    findings: list[Finding] = []
    readable: list[Looked] = []
    measures: list[Measures] = []
    pixels: list[str] = []
    prints = Prints(len(photos))
    for done, photo in enumerate(photos, start=1):
        try:
            opened = read_photo(photo.path)
            picture = opened.picture
        except PhotoError as error:
            findings.append(Finding(UNREADABLE, photo.sha256, (), 1.0, f"{error} {KINDS[UNREADABLE].advice}"))
        else:
            readable.append(photo)
            measures.append(measure(picture))
            pixels.append(_pixels(picture))
            prints.add(picture)
            findings += _by_itself(photo, opened.notes, classes)
        progress("Looking at the photos", done / len(photos))
    told = {(finding.kind, finding.sha256) for finding in findings}
    findings += [each for each in odd_photos(readable, measures) if (each.kind, each.sha256) not in told]
    together = same_pixels(pixels)
    links = find_links(prints, together, lambda share: progress("Looking for copies", share))
    findings += copy_findings(readable, pixels, together, links)
    if label_errors:
        from ensemble.datasets.cleaning.labels import bundled_features, doubtful_labels

        findings += doubtful_labels(
            readable,
            kept_together(readable, together),
            classes,
            seed=seed,
            progress=lambda share: progress("Judging the labels", share),
            features=features or bundled_features,
        )
    order = list(KINDS)
    return tuple(sorted(findings, key=lambda finding: (order.index(finding.kind), -finding.score, finding.sha256)))


def _by_itself(photo: Looked, notes: Sequence[str], classes: Classes) -> Iterator[Finding]:
    """What is odd about a photo whatever the others are like: its depth, and a mask that contradicts its class."""
    for note in notes:
        yield Finding(DARK, photo.sha256, (), 1.0, note)
    if photo.mask is None or classes.good is None:
        return
    if reason := contradiction(photo.mask, good=photo.label == classes.good):
        yield Finding(MASK, photo.sha256, (), 1.0, f"Its mask {reason}. {KINDS[MASK].advice}")


def _pixels(picture: Image.Image) -> str:
    return hashlib.sha256(f"{picture.size}".encode() + picture.tobytes()).hexdigest()
