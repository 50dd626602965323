"""The patch classifier: what masks and labels teach it, where it points, and what it refuses."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import DamageMasks
from ensemble.members.contract import Teaching
from ensemble.members.good_parts import patches
from ensemble.members.patch_classifier import PLACES_STATE, PatchClassifierMember, PatchNetwork, hottest
from ensemble.store import artefacts
from ensemble.training import source_of
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Classes
from tests.conftest import TINY_BACKBONE

SIDE = 64
GOOD, BAD = 8, 6


@pytest.fixture(scope="module")
def extractor(tiny_weights: Path) -> FeatureExtractor:
    source = source_of("patch_classifier", FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights), SIDE)
    assert isinstance(source, FeatureExtractor)
    return source


@cache
def scratched(seed: int) -> tuple[PhotoBatch, np.ndarray, np.ndarray]:
    """Noise, and on some of it a bright square in one of the quarters: photos, labels and masks."""
    random = np.random.default_rng(seed)
    pixels = random.integers(80, 120, (GOOD + BAD, SIDE, SIDE, 3), dtype=np.uint8)
    masks = np.zeros(pixels.shape[:3], dtype=bool)
    for place in range(GOOD, GOOD + BAD):
        top, left = (8 + 32 * int(quarter) for quarter in divmod(place % 4, 2))
        masks[place, top : top + 16, left : left + 16] = True
    pixels[masks] = 250
    return PhotoBatch([Image.fromarray(photo) for photo in pixels]), (np.arange(GOOD + BAD) >= GOOD).astype(int), masks


def fitted(
    extractor: FeatureExtractor, marked: int = BAD, synthetic: int = 0, seed: int = 0, effort: float = 0.25
) -> PatchClassifierMember:
    """A member that has learnt from masks on the first so many of the defective photos, the last of them drawn."""
    batch, labels, masks = scratched(1)
    known, drawn = masks.copy(), np.zeros(len(masks), dtype=bool)
    known[GOOD + marked :] = False
    drawn[len(drawn) - synthetic :] = True
    member = PatchClassifierMember(classes=OK_NOK, input=extractor, seed=seed)
    member.teaching = Teaching(effort=effort)
    return member.fit(batch.rows(extractor), labels, masks=DamageMasks(known, drawn))


@pytest.mark.parametrize(
    ("marked", "synthetic", "facts"),
    [
        (BAD, 0, {"photos": 14, "with_mask": 6, "without_mask": 0, "synthetic": 0}),
        (BAD // 2, 0, {"photos": 14, "with_mask": 3, "without_mask": 3, "synthetic": 0}),
        (0, 0, {"photos": 14, "with_mask": 0, "without_mask": 6, "synthetic": 0}),
        (BAD, 2, {"photos": 12, "with_mask": 4, "without_mask": 0, "synthetic": 2}),
    ],
)
def test_it_learns_where_damage_is_from_what_masks_there_are(
    extractor: FeatureExtractor, marked: int, synthetic: int, facts: dict[str, int]
) -> None:
    member = fitted(extractor, marked, synthetic, effort=1.0)
    assert member.facts_ == facts | {"epochs": 40}
    curve = member.curves_["learning_loss"]
    assert len(curve) == 40 and curve[-1] < curve[0]
    batch, labels, masks = scratched(2)
    prediction = member.score(batch.rows(extractor))
    assert (prediction.probabilities[:, 1].round() == labels).all()
    heat = prediction.anomaly_map
    assert heat is not None and heat.min() >= 0 and heat.max() <= 1
    size = heat.shape[1]
    for place in range(GOOD, GOOD + BAD):
        top, left = divmod(int(heat[place].argmax()), size)
        middle = (int((at + 0.5) * SIDE / size) for at in (top, left))
        assert not marked or masks[place][tuple(middle)]


def test_a_photos_answer_is_the_same_alone_and_in_a_batch(extractor: FeatureExtractor) -> None:
    member, rows = fitted(extractor), scratched(2)[0].rows(extractor)
    together, alone = member.score(rows), [member.score(rows[place : place + 1]) for place in range(len(rows))]
    assert np.array_equal(together.probabilities, np.concatenate([each.probabilities for each in alone]))
    maps = [each.anomaly_map for each in alone if each.anomaly_map is not None]
    assert np.array_equal(together.anomaly_map, np.concatenate(maps))  # type: ignore[arg-type]


def test_one_seed_gives_equal_bytes_and_leaves_the_callers_randomness(extractor: FeatureExtractor) -> None:
    state = torch.random.get_rng_state()
    first, again, other = (
        artefacts.dump(fitted(extractor, seed=seed).parts()[PLACES_STATE], PLACES_STATE) for seed in (3, 3, 4)
    )
    assert first == again != other
    assert torch.equal(torch.random.get_rng_state(), state)


def test_its_network_sees_standardised_patches(extractor: FeatureExtractor) -> None:
    """The order of its steps is another than that of `patches`, and the result the same."""
    shapes, rows = extractor.shapes(), scratched(2)[0].rows(extractor)
    network = fitted(extractor).network_
    known = (patches(rows, shapes) - network.mean) / network.deviation  # (N, h*w, C)
    hidden = torch.relu(known @ network.hidden.weight.flatten(1).T + network.hidden.bias)
    expected = network.damage(hidden.transpose(1, 2).unflatten(2, network.size)).mean(dim=1)
    start, maps = 0, {}
    for layer, shape in shapes.items():
        maps[layer] = torch.from_numpy(rows[:, start : start + int(np.prod(shape))]).float().unflatten(1, shape)
        start += int(np.prod(shape))
    assert torch.allclose(network(maps), expected, atol=1e-3)


def test_it_learns_from_what_it_answers() -> None:
    """Learning reaches the damage of places by a product of matrices, judging by the convolution."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = PatchNetwork({"fine": (8, 7, 9), "coarse": (4, 3, 4)})
        maps = {"fine": torch.randn(3, 8, 7, 9), "coarse": torch.randn(3, 4, 3, 4)}
    network.dropout.p = 0.0
    weights = list(network.parameters())
    learning, judging = (network.train(mode).opinions(maps) for mode in (True, False))
    assert learning.shape == (3, 2, 7, 9)
    assert torch.allclose(learning, judging, atol=1e-6)
    for one, other in zip(
        *(torch.autograd.grad(said.square().sum(), weights) for said in (learning, judging)), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_hottest_places_judge_a_photo() -> None:
    logits = torch.tensor([[[9.0, 1.0, 2.0], [3.0, 5.0, 5.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, -6.0]]])
    assert torch.allclose(hottest(logits), torch.tensor([4.8, 0.0]))
    assert hottest(torch.ones(1, 1, 2)).tolist() == [1.0]  # a map of fewer places


@pytest.mark.parametrize(
    ("labels", "counts"), [([0] * 3 + [1] * 3, "Got 3 and 3"), ([0] * 6, "Got 6 and 0"), ([1] * 6, "Got 0 and 6")]
)
def test_too_few_photos_are_named(extractor: FeatureExtractor, labels: list[int], counts: str) -> None:
    member = PatchClassifierMember(classes=OK_NOK, input=extractor)
    with pytest.raises(MemberError, match=f"at least 4 photos of good parts and one with damage. {counts}"):
        member.fit(scratched(1)[0].rows(extractor)[: len(labels)], np.array(labels))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: None,
        lambda state: {name: value for name, value in state.items() if name != "mean"},
        lambda state: state | {"more": torch.zeros(1)},
        lambda state: state | {"hidden.weight": torch.zeros(64, 3, 1, 1)},
        lambda state: state | {"hidden.weight": torch.tensor(1.0)},
        lambda state: {name: value for name, value in state.items() if name != "hidden.weight"},
        lambda state: PatchNetwork({"other": (7, 4, 4)}).state_dict(),
    ],
)
def test_a_state_that_does_not_fit_the_backbone_is_refused(extractor: FeatureExtractor, change: Any) -> None:
    state = PatchNetwork(extractor.shapes()).state_dict()
    with pytest.raises(MemberError, match=r"not that of a patch classifier of \d+ channels.*Train it again"):
        PatchClassifierMember(classes=OK_NOK, input=extractor).restore({PLACES_STATE: change(dict(state))})


