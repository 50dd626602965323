"""The contract that every member kind keeps, whatever it has inside."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import Preprocessing
from ensemble.members import KINDS, Member, demo
from ensemble.members.baseline_cnn import BaselineCNNMember
from ensemble.store import artefacts
from ensemble.training import source_of
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Classes
from ensemble.values.training import ShareDone
from tests.conftest import TINY_BACKBONE
from tests.support.drawn_detector import drawn_detector

pytestmark = pytest.mark.slow(75)

CLOTHES = Classes(("bottomwear", "shoes", "topwear"))
SIDE = 64  # pixels for members that learn from good parts
COLOURS = ((200, 60, 60), (60, 200, 60), (60, 60, 200))


@pytest.fixture(scope="module")
def extractor(tiny_weights: Path) -> FeatureExtractor:
    return FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)


@cache
def coloured(classes: Classes, each: int, seed: int) -> tuple[PhotoBatch, np.ndarray]:
    """Noisy photos whose colour gives their class away; a batch, with what a backbone made of it, serves all kinds."""
    random = np.random.default_rng(seed)
    labels = np.arange(each * len(classes.names)) % len(classes.names)
    pictures = [
        Image.fromarray((np.array(COLOURS[label]) + random.normal(0, 20, (40, 40, 3))).clip(0, 255).astype(np.uint8))
        for label in labels
    ]
    return PhotoBatch(pictures), labels


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """What is plain to see is learnt in a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.members.baseline_cnn.EPOCHS", (14, 14))
        patch.setattr("ensemble.members.baseline_cnn.BATCH", 7)
        patch.setattr("ensemble.members.autoencoder.BATCH", 8)
        patch.setattr("ensemble.members.autoencoder.STEPS", 40)
        patch.setattr("ensemble.members.classical.ForestMember.trees", 60)
        patch.setattr("ensemble.members.finetuned.VIEWS", 1)
        patch.setattr("ensemble.members.finetuned.EPOCHS", (1, 1))
        yield


def new_member(kind: str, classes: Classes, extractor: FeatureExtractor) -> Member:
    return KINDS[kind](classes=classes, input=source_of(kind, extractor, SIDE), seed=0)


def teach(member: Member, seed: int, progress: ShareDone = lambda _: None) -> Member:
    """Teach a kind what it learns from: all photos, those of good parts alone, or, for a detector, a drawn file."""
    if member.lesson == "masks":
        progress(1.0)
        return member.restore({".onnx": drawn_detector()})
    batch, labels = coloured(member.classes, 10, seed)
    good = labels == (0 if member.lesson == "good" else labels)
    return member.fit(batch.rows(member.input)[good], labels[good], progress)


CASES = [(kind, OK_NOK) for kind in KINDS] + [(kind, CLOTHES) for kind in KINDS if KINDS[kind].lesson == "all"]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}, {len(case[1].names)} classes")
def fitted(request: pytest.FixtureRequest, extractor: FeatureExtractor) -> tuple[str, Member]:
    kind, classes = request.param
    member = new_member(kind, classes, extractor)
    done: list[float] = []
    assert teach(member, 1, done.append) is member
    assert done == sorted(done) and done[-1] == pytest.approx(1.0)
    return kind, member


def test_a_member_learns_what_is_plain_to_see(fitted: tuple[str, Member]) -> None:
    kind, member = fitted
    classes = member.classes
    batch, labels = coloured(classes, 6, seed=2)
    probabilities = member.score(batch.rows(member.input)).probabilities
    assert probabilities.shape == (len(labels), len(classes.names))
    assert np.isfinite(probabilities).all() and probabilities.min() >= 0 and probabilities.max() <= 1
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels).mean() >= 0.9, kind


def test_what_a_member_says_of_a_photo_does_not_depend_on_its_batch(fitted: tuple[str, Member]) -> None:
    _, member = fitted
    batch, _ = coloured(member.classes, 3, seed=3)
    prediction = member.score(batch.rows(member.input))
    together = prediction.probabilities
    assert member.points == (prediction.anomaly_map is not None or prediction.regions is not None)
    if prediction.anomaly_map is not None:
        assert (
            prediction.anomaly_map.ndim == 3 and prediction.anomaly_map.min() >= 0 and prediction.anomaly_map.max() <= 1
        )
        maps = [member.score(PhotoBatch([picture]).rows(member.input)).anomaly_map for picture in batch.pictures]
        assert np.allclose(
            prediction.anomaly_map, np.concatenate([grid for grid in maps if grid is not None]), atol=1e-3
        )
    alone = [member.score(PhotoBatch([picture]).rows(member.input)).probabilities[0] for picture in batch.pictures]
    assert np.allclose(together, alone, atol=1e-4)


