"""The fine-tuned classifier: what learns, which epoch is kept, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.preprocessing import Preprocessing
from ensemble.members.finetuned import FROZEN_EPOCHS, FinetunedMember, TunedNetwork
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Classes
from tests.conftest import TINY_BACKBONE

SIDE = 64
CLOTHES = Classes(("bottomwear", "shoes", "topwear"))
LABELS = np.arange(20) % 2


@pytest.fixture(scope="module")
def extractor(tiny_weights: Path) -> FeatureExtractor:
    return FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights, pooling="pixels").at(SIDE)


def noisy(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Grey noise, brighter where the label is higher."""
    random = np.random.default_rng(seed)
    level = 60 + 70 * labels[:, None, None, None]
    return (level + random.normal(0, 20, (len(labels), 3, SIDE, SIDE))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def member(extractor: FeatureExtractor) -> FinetunedMember:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.members.finetuned.EPOCHS", (2, 2))
        return FinetunedMember(classes=OK_NOK, input=extractor).fit(noisy(LABELS), LABELS)


def test_only_what_runs_after_the_shallower_layer_can_learn(extractor: FeatureExtractor) -> None:
    names = {name for name, weight in extractor.trainable().named_parameters() if weight.requires_grad}
    assert {name.split(".")[1] for name in names} == {"9", "10", "11", "12"}  # it reads features.7, features.8 pools


def test_a_trainable_copy_sees_what_the_backbone_sees_and_shares_nothing(extractor: FeatureExtractor) -> None:
    photos = extractor.spec.preprocessing.normalise(torch.from_numpy(noisy(LABELS[:2])))
    copy, before = extractor.trainable(), extractor.maps(photos)
    assert all(torch.allclose(output, before[layer]) for layer, output in copy(photos).items())
    with torch.no_grad():
        for weight in copy.parameters():
            weight.zero_()
    assert all(torch.allclose(output, before[layer]) for layer, output in extractor.maps(photos).items())


def test_a_backbone_that_gives_one_layer_can_learn_its_last_third(tiny_weights: Path) -> None:
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights, layers=["features.12"])
    learning = [weight.requires_grad for weight in extractor.trainable().parameters()]
    assert not learning[0] and learning[-1]


def test_batch_norm_stays_as_it_came(extractor: FeatureExtractor) -> None:
    network = TunedNetwork(extractor, 2).train()
    assert network.dropout.training
    assert not any(module.training for module in network.body.modules())


def test_the_best_epoch_is_kept_and_the_curves_tell_which(member: FinetunedMember) -> None:
    curves, facts = member.curves_, member.facts_
    assert list(curves) == ["learning_loss", "held_out_loss", "held_out_auroc"]
    assert {len(curve) for curve in curves.values()} == {facts["epochs"]} == {FROZEN_EPOCHS + 2}
    best = max(curves["held_out_auroc"])
    assert curves["held_out_auroc"][facts["best_epoch"] - 1] == best == 1.0
    assert (facts["learnt_from"], facts["chosen_on"], facts["frozen_epochs"]) == (16, 4, FROZEN_EPOCHS)


def test_it_stops_where_no_epoch_is_better(extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.members.finetuned.RATES", (0.0, 0.0))
    monkeypatch.setattr("ensemble.members.finetuned.EPOCHS_OF_PATIENCE", 2)
    random = np.random.default_rng(0).permutation(LABELS)  # nothing to find
    member = FinetunedMember(classes=OK_NOK, input=extractor).fit(noisy(np.zeros(20, dtype=int)), random)
    best = max(member.facts_["best_epoch"], FROZEN_EPOCHS)
    assert member.facts_["epochs"] == best + 2 < FROZEN_EPOCHS + 10


def test_what_it_learns_reaches_the_backbone(member: FinetunedMember, extractor: FeatureExtractor) -> None:
    state, before = member.parts()[".pth"], extractor.trainable().state_dict()
    changed = {name for name, value in before.items() if not torch.equal(state[f"body.{name}"], value)}
    assert (member.facts_["best_epoch"] > FROZEN_EPOCHS) == bool(changed)
    assert {name.split(".")[1] for name in changed} <= {"9", "10", "11", "12"}


def test_learning_and_restoring_keep_the_callers_randomness(member: FinetunedMember) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    FinetunedMember(classes=OK_NOK, input=member.input).restore(member.parts())
    assert torch.equal(torch.rand(3), expected)


REFUSED = {
    "too few": (noisy(LABELS[:8]), LABELS[:8], r"needs 5 photos of each class. Too few: non_defective \(4\), def"),
    "one class": (noisy(LABELS), np.zeros(20, dtype=int), r"Too few: defective \(0\)\.$"),
    "constant": (np.full((20, 3, SIDE, SIDE), 7, dtype=np.uint8), LABELS, "The 20 photos are all alike"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_photos_that_teach_nothing_are_refused_in_one_sentence(case: str, extractor: FeatureExtractor) -> None:
    rows, labels, sentence = REFUSED[case]
    with pytest.raises(MemberError, match=sentence):
        FinetunedMember(classes=OK_NOK, input=extractor).fit(rows, labels)


def test_files_that_do_not_fit_are_refused_in_one_sentence(member: FinetunedMember) -> None:
    sentence = r"The state dict does not fit squeezenet1_1 with a head for 3 classes\. Train it again\.$"
    for parts in (member.parts(), {".pth": {}}, {".pth": None}):
        with pytest.raises(MemberError, match=sentence):
            FinetunedMember(classes=CLOTHES, input=member.input).restore(parts)


def test_pixels_without_a_backbone_are_refused() -> None:
    with pytest.raises(MemberError, match="starts from a backbone"):
        FinetunedMember(classes=OK_NOK, input=Preprocessing()).fit(noisy(LABELS), LABELS)
