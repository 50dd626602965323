"""The autoencoder: what it paints, what it holds out, where it points, and what it refuses."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ensemble.members.autoencoder import AutoencoderMember, SmallAutoencoder
from ensemble.store import artefacts
from ensemble.values.errors import MemberError
from ensemble.values.results import MAP_THRESHOLD, OK_NOK

pytestmark = pytest.mark.slow(25)

SIDE = 128


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.members.autoencoder.STEPS", 120)
        patch.setattr("ensemble.members.autoencoder.POINT", 40)
        patch.setattr("ensemble.members.autoencoder.BATCH", 8)
        yield


def good(count: int, seed: int) -> np.ndarray:
    """Dark photos with one bright disc in the middle, of more or less light."""
    random = np.random.default_rng(seed)
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
    light = random.uniform(0.9, 1.1, (count, 1, 1, 1))
    noise = random.normal(0, 3, (count, 3, SIDE, SIDE))
    return (light * np.where(away < 40, 170, 60) + noise).clip(0, 255).astype(np.uint8)


def spoilt(rows: np.ndarray) -> np.ndarray:
    """The same with a bright spot, high on the left."""
    copy = rows.copy()
    copy[:, :, 20:36, 24:40] = 250
    return copy


@pytest.fixture(scope="module")
def member() -> AutoencoderMember:
    rows = good(30, seed=1)
    return AutoencoderMember(classes=OK_NOK).fit(rows, np.zeros(len(rows), dtype=int))


def test_its_file_stays_small() -> None:
    assert 4 * sum(weight.numel() for weight in SmallAutoencoder().parameters()) < 1_500_000


def test_it_paints_good_parts_and_no_defect(member: AutoencoderMember) -> None:
    rows = good(2, seed=2)
    painted, repaired = member.reconstruct(rows), member.reconstruct(spoilt(rows))
    assert painted.shape == rows.shape and painted.dtype == np.uint8
    assert np.abs(painted.astype(int) - rows).mean() < 15
    assert repaired[:, :, 20:36, 24:40].mean() < 130  # the ground is 60, the spot is 250


def test_a_defect_is_told_and_shown_where_it_is(member: AutoencoderMember) -> None:
    rows = good(4, seed=3)
    fine, bad = member.score(rows), member.score(spoilt(rows))
    assert fine.probabilities[:, 1].max() < 0.5 < bad.probabilities[:, 1].min()
    assert fine.anomaly_map is not None and bad.anomaly_map is not None
    assert fine.anomaly_map.shape == bad.anomaly_map.shape == (4, 64, 64)
    assert fine.anomaly_map.max() < MAP_THRESHOLD < bad.anomaly_map.max()
    down, across = np.unravel_index(bad.anomaly_map[0].argmax(), (64, 64))
    assert (10 <= down <= 18) and (12 <= across <= 20)


@pytest.mark.parametrize(("photos", "held_out"), [(5, 2), (12, 6), (24, 10), (60, 12)])
def test_a_fifth_is_held_out_or_enough_to_tell(photos: int, held_out: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.members.autoencoder.STEPS", 2)
    monkeypatch.setattr("ensemble.members.autoencoder.POINT", 1)
    member = AutoencoderMember(classes=OK_NOK).fit(good(photos, seed=1), np.zeros(photos, dtype=int))
    assert len(member.held_out_) == member.facts_["held_out"]["photos"] == held_out
    assert member.facts_["learnt_from"] == photos - held_out


def test_the_curves_have_a_point_for_each_stretch_of_steps(member: AutoencoderMember) -> None:
    assert list(member.curves_) == ["learning_loss", "held_out_loss"]
    assert {len(curve) for curve in member.curves_.values()} == {3}
    assert member.curves_["held_out_loss"][-1] < member.curves_["held_out_loss"][0]


def test_learning_and_restoring_keep_the_callers_randomness(member: AutoencoderMember) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    AutoencoderMember(classes=OK_NOK).restore(member.parts())
    assert torch.equal(torch.rand(3), expected)


def test_what_it_keeps_is_one_plain_state_dict(member: AutoencoderMember) -> None:
    data = artefacts.dump(member.parts()[".pth"], ".pth")
    assert len(data) < 1_550_000
    again = AutoencoderMember(classes=OK_NOK).restore({".pth": artefacts.load_artefact(data, ".pth")})
    assert again.facts_ == member.facts_
    assert np.array_equal(again.held_out_, member.held_out_)


ALIKE = np.full((8, 3, SIDE, SIDE), 90, dtype=np.uint8)
REFUSED = {
    "few": (good(3, seed=1), [0] * 3, "Autoencoder needs at least 4 photos of good parts. Got 3. Add photos of good"),
    "alike": (
        ALIKE,
        [0] * 8,
        "The 8 good photos look the same, so nothing tells how much good parts may differ",
    ),
    "defective": (good(5, seed=1), [0] * 4 + [1], "Autoencoder learns from good parts alone. Leave the defective ones"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_photos_that_teach_nothing_are_refused_in_one_sentence(case: str) -> None:
    rows, labels, sentence = REFUSED[case]
    with pytest.raises(MemberError, match=sentence):
        AutoencoderMember(classes=OK_NOK).fit(rows, np.array(labels))


def test_files_that_do_not_fit_are_refused_in_one_sentence(member: AutoencoderMember) -> None:
    state = dict(member.parts()[".pth"])
    without_usual = {name: value for name, value in state.items() if name != "usual_errors"}
    other = {**state, "encoder.0.weight": torch.zeros(2, 2)}
    cases = [
        (None, "holds no state dict of an autoencoder"),
        (
            {"fc.weight": torch.zeros(2)},
            "The arrays held_out, held_out_peaks, held_out_calm, held_out_damaged are missing",
        ),
        (other, "not that of this autoencoder"),
        (without_usual, "lacks the errors of good parts"),
    ]
    for state_dict, sentence in cases:
        with pytest.raises(MemberError, match=sentence):
            AutoencoderMember(classes=OK_NOK).restore({".pth": state_dict})