def test_what_is_saved_scores_the_same(fitted: tuple[str, Member], extractor: FeatureExtractor) -> None:
    kind, member = fitted
    classes = member.classes
    parts = member.parts()
    assert set(parts) == set(KINDS[kind].endings)
    again = new_member(kind, classes, extractor)
    again.restore(
        {ending: artefacts.load_artefact(artefacts.dump(part, ending), ending) for ending, part in parts.items()}
    )
    rows = coloured(classes, 3, seed=4)[0].rows(member.input)
    assert np.allclose(again.score(rows).probabilities, member.score(rows).probabilities, atol=1e-6)


@pytest.mark.parametrize(("kind", "classes"), CASES, ids=[f"{kind}, {len(each.names)} classes" for kind, each in CASES])
def test_the_same_seed_gives_the_same_member(
    kind: str, classes: Classes, extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fits of few steps: what differs between them would differ from the first step on."""
    monkeypatch.setattr("ensemble.members.baseline_cnn.EPOCHS", (2, 2))
    monkeypatch.setattr("ensemble.members.autoencoder.STEPS", 5)
    monkeypatch.setattr("ensemble.members.classical.ForestMember.trees", 40)
    first, again = (teach(new_member(kind, classes, extractor), 1) for _ in range(2))
    rows = coloured(classes, 3, seed=5)[0].rows(first.input)
    assert np.array_equal(again.score(rows).probabilities, first.score(rows).probabilities)


def test_files_for_other_classes_are_refused(fitted: tuple[str, Member], extractor: FeatureExtractor) -> None:
    kind, member = fitted
    other = new_member(kind, CLOTHES if member.classes == OK_NOK else OK_NOK, extractor)
    with pytest.raises(MemberError):
        other.restore(member.parts())


def test_a_machine_that_scores_pairs_of_classes_is_refused(extractor: FeatureExtractor) -> None:
    """With three classes there are as many pairs, so its columns would pass for the classes."""
    rows, labels = np.eye(6), [0, 1, 2, 0, 1, 2]
    member = new_member("svm", CLOTHES, extractor)
    parts = {".pkl": SVC(decision_function_shape="ovo").fit(rows, labels), "_scaler.pkl": StandardScaler().fit(rows)}
    with pytest.raises(MemberError, match="decision_function_shape='ovr'"):
        member.restore(parts)


def test_the_forest_through_onnx_is_the_forest(extractor: FeatureExtractor) -> None:
    member = new_member("rf", CLOTHES, extractor)
    batch, labels = coloured(CLOTHES, 10, seed=1)
    rows = batch.rows(member.input)
    member.fit(rows, labels)
    forest, scaler = member.parts()[".pkl"], member.parts()["_scaler.pkl"]
    assert np.allclose(member.score(rows).probabilities, forest.predict_proba(scaler.transform(rows)), atol=1e-5)


def test_a_network_trained_for_nothing_keeps_the_callers_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, labels = coloured(OK_NOK, 5, seed=1)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    monkeypatch.setattr("ensemble.members.baseline_cnn.EPOCHS", (2, 2))
    member = BaselineCNNMember(classes=OK_NOK)
    member.fit(batch.rows(member.input), labels)
    assert torch.equal(torch.rand(3), expected)


def test_each_backbone_runs_once_whoever_asks(extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    original = FeatureExtractor.maps

    def counted(self: FeatureExtractor, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        passes.append(len(photos))
        return original(self, photos)

    monkeypatch.setattr(FeatureExtractor, "maps", counted)
    batch, _ = coloured(OK_NOK, 2, seed=1)
    for pooling in ("average", "grid", "average"):
        batch.rows(extractor.with_pooling(pooling))
    assert passes == [4]
    assert batch.seconds(extractor) > 0
    assert batch.rows(Preprocessing(side=32)).shape == (4, 3, 32, 32)


def test_dummies_say_the_same_of_the_same_photo_and_do_not_all_agree() -> None:
    seen = set()
    for number in range(40):
        sha256 = f"{number:064x}"
        scores = demo.scores(sha256, OK_NOK)
        for score, again in zip(scores, demo.scores(sha256, OK_NOK), strict=True):
            assert replace(score, anomaly_map=None) == replace(again, anomaly_map=None)
            assert (score.anomaly_map is None) == (again.anomaly_map is None)
            assert (
                score.anomaly_map is None
                or again.anomaly_map is None
                or np.array_equal(score.anomaly_map.values, again.anomaly_map.values)
            )
        assert [score.member for score in scores] == list(demo.DUMMIES)
        assert all(sum(score.probabilities.values()) == pytest.approx(1) for score in scores)
        seen.add(sum(score.probabilities["defective"] >= 0.5 for score in scores))
    assert {0, 4} <= seen and seen & {1, 2, 3}
    assert set(demo.scores("ab", CLOTHES)[0].probabilities) == set(CLOTHES.names)
