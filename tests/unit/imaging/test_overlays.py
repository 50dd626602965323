"""Overlays: fixed colours for heat, outlines that touch nothing else, and a DEMO that stays."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from ensemble.imaging.overlays import (
    DRAWN_FROM,
    MOST_OUTLINES,
    VERMILION,
    anomaly_map_picture,
    closeup,
    looked_at,
    outlined,
    outlines,
    overlay,
    stamped,
)
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Region

GREY = (128, 128, 128)


def photo(size: tuple[int, int] = (200, 150), seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def flat(value: float, shape: tuple[int, int] = (8, 8)) -> AnomalyMap:
    return AnomalyMap(np.full(shape, value, dtype=np.float32))


def region(*box: float, score: float = 0.8) -> Region:
    left, top, right, bottom = box
    return Region("scratch", (left, top, right, bottom), score, (right - left) * (bottom - top))


SPOT = region(0.4, 0.4, 0.6, 0.6)
boxes = st.tuples(*[st.floats(0, 1)] * 4).map(lambda e: region(*sorted(e[:2])[:1], min(e[2:]), max(e[:2]), max(e[2:])))


def test_at_opacity_0_the_photo_is_the_photo() -> None:
    picture = photo()
    assert np.array_equal(overlay(picture, flat(0.9), [SPOT], 0.0), picture)


@pytest.mark.parametrize("value", [0.0, 0.15, DRAWN_FROM])
def test_calm_heat_changes_no_pixel(value: float) -> None:
    picture = photo()
    assert np.array_equal(overlay(picture, flat(value), [], 1.0), picture)


@pytest.mark.parametrize(
    ("value", "expected"), [(1.0, (150, 40, 0)), (MAP_THRESHOLD, (202, 101, 50)), (0.4, (159, 146, 138))]
)
def test_a_heat_has_its_colour_at_full_opacity(value: float, expected: tuple[int, int, int]) -> None:
    drawn = overlay(Image.new("RGB", (64, 64), GREY), flat(value), [], 1.0)
    assert drawn.getpixel((32, 32)) == pytest.approx(expected, abs=3)


def test_the_same_heat_has_the_same_colours_on_a_good_and_on_a_defective_part() -> None:
    spot = np.full((64, 64), 0.1, dtype=np.float32)
    spot[8:16, 8:16] = 0.45
    hot = spot.copy()
    hot[40:56, 40:56] = 1.0
    picture = Image.new("RGB", (64, 64), GREY)
    good, defective = (np.asarray(overlay(picture, AnomalyMap(values), [], 1.0)) for values in (spot, hot))
    assert np.array_equal(good[:32], defective[:32]) and (good[12, 12] != GREY).any()
    assert not np.array_equal(good, defective)


@given(st.floats(0.31, 0.99))
def test_hotter_is_further_from_the_photo(value: float) -> None:
    white = Image.new("RGB", (4, 4), "white")
    cooler, hotter = (overlay(white, flat(each), [], 1.0).getpixel((2, 2)) for each in (value, value + 0.01))
    assert sum(hotter) <= sum(cooler)  # type: ignore[arg-type]


@given(st.lists(boxes, max_size=MOST_OUTLINES + 2))
def test_only_pixels_under_an_outline_change(regions: list[Region]) -> None:
    picture = photo()
    covered = np.asarray(outlines(regions, picture.size).getchannel("A"))
    assert set(np.unique(covered)) <= {0, 255}
    untouched = covered == 0
    assert np.array_equal(np.asarray(outlined(picture, regions))[untouched], np.asarray(picture)[untouched])


def test_an_outline_lies_around_its_region_and_never_on_it() -> None:
    covered = np.asarray(outlines([SPOT], (200, 150)).getchannel("A"))
    assert not covered[60:90, 80:120].any()
    rows, columns = np.nonzero(covered)
    assert 70 <= columns.min() < 80 and 120 < columns.max() <= 130
    assert 90 < rows.max() <= 100
    assert covered.mean() < 255 * 0.06


def test_numbers_stay_on_the_photo_and_apart() -> None:
    corner = [region(0, 0, 0.1, 0.1), region(0.9, 0.9, 1, 1), region(0.05, 0, 0.15, 0.1)]
    layer = np.asarray(outlines(corner, (600, 400)))
    tags = (layer[..., :3] == VERMILION).all(axis=2) & (layer[..., 3] == 255)
    assert tags.sum() > 3 * 250
    nothing, everywhere = outlines([], (600, 400)), outlines([region(0, 0, 1, 1)], (600, 400))
    assert nothing.getbbox() is None and everywhere.getbbox() is not None


def test_more_regions_than_can_be_told_apart_are_not_drawn() -> None:
    many = [region(0.1 * n, 0.1, 0.1 * n + 0.02, 0.12) for n in range(MOST_OUTLINES)]
    more = [*many, region(0.5, 0.8, 0.6, 0.9)]
    assert np.array_equal(outlines(many, (800, 600)), outlines(more, (800, 600)))


def test_the_heat_picture_is_the_heat_in_grey() -> None:
    drawn = anomaly_map_picture(AnomalyMap(np.array([[0.0, 1.0], [MAP_THRESHOLD, 0.25]], dtype=np.float32)), (2, 2))
    assert drawn.mode == "L" and np.asarray(drawn).tolist() == [[0, 255], [128, 64]]
    assert anomaly_map_picture(flat(0.5), (300, 200)).size == (300, 200)


def test_what_was_looked_at_keeps_the_photo_and_hides_the_rest() -> None:
    values = np.zeros((2, 2), dtype=np.float32)
    values[0, 0] = 1
    picture = photo()
    drawn = np.asarray(looked_at(picture, values))
    assert np.array_equal(drawn[:30, :40], np.asarray(picture)[:30, :40])
    assert drawn[-20:, -20:].std() < 0.5 * np.asarray(picture)[-20:, -20:].std()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(32, 32), (256, 256), (1400, 300)])
def test_demo_is_on_the_picture_itself(mode: str, size: tuple[int, int]) -> None:
    picture = photo(size).convert(mode)
    drawn = stamped(picture)
    assert drawn.size == size
    changed = np.asarray(ImageChops.difference(drawn, picture.convert("RGB"))).any(axis=2)
    assert changed[-5:].mean() > 0.9 and changed[size[1] // 3 : 2 * size[1] // 3].mean() > 0.02


def test_a_large_photo_is_drawn_in_no_time() -> None:
    start = time.process_time()
    overlay(Image.new("RGB", (3000, 2000), GREY), flat(0.6, (40, 40)), [SPOT], 0.6)
    assert time.process_time() - start < 2  # about 0.5 s on a quiet machine


def test_a_region_is_shown_with_half_its_size_around_it_and_within_the_photo() -> None:
    picture = photo((200, 150))
    assert np.array_equal(closeup(picture, SPOT), picture.crop((60, 45, 140, 105)))
    assert closeup(picture, region(0, 0, 0.4, 0.4)).size == (120, 90)
    assert closeup(picture, region(1, 1, 1, 1)).size == (8, 8)
