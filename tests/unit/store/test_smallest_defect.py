"""How small a defect may be that models tell: arithmetic on the sizes that a manifest holds."""

from dataclasses import replace
from math import log

import pytest

from ensemble.features.preprocessing import Preprocessing
from ensemble.imaging.out_of_distribution import PhotoRange
from ensemble.imaging.photo_statistics import CELLS
from ensemble.store import Manifest, Record
from ensemble.store.smallest_defect import PIXELS_TOLD, seen_size, smallest_defect
from ensemble.values.results import OK_NOK
from ensemble.values.view import AS_IT_IS, Tiles, View, rectangle


def record(kind: str, side: int, weight: float = 1.0, aspect: float = 1.0) -> Record:
    reads = Preprocessing(side, aspect=aspect)
    return Record(kind, kind, {}, None, reads, OK_NOK.names, 0, {}, weight=weight)


REFERENCE = View(reference="0" * 64, size=(8000, 2000), mm_per_pixel=0.05)
QUARTER = replace(REFERENCE, region=rectangle(0, 0, 0.25, 1))
PLACES, WHOLE = record("patch_memory", 320), record("svm", 224)


@pytest.mark.parametrize(
    ("view", "members", "pace", "millimetres"),
    [
        (REFERENCE, (PLACES, WHOLE), 25.0, 5.0),
        (QUARTER, (PLACES,), 6.25, 1.25),
        (replace(QUARTER, mm_per_pixel=None), (PLACES,), 6.25, None),
        (QUARTER, (PLACES, record("autoencoder", 1000)), 2.0, 0.4),  # the finest counts
        (QUARTER, (PLACES, record("autoencoder", 1000, weight=0.0)), 6.25, 1.25),  # of those that vote
        (REFERENCE, (record("patch_memory", 320, aspect=4.0),), 6.25, 1.25),
        (replace(REFERENCE, tiles=Tiles(320)), (PLACES,), 1.0, 0.2),
        (replace(REFERENCE, tiles=Tiles(640)), (PLACES,), 2.0, 0.4),
        (View(tiles=Tiles(64), mm_per_pixel=0.05), (PLACES,), 1.0, None),  # a scale needs a reference
    ],
)
def test_the_smallest_defect_follows_from_what_models_read(
    view: View, members: tuple[Record, ...], pace: float, millimetres: float | None
) -> None:
    found = smallest_defect(Manifest("part", OK_NOK, members={each.kind: each for each in members}, view=view))
    assert found is not None and PIXELS_TOLD == 4
    assert (found.pace, found.pixels) == (pace, round(4 * pace))
    assert found.millimetres == (None if millimetres is None else pytest.approx(millimetres))


def test_without_models_of_places_or_known_sizes_nothing_is_said() -> None:
    assert smallest_defect(Manifest("part", OK_NOK, members={"svm": WHOLE}, view=REFERENCE)) is None
    assert smallest_defect(Manifest("part", OK_NOK, members={"patch_memory": PLACES})) is None


def test_training_photos_tell_their_size_where_no_reference_does() -> None:
    names = ("side", "aspect", "edges", "noise", "light", "dark", "middle", "contrast", "entropy", "flat", "colour")
    ranges = dict.fromkeys(names, (0.0, 1.0)) | {"side": (log(900), log(1000)), "aspect": (log(4), log(4))}
    known = PhotoRange(40, ranges, bytes(CELLS**2), bytes([1]) * CELLS**2)
    manifest = Manifest("part", OK_NOK, members={"patch_memory": PLACES}, photo_range=known, view=AS_IT_IS)
    assert seen_size(manifest) == (2000, 500)
    found = smallest_defect(manifest)
    assert found is not None
    assert found.sentence() == (
        "Smallest visible defect: about 25 pixels across. Models read one pixel for 6.2 of the photo."
    )
