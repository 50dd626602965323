"""A photo as tiles: each pixel lies on one, none lies outside, and maps of tiles are stitched where they belong."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from ensemble.imaging.looking import cut_tile, spread, tile_boxes
from ensemble.imaging.masks import MOST_STITCHED, combine
from ensemble.inspection.tiled import StitchedMap
from ensemble.values.results import AnomalyMap, Score
from ensemble.values.view import Tiles

SIZES = [(64, 64), (65, 64), (127, 300), (128, 129), (500, 333), (40, 200), (64, 1000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("overlap", [0.0, 0.125, 0.25, 0.5])
def test_each_pixel_lies_on_a_tile_and_no_tile_outside(size: tuple[int, int], overlap: float) -> None:
    covered = np.zeros(size[::-1], dtype=int)
    boxes = tile_boxes(size, Tiles(64, overlap))
    for left, top, right, bottom in boxes:
        assert left >= 0 <= top and (right - left, bottom - top) == (64, 64)
        assert right <= max(size[0], 64) and bottom <= max(size[1], 64)
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1
    for axis in (0, 1):
        starts = sorted({box[axis] for box in boxes})
        assert all(later - start <= 64 * (1 - overlap) for start, later in pairwise(starts))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cells", [(8, 8), (5, 7), (1, 1)])
def test_maps_of_one_heat_are_stitched_to_that_heat(size: tuple[int, int], cells: tuple[int, int]) -> None:
    stitched, tiles = StitchedMap(size, Tiles(64, 0.25)), Tiles(64, 0.25)
    for box in tile_boxes(size, tiles):
        stitched.add(box, np.full(cells, 0.3, np.float32))
    values = stitched.values()
    assert values == pytest.approx(0.3, abs=1e-6)
    expected = tuple(max(1, round(length * count / 64)) for length, count in zip(size[::-1], cells, strict=True))
    assert values.shape == expected


@pytest.mark.parametrize("at", [(56, 70), (30, 30), (2, 189), (96, 97)])
def test_a_hot_spot_lies_where_it_was_seen_also_between_tiles(at: tuple[int, int]) -> None:
    size, tiles = (120, 200), Tiles(64, 0.25)
    photo = np.zeros(size[::-1], np.float32)
    photo[at[1] : at[1] + 4, at[0] : at[0] + 4] = 1
    stitched = StitchedMap(size, tiles)
    for box in tile_boxes(size, tiles):
        seen = np.asarray(cut_tile(Image.fromarray(photo), box))
        stitched.add(box, seen.reshape(16, 4, 16, 4).max(axis=(1, 3)))
    values = stitched.values()
    down, across = np.unravel_index(int(values.argmax()), values.shape)
    assert values.max() >= 0.5
    assert (across + 0.5) * 4 == pytest.approx(at[0] + 2, abs=4)
    assert (down + 0.5) * 4 == pytest.approx(at[1] + 2, abs=4)
    assert (values > 0.01).sum() <= 9


def test_a_map_of_a_large_photo_is_bounded_and_loses_no_small_spot() -> None:
    size, tiles = (64 * 40, 64), Tiles(64, 0.0)
    stitched = StitchedMap(size, tiles)
    for number, box in enumerate(tile_boxes(size, tiles)):
        values = np.zeros((32, 64), np.float32)
        values[16, 31] = number == 7
        stitched.add(box, values)
    found = stitched.values()
    assert found.shape == (13, MOST_STITCHED)
    assert found.max() > 0.9 and abs(int(found.max(axis=0).argmax()) - (7.5 * 64) / 2.5) <= 2


def test_a_photo_smaller_than_a_tile_is_filled_up_with_its_mirror_image() -> None:
    pixels = np.arange(40 * 30, dtype=np.uint8).reshape(30, 40)
    picture = Image.fromarray(pixels).convert("RGB")
    (box,) = tile_boxes(picture.size, Tiles(64))
    tile = np.asarray(cut_tile(picture, box))[..., 0]
    assert tile.shape == (64, 64) and np.array_equal(tile[:30, :40], pixels)
    assert np.array_equal(tile[30:60, :40], pixels[::-1]) and np.array_equal(tile[:30, 40:64], pixels[:, :15:-1])


def test_a_stitched_map_keeps_its_cells_where_maps_are_combined() -> None:
    values = np.zeros((300, 20), np.float32)
    values[123, 7] = 0.9
    score = Score("one", {"non_defective": 0.1, "defective": 0.9}, 0.0, anomaly_map=AnomalyMap(values, stitched=True))
    combined = combine([score])
    assert combined is not None and combined.stitched and np.array_equal(combined.values, values)


def test_photos_of_one_size_show_other_places_until_all_were_seen() -> None:
    places = tile_boxes((640, 64), Tiles(64, 0.0))
    order = np.random.default_rng(0).permutation(len(places))
    shown = [spread(places, 4, number, order) for number in range(3)]
    assert all(len(set(each)) == 4 for each in shown)
    assert {box for each in shown for box in each} == set(places)
    assert len(spread(places, 40, 0, order)) == len(places)
