"""Real photos and real weights, where `../shared` lies beside the project; collected only there, never skipped."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from benchmarks.arrange import tile, tile_good_only
from ensemble.datasets.splits import USUAL_SHARES, assign, crossing
from ensemble.datasets.workbench import opened
from ensemble.features.preprocessing import BUNDLED
from ensemble.importers.values import frame_number
from ensemble.training import train
from ensemble.values.samples import Sample

SHARED = Path(__file__).resolve().parents[3] / "shared"
pytestmark = [pytest.mark.slow(130), pytest.mark.real_photos]


def trained(data: Path, models: Path) -> dict[str, Any]:
    """What a training on a set measures of an SVM on the bundled backbone, on the whole test part."""
    return dict(train(data, models, kinds=("svm",), backbones=(BUNDLED,)).quality)


def thinned(source: Path, destination: Path, is_left_out: Callable[[int], bool]) -> Path:
    """A copy of a set without some photos to learn from, for speed: those of which a number from their name says so.

    The same photo is left out of every set that it would be learnt from in, so that its features are not computed.
    """

    def leave_out(_folder: str, names: list[str]) -> list[str]:
        return [name for name in names if "." in name and is_left_out(crc32(name.encode()))]

    shutil.copytree(source / "train", destination / "train", ignore=leave_out)
    shutil.copytree(source / "test", destination / "test")
    return destination


def test_the_bundled_backbone_on_casting(tmp_path: Path) -> None:
    """Half of the photos to learn from are enough: one part of 300 is mistaken; a quarter of them mistakes seven."""
    data = thinned(SHARED / "data" / "casting", tmp_path / "casting", lambda number: number % 2 == 0)
    quality = trained(data, tmp_path / "models")
    assert quality["photos"] == 300
    assert quality["members"][f"svm_{BUNDLED}"]["accuracy"] >= 0.985


@pytest.mark.parametrize(("by_photo", "mark"), [(True, 0.98), (False, 0.80)], ids=["split by photo", "split by part"])
def test_the_bundled_backbone_on_magnetic_tile(tmp_path: Path, by_photo: bool, mark: float) -> None:
    """Photo by photo, captures of one part lie on both sides and flatter; part by part is what a new part would get.

    The aim of 0.98 was set for the split by part and is missed there; 0.80 only guards against getting worse. Half of
    the photos to learn from give 0.992 and 0.827, all of them 0.999 and 0.834.
    """
    tile(SHARED / "data" / "magnetic_tile", tmp_path / "tile", seed=0, by_photo=by_photo)
    data = thinned(tmp_path / "tile", tmp_path / "half", lambda number: number % 2 == 1)
    quality = trained(data, tmp_path / "models")
    assert quality["photos"] > 400
    assert quality["members"][f"svm_{BUNDLED}"]["auroc"] >= mark


def test_captures_of_one_magnetic_tile_never_cross_a_split() -> None:
    """By the photos' own names: captures of one part are neighbours in frame number, whatever their experiment."""
    with opened(SHARED / "data" / "magnetic_tile", SHARED) as understood:
        entries = understood.entries
    assert len(entries) == 1344
    items = [
        Sample(entry.path, str(understood.meaning[entry.kind]), defect=entry.defect, part=entry.part, sha256=entry.name)
        for entry in entries
    ]
    for seed in range(3):
        split_of = assign(items, USUAL_SHARES, seed)
        assert crossing(items, split_of) == []
        frames = sorted((frame, item.sha256) for item in items if (frame := frame_number(item.path)) is not None)
        assert len(frames) > 1000
        for (one, first), (other, second) in itertools.pairwise(frames):
            assert other - one > 90 or split_of[first] == split_of[second]
        counts = Counter((item.label, split_of[item.sha256]) for item in items)
        for label, total in Counter(item.label for item in items).items():
            assert abs(counts[label, "train"] / total - 0.6) < 0.06


def test_good_parts_alone_on_leather(tmp_path: Path) -> None:
    """Four good photos are few: this shows that an MVTec AD category is taken as it is, and guards the patch memory."""
    leather = SHARED / "data" / "mvtec_sample" / "leather"
    settings = {"backbones": ("resnet18",), "weights": SHARED / "weights", "kinds": ("patch_memory",)}
    quality = train(leather, tmp_path, **settings).quality["members"]["patch_memory_resnet18"]  # type: ignore[arg-type]
    assert quality["image_auroc"] >= 0.97 and quality["aupro"] >= 0.95


def test_good_parts_alone_on_magnetic_tile(tmp_path: Path) -> None:
    """Photo by photo, as published figures do; every fourth test photo and 160 pixels a side, for speed.

    These give 0.984 and 0.901, the usual 320 pixels a side 0.980 and 0.908. By part it is near 0.84.
    """
    tile_good_only(SHARED / "data" / "magnetic_tile", tmp_path / "tile", by_photo=True)
    for number, path in enumerate(sorted((tmp_path / "tile" / "test").rglob("*.jpg"))):
        if number % 4:
            path.unlink()
    settings = {"backbones": ("resnet18",), "weights": SHARED / "weights", "kinds": ("feature_reconstruction",)}
    outcome = train(tmp_path / "tile", tmp_path / "models", side=160, **settings)  # type: ignore[arg-type]
    quality = outcome.quality["members"]["feature_reconstruction_resnet18"]
    assert quality["image_auroc"] >= 0.96 and quality["pixel_auroc"] >= 0.88
