"""Whether members read photos in a square or in the photos' own shape: as asked for, or as the training part tells."""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.preprocessing import MOST_ASPECT, POOLINGS
from ensemble.features.readings import read_rows
from ensemble.imaging.photos import read_photo_bytes, sentences, upright_size
from ensemble.training.reading import MOST_MEASURED, separates, separation_title, whole_part_folds
from ensemble.training.recipe import Recipe
from ensemble.values.errors import MemberError, PhotoError
from ensemble.values.language import Message, NumberText
from ensemble.values.samples import Dataset, Sample
from ensemble.values.training import Progress

SHAPES = AS_SQUARE, AS_KEPT = "square", "kept"
LONG_FROM = 1.25  # the longer side by the shorter one, beyond which a square may cost what is fine
ALIKE_WITHIN = 1.1  # how far a photo's aspect may be from the median where one shape is to do for all
MOST_TRIED = 600  # photos that the choice rests on: this bounds its time and memory
CHOOSING = Message("Selecting image shape")
TILES_ARE_SQUARE = Message("Square input: tiles of the photos are squares.")
STAYS_SQUARE = Message("Square input: the photos are nearly square, or the backbones need squares.")


def check_shape(shape: str) -> None:
    """A MemberError where it is neither empty nor one of `SHAPES`."""
    if shape and shape not in SHAPES:
        raise MemberError(
            "Shape must be {shapes}, or not be named, to have it chosen. Got {shape!r}.",
            shapes=" or ".join(SHAPES),
            shape=shape,
        )


def with_shape(
    recipe: Recipe, dataset: Dataset, shape: str, cache: FeatureCache, progress: Progress, *, is_new: bool = False
) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with its backbones reading photos in one shape, and what a person should know of it.

    Where nobody has named one, the photos' own shape is tried if they are alike and longer than wide, or the other way
    round, by more than a quarter: an SVM on three folds of the training part alone compares both on the first backbone
    that takes either, and the square stays on a tie. In a product that `is_new` good parts alone keep their shape.
    """
    if dataset.view.tiles:
        return recipe, (TILES_ARE_SQUARE,) if shape == AS_KEPT else ()
    if shape == AS_SQUARE or not recipe.extractors:
        return recipe, ()
    aspects = _aspects(dataset.train, recipe.seed)
    aspect = round(float(np.clip(np.median(aspects), 1 / MOST_ASPECT, MOST_ASPECT)), 3) if len(aspects) else 1.0
    if shape != AS_KEPT and not (_is_long(aspect) and _are_alike(aspects, aspect)):
        return recipe, ()
    kept = tuple(extractor.shaped(aspect) for extractor in recipe.extractors)
    pairs = [each for each in zip(recipe.extractors, kept, strict=True) if _size(each[0]) != _size(each[1])]
    if not pairs:
        return recipe, (STAYS_SQUARE,) if shape == AS_KEPT else ()
    if shape == AS_KEPT or (is_new and len({sample.label for sample in dataset.train}) == 1):
        return replace(recipe, extractors=kept), (
            Message("Input in the shape of the photos: {size} instead of {square} pixels.", **_sizes(*pairs[0])),
        )
    return _better_shape(recipe, kept, pairs[0], dataset, cache, progress)


def _aspects(samples: Sequence[Sample], seed: int) -> np.ndarray:
    """Width by height of some photos, drawn by the seed; those that cannot be opened are named where they are read."""
    found = []
    for sample in random.Random(seed).sample(samples, min(len(samples), MOST_MEASURED)):
        with contextlib.suppress(PhotoError), sentences(sample.path.name):
            width, height = upright_size(read_photo_bytes(sample.path))
            found.append(width / height)
    return np.array(found)


def _is_long(aspect: float) -> bool:
    return max(aspect, 1 / aspect) > LONG_FROM


def _are_alike(aspects: np.ndarray, aspect: float) -> bool:
    return bool(np.all(np.maximum(aspects / aspect, aspect / aspects) <= ALIKE_WITHIN))


def _size(extractor: FeatureExtractor) -> str:
    return " × ".join(map(str, extractor.spec.preprocessing.size))


def _sizes(square: FeatureExtractor, own: FeatureExtractor) -> dict[str, str]:
    return {"size": _size(own), "square": _size(square)}


def _better_shape(
    recipe: Recipe,
    kept: tuple[FeatureExtractor, ...],
    pair: tuple[FeatureExtractor, FeatureExtractor],
    dataset: Dataset,
    cache: FeatureCache,
    progress: Progress,
) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe in the shape that does better, and one sentence with both figures; as it is where none can be told."""
    samples = random.Random(recipe.seed).sample(dataset.train, min(len(dataset.train), MOST_TRIED))
    poolings = (recipe.pooling,) if recipe.pooling else POOLINGS
    sources = [extractor.with_pooling(pooling) for extractor in pair for pooling in poolings]
    learn = read_rows(samples, sources, recipe.classes, partial(progress, CHOOSING), cache)
    folds = whole_part_folds(learn, recipe.classes, recipe.seed)
    if not folds:
        return recipe, ()
    found = [separates(learn.inputs[each.spec], learn.labels, recipe.classes, folds) for each in sources]
    square, own = max(found[: len(poolings)]), max(found[len(poolings) :])
    figures = {
        "figure": separation_title(recipe.classes),
        "own_figure": NumberText(f"{own:.3f}"),
        "square_figure": NumberText(f"{square:.3f}"),
    }
    if own > square:
        return replace(recipe, extractors=kept), (
            Message(
                "Input in the shape of the photos: {size} instead of {square} pixels, {figure} {own_figure} instead of "
                "{square_figure} (cross-validation).",
                **_sizes(*pair),
                **figures,
            ),
        )
    return recipe, (
        Message(
            "Square input: {figure} {square_figure}, in the shape of the photos {own_figure} (cross-validation).",
            **figures,
        ),
    )
