"""Learning from good parts alone through the command line, and what cannot be learnt from."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ensemble.features.preprocessing import BUNDLED
from tests.conftest import TINY_BACKBONE, Run

DATA = Path(__file__).resolve().parents[3] / "data"
GOOD = sorted((DATA / "train/non_defective").iterdir())
BAD = sorted((DATA / "train/defective").iterdir())


def copy(photos: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for photo in photos:
        shutil.copyfile(photo, folder / photo.name)


def copy_each(folders: dict[Path, list[Path]]) -> None:
    for folder, photos in folders.items():
        copy(photos, folder)


def test_24_good_photos_are_enough_to_find_unseen_good_ones_ok(run: Run, tmp_path: Path) -> None:
    copy(GOOD[:24], tmp_path / "data/good")
    options = ("--members", "mahalanobis", "--backbone", BUNDLED)
    code, _, said = run("train", "--data", tmp_path / "data", "--models", tmp_path / "m", *options)
    assert code == 0 and "No defects in the photos: thresholds from good parts only." in said
    assert "No test part: 8 of 24 photos are set aside for the test." in said
    manifest = json.loads((tmp_path / "m/manifest.json").read_text())
    (record,) = manifest["members"].values()
    assert manifest["folders"] == {"good": "non_defective"}
    assert record["training"]["photos"] == {"non_defective": 16, "defective": 0}
    held_out = record["training"]["facts"]["held_out"]
    assert held_out["quantile"] == 0.99 and held_out["photos"] == 16 and held_out["threshold"] > 0
    assert record["metrics"]["photos"] == 8 and record["metrics"]["auroc"] is None

    unseen = GOOD[24:30]
    code, out, _ = run("inspect", *unseen, "--models", tmp_path / "m", "--policy", "MAJORITY", "--json")
    assert code == 0 and [json.loads(line)["verdict"] for line in out.splitlines()] == ["non_defective"] * 6
    code, _, said = run("evaluate", "--data", tmp_path / "data", "--models", tmp_path / "m")
    assert code == 0 and "Measured on 8 test photos" in said


def constant(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (64, 64), "grey").save(folder / f"{number}.png")


def odd_mask(data: Path) -> None:
    copy(GOOD[:8], data / "train/good")
    copy(BAD[:2], data / "test/bent")
    (data / "ground_truth/bent").mkdir(parents=True)
    Image.new("L", (64, 64)).save(data / f"ground_truth/bent/{BAD[0].stem}_mask.png")


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (lambda data: copy(BAD[:8], data / "train/defective"), "holds defective parts only (defective). Add photos of"),
        (
            lambda data: copy_each({data / "train/nok": BAD[:8], data / "test/ok": GOOD[:2]}),
            "holds no photos of good parts to learn from, only 8 of defective ones.",
        ),
        (lambda data: copy(GOOD[:8], data / "train/discs"), "If these are good parts, call the folder good"),
        (
            lambda data: copy_each({data / "train/good": GOOD[:3], data / "test/bent": BAD[:2]}),
            "Needs 4 photos of good parts, found 3.",
        ),
        (odd_mask, f"{BAD[0].stem}_mask.png has 64 × 64 pixels and its photo {BAD[0].name} 256 × 256. Export the mask"),
        (lambda data: constant(data / "good"), "good photos look the same"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, tiny_weights: Path, arrange: Callable[[Path], None], sentence: str
) -> None:
    arrange(tmp_path / "data")
    options = ("--members", "mahalanobis", "--backbone", TINY_BACKBONE, "--weights", tiny_weights, "--side", 64)
    code, _, said = run("train", "--data", tmp_path / "data", "--models", tmp_path / "m", *options)
    assert code == 2 and sentence in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_masks_become_boxes(run: Run, tmp_path: Path) -> None:
    copy(GOOD[:4], tmp_path / "nut/train/good")
    copy(BAD[:5], tmp_path / "nut/test/bent")
    (tmp_path / "nut/ground_truth").mkdir()
    shutil.copytree(DATA / "ground_truth/train/defective", tmp_path / "nut/ground_truth/bent")
    code, _, said = run("labels", tmp_path / "nut", tmp_path / "labels")
    assert code == 0 and "Only the test part has masks: a fifth of each kind of photo is held out" in said
    assert (
        len(list((tmp_path / "labels").rglob("*.txt"))) == 9 and "bent" in (tmp_path / "labels/data.yaml").read_text()
    )
    code, _, said = run("labels", tmp_path / "nut", tmp_path / "labels")
    assert code == 2 and "is in use" in said