def test_the_answer_is_the_mean_of_its_heads_and_files_of_before_have_one(extractor: FeatureExtractor) -> None:
    rows, shapes = scratched(1)[0].rows(extractor), extractor.shapes()
    torch.manual_seed(0)
    both = PatchNetwork(shapes, heads=2).eval()
    halves = []
    for head in range(2):
        alone = PatchNetwork(shapes, heads=1).eval()
        own = {"hidden.weight": 64, "hidden.bias": 64, "damage.weight": 1, "damage.bias": 1}
        state = both.state_dict()
        alone.load_state_dict(state | {name: state[name][head * n : head * n + n] for name, n in own.items()})
        member = PatchClassifierMember(classes=OK_NOK, input=extractor).restore({PLACES_STATE: alone.state_dict()})
        halves.append(torch.logit(torch.as_tensor(member.score(rows).anomaly_map)))
    whole = PatchClassifierMember(classes=OK_NOK, input=extractor).restore({PLACES_STATE: both.state_dict()})
    expected = torch.stack(halves).mean(dim=0).sigmoid().numpy()
    np.testing.assert_allclose(whole.score(rows).anomaly_map, expected, atol=1e-5)


def test_it_wants_maps_and_a_defect(extractor: FeatureExtractor) -> None:
    with pytest.raises(MemberError, match="reads the maps of a backbone"):
        PatchClassifierMember(classes=OK_NOK, input=Preprocessing()).restore({PLACES_STATE: {}})
    with pytest.raises(MemberError, match="have no defect"):
        PatchClassifierMember(classes=Classes(("a", "b", "c")), input=extractor).restore({PLACES_STATE: {}})
