"""Teaching the bundled backbone, on a few pictures and a teacher that knows nothing."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from ensemble.drawing.lessons import draw_lessons
from ensemble.features.backbones import FeatureExtractor, build_network
from ensemble.features.preprocessing import BUNDLED
from ensemble.training.pretraining import draw_pictures, draw_views, pretrain
from ensemble.values.errors import WeightsError

pytestmark = pytest.mark.slow(10)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    torch.manual_seed(0)
    needed = {
        name: value
        for name, value in build_network("resnet18").state_dict().items()
        if not name.startswith(("layer4", "fc"))
    }
    save_file(needed, folder / "resnet18-random.safetensors")
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views of a sixteenth of the pixels: what is to be shown needs no more."""
    monkeypatch.setattr("ensemble.training.pretraining.VIEW_SIDE", 32)


@pytest.mark.usefixtures("small")
def test_a_few_pictures_teach_something_and_leave_weights_that_load(teacher: Path, tmp_path: Path) -> None:
    stages: list[tuple[str, float]] = []
    destination = tmp_path / "new" / "folder"
    facts = pretrain(
        teacher=teacher,
        destination=destination,
        pictures=8,
        epochs=10,
        progress=lambda stage, done: stages.append((stage, done)),
    )
    weights = destination / "quorum_small.safetensors"
    assert sorted(path.name for path in destination.iterdir()) == ["quorum_small.json", weights.name]
    assert json.loads((destination / "quorum_small.json").read_text()) == facts
    assert facts["views"] == 80
    assert facts["final_loss"] < 0.9 * facts["first_loss"]
    assert facts["bytes"] == weights.stat().st_size < 8_000_000
    assert facts["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert facts["teacher"]["name"] == "resnet18"
    assert stages == [("Learning", step / 10) for step in range(10)]
    maps = FeatureExtractor.open(BUNDLED, weights=destination).maps([Image.new("RGB", (64, 64), "grey")])
    assert {layer: tuple(grid.shape) for layer, grid in maps.items()} == {
        "stage1": (1, 128, 28, 28),
        "stage2": (1, 256, 14, 14),
    }


@pytest.mark.usefixtures("small")
def test_the_same_seed_gives_the_same_weights(teacher: Path, tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        pretrain(teacher=teacher, destination=tmp_path / name, pictures=4, epochs=1, seed=seed)
    first, again, other = (
        load_file(tmp_path / name / "quorum_small.safetensors") for name in ("first", "again", "other")
    )
    assert all(torch.allclose(first[key], again[key], atol=1e-3) for key in first)
    assert not torch.allclose(first["stem.0.weight"], other["stem.0.weight"], atol=1e-3)


@pytest.mark.usefixtures("small")
def test_a_time_limit_ends_the_learning_and_still_gives_weights(teacher: Path, tmp_path: Path) -> None:
    facts = pretrain(teacher=teacher, destination=tmp_path, pictures=8, epochs=10_000, minutes=0.01)
    assert 0 < facts["views"] < 80_000
    assert (tmp_path / "quorum_small.safetensors").is_file()


def test_a_teacher_without_weights_is_one_sentence_before_anything_is_drawn(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(WeightsError, match=r"resnet18.*\.safetensors") as caught:
        pretrain(teacher=empty, destination=tmp_path / "out", pictures=4)
    assert str(empty) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_pictures_drawn_on_all_cores_are_those_drawn_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.training.pretraining.DRAWN_AT_ONCE", 4)
    stages: list[float] = []
    drawn = draw_pictures(9, seed=4, report=lambda _, done: stages.append(done))
    assert np.array_equal(drawn, draw_lessons(4, 0, 9, 160))
    assert stages[-1] == 1


def test_views_are_normalised_and_belong_to_their_pictures() -> None:
    pictures = np.stack([np.full((160, 160, 3), level, dtype=np.uint8) for level in (0, 255)])
    views = draw_views(np.random.default_rng(0), pictures)
    assert views.shape == (2, 3, 128, 128)
    assert views[0, 0].numpy() == pytest.approx(-0.485 / 0.229, abs=1e-4)
    assert views[1, 2].numpy() == pytest.approx((1 - 0.406) / 0.225, abs=1e-4)
