"""Mild variations of a few good photos: other light, small shifts, and mirrored where the part looks the same so.

They stand in for further good parts while a member learns and its scale is set, and count as none where a rate is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.features.photo_batch import FILL, PhotoBatch, batches, input_key
from ensemble.features.readings import PartReading, changed_photo, seen_photo
from ensemble.members import Member
from ensemble.members.contract import Augmentation
from ensemble.members.good_parts import FEWEST_GOOD, GoodPartsMember
from ensemble.metrics.costs import CONFIDENCE_LEVEL, highest, percent
from ensemble.training.copies import MIRRORS, Variation, variations_of
from ensemble.values.errors import MemberError
from ensemble.values.language import Message, listed
from ensemble.values.samples import Sample
from ensemble.values.titles import model_title

LAYOUT_SIDE = 16  # cells a side of the layout that mirroring must not change
SYMMETRIC = 0.04  # mean difference of the layout's greys, as a share of white, that passes for the same
SHIFTS = ((0.02, 0.0), (-0.02, 0.0), (0.0, 0.02), (0.0, -0.02))  # of width and height
FLAT = 2  # of 255: a photo that varies by no more shows nothing
MOST_SAID = 8  # good photos, up to which the bound of the overkill is said


def with_variations(reading: PartReading, progress: Callable[[float], None] = lambda _: None) -> PartReading:
    """The same photos of good parts, followed by variations of each where they are fewer than `FEWEST_GOOD`.

    A variation has the sample of its photo, so that both are held out together. A MemberError where they show nothing.
    """
    if len(reading.samples) >= FEWEST_GOOD:
        return reading
    pictures = [seen_photo(sample) for sample in reading.samples]
    if all(_is_flat(picture) for picture in pictures):
        raise MemberError(
            "Nothing but one grey is on {count} good photo. Add photos of good parts.",
            "Nothing but one grey is on {count} good photos. Add photos of good parts.",
            count=len(pictures),
        )
    made = [
        (place, changed_photo(reading.samples[place], variation(picture)))
        for variation in _variations(pictures)
        for place, picture in enumerate(pictures)
    ]
    rows: dict[Any, list[np.ndarray]] = {key: [values] for key, values in reading.inputs.items()}
    for some in batches(made, FILL):
        batch = PhotoBatch([picture for _, picture in some], fill=FILL)
        for source in {input_key(source): source for source in reading.sources}.values():
            rows[input_key(source)].append(batch.rows(source))
        progress(1.0)  # few photos, but whoever listens may want an end of it
    return replace(
        reading,
        samples=(*reading.samples, *(reading.samples[place] for place, _ in made)),
        labels=np.concatenate([reading.labels, reading.labels[[place for place, _ in made]]]),
        inputs={key: np.concatenate(parts) for key, parts in rows.items()},
    )


def _variations(pictures: Sequence[Image.Image]) -> list[Variation]:
    """How pictures of one product are varied: mirrored in those ways alone that leave the layout of each the same."""
    ways = [name for name, way in MIRRORS.items() if all(_looks_the_same(picture, way) for picture in pictures)]
    shifts = [partial(shifted, right=right, down=down) for right, down in SHIFTS]
    relit, mirrored = Augmentation(relit=True, mirrored=()), Augmentation(relit=False, mirrored=tuple(ways))
    return [*variations_of(relit).values(), *shifts, *variations_of(mirrored).values()]


def shifted(picture: Image.Image, right: float, down: float) -> Image.Image:
    """A picture moved by shares of its width and height; what comes in at the border is its mirror image."""
    across, along = round(right * picture.width), round(down * picture.height)
    margin = max(abs(across), abs(along))
    wide = np.pad(np.asarray(picture), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")  # (h, w, 3)
    top, left = margin - along, margin - across
    return Image.fromarray(wide[top : top + picture.height, left : left + picture.width])


def _looks_the_same(picture: Image.Image, way: Image.Transpose) -> bool:
    """A strict test of one photo: so few of them tell nothing else of the part, and none is held out."""
    layout = picture.convert("L").resize((LAYOUT_SIDE, LAYOUT_SIDE), Image.Resampling.BOX)
    apart = np.asarray(layout, dtype=float) - np.asarray(layout.transpose(way), dtype=float)
    return float(np.abs(apart).mean()) <= SYMMETRIC * 255


def _is_flat(picture: Image.Image) -> bool:
    return int(np.ptp(np.asarray(picture), axis=(0, 1)).max()) <= FLAT


def photos_shown(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """(N,) which photo each row of a reading shows: a variation has the sample of its photo."""
    first: dict[Sample, int] = {}
    return np.array([first.setdefault(sample, place) for place, sample in enumerate(samples)])


def few_good(held: Mapping[str, Any]) -> Message | Literal[""]:
    """What few good photos are worth, from the facts of a member that has held them out; empty where they are many."""
    photos, variations, above = held.get("photos"), held.get("variations", 0), held.get("above", 0)
    if not isinstance(photos, int) or photos > MOST_SAID:
        return ""
    if photos == 1 and variations:
        return Message(
            "Trained on 1 good photo and {count} variation: overkill rate unknown.",
            "Trained on 1 good photo and {count} variations: overkill rate unknown.",
            count=variations,
        )
    if photos == 1:
        return Message("Trained on 1 good photo: overkill rate unknown.")
    known = {
        "photos": photos,
        "above": above,
        "limit": highest(above, photos),
        "sure": percent(CONFIDENCE_LEVEL),
    }
    if held.get("whole"):
        return Message(
            "Trained on tiles: {above} of {photos} whole good photos that were not trained on rejected, overkill rate "
            "up to {limit} ({sure}).",
            **known,
        )
    if variations:
        return Message(
            "Trained on {photos} good photos and {count} variation: {above} of {photos} rejected in cross-validation, "
            "overkill rate up to {limit} ({sure}).",
            "Trained on {photos} good photos and {count} variations: {above} of {photos} rejected in "
            "cross-validation, overkill rate up to {limit} ({sure}).",
            count=variations,
            **known,
        )
    return Message(
        "Trained on {photos} good photos: {above} of {photos} rejected in cross-validation, overkill rate up to "
        "{limit} ({sure}).",
        **known,
    )


def few_good_notes(members: Mapping[str, Member]) -> list[str]:
    """A sentence for members that have learnt from few good photos, those together of which the same is true."""
    names: dict[Message, list[str]] = {}
    for name, member in members.items():
        if isinstance(member, GoodPartsMember) and (worth := few_good(member.facts_["held_out"])):
            names.setdefault(worth, []).append(model_title(name))
    return [Message("{models}: {worth}", models=listed(those), worth=worth) for worth, those in names.items()]
