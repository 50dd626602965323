"""Where training photos are damaged: what their masks mark, and synthetic anomalies where masks mark too little."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.features.photo_batch import FILL, PhotoBatch, batches, input_key, source_preprocessing
from ensemble.features.readings import DamageMasks, PartReading, changed_photo, read_masks, seen_photo
from ensemble.imaging.masks import damaged
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.samples import Sample

FEWEST_MARKED = 5  # defective photos whose masks mark something; below that damage is drawn
MOST_DRAWN = 100  # synthetic anomalies, on half of the good photos at most
SEEN = 8  # of 255: a smaller change of a pixel is no damage that anybody sees
TRIES = 5  # damage drawn on a flat ground may change nothing


def with_masks(
    reading: PartReading, classes: Classes, seed: int, progress: Callable[[float], None] = lambda _: None
) -> PartReading:
    """The same photos with their masks, followed by synthetic anomalies where fewer than `FEWEST_MARKED` defective ones
    have a mask that marks something."""
    square = source_preprocessing(reading.sources[0])
    damage = read_masks(reading.samples, square)
    masks = DamageMasks(damage, np.zeros(len(damage), dtype=bool))
    good = reading.labels == classes.names.index(classes.good or "")
    if damage[~good].any(axis=(1, 2)).sum() >= FEWEST_MARKED:
        progress(1.0)
        return replace(reading, masks=masks)
    rng = np.random.default_rng(seed)
    places = np.flatnonzero(good)
    chosen = np.sort(rng.permutation(places)[: min(MOST_DRAWN, -(-len(places) // 2))]).tolist()
    return _with_drawn(replace(reading, masks=masks), masks, chosen, classes, rng, progress)


def _with_drawn(
    reading: PartReading,
    masks: DamageMasks,
    chosen: Sequence[int],
    classes: Classes,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> PartReading:
    """The reading with damaged copies of these good photos behind it, each with the sample of the photo itself."""
    square = source_preprocessing(reading.sources[0])
    rows: dict[object, list[np.ndarray]] = {key: [values] for key, values in reading.inputs.items()}
    samples: list[Sample] = list(reading.samples)
    marks = [masks.damage]
    for places in batches(chosen, FILL):
        drawn = [(place, *found) for place in places if (found := _drawn(reading.samples[place], rng)) is not None]
        if drawn:
            batch = PhotoBatch([picture for _, picture, _ in drawn], fill=FILL)
            for source in {input_key(source): source for source in reading.sources}.values():
                rows[input_key(source)].append(batch.rows(source))
            samples += [reading.samples[place] for place, _, _ in drawn]
            marks.append(np.stack([square.resize_mask(Image.fromarray(changed)) for _, _, changed in drawn]))
        progress(1.0)  # few photos, but whoever listens may want an end of it
    count = len(samples) - len(reading.samples)
    defect = np.full(count, classes.names.index(classes.defect or ""))
    return replace(
        reading,
        samples=tuple(samples),
        labels=np.concatenate([reading.labels, defect]),
        inputs={key: np.concatenate(parts) for key, parts in rows.items()},
        masks=DamageMasks(np.concatenate(marks), np.concatenate([masks.synthetic, np.ones(count, dtype=bool)])),
    )


def _drawn(sample: Sample, rng: np.random.Generator) -> tuple[Image.Image, NDArray[np.uint8]] | None:
    """A photo with damage drawn on it and where its pixels changed (height, width), 255 there; None where none did."""
    picture = seen_photo(sample)
    before = np.asarray(picture).astype(np.int16)
    for _ in range(TRIES):
        copy = changed_photo(sample, damaged(picture, rng))
        changed = np.abs(np.asarray(copy).astype(np.int16) - before).max(axis=2) > SEEN  # (h, w, 3) -> (h, w)
        if changed.any():
            return copy, changed.astype(np.uint8) * 255
    return None


def damage_notes(reading: PartReading, classes: Classes) -> list[str]:
    """What a person should know of the masks that taught places, where not all defective photos have one."""
    if reading.masks is None:
        return []
    real = ~reading.masks.synthetic
    bad = real & (reading.labels == classes.names.index(classes.defect or ""))
    bare, drawn = int((bad & ~reading.masks.damage.any(axis=(1, 2))).sum()), int((~real).sum())
    notes: list[str] = []
    if bare:
        notes.append(
            Message(
                "Patch classifier: {bare} of {photos} defective photos have no mask, only their label is used.",
                bare=bare,
                photos=int(bad.sum()),
            )
        )
    if drawn:
        notes.append(
            Message(
                "Patch classifier: fewer than {fewest} defective photos with a mask, so synthetic anomalies on "
                "{drawn} good photos are added.",
                fewest=FEWEST_MARKED,
                drawn=drawn,
            )
        )
    return notes
