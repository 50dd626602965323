"""What members read of photos to learn from: every photo decoded once, rows for each input, masks beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ensemble.backbones import FeatureExtractor
from ensemble.datasets import Sample, batches
from ensemble.errors import DataError, MemberError, PhotoError
from ensemble.masks import read_mask
from ensemble.members import KINDS, PhotoBatch
from ensemble.members.contract import Input, key_of
from ensemble.photos import read_photo
from ensemble.preprocessing import Preprocessing
from ensemble.results import Classes


@dataclass(frozen=True, slots=True)
class Rows:
    """One part of a data set as the members read it: labels as positions, and rows for each input."""

    samples: tuple[Sample, ...]
    labels: np.ndarray  # (N,)
    inputs: Mapping[Any, np.ndarray]  # extractor spec or preprocessing -> (N, ...)
    sources: tuple[Input, ...]
    refused: tuple[str, ...]


def source_of(kind: str, extractor: FeatureExtractor | None, side: int | None = None) -> Input:
    """What a kind reads: its own pixels, or a backbone its own way; `side` is for those that learn from good parts."""
    make = KINDS[kind]
    if make.pixels is not None:
        return make.pixels
    if extractor is None:
        raise MemberError(f"{make.title} reads a backbone. Name one with --backbone.")
    wanted = (side if make.lesson == "good" else None) or make.side
    placed = extractor.at(wanted) if wanted and make.side else extractor
    return placed.with_pooling(make.reading) if make.reading else placed


def read_rows(
    samples: Sequence[Sample],
    sources: Sequence[Input],
    classes: Classes,
    progress: Callable[[float], None] = lambda _: None,
) -> Rows:
    """Decode each photo once and keep what each input makes of it; photos that cannot be opened are named."""
    kept: list[Sample] = []
    refused: list[str] = []
    wanted = {key_of(source): source for source in sources}
    inputs: dict[Any, np.ndarray] = {}
    done = 0
    for chunk in batches(samples, 16):
        pictures = []
        for sample in chunk:
            try:
                pictures.append(read_photo(sample.path).picture)
                kept.append(sample)
            except PhotoError as error:
                refused.append(str(error))
        if pictures:
            batch, first = PhotoBatch(pictures), len(kept) - len(pictures)
            for key, source in wanted.items():
                rows = batch.rows(source)
                if key not in inputs:  # room for all at once: joining parts would need it twice
                    inputs[key] = np.empty((len(samples), *rows.shape[1:]), dtype=rows.dtype)
                inputs[key][first : len(kept)] = rows
        done += len(chunk)
        progress(done / len(samples))
    if not kept:
        raise DataError(f"None of the {len(samples)} photos could be opened. {refused[0] if refused else ''}".strip())
    labels = np.array([classes.names.index(sample.label) for sample in kept])
    read = {key: rows[: len(kept)] for key, rows in inputs.items()}
    return Rows(tuple(kept), labels, read, tuple(sources), tuple(refused))


def read_masks(samples: Sequence[Sample], preprocessing: Preprocessing) -> np.ndarray:
    """The masks of samples in the square of their pixels: (N, side, side), true where damaged, false without a mask."""
    masks = np.zeros((len(samples), preprocessing.side, preprocessing.side), dtype=bool)
    for place, sample in enumerate(samples):
        if sample.mask is not None:
            masks[place] = preprocessing.resize_mask(read_mask(sample.mask))
    return masks
