"""The view that a training is for: its photos are looked at so, and how well they can be laid over its reference."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ensemble.datasets.white_level import WhiteLevel
from ensemble.imaging.looking import limit_of, looking_of
from ensemble.imaging.photos import read_photo
from ensemble.store.seeing import view_for_training
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message
from ensemble.values.samples import Dataset, Sample
from ensemble.values.training import Progress, TrainingRequest
from ensemble.values.view import Tiles

ALIGNING = Message("Aligning training photos")
MADE_FOR_IT = Message("Photos are looked at by the view of the product; features and models are made for it.")
MOST_LAID = 400  # photos that tell how well parts can be laid over the reference
NOTHING_FITS = Message(
    "None of the {count} training photos that were tried fits the view. {reason} Draw the view on a photo of this "
    "camera, or train without: python -m ensemble view PRODUCT --remove."
)


def with_view(
    dataset: Dataset, request: TrainingRequest, white: WhiteLevel, progress: Progress
) -> tuple[Dataset, list[str]]:
    """The photos with how they are looked at, and what a person should know of it; a DataError where none fits."""
    known = view_for_training(Path(request.models), request.view)
    level, said = white.beside(known)
    view = replace(known, white_level=level, residual_limit=None)
    told: list[str] = [*said, *([told_of_tiles(view.tiles)] if view.tiles else [])]
    if not view.reference:
        return dataset.seen(view), told
    seen = dataset.seen(view)
    good = [sample for sample in seen.train if sample.label == seen.classes.good]
    residuals, reason = _residuals_of(good or seen.train, progress)
    if reason and not residuals:
        raise DataError(NOTHING_FITS, count=min(MOST_LAID, len(good or seen.train)), reason=reason)
    limit = limit_of(residuals) if view.alignment else None
    told.append(MADE_FOR_IT)
    if limit is not None:
        told.append(
            Message(
                "A photo whose residual after alignment is above {limit:.3f} is REVIEW, by {count} training photos.",
                limit=limit,
                count=len(residuals),
            )
        )
    return dataset.seen(replace(view, residual_limit=limit)), told


def _residuals_of(samples: Sequence[Sample], progress: Progress) -> tuple[list[float], str]:
    """The residuals of those photos that fit, 0 where none are aligned, and why the first other one does not.

    The alignment learns from no photo but the reference, so that each of them is as good as one held out.
    """
    chosen = samples[:: max(1, len(samples) // MOST_LAID)][:MOST_LAID]
    found, reason = [], ""
    for number, sample in enumerate(chosen, 1):
        with contextlib.suppress(PhotoError):  # it is named where it was to be learnt from
            look = looking_of(sample.view).look(read_photo(sample.path, sample.view).picture)
            if look.problem:
                reason = reason or Message("{photo}: {problem}.", photo=sample.path.name, problem=look.problem)
            else:
                found.append(look.residual or 0.0)
        progress(ALIGNING, number / len(chosen))
    return found, reason


def told_of_tiles(tiles: Tiles) -> Message:
    """What a person should know of a training by tiles."""
    return Message("Photos are looked at in tiles of {side} × {side} pixels.", side=tiles.side)
