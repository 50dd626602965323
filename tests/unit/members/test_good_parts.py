"""What members that learn from good parts share: the scale, its threshold, and what the patch memory remembers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import stats
from sklearn.covariance import LedoitWolf

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.coreset import farthest_first
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import MAPS
from ensemble.imaging.masks import damaged
from ensemble.members import KINDS, mahalanobis
from ensemble.members.good_parts import QUANTILE, GoodPartsMember, Scale, patches
from ensemble.members.patch_memory import PatchMemoryMember
from ensemble.training import source_of
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Classes
from tests.conftest import TINY_BACKBONE

GOOD_KINDS = [kind for kind, member in KINDS.items() if member.lesson == "good"]
distances = st.lists(st.floats(0.1, 100), min_size=4, max_size=40, unique=True).filter(lambda d: np.ptp(d) > 0.01)


@pytest.fixture(scope="module")
def extractor(tiny_weights: object) -> FeatureExtractor:
    return FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)  # type: ignore[arg-type]


def textured(count: int, seed: int) -> list[Image.Image]:
    random = np.random.default_rng(seed)
    return [Image.fromarray(random.normal(120, 12, (64, 64, 3)).clip(0, 255).astype(np.uint8)) for _ in range(count)]


def fitted(kind: str, extractor: FeatureExtractor, photos: list[Image.Image]) -> GoodPartsMember:
    member = KINDS[kind](classes=OK_NOK, input=source_of(kind, extractor, 64))
    member.fit(PhotoBatch(photos).rows(member.input), np.zeros(len(photos), dtype=int))
    assert isinstance(member, GoodPartsMember)
    return member


def test_the_threshold_is_where_the_next_good_part_lies_below() -> None:
    held_out = np.array([1.0, 2.0, 3.0, 4.0])
    scale = Scale.of(held_out)
    bound = 2.5 + stats.t.ppf(QUANTILE, 3) * np.std(held_out, ddof=1) * np.sqrt(1.25)
    assert scale.middle == 2.5 and scale.threshold == pytest.approx(bound)
    outlier = Scale.of(np.array([1.0] * 98 + [50.0, 60.0]))
    assert outlier.threshold == 60.0  # the empirical quantile is higher than the normal bound


@given(distances, st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_scale_keeps_every_order_and_puts_the_threshold_at_half(held: list[float], one: float, two: float) -> None:
    scale = Scale.of(np.array(held))
    low, high = sorted((one, two))
    assert 0 <= scale(np.array(low)) <= scale(np.array(high)) <= 1
    assert scale(np.array(scale.threshold)) == 0.5 and scale(np.array(max(held))) <= 0.5
    assert scale(np.array(scale.middle)) == pytest.approx(0.5 - np.arctan(2) / np.pi)


def test_two_far_distances_do_not_become_one() -> None:
    far = Scale(1.0, 2.0)(np.array([1e5, 1.1e5, 1e6]))
    assert far[0] < far[1] < far[2] < 1


@pytest.mark.parametrize("held", [np.ones(10), np.zeros(5), np.array([1.0, np.inf, 2.0, 3.0])])
def test_parts_that_are_all_alike_set_no_scale(held: np.ndarray) -> None:
    with pytest.raises(MemberError, match="look the same"):
        Scale.of(held)


@pytest.mark.parametrize("kind", [kind for kind in GOOD_KINDS if kind != "autoencoder"])
def test_damage_that_nobody_has_learnt_scores_higher(kind: str, extractor: FeatureExtractor) -> None:
    member = fitted(kind, extractor, textured(24, seed=1))
    rng = np.random.default_rng(0)
    fresh = textured(8, seed=2)
    black = [picture.copy() for picture in fresh]
    for picture in black:
        picture.paste((0, 0, 0), (20, 20, 44, 44))
    good = member.score(PhotoBatch(fresh).rows(member.input)).probabilities[:, 1]
    bad = member.score(PhotoBatch(black).rows(member.input)).probabilities[:, 1]
    assert np.median(good) < 0.5 < bad.min() and good.max() < bad.min()
    assert member.facts_["held_out"]["photos"] == 24 and member.facts_["held_out"]["quantile"] == QUANTILE
    assert damaged(fresh[0], rng).size == fresh[0].size


@pytest.mark.parametrize("kind", ["patch_memory", "feature_reconstruction"])
def test_one_scale_for_good_and_defective_photos(kind: str, extractor: FeatureExtractor) -> None:
    """The heat of a place depends on the photo's own place alone: a defect elsewhere does not make it look calmer."""
    member = fitted(kind, extractor, textured(24, seed=1))
    (photo,) = textured(1, seed=3)
    harmed = photo.copy()
    harmed.paste((0, 0, 0), (0, 0, 16, 16))
    calm, hot, again = (
        member.score(PhotoBatch([each]).rows(member.input)).anomaly_map for each in (photo, harmed, photo)
    )
    assert calm is not None and hot is not None and np.array_equal(calm, again)
    assert calm.max() < 0.5 < hot.max()
    assert np.unravel_index(hot[0].argmax(), hot[0].shape)[0] < hot.shape[1] / 2  # where the damage is
    if kind == "patch_memory":  # whole-photo components look everywhere at once
        assert hot[0, -1].max() < 0.5


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_good_parts_alone_teach_and_a_product_without_a_defect_has_none(kind: str, extractor: FeatureExtractor) -> None:
    make, source = KINDS[kind], source_of(kind, extractor, 64)
    rows = PhotoBatch(textured(6, seed=1)).rows(source)
    with pytest.raises(MemberError, match="learns from good parts alone"):
        make(classes=OK_NOK, input=source).fit(rows, np.array([0, 0, 0, 0, 0, 1]))
    with pytest.raises(MemberError, match="have no defect"):
        make(classes=Classes(("left", "right")), input=source).fit(rows, np.zeros(6, dtype=int))
    with pytest.raises(MemberError, match=r"at least 4 photos of good parts\. Got 3"):
        make(classes=OK_NOK, input=source).fit(rows[:3], np.zeros(3, dtype=int))


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_constant_photos_teach_nothing(kind: str, extractor: FeatureExtractor) -> None:
    """Rounding makes their features differ in the last digits, which must not pass for a spread."""
    with pytest.raises(MemberError, match="The 20 good photos look the same"):
        fitted(kind, extractor, [Image.new("RGB", (64, 64), (120, 120, 120))] * 20)


