"""Drawn clothes: counts, the same bytes for a seed, classes that differ, and nothing half-written."""

from pathlib import Path

import pytest
from PIL import Image

from ensemble.datasets.loading import find_dataset
from ensemble.drawing import part
from ensemble.drawing.part import CLOTHES_SIDE, write_clothing
from ensemble.values.errors import DataError


def test_counts_layout_and_seed(tmp_path: Path) -> None:
    counts = write_clothing(tmp_path / "one", photos=8, seed=3)
    expected = {f"test/{name}": 2 for name in ("bottomwear", "shoes", "topwear")}
    assert counts == expected | {place.replace("test", "train"): 6 for place in expected}
    dataset = find_dataset(tmp_path / "one")
    assert (dataset.classes.names, dataset.classes.defect) == (("bottomwear", "shoes", "topwear"), None)
    assert (len(dataset.train), len(dataset.test), dataset.notes) == (18, 6, ())
    write_clothing(tmp_path / "again", photos=8, seed=3)
    write_clothing(tmp_path / "other", photos=8, seed=4)
    files = {
        name: [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jpg"))] for name in ("one", "again")
    }
    assert files["one"] == files["again"]
    assert len({path.read_bytes() for path in tmp_path.rglob("*.jpg")}) == 48  # no two photos are one
    with Image.open(tmp_path / "one" / "train" / "shoes" / "shoes_000.jpg") as photo:
        assert (photo.size, photo.mode) == ((CLOTHES_SIDE, CLOTHES_SIDE), "RGB")


@pytest.mark.parametrize(("photos", "seed"), [(3, 0), (8, -1)])
def test_too_few_photos_and_negative_seeds_are_refused(tmp_path: Path, photos: int, seed: int) -> None:
    with pytest.raises(DataError, match="at least 4 photos of a class and a seed from 0 up"):
        write_clothing(tmp_path / "new", photos=photos, seed=seed)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="is there already"):
        write_clothing(tmp_path / "mine")


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(part, "_draw_clothes", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_clothing(tmp_path / "new")
    assert not any(tmp_path.iterdir())
