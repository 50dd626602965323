"""Pixel AUROC and AUPRO: literal cases, an exact computation beside them, and rules that hold for any map."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from ensemble.metrics.image_metrics import LIMIT, PixelTally, Truth
from ensemble.values.results import AnomalyMap

Photos = list[tuple[np.ndarray, np.ndarray]]  # heat (h, w) and damage (h, w) of each


def tallied(photos: Photos) -> dict[str, float | None]:
    tally = PixelTally()
    for anomaly_map, damage in photos:
        tally.add(AnomalyMap(np.asarray(anomaly_map, dtype=np.float32)), Truth.of(np.asarray(damage, dtype=bool)))
    return tally.figures()


def exact_aupro(photos: Photos) -> float:
    """The definition step by step: every heat is a threshold, every region is looked at."""
    regions, sound = [], []
    for anomaly_map, damage in photos:
        labels, count = ndimage.label(damage, structure=np.ones((3, 3)))
        regions += [np.sort(anomaly_map[labels == number]) for number in range(1, count + 1)]
        sound.append(anomaly_map[~damage])
    outside = np.sort(np.concatenate(sound))
    thresholds = np.unique(np.concatenate([outside, *regions]))[::-1]
    false = np.array([0.0, *(1 - np.searchsorted(outside, thresholds) / len(outside))])
    overlap = [0.0, *np.mean([1 - np.searchsorted(region, thresholds) / len(region) for region in regions], axis=0)]
    fine = np.linspace(0, LIMIT, 200_001)
    return float(np.trapezoid(np.interp(fine, false, overlap), fine) / LIMIT)


def drawn(seed: int, count: int, side: int = 48) -> Photos:
    """Heavy-tailed distances brought to [0, 1] by the arc tangent, as good-only members give them, with blobs."""
    random = np.random.default_rng(seed)
    photos = []
    for number in range(count):
        distances = np.exp(random.normal(0, 0.2, (side, side)))
        damage = np.zeros((side, side), dtype=bool)
        for _ in range(number % 3):
            top, left, size = *random.integers(0, side - 12, 2), random.integers(1, 12)
            damage[top : top + size, left : left + size] = True
        distances[damage] *= np.exp(random.normal(1.0, 1.5, damage.sum()))
        photos.append(((0.5 + np.arctan(2 * (distances - 2.0)) / np.pi).astype(np.float32), damage))
    return photos


def test_literal_cases() -> None:
    damage = [[1, 0], [0, 0]]
    assert tallied([([[0.9, 0.1], [0.2, 0.3]], damage)]) == {"pixel_auroc": 1.0, "aupro": 1.0}
    assert tallied([([[0.1, 0.9], [0.8, 0.7]], damage)]) == {"pixel_auroc": 0.0, "aupro": 0.0}
    assert tallied([([[0.5, 0.5], [0.5, 0.5]], damage)]) == {"pixel_auroc": 0.5, "aupro": 0.15}  # chance is 0.3 / 2
    # One of three sound pixels is hotter than the damaged one: found at a false-positive rate of 1/3.
    assert tallied([([[0.5, 0.9], [0.2, 0.3]], damage)]) == {"pixel_auroc": pytest.approx(2 / 3, abs=1e-6), "aupro": 0}


def test_every_region_counts_alike_whatever_its_size() -> None:
    anomaly_map, damage = np.full((10, 20), 0.1), np.zeros((10, 20), dtype=bool)
    damage[0:6, 0:6] = damage[9, 19] = True
    anomaly_map[0:6, 0:6] = 0.9  # the large one is found, the single pixel looks like all sound ones
    figures = tallied([(anomaly_map, damage)])
    assert figures["aupro"] == pytest.approx(0.5 + 0.5 * 0.15, abs=1e-6)
    assert figures["pixel_auroc"] == pytest.approx((36 + 0.5) / 37, abs=1e-6)


def test_pixels_that_touch_at_a_corner_are_one_region() -> None:
    truth = Truth.of(np.eye(3, dtype=bool))
    assert truth.regions == 1 and truth.shares.tolist() == pytest.approx([1 / 3] * 3) and truth.size == (3, 3)


def test_without_damage_or_without_sound_pixels_there_are_no_figures() -> None:
    nothing = {"pixel_auroc": None, "aupro": None}
    tally = PixelTally()
    assert tally.figures() == nothing
    tally.add(AnomalyMap(np.full((4, 4), 0.2, dtype=np.float32)), Truth.undamaged((8, 6)))
    assert tally.figures() == nothing and tally.sound.sum() == 48
    assert tallied([(np.full((2, 2), 0.4), np.ones((2, 2)))]) == nothing


@pytest.mark.parametrize("seed", range(4))
def test_histograms_come_within_a_thousandth_of_the_exact_figures(seed: int) -> None:
    photos = drawn(seed, 9)
    figures = tallied(photos)
    anomaly_map, damage = (np.concatenate([photo[place].ravel() for photo in photos]) for place in (0, 1))
    assert figures["pixel_auroc"] == pytest.approx(roc_auc_score(damage, anomaly_map), abs=1e-3)
    assert figures["aupro"] == pytest.approx(exact_aupro(photos), abs=1e-3)


@pytest.mark.parametrize(("middle", "width"), [(0.15, 1e-3), (0.9995, 9e-4), (0.5, 1e-3)])
def test_heat_that_uses_a_thousandth_of_the_scale_is_still_told_apart(middle: float, width: float) -> None:
    photos = [
        ((middle + width * (anomaly_map - 0.5)).astype(np.float32).clip(0, 1), damage)
        for anomaly_map, damage in drawn(5, 9)
    ]
    assert tallied(photos)["aupro"] == pytest.approx(exact_aupro(photos), abs=1e-3)


def test_a_coarse_map_is_stretched_over_the_mask() -> None:
    anomaly_map, damage = np.zeros((4, 4)), np.zeros((64, 64), dtype=bool)
    anomaly_map[0, 0], damage[0:8, 0:8] = 1.0, True
    assert tallied([(anomaly_map, damage)]) == {"pixel_auroc": 1.0, "aupro": 1.0}


maps = arrays(np.float32, (6, 7), elements=st.floats(0, 1, width=32).map(lambda value: round(value, 3)))
damages = arrays(bool, (6, 7)).filter(lambda damage: 0 < damage.sum() < damage.size)


@given(maps, damages)
@settings(max_examples=25, deadline=None)
def test_figures_are_shares_and_match_the_exact_ones(anomaly_map: np.ndarray, damage: np.ndarray) -> None:
    figures = tallied([(anomaly_map, damage)])
    assert 0 <= figures["aupro"] <= 1 and 0 <= figures["pixel_auroc"] <= 1  # type: ignore[operator]
    assert figures["pixel_auroc"] == pytest.approx(roc_auc_score(damage.ravel(), anomaly_map.ravel()), abs=1e-3)
    assert figures["aupro"] == pytest.approx(exact_aupro([(anomaly_map, damage)]), abs=1e-3)


@given(maps, damages, st.sampled_from([np.square, np.sqrt, np.sin]))
@settings(max_examples=25, deadline=None)
def test_a_rising_transformation_changes_nothing(anomaly_map: np.ndarray, damage: np.ndarray, rise: np.ufunc) -> None:
    steps = np.round(anomaly_map, 1)  # so coarse that no transformation brings two of them into one bin
    before, after = tallied([(steps, damage)]), tallied([(rise(steps), damage)])
    assert after == {name: pytest.approx(value, abs=1e-5) for name, value in before.items()}


@given(damages, st.floats(0, 1, width=32))
@settings(max_examples=10, deadline=None)
def test_the_mask_itself_is_perfect_and_a_constant_is_chance(damage: np.ndarray, level: float) -> None:
    assert tallied([(damage.astype(np.float32), damage)]) == {"pixel_auroc": 1.0, "aupro": 1.0}
    assert tallied([(np.full(damage.shape, level), damage)]) == {"pixel_auroc": 0.5, "aupro": 0.15}


def test_a_thousand_photos_stay_within_memory() -> None:
    photos = drawn(7, 3, 256)
    truths = [Truth.of(damage) for _, damage in photos]
    tracemalloc.start()
    tally = PixelTally()
    for number in range(1000):
        tally.add(AnomalyMap(photos[number % 3][0][::8, ::8]), truths[number % 3])
    tally.figures()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tally.sound.sum() + tally.damaged.sum() == 1000 * 256 * 256
    assert peak < 40e6, f"{peak / 1e6:.0f} MB"


def test_a_large_mask_is_quick() -> None:
    (anomaly_map, damage), tally = drawn(7, 3, 1024)[2], PixelTally()
    truth, start = Truth.of(damage), time.process_time()
    for _ in range(5):
        tally.add(AnomalyMap(anomaly_map[::25, ::25]), truth)
    assert (time.process_time() - start) / 5 < 0.06
