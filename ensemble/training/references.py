"""Which photos of good parts a product keeps to show beside an inspected one: few, small, and unlike each other."""

import random
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from sklearn.cluster import KMeans

from ensemble.disk.files import digest_of
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import NOTHING_KEPT, FeatureCache
from ensemble.features.preprocessing import PIXELS
from ensemble.features.readings import read_rows
from ensemble.features.references import POOLING, ReferencePhotos
from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import read_photo
from ensemble.members import Member
from ensemble.store import ModelStore, artefacts
from ensemble.store.places import REFERENCES
from ensemble.store.seeing import view_in_force
from ensemble.training.own_photos import own_photos
from ensemble.values.errors import DataError
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.samples import Sample

MOST_KEPT = 24
MOST_READ = 200  # good photos among which they are chosen
SIDE = 320  # pixels


def references_of(
    samples: Iterable[Sample], classes: Classes, members: Iterable[Member], seed: int, cache: FeatureCache
) -> ReferencePhotos | None:
    """The photos of good parts nearest to the centres of k-means, the largest cluster first.

    None where no part is good, or no member reads the features of a backbone.
    """
    inputs = [member.input for member in sorted(members, key=lambda member: member.lesson != "good")]
    read = [each for each in inputs if isinstance(each, FeatureExtractor) and each.spec.pooling != PIXELS]
    good = [sample for sample in samples if sample.label == classes.good]
    if not read or not good or good[0].view.tiles:  # whole photos beside large ones would show nothing
        return None
    source = read[0].with_pooling(POOLING)
    drawn = random.Random(seed).sample(good, min(MOST_READ, len(good)))
    reading = read_rows(drawn, (source,), classes, cache=cache)
    rows = reading.inputs[source.spec].astype(np.float32)
    places = _medoids(rows, seed)
    shown = [reading.samples[place] for place in places]
    photos = [thumbnail(read_photo(each.path, each.view).picture, SIDE) for each in shown]
    return ReferencePhotos.of(source.spec, rows[places], photos)


def keep_references(store: ModelStore) -> int:
    """Keep photos of good parts with a product that was trained without, as a new version: how many.

    Nothing else of it changes. A DataError where none of its training photos lie where they did.
    """
    manifest, loaded = store.manifest(), store.load()
    learnt = [replace(each, view=view_in_force(store)) for each in own_photos(store).learnt]
    found = references_of(learnt, manifest.classes, loaded.members.values(), 0, NOTHING_KEPT)
    if found is None:
        raise DataError(
            "{folder}: no photo of a good part is kept. None of its training photos lies where it did, or no model "
            "reads a backbone. Put them back, or train it again.",
            folder=store.folder,
        )
    data = artefacts.dump(found.as_arrays(), REFERENCES)
    reason = Message("Photos of good parts to look at.")
    store.write({REFERENCES: data}, replace(manifest, references=digest_of(data)), reason)
    return len(found.photos)


def _medoids(rows: np.ndarray, seed: int) -> list[int]:
    """Of (N, D) rows the places of those nearest to the centres, that of the largest cluster first."""
    count = min(MOST_KEPT, len(np.unique(rows, axis=0)))
    found = KMeans(count, n_init=1, random_state=seed).fit(rows)
    distances = found.transform(rows)  # (N, count)
    sizes = np.bincount(found.labels_, minlength=count)
    return list(dict.fromkeys(int(distances[:, each].argmin()) for each in np.argsort(-sizes, kind="stable")))
