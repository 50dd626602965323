"""Photos of good parts that a product keeps: the nearest is found, and what does not fit is not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.references import ReferencePhotos
from ensemble.imaging.overlays import thumbnail
from ensemble.values.errors import MISSHAPEN
from tests.conftest import TINY_BACKBONE

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


@pytest.fixture(scope="module")
def source(tiny_weights: Path) -> FeatureExtractor:
    path = tiny_weights / f"{TINY_BACKBONE}.pth"
    return FeatureExtractor.from_bytes(TINY_BACKBONE, path.read_bytes(), path).with_pooling("average")


@pytest.fixture(scope="module")
def kept(source: FeatureExtractor) -> ReferencePhotos:
    grid = source.with_pooling("grid")
    rows = grid.extract([Image.new("RGB", (64, 64), colour) for colour in COLOURS]).numpy()
    return ReferencePhotos.of(grid.spec, rows, [b"red", b"green", b"blue!"])


def test_the_most_like_is_found_by_a_backbone_that_has_run(source: FeatureExtractor, kept: ReferencePhotos) -> None:
    batch = PhotoBatch([Image.new("RGB", (50, 50), (40, 190, 40)), Image.new("RGB", (50, 50), (190, 40, 40))])
    assert kept.nearest(batch, source) is None  # no photo passes a network for this
    batch.rows(source)
    assert kept.nearest(batch, source) == [1, 0]
    assert kept.nearest(batch, source.at(96)) is None  # another backbone


def test_the_most_alike_is_found_without_a_backbone(kept: ReferencePhotos) -> None:
    def drawn(place: int, width: int = 64) -> Image.Image:
        picture = Image.new("RGB", (width, width), (90, 90, 90))
        picture.paste((240, 240, 240), (place * width // 4, 0, (place + 1) * width // 4, width))
        return picture

    photos = [thumbnail(drawn(place)) for place in range(4)]
    found = ReferencePhotos.of(kept.backbone, np.ones((4, 4)), photos)
    assert [photos.index(found.most_alike(drawn(place, 200))) for place in (2, 0, 3)] == [2, 0, 3]
    assert found.most_alike(Image.new("RGB", (9, 9))) in photos


def test_they_are_kept_as_plain_arrays(kept: ReferencePhotos) -> None:
    again = ReferencePhotos.from_arrays(kept.as_arrays())
    assert again.photos == (b"red", b"green", b"blue!") and again.backbone == kept.backbone
    assert np.array_equal(again.vectors, kept.vectors) and again.vectors.dtype == np.float16


def test_no_more_are_kept_than_there_is_room_for(kept: ReferencePhotos) -> None:
    found = ReferencePhotos.of(kept.backbone, np.ones((3, 4)), [b"a" * 300_000, b"b" * 90_000, b"c" * 20_000])
    assert [photo[:1] for photo in found.photos] == [b"a", b"b"]
    assert len(ReferencePhotos.of(kept.backbone, np.ones((1, 4)), [b"a" * 500_000]).photos) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": np.array([3, 5])},
        {"sizes": np.array([3, 5, 6])},
        {"sizes": np.array([-3, 8, 8])},
        {"vectors": np.full((3, 4), np.inf, np.float16)},
        {"vectors": np.zeros(3, np.float16)},
        {"backbone": np.frombuffer(b"{}", np.uint8)},
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(kept: ReferencePhotos, change: Mapping[str, Any]) -> None:
    with pytest.raises(MISSHAPEN):
        ReferencePhotos.from_arrays({**kept.as_arrays(), **change})