def test_farthest_first_takes_corners_before_what_lies_between() -> None:
    points = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.1, 0.0], [0.0, 9.0], [5.0, 0.2]])
    picks = farthest_first(points, 4, torch.Generator().manual_seed(0), lambda _: None).tolist()
    assert len(set(picks)) == 4 and {1, 3} <= set(picks)


@pytest.mark.parametrize("candidates", [1, 5, 1024])
def test_farthest_first_is_the_greedy_choice_however_many_are_looked_at(
    candidates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.features.coreset.CANDIDATES", candidates)
    monkeypatch.setattr("ensemble.features.coreset.COMPARED_AT_ONCE", 64)
    points = torch.from_numpy(np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32))
    picks = farthest_first(points, 80, torch.Generator().manual_seed(0), lambda _: None).tolist()
    for number in range(1, 80):
        assert picks[number] == int(torch.cdist(points, points[picks[:number]]).amin(dim=1).argmax())


def test_the_memory_is_bounded_and_a_small_product_has_a_small_one(
    extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.members.patch_memory.MEMORY", (8, 40))
    monkeypatch.setattr("ensemble.members.patch_memory.CANDIDATE_PLACES", 100)
    member = fitted("patch_memory", extractor, textured(12, seed=1))
    assert member.arrays_["memory"].shape[0] <= 40 and member.facts_["places"] == len(member.arrays_["memory"])
    few = fitted("patch_memory", extractor, textured(4, seed=1))
    assert len(few.arrays_["memory"]) >= 8


def test_patches_average_their_neighbours_and_share_the_finest_grid() -> None:
    rows = np.concatenate([np.arange(16, dtype=np.float16), np.full(4, 7, dtype=np.float16)])[None]
    found = patches(rows, {"fine": (1, 4, 4), "coarse": (1, 2, 2)})
    assert found.shape == (1, 16, 2)
    assert float(found[0, 5, 0]) == 5.0  # the mean of 0 1 2 / 4 5 6 / 8 9 10
    assert float(found[0, 0, 1]) < 7.0  # beyond the border there is nothing


@given(arrays(np.float32, (6, 3), elements=st.floats(-5, 5, width=16)))
def test_farthest_first_never_takes_a_place_twice(points: np.ndarray) -> None:
    picks = farthest_first(torch.from_numpy(points), 6, torch.Generator().manual_seed(1), lambda _: None).tolist()
    assert sorted(picks) == list(range(6))


def test_the_patch_memory_wants_maps(extractor: FeatureExtractor) -> None:
    member = PatchMemoryMember(classes=OK_NOK, input=extractor)
    with pytest.raises(MemberError, match=f"pooling '{MAPS}'"):
        member.fit(np.eye(5, 10, dtype=np.float16), np.zeros(5, dtype=int))


@pytest.mark.parametrize(("photos", "features"), [(14, 60), (80, 20), (20, 20)])
def test_the_precision_is_the_inverse_of_the_shrunk_covariance(photos: int, features: int) -> None:
    rng = np.random.default_rng(photos)
    rows = rng.normal(size=(photos, features)) @ rng.normal(size=(features, features))
    whole, parts = LedoitWolf().fit(rows), LedoitWolf(store_precision=False).fit(rows)
    found = mahalanobis._precision(rows - parts.location_, parts.covariance_, parts.shrinkage_)
    assert np.allclose(found, whole.precision_, rtol=1e-6, atol=1e-9 * np.abs(whole.precision_).max())
