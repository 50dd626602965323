"""What members read of large photos to learn from: tiles of each, spread over it, and each photo decoded once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ensemble.features.photo_batch import FILL, Input, PhotoBatch, batches, input_key
from ensemble.features.readings import PartReading, seen_look
from ensemble.imaging.looking import Look, cut_tile, looked_tiles, spread
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Classes
from ensemble.values.samples import Sample
from ensemble.values.view import Tiles

MOST_TILES = 1000  # whole maps of so many fill about 0.6 GB


def read_tiles(
    samples: Sequence[Sample],
    sources: Sequence[Input],
    classes: Classes,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> PartReading:
    """Rows of about `MOST_TILES` tiles of these photos, of each as many, drawn by the seed; with its photo's sample.

    Photos of one size show other places each, until all places were seen: a part's edge is learnt as its middle is.
    """
    tiles = samples[0].view.tiles or Tiles()
    wanted = {input_key(source): source for source in sources}
    count = max(1, MOST_TILES // len(samples))
    inputs: dict[Any, np.ndarray] = {}
    taught: list[Sample] = []
    refused: list[str] = []
    for number, sample in enumerate(samples):
        try:
            shown = seen_look(sample)
        except PhotoError as error:
            refused.append(error.message)
            continue
        picture, places = shown.picture if isinstance(shown, Look) else shown, looked_tiles(shown, tiles)
        order = np.random.default_rng((seed, len(places))).permutation(len(places))
        for boxes in batches(spread(places, count, number, order), FILL):
            batch = PhotoBatch([cut_tile(picture, box) for box in boxes], fill=FILL)
            for key, source in wanted.items():
                rows = batch.rows(source)
                if key not in inputs:  # room for all at once: joining parts would need it twice
                    inputs[key] = np.empty((count * len(samples), *rows.shape[1:]), dtype=rows.dtype)
                inputs[key][len(taught) : len(taught) + len(boxes)] = rows
            taught += [sample] * len(boxes)
        progress((number + 1) / len(samples))
    if not taught:
        none = Message(
            "Of {count} photo none could be opened.", "Of {count} photos none could be opened.", count=len(samples)
        )
        raise DataError(paragraph(none, *refused[:1]))
    labels = np.array([classes.names.index(sample.label) for sample in taught])
    read = {key: rows[: len(taught)] for key, rows in inputs.items()}
    return PartReading(tuple(taught), labels, read, tuple(sources), tuple(refused))
