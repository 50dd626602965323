"""The MVTec AD tree: its report, its table, and training on the whole of it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ensemble.evaluation.mvtec import TREE_COLUMNS, check_tree, find_categories, image_level
from ensemble.inspection.exports import as_csv
from ensemble.values.errors import DataError
from tests.conftest import TINY_BACKBONE, Run


def photo(path: Path, seed: int, spot: bool = False) -> None:
    """A grey plate with grain, darker with the seed; with a white spot where it is damaged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grain = np.random.default_rng(seed).normal(110 + 2 * (seed % 7), 6, (64, 64, 1))
    picture = Image.fromarray(np.repeat(grain, 3, axis=2).clip(0, 255).astype(np.uint8))
    if spot:
        ImageDraw.Draw(picture).rectangle([20, 20, 44, 44], fill="white")
    picture.save(path)


def mask(
    path: Path, size: tuple[int, int] = (64, 64), box: tuple[int, int, int, int] | None = (20, 20, 44, 44)
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("L", size)
    if box:
        ImageDraw.Draw(picture).rectangle(box, fill=255)
    picture.save(path)


def soft_mask(path: Path) -> None:
    Image.fromarray(np.arange(0, 256, 4, dtype=np.uint8)[None].repeat(64, axis=0)).save(path)


def category(folder: Path, good: int = 2) -> Path:
    for number in range(good):
        photo(folder / f"train/good/{number:03}.png", number)
    photo(folder / "test/good/000.png", 100)
    for number, kind in ((200, "bent"), (201, "bent"), (300, "cut")):
        photo(folder / f"test/{kind}/{number}.png", number, spot=True)
        mask(folder / f"ground_truth/{kind}/{number}_mask.png")
    (folder / "license.txt").write_text("beside the parts, as in the published set")
    return folder


def test_a_tree_in_order(tmp_path: Path) -> None:
    category(tmp_path / "nut")
    category(tmp_path / "wood/oak")
    found = check_tree(tmp_path)
    assert list(found) == ["nut", "wood/oak"]
    assert found["nut"].as_json() == {
        "train_good": 2,
        "test_good": 1,
        "types": {"bent": 2, "cut": 1},
        "masks": 3,
        "oddities": [],
    }
    assert find_categories(tmp_path / "nut") == {"nut": tmp_path / "nut"}


def remove(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


@pytest.mark.parametrize(
    ("spoil", "matter", "path", "reason"),
    [
        (remove("ground_truth/cut/300_mask.png"), "missing mask", "test/cut/300.png", "has no mask in ground_truth"),
        (
            lambda folder: mask(folder / "ground_truth/cut/300_mask.png", (64, 32)),
            *("mask", "ground_truth/cut/300_mask.png", "has 64 × 32 pixels and its photo 300.png 64 × 64"),
        ),
        (
            lambda folder: mask(folder / "ground_truth/cut/300_mask.png", box=None),
            *("mask", "ground_truth/cut/300_mask.png", "marks nothing, and its photo is of a defect"),
        ),
        (
            lambda folder: soft_mask(folder / "ground_truth/cut/300_mask.png"),
            *("mask", "ground_truth/cut/300_mask.png"),
            "is not black and white: 3968 pixels are grey, and those above half of its brightest are damage",
        ),
        (
            lambda folder: mask(folder / "ground_truth/good/000_mask.png"),
            *("mask", "ground_truth/good/000_mask.png", "marks damage on a photo of a good part"),
        ),
        (
            lambda folder: (folder / "ground_truth/cut/999_mask.png").write_bytes(b"no mask"),
            *("mask", "ground_truth/cut/999_mask.png", "cannot be read"),
        ),
        (
            lambda folder: mask(folder / "ground_truth/cut/999_mask.png"),
            *("mask", "ground_truth/cut/999_mask.png", "belongs to no photo"),
        ),
        (
            lambda folder: (folder / "test/cut/notes.txt").write_text("x"),
            *("photo", "test/cut/notes.txt", "is no photo"),
        ),
        (
            lambda folder: (folder / "test/good/007.png").write_text("text"),
            *("photo", "test/good/007.png", "is no photo"),
        ),
        (
            lambda folder: photo(folder / "test/stray.png", 9),
            *("structure", "test/stray.png", "lies outside the folders of good parts and defects"),
        ),
        (remove("test/good/000.png"), "structure", "test/good", "holds no photos of good parts"),
        (
            lambda folder: photo(folder / "train/bent/000.png", 9),
            *("structure", "train/bent", "is no folder of good parts"),
        ),
    ],
)
def test_one_thing_that_is_odd(
    tmp_path: Path, spoil: Callable[[Path], None], matter: str, path: str, reason: str
) -> None:
    spoil(category(tmp_path / "nut"))
    (oddity,) = check_tree(tmp_path)["nut"].oddities
    assert asdict(oddity) == {"matter": matter, "path": f"nut/{path}", "reason": reason}


def test_what_is_no_tree(tmp_path: Path) -> None:
    photo(tmp_path / "ok/000.png", 0)
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(DataError, match=r"is no MVTec AD tree\. Expected CATEGORY/train/good"):
            check_tree(folder)


def test_the_table_has_a_row_a_photo(tmp_path: Path) -> None:
    category(tmp_path / "nut", good=1)
    (tmp_path / "nut/ground_truth/cut/300_mask.png").unlink()
    assert [tuple(row.values()) for row in image_level(tmp_path)] == [
        ("nut/train/good/000.png", "nut", "train", "non_defective", "", ""),
        ("nut/test/bent/200.png", "nut", "test", "defective", "bent", "nut/ground_truth/bent/200_mask.png"),
        ("nut/test/bent/201.png", "nut", "test", "defective", "bent", "nut/ground_truth/bent/201_mask.png"),
        ("nut/test/cut/300.png", "nut", "test", "defective", "cut", ""),
        ("nut/test/good/000.png", "nut", "test", "non_defective", "", ""),
    ]
    assert [tuple(row) for row in image_level(tmp_path)] == [TREE_COLUMNS] * 5


def test_check_and_table_as_commands(run: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    category(tree / "nut")
    code, _, said = run("mvtec", "check", tree)
    assert code == 0 and said.endswith("Categories: 1. Nothing is odd.")
    (tree / "nut/ground_truth/cut/300_mask.png").unlink()
    code, _, said = run("mvtec", "check", tree, "--json", tmp_path / "report.json")
    assert code == 1 and "nut/test/cut/300.png has no mask" in said and said.endswith("Categories: 1. Odd things: 1.")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["categories"]["nut"]["oddities"][0]["path"] == "nut/test/cut/300.png"
    code, _, said = run("mvtec", "table", tree, "--output", tmp_path / "image_level.csv")
    assert code == 0 and (tmp_path / "image_level.csv").read_bytes() == as_csv(TREE_COLUMNS, image_level(tree))
    code, _, said = run("mvtec", "check", tmp_path / "gone")
    assert code == 2 and "is no MVTec AD tree" in said


def options(weights: Path) -> tuple[object, ...]:
    return ("--members", "mahalanobis", "--backbone", TINY_BACKBONE, "--weights", weights, "--side", 64)


def test_every_category_becomes_a_product(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    tree, models, name = tmp_path / "tree", tmp_path / "models", f"mahalanobis_{TINY_BACKBONE}"
    category(tree / "nut", good=8)
    category(tree / "few", good=3)
    category(tree / "wood/oak", good=8)
    code, _, said = run("mvtec", "train", tree, "--models", models, *options(tiny_weights))
    assert code == 1 and "few has failed: Mahalanobis distance is not trained. Needs 4 photos of good parts" in said
    assert sorted(path.name for path in models.iterdir()) == ["nut", "thresholds.json", "wood-oak"]
    found = json.loads((models / "thresholds.json").read_text())
    assert set(found) == {"nut", "wood/oak"}
    held_out = json.loads((models / "nut/manifest.json").read_text())["members"][name]["training"]["facts"]["held_out"]
    assert found["nut"] == {name: held_out} and held_out["quantile"] == 0.99 and held_out["photos"] == 8

    code, _, _ = run("mvtec", "train", tree / "nut", "--models", models, *options(tiny_weights))
    assert code == 0 and set(json.loads((models / "thresholds.json").read_text())) == {"nut", "wood-oak"}

    code, _, said = run("evaluate", "--data", tree / "nut", "--models", models / "nut", "--json", tmp_path / "q.json")
    quality = json.loads((tmp_path / "q.json").read_text())
    assert code == 0 and quality["photos"] == 4 and "image_auroc" in quality["members"][name]
    code, out, _ = run("inspect", tree / "nut/test/bent/200.png", "--models", models / "nut", "--json")
    assert code == 0 and json.loads(out)["verdict"] in {"defective", "non_defective"}


def test_one_model_over_all_categories(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    tree, models = tmp_path / "tree", tmp_path / "models"
    category(tree / "nut", good=4)
    category(tree / "bolt", good=4)
    code, _, said = run("mvtec", "train", tree, "--models", models, "--one-model", *options(tiny_weights))
    assert code == 0 and "holds 2 categories, taken as one product: bolt, nut." in said
    manifest = json.loads((models / "tree/manifest.json").read_text())
    assert manifest["product"] == "tree" and manifest["folders"]["bent"] == "defective"
    (record,) = manifest["members"].values()
    assert record["training"]["photos"] == {"non_defective": 8, "defective": 0}
    assert set(json.loads((models / "thresholds.json").read_text())) == {"tree"}
