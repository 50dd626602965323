"""What members read of photos to learn from: every photo decoded once, rows for each input, masks beside them."""

import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import NOTHING_KEPT, FeatureCache, is_kept
from ensemble.features.photo_batch import FILL, Input, Known, PhotoBatch, batches, input_key
from ensemble.features.preprocessing import POOLINGS, Preprocessing
from ensemble.imaging.looking import Look, look_at_photo, looking_of, view_key
from ensemble.imaging.masks import read_mask
from ensemble.imaging.photos import Photo, read_photo, read_photo_bytes
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Classes
from ensemble.values.safe_names import safe_name
from ensemble.values.samples import Sample
from ensemble.values.view import View


@dataclass(frozen=True, slots=True, eq=False)
class DamageMasks:
    """Where N photos are damaged as far as masks tell it, and on which of them the damage was drawn."""

    damage: np.ndarray  # (N, h, w), true where damaged
    synthetic: np.ndarray  # (N,), true for a synthetic anomaly

    def of(self, places: Sequence[int]) -> "DamageMasks":
        """Those of some of the photos, by their places."""
        return DamageMasks(self.damage[places], self.synthetic[places])


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCopies:
    """Rows of M relit or mirrored copies of photos, by input, and the places (M,) of the photos that they copy."""

    copied: np.ndarray
    inputs: Mapping[Any, np.ndarray]  # extractor spec or preprocessing -> (M, ...)

    def of(self, places: Sequence[int]) -> "PhotoCopies":
        """Those of some of the photos, by the photos' places, counted anew among these."""
        counted = {place: number for number, place in enumerate(places)}
        kept = [row for row, place in enumerate(self.copied.tolist()) if place in counted]
        copied = np.array([counted[place] for place in self.copied[kept].tolist()], dtype=int)
        return PhotoCopies(copied, {key: rows[kept] for key, rows in self.inputs.items()})


