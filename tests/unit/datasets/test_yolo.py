"""Masks become text labels: every damaged region in a box, boxes tight to a pixel, all files or none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage

from ensemble.datasets.yolo_labels import hold_out, write_labels
from ensemble.members.detector_training import label_text
from ensemble.values.errors import DataError, PhotoError
from ensemble.values.samples import Sample

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def boxes_in(text: str, width: int, height: int) -> list[tuple[int, ...]]:
    """Back from a label's lines to class, left, top, right, bottom in pixels."""
    found = []
    for line in text.splitlines():
        number, x, y, w, h = map(float, line.split())
        edges = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        assert all(abs(edge - round(edge)) < 1e-3 for edge in edges)
        found.append((int(number), *map(round, edges)))
    return found


@given(MASKS)
def test_every_damaged_region_lies_in_a_box_that_is_tight(damage: np.ndarray) -> None:
    found = boxes_in(label_text(damage, 3), damage.shape[1], damage.shape[0])
    regions, count = ndimage.label(damage, structure=np.ones((3, 3)))
    assert len(found) == count
    for region in range(1, count + 1):
        rows, columns = np.nonzero(regions == region)
        assert (3, columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) in found


@pytest.mark.parametrize("size", [(4001, 2999), (7, 12000)])
def test_a_single_pixel_of_a_large_photo_keeps_its_place(size: tuple[int, int]) -> None:
    width, height = size
    damage = np.zeros((height, width), dtype=bool)
    damage[height - 2, width - 3] = True
    assert boxes_in(label_text(damage), width, height) == [(0, width - 3, height - 2, width - 2, height - 1)]


def photo(folder: Path, name: str, kind: str = "", box: tuple[int, int, int, int] | None = None) -> Sample:
    """A photo of 40 × 32 pixels, defective where it is of a kind, with a mask where it has a box."""
    path, mask = folder / "photos" / kind / f"{name}.png", folder / "masks" / kind / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 32), (90, 90, len(name))).save(path)
    if box is None:
        return Sample(path, "defective" if kind else "non_defective", kind)
    mask.parent.mkdir(parents=True, exist_ok=True)
    damage = Image.new("L", (40, 32))
    if box[2] > box[0]:
        damage.paste(255, box)
    damage.save(mask)
    return Sample(path, "defective", kind, mask)


def test_photos_labels_and_data_stand_side_by_side(tmp_path: Path) -> None:
    learn = [
        photo(tmp_path, "000"),
        photo(tmp_path, "000", "crack", (3, 5, 9, 6)),
        photo(tmp_path, "000", "hole", (0, 0, 40, 32)),
        photo(tmp_path, "001", "hole", (0, 0, 0, 0)),  # an empty mask: the same
        photo(tmp_path, "002", "hole"),  # no mask: its damage would pass for background
    ]
    held_out = [photo(tmp_path, "003", "crack", (1, 1, 2, 2))]
    labels = write_labels(learn, tmp_path / "out" / "set", held_out=held_out)
    assert labels.photos == {"train": 3, "val": 1} and labels.boxes == {"crack": 2, "hole": 1}
    assert labels.left_out == (tmp_path / "photos/hole/002.png",)
    assert labels.unmarked == (tmp_path / "photos/hole/001.png",)
    assert labels.data.read_text() == ('train: images/train\nval: images/val\nnames:\n  0: "crack"\n  1: "hole"\n')
    texts = {path.stem: path.read_text() for path in labels.data.parent.glob("labels/train/*.txt")}
    assert {name: boxes_in(text, 40, 32) for name, text in texts.items()} == {
        "000": [],
        "crack__000": [(0, 3, 5, 9, 6)],
        "hole__000": [(1, 0, 0, 40, 32)],
    }
    pictures = {path.stem for path in labels.data.parent.glob("images/train/*.png")}
    assert pictures == set(texts)
    assert (labels.data.parent / "images/val/crack__003.png").read_bytes() == held_out[0].path.read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set"]


def test_all_damage_can_be_one_class_and_names_never_clash(tmp_path: Path) -> None:
    samples = [photo(tmp_path, name, kind, (1, 1, 4, 4)) for name in ("a", "b") for kind in ("crack", "hole", "x__y")]
    twin = photo(tmp_path, "y__a", "x", (1, 1, 4, 4))  # joined, its name is that of x__y/a
    jpeg = Sample(twin.path.with_suffix(".jpg"), "defective", "x", twin.mask)
    Image.new("RGB", (40, 32)).save(jpeg.path)
    labels = write_labels([*samples, twin, jpeg], tmp_path / "set", held_out=(), one_class=True)
    assert labels.boxes == {"defect": 8}
    assert labels.data.read_text().endswith('names:\n  0: "defect"\n')
    assert len(list(labels.data.parent.glob("labels/train/*.txt"))) == 8


def test_a_fifth_of_each_kind_is_held_out_by_the_seed() -> None:
    samples = [Sample(Path(kind) / str(number), "defective", kind) for kind in "abc" for number in range(10)]
    samples.append(Sample(Path("lone/0"), "defective", "lone"))
    learn, hold = hold_out(samples, seed=0)
    assert sorted(sample.defect for sample in hold) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(learn + hold, key=samples.index) == samples
    assert (learn, hold) == hold_out(samples, seed=0) != hold_out(samples, seed=1)


def test_nothing_is_left_behind_where_a_mask_does_not_fit(tmp_path: Path) -> None:
    good = photo(tmp_path, "0", "crack", (1, 1, 4, 4))
    wrong = photo(tmp_path, "1", "crack", (1, 1, 4, 4))
    assert wrong.mask is not None
    Image.new("L", (41, 32)).save(wrong.mask)
    broken = photo(tmp_path, "2", "crack", (1, 1, 4, 4))
    broken.path.write_bytes(b"no photo")
    (tmp_path / "out").mkdir()
    for samples, error, sentence in (
        ([good, wrong], DataError, r"1\.png has 41 × 32 pixels and its photo 40 × 32"),
        ([good, broken], PhotoError, r"2\.png"),
        ([photo(tmp_path, "3")], DataError, "None of these photos has a mask"),
    ):
        with pytest.raises(error, match=sentence):
            write_labels(samples, tmp_path / "out" / "set", held_out=())
        assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_in_use_is_not_touched(tmp_path: Path) -> None:
    sample = photo(tmp_path, "0", "crack", (1, 1, 4, 4))
    with pytest.raises(DataError, match="is in use"):
        write_labels([sample], tmp_path / "photos", held_out=())
    (tmp_path / "empty").mkdir()
    assert write_labels([sample], tmp_path / "empty", held_out=()).photos == {"train": 1}
