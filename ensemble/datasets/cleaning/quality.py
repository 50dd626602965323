"""Photos that look unlike the others: dark, light, blurred, empty, of an odd size or shape.

What is measured comes from cleanvision. Its own thresholds were made for photos from the web; photos of parts are often
dark or poor in shades as a whole, and then that is how they are. So a photo is named where it differs from the others
of its class, and cleanvision's cut only lowers how far it must differ.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from cleanvision.issue_managers.image_property import BlurrinessProperty, BrightnessProperty, EntropyProperty
from PIL import Image

from ensemble.datasets.collection.values import (
    BLURRED,
    DARK,
    FINDING_KINDS,
    LIGHT,
    LOW_INFORMATION,
    ODD_ASPECT,
    ODD_SIZE,
    Finding,
)
from ensemble.values.language import Message, paragraph
from ensemble.values.samples import Sample

ENOUGH_OF_CLASS = 20  # photos of a class; below, all classes are taken together
FEWEST_MEASURED = 5  # photos, below which nothing can be told to be odd
FAR, BEYOND_THRESHOLD = 6.0, 3.0  # robust deviations from the median, the second beyond cleanvision's cut
COMMON = 0.1  # what more than this share of the photos have is usual for them
EMPTY = 12  # of 255: grey values that lie so close together are noise on an empty picture
READ_SIDE = 512  # pixels that brightness, shades and sharpness are measured on at most


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of one photo: sizes in pixels, brightness in [0, 1], entropy of its grey values in bits, the
    strength of edges, and how far the darkest and the brightest grey value lie apart."""

    width: int
    height: int
    brightest: float  # 99 in 100 pixels are darker
    darkest: float  # 5 in 100 pixels are darker
    entropy: float
    edges: float
    contrast: int = 255


def measure_quality(picture: Image.Image) -> Measures:
    """Measure an upright RGB picture."""
    small = picture.reduce(max(1, math.ceil(max(picture.size) / READ_SIDE)))
    grey = small.convert("L")
    darkest, brightest = (int(value) for value in grey.getextrema())  # type: ignore[arg-type]
    bright = BrightnessProperty(DARK).calculate(small)
    sharpness = BlurrinessProperty()
    sharpness.max_resolution = READ_SIDE  # its own 64 pixels hide all but the heaviest blur
    return Measures(
        picture.width,
        picture.height,
        float(bright["brightness_perc_99"]),
        float(bright["brightness_perc_5"]),
        float(EntropyProperty().calculate(grey)["entropy"]),  # three channels at once never fall below 1.58 bits
        float(sharpness.calculate(small)["blurriness"]),
        brightest - darkest,
    )


@dataclass(frozen=True, slots=True)
class QualityRule:
    """How a kind is told: the lower `value`, the worse; `least` is the deviation that every set is granted."""

    value: Callable[[Measures], float]
    least: float
    words: Callable[[Measures, Measures], str]  # of the photo, and of the one in the middle of its peers
    by_class: bool = True
    threshold: float = -math.inf  # of cleanvision
    always: float = -math.inf  # below this no comparison is needed
    both: bool = False  # too high is as odd as too low


QUALITY_RULES: Mapping[str, QualityRule] = {
    DARK: QualityRule(
        lambda m: m.brightest,
        0.03,
        lambda m, usual: Message(
            "Dark (brightest pixels {own:.2f}, usual {usual:.2f}).", own=m.brightest, usual=usual.brightest
        ),
        threshold=0.32,
    ),
    LIGHT: QualityRule(
        lambda m: 1 - m.darkest,
        0.03,
        lambda m, usual: Message(
            "Overexposed (darkest pixels {own:.2f}, usual {usual:.2f}).", own=m.darkest, usual=usual.darkest
        ),
        threshold=0.05,
    ),
    BLURRED: QualityRule(
        lambda m: math.log(max(m.edges, 0.1)),
        math.log(1.12),
        lambda m, usual: Message(
            "Blurred (edge strength {own:.1f}, usual {usual:.1f}).", own=m.edges, usual=usual.edges
        ),
    ),
    LOW_INFORMATION: QualityRule(
        lambda m: m.entropy if m.contrast > EMPTY else 0.0,
        0.2,
        lambda m, usual: (
            Message("Low detail (entropy {own:.1f}, usual {usual:.1f}).", own=m.entropy, usual=usual.entropy)
            if m.contrast > EMPTY
            else Message("Empty (grey range {own}, usual {usual}).", own=m.contrast, usual=usual.contrast)
        ),
        threshold=1.4,  # cleanvision's 3.0, which counts three channels that are alike
        always=0.5,
    ),
    ODD_SIZE: QualityRule(
        lambda m: math.log(m.width * m.height) / 2,
        math.log(1.5) / FAR,
        lambda m, usual: Message(
            "Unusual size ({width} × {height} px, usual {usual_width} × {usual_height} px).",
            width=m.width,
            height=m.height,
            usual_width=usual.width,
            usual_height=usual.height,
        ),
        by_class=False,
        both=True,
    ),
    ODD_ASPECT: QualityRule(
        lambda m: math.log(m.width / m.height),
        math.log(1.25) / FAR,
        lambda m, usual: Message(
            "Unusual aspect ratio ({own:.2f}, usual {usual:.2f}).",
            own=m.width / m.height,
            usual=usual.width / usual.height,
        ),
        by_class=False,
        both=True,
    ),
}


def odd_photos(photos: Sequence[Sample], measures: Sequence[Measures]) -> list[Finding]:
    """Findings of the kinds in `QUALITY_RULES`."""
    found: list[Finding] = []
    if not photos:
        return found
    everyone = list(range(len(photos)))
    for kind, rule in QUALITY_RULES.items():
        for peers in _by_class(photos) if rule.by_class else [everyone]:
            found += _odd_ones(kind, rule, photos, measures, peers)
    return found


def _by_class(photos: Sequence[Sample]) -> list[list[int]]:
    counts = Counter(photo.label for photo in photos)
    rare = {label for label, count in counts.items() if count < ENOUGH_OF_CLASS}
    peers: dict[str, list[int]] = {}
    for place, photo in enumerate(photos):
        peers.setdefault("" if rare else photo.label, []).append(place)
    return list(peers.values())


def _odd_ones(
    kind: str, rule: QualityRule, photos: Sequence[Sample], measures: Sequence[Measures], peers: Sequence[int]
) -> list[Finding]:
    values = np.array([rule.value(measures[place]) for place in peers])
    middle = median(values.tolist())
    deviation = max(1.4826 * float(np.median(np.abs(values - middle))), rule.least)
    below = (np.abs(values - middle) if rule.both else middle - values) / deviation  # robust deviations
    odd = (below > FAR) | ((values < rule.threshold) & (below > BEYOND_THRESHOLD))
    if len(peers) < FEWEST_MEASURED or odd.mean() > COMMON:
        odd = np.zeros(len(values), dtype=bool)
    usual = measures[peers[int(np.argmin(np.abs(values - middle)))]]
    return [
        _quality_finding(kind, rule, photos[peers[row]], measures[peers[row]], usual, float(below[row]))
        for row in np.flatnonzero(odd | (values < rule.always)).tolist()
    ]


def _quality_finding(
    kind: str, rule: QualityRule, photo: Sample, own: Measures, usual: Measures, below: float
) -> Finding:
    score = 1 - 1 / (1 + max(below, 0) / FAR)
    sentence = paragraph(rule.words(own, usual), FINDING_KINDS[kind].advice)
    return Finding(kind, photo.sha256, (), round(score, 4), sentence)