@dataclass(frozen=True, slots=True)
class PartReading:
    """One part of a data set as the members read it: labels as positions, and rows for each input.

    `masks` where members learn damaged places; synthetic anomalies then stand last, each with its good photo's sample.
    `copies` stand beside the photos, for members that learn from such rows too; no photo is counted twice.
    """

    samples: tuple[Sample, ...]
    labels: np.ndarray  # (N,)
    inputs: Mapping[Any, np.ndarray]  # extractor spec or preprocessing -> (N, ...)
    sources: tuple[Input, ...]
    refused: tuple[str, ...]
    masks: DamageMasks | None = None
    copies: PhotoCopies | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Some photos of a list, by their places in it, with the SHA-256 of each and the batch that reads them.

    `keys` are what the cache knows them by. `doubts` has why one may not be judged, by its place, once it is decoded.
    """

    places: tuple[int, ...]
    digests: tuple[str, ...]
    keys: tuple[str, ...]
    batch: PhotoBatch
    doubts: Mapping[int, str]
    is_new: bool = False  # to the cache, which knows those alone that fit their view


def open_photos(
    samples: Sequence[Sample], sources: Sequence[Input], cache: FeatureCache, refused: dict[int, str]
) -> Iterator[Opened]:
    """Photos in batches, those first of which the cache does not know all; photos that cannot be opened are named.

    What the batches make is kept, every pooling of a backbone that has run; of photos that are looked at by tiles
    nothing, and they come one by one.
    """
    by_tiles = any(sample.view.tiles for sample in samples)
    lasting = [source for source in sources if is_kept(source)] if cache and not by_tiles else []
    digests = _photo_digests(samples, refused) if lasting else {}
    keys = {place: cache_key(digest, samples[place].view) for place, digest in digests.items()}
    known = cache.knows(lasting, list(keys.values()))
    there = [place for place, key in keys.items() if key in known]
    left = sorted(set(range(len(samples))) - set(there) - set(refused))
    for places in batches(left, 1 if by_tiles else FILL):
        opened = _decoded(samples, places, refused)
        if opened.places:
            yield opened
            _keep(opened, lasting, cache)
    for places in batches(there, FILL):
        yield _remembered(samples, places, [digests[place] for place in places], lasting, cache)


def seen_photo(sample: Sample) -> Image.Image:
    """The picture of a sample, looked at as it says; a PhotoError where that cannot be."""
    shown = seen_look(sample)
    return shown.picture if isinstance(shown, Look) else shown


def seen_look(sample: Sample) -> Image.Image | Look:
    """The same with how it lies on its photo, where its view has a reference."""
    photo = read_photo(sample.path, sample.view)
    look = look_at_photo(photo.picture, sample.view)
    if look is not None and look.problem:
        raise unfitting(sample, look.problem)
    return photo.picture if look is None else look


def unfitting(sample: Sample, problem: str) -> PhotoError:
    """What says that a photo does not fit the view of its product, and why."""
    return PhotoError("{photo} does not fit the view: {problem}.", photo=safe_name(str(sample.path)), problem=problem)


def changed_photo(sample: Sample, picture: Image.Image) -> Image.Image:
    """A changed copy of what `seen_photo` gives, unchanged where its view does not look."""
    return looking_of(sample.view).fill(picture) if sample.view.reference else picture


def cache_key(digest: str, view: View, way: str = "") -> str:
    """What the cache knows a photo by: its bytes, how it is looked at where that is not as usual, how it was copied."""
    seen = view_key(view)
    told = " ".join(filter(None, (digest, seen, way)))
    return digest if told == digest else hashlib.sha256(told.encode()).hexdigest()


def _photo_digests(samples: Sequence[Sample], refused: dict[int, str]) -> dict[int, str]:
    found = {}
    for place, sample in enumerate(samples):
        try:
            found[place] = hashlib.sha256(read_photo_bytes(sample.path)).hexdigest()
        except PhotoError as error:
            refused[place] = error.message
    return found


def _decoded(samples: Sequence[Sample], places: Sequence[int], refused: dict[int, str]) -> Opened:
    photos: dict[int, Photo] = {}
    for place in places:
        try:
            photos[place] = read_photo(samples[place].path, samples[place].view)
        except PhotoError as error:
            refused[place] = error.message
    digests = tuple(photo.sha256 for photo in photos.values())
    keys = tuple(cache_key(photo.sha256, samples[place].view) for place, photo in photos.items())
    shown = [_shown(photo, samples[place].view) for place, photo in photos.items()]
    batch = PhotoBatch(shown, fill=FILL)
    return Opened(tuple(photos), digests, keys, batch, _doubts(photos, shown), is_new=True)


def _remembered(
    samples: Sequence[Sample],
    places: Sequence[int],
    digests: Sequence[str],
    lasting: Sequence[Input],
    cache: FeatureCache,
) -> Opened:
    """Photos that are decoded only where something is asked that the cache does not hold."""
    keys = tuple(cache_key(digest, samples[place].view) for place, digest in zip(places, digests, strict=True))
    rows: dict[Hashable, Known] = {}
    for source in lasting:
        found = cache.find(source, keys)
        if all(key in found for key in keys):  # a damaged row may be among those that seemed to be there
            stacked = np.stack([found[key].row for key in keys])
            rows[input_key(source)] = stacked, sum(found[key].seconds for key in keys)
    doubts: dict[int, str] = {}
    pictures = partial(_read_pictures, samples, tuple(places), doubts)
    return Opened(tuple(places), tuple(digests), keys, PhotoBatch(pictures, known=rows, fill=FILL), doubts)


def _read_pictures(
    samples: Sequence[Sample], places: Sequence[int], doubts: dict[int, str]
) -> list[Image.Image | Look]:
    photos = {place: read_photo(samples[place].path, samples[place].view) for place in places}
    shown = [_shown(photo, samples[place].view) for place, photo in photos.items()]
    doubts |= _doubts(photos, shown)
    return shown


def _shown(photo: Photo, view: View) -> Image.Image | Look:
    return look_at_photo(photo.picture, view) or photo.picture


def _doubts(photos: Mapping[int, Photo], shown: Sequence[Image.Image | Look]) -> dict[int, str]:
    """Why a photo may not be judged, by its place; empty where it may."""
    looks = [each.doubt if isinstance(each, Look) else "" for each in shown]
    return {place: photo.doubt or doubt for (place, photo), doubt in zip(photos.items(), looks, strict=True)}


def _keep(opened: Opened, lasting: Sequence[Input], cache: FeatureCache) -> None:
    made: dict[Hashable, Input] = {}
    for source in lasting:
        each_way = map(source.with_pooling, POOLINGS) if isinstance(source, FeatureExtractor) else [source]
        made |= {input_key(each): each for each in each_way}
    for source in made.values():
        rows = opened.batch.rows(source)
        seconds = opened.batch.seconds(source) / len(rows)
        fit = [look is None or not look.problem for look in opened.batch.looks]  # else nobody would hear of it again
        kept = {key: row for key, row, fits in zip(opened.keys, rows, fit, strict=True) if fits}
        cache.keep(source, kept, seconds)


def read_rows(
    samples: Sequence[Sample],
    sources: Sequence[Input],
    classes: Classes,
    progress: Callable[[float], None] = lambda _: None,
    cache: FeatureCache = NOTHING_KEPT,
) -> PartReading:
    """Decode each photo once and keep what each input makes of it; photos that cannot be opened are named.

    Rows that the cache knows are not computed, and photos of which it knows all are not even decoded.
    """
    wanted = {input_key(source): source for source in sources}
    inputs: dict[Any, np.ndarray] = {}
    refused: dict[int, str] = {}
    done = 0
    for opened in open_photos(samples, list(wanted.values()), cache, refused):
        for key, source in wanted.items():
            rows = opened.batch.rows(source)
            if key not in inputs:  # room for all at once: joining parts would need it twice
                inputs[key] = np.empty((len(samples), *rows.shape[1:]), dtype=rows.dtype)
            inputs[key][list(opened.places)] = rows
        refused |= {
            place: unfitting(samples[place], look.problem).message
            for place, look in (zip(opened.places, opened.batch.looks, strict=True) if opened.is_new else ())
            if look is not None and look.problem
        }
        done += len(opened.places)
        progress(done / len(samples))
    reasons = tuple(refused[place] for place in sorted(refused))
    kept = [place for place in range(len(samples)) if place not in refused]
    if not kept:
        none = Message(
            "Of {count} photo none could be opened.", "Of {count} photos none could be opened.", count=len(samples)
        )
        raise DataError(paragraph(none, *reasons[:1]))
    progress(1.0)
    labels = np.array([classes.names.index(samples[place].label) for place in kept])
    read = {key: _moved_up(rows, kept) for key, rows in inputs.items()}
    return PartReading(tuple(samples[place] for place in kept), labels, read, tuple(sources), reasons)


def _moved_up(rows: np.ndarray, kept: Sequence[int]) -> np.ndarray:
    """The rows of these places, in the same memory: whole maps of all photos would not fit twice."""
    for place, origin in enumerate(kept):
        if place != origin:
            rows[place] = rows[origin]
    return rows[: len(kept)]


def read_masks(samples: Sequence[Sample], preprocessing: Preprocessing) -> np.ndarray:
    """The masks of samples in the shape of their pixels: (N, h, w), true where damaged, false without a mask."""
    width, height = preprocessing.size
    masks = np.zeros((len(samples), height, width), dtype=bool)
    for place, sample in enumerate(samples):
        if sample.mask is not None:
            mask = read_mask(sample.mask)
            if sample.view.reference:
                look = looking_of(sample.view).look(read_photo(sample.path, sample.view).picture)
                mask = look.as_seen(mask)
            masks[place] = preprocessing.resize_mask(mask)
    return masks
