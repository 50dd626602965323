"""Copies of photos for members to learn from: in other light, and mirrored in the ways that the part allows."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ensemble.features.feature_cache import FeatureCache, is_kept
from ensemble.features.photo_batch import FILL, Input, PhotoBatch, batches, input_key
from ensemble.features.readings import PhotoCopies, cache_key, changed_photo, seen_photo
from ensemble.imaging.photos import read_photo_bytes
from ensemble.members.contract import Augmentation
from ensemble.values.samples import Sample

LIGHTS = (0.93, 1.07)  # of the photo's own
MIRRORS = {"left_right": Image.Transpose.FLIP_LEFT_RIGHT, "top_bottom": Image.Transpose.FLIP_TOP_BOTTOM}
EDGE_SIDE, EDGE_SHIFT = 32, 2  # cells a side of the edges that are compared, and by how many they may lie apart
AS_ALIKE = 0.6  # of what photos have in common with each other; one-sided parts keep less than half of it

Variation = Callable[[Image.Image], Image.Image]


def relit(picture: Image.Image, light: float) -> Image.Image:
    """A picture with each value multiplied, as a lamp or an exposure would."""
    return picture.point([min(255, round(value * light)) for value in range(256)] * len(picture.getbands()))


def mirrored_ways(pictures: Sequence[Image.Image]) -> tuple[str, ...]:
    """The names of those `MIRRORS` in which pictures of one product look about as much like others of them as before.

    Their coarse edges are correlated, so that neither a lamp at one side nor a part that lies somewhat aside counts,
    and textures, or parts that lie any way round, may be mirrored. None where there are fewer than two pictures.
    """
    if len(pictures) < 2:
        return ()
    edges = _edges(pictures)
    alike = _likeness(edges, edges)
    turned = {name: _edges([picture.transpose(way) for picture in pictures]) for name, way in MIRRORS.items()}
    return tuple(name for name, each in turned.items() if _likeness(each, edges) >= AS_ALIKE * alike)


def _edges(pictures: Sequence[Image.Image]) -> np.ndarray:
    """How steeply grey changes in each cell of a coarse grid, standardised: (N, side, side)."""
    size = (EDGE_SIDE, EDGE_SIDE)
    greys = np.stack([np.asarray(each.convert("L").resize(size, Image.Resampling.BOX), float) for each in pictures])
    down, right = np.gradient(greys, axis=(1, 2))
    edges = np.hypot(down, right)
    edges -= edges.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt((edges**2).sum(axis=(1, 2), keepdims=True))
    standardised: np.ndarray = edges / np.maximum(lengths, 1e-9)
    return standardised


def _likeness(edges: np.ndarray, others: np.ndarray) -> float:
    """The mean correlation of edges with those of all other photos, each pair where it matches best."""
    shifts = range(-EDGE_SHIFT, EDGE_SHIFT + 1)
    flat = edges.reshape(len(edges), -1)
    moved = (
        np.roll(others, (down, right), axis=(1, 2)).reshape(len(others), -1) for down in shifts for right in shifts
    )
    best = np.max([flat @ each.T for each in moved], axis=0)  # (N, N)
    return float(best[~np.eye(len(edges), dtype=bool)].mean())


def variations_of(augmentation: Augmentation) -> dict[str, Variation]:
    """How each photo is copied, by a name that tells copies of one photo apart."""
    found: dict[str, Variation] = {}
    if augmentation.relit:
        found |= {f"light {light}": partial(relit, light=light) for light in LIGHTS}
    for name in augmentation.mirrored:
        found[name] = partial(Image.Image.transpose, method=MIRRORS[name])
    return found


def copies_of(
    samples: Sequence[Sample],
    places: Sequence[int],
    augmentation: Augmentation,
    sources: Sequence[Input],
    cache: FeatureCache,
    progress: Callable[[float], None] = lambda _: None,
) -> PhotoCopies:
    """Rows of copies of the photos at these places, way by way and in their order; the cache keeps what it can."""
    wanted = {input_key(source): source for source in sources}
    rows: dict[Any, list[np.ndarray]] = {key: [] for key in wanted}
    variations = variations_of(augmentation)
    copies = [(name, place) for name in variations for place in places]
    for number, some in enumerate(batches(copies, FILL), 1):
        pictures = partial(_varied, samples, some, variations)
        digests = [_copy_digest(samples[place], name) for name, place in some] if cache else []
        for key, values in _rows(pictures, digests, wanted, cache).items():
            rows[key].append(values)
        progress(min(1.0, number * FILL / len(copies)))
    return PhotoCopies(
        np.array([place for _, place in copies], dtype=int),
        {key: np.concatenate(parts) for key, parts in rows.items() if parts},
    )


def _varied(
    samples: Sequence[Sample], copies: Sequence[tuple[str, int]], variations: Mapping[str, Variation]
) -> list[Image.Image]:
    return [changed_photo(samples[place], variations[name](seen_photo(samples[place]))) for name, place in copies]


def _copy_digest(sample: Sample, name: str) -> str:
    """What the cache knows a copy by: the bytes of its photo and the way that it was made."""
    return cache_key(hashlib.sha256(read_photo_bytes(sample.path)).hexdigest(), sample.view, name)


def _rows(
    pictures: Callable[[], list[Image.Image]], digests: Sequence[str], wanted: Mapping[Any, Input], cache: FeatureCache
) -> dict[Any, np.ndarray]:
    """Rows by input, from the cache where it knows all of them; the copies are made only where it does not."""
    found: dict[Any, np.ndarray] = {}
    batch = PhotoBatch(pictures, fill=FILL)
    for key, source in wanted.items():
        known = cache.find(source, digests) if digests and is_kept(source) else {}
        if known and all(digest in known for digest in digests):
            found[key] = np.stack([known[digest].row for digest in digests])
            continue
        found[key] = batch.rows(source)
        if digests and is_kept(source):
            seconds = batch.seconds(source) / len(batch)
            cache.keep(source, dict(zip(digests, found[key], strict=True)), seconds)
    return found
