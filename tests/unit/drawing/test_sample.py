"""The sample product: same seed, same bytes; balanced parts; masks that hold the damage and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation

from ensemble.drawing import sample
from ensemble.drawing.defects import AFTER_DRILLING, BEFORE_DRILLING
from ensemble.drawing.part import draw_part
from ensemble.drawing.sample import write_sample
from ensemble.values.errors import DataError
from ensemble.values.samples import DEFECTS, plan_sample

KINDS = ("scratch", "dent", "crack", "stain", "burr", "missing_hole")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "product"
    write_sample(folder, photos=12, seed=3)
    return folder


@dataclass(frozen=True)
class Filled:
    folder: Path
    counts: dict[str, int]
    steps: list[tuple[int, int]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A folder that was there before, with notes and an empty class folder, filled with another seed."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "README.md").write_text("notes")
    (folder / "train" / "defective").mkdir(parents=True)
    steps: list[tuple[int, int]] = []
    counts = write_sample(folder, photos=8, seed=4, progress=lambda done, all_: steps.append((done, all_)))
    return Filled(folder, counts, steps)


@pytest.fixture(scope="module")
def good() -> tuple[Image.Image, Image.Image]:
    return draw_part(np.random.default_rng(2))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float64)


def test_the_defects_have_their_names() -> None:
    assert DEFECTS == KINDS == (*AFTER_DRILLING, *BEFORE_DRILLING)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("defect", KINDS)
def test_damage_lies_in_its_mask_and_nowhere_else(
    good: tuple[Image.Image, Image.Image], defect: str, hard: bool
) -> None:
    photo, empty = good
    bad, mask = draw_part(np.random.default_rng(2), defect, hard)
    damaged = np.asarray(mask) > 0
    change = np.abs(pixels(bad) - pixels(photo)).mean(axis=2)

    assert not np.asarray(empty).any()
    assert (bad.mode, bad.size, mask.mode, mask.size) == ("RGB", (256, 256), "L", (256, 256))
    assert set(np.unique(np.asarray(mask))) == {0, 255}
    assert 15 <= damaged.sum() <= 6000
    assert change[damaged].mean() > 3  # a careful eye can see it
    assert change[~binary_dilation(damaged, iterations=4)].max() <= 12
    assert change[~binary_dilation(damaged, iterations=4)].mean() < 0.02


def test_good_parts_differ_from_each_other(good: tuple[Image.Image, Image.Image]) -> None:
    other, _ = draw_part(np.random.default_rng(1))
    assert np.abs(pixels(good[0]) - pixels(other)).mean() > 4


@pytest.mark.parametrize("side", [64, 130])
def test_other_sides_are_drawn_too(side: int) -> None:
    photo, mask = draw_part(np.random.default_rng(0), "crack", side=side)
    assert photo.size == mask.size == (side, side)


def test_an_unknown_defect_is_named() -> None:
    with pytest.raises(ValueError, match=r"one of scratch, dent, .*Got 'rust'"):
        draw_part(np.random.default_rng(0), "rust")


@pytest.mark.parametrize(
    ("photos", "counts"),
    [
        (8, (3, 3, 1, 1)),
        (9, (4, 3, 1, 1)),
        (24, (9, 9, 3, 3)),
        (100, (35, 34, 15, 16)),
        (240, (84, 84, 36, 36)),
        (1000, (350, 350, 150, 150)),
    ],
)
def test_counts(photos: int, counts: tuple[int, int, int, int]) -> None:
    found = Counter((plan_sample(k).part, plan_sample(k).label) for k in range(photos))
    order = [(part, label) for part in ("train", "test") for label in ("non_defective", "defective")]
    assert tuple(found[place] for place in order) == counts


def test_every_defect_easy_and_hard_is_seven_to_three_in_the_shipped_size() -> None:
    plans = [plan_sample(k) for k in range(240)]
    found = Counter((p.defect, p.hard, p.part) for p in plans if p.defect)
    expected = {(kind, hard): (7, 3) for kind in KINDS for hard in (False, True)}
    assert {key: (found[*key, "train"], found[*key, "test"]) for key in expected} == expected


@given(st.integers(8, 3000))
def test_every_part_has_both_classes_and_about_seven_tenths_train(photos: int) -> None:
    found = Counter((plan_sample(k).part, plan_sample(k).label) for k in range(photos))
    assert len(found) == 4
    for label in ("non_defective", "defective"):
        train, test = found["train", label], found["test", label]
        assert abs(test - 0.3 * (train + test)) <= 3
    assert 0 <= photos - 2 * sum(found[part, "defective"] for part in ("train", "test")) <= 1


def test_layout_sizes_and_masks(written: Path) -> None:
    photos = sorted(path.relative_to(written).as_posix() for path in written.glob("t*/*/*.jpg"))
    assert photos == [
        "test/defective/stain_007.jpg",
        "test/non_defective/good_006.jpg",
        "train/defective/burr_009.jpg",
        "train/defective/crack_005.jpg",
        "train/defective/dent_003.jpg",
        "train/defective/missing_hole_011.jpg",
        "train/defective/scratch_001.jpg",
        "train/non_defective/good_000.jpg",
        "train/non_defective/good_002.jpg",
        "train/non_defective/good_004.jpg",
        "train/non_defective/good_008.jpg",
        "train/non_defective/good_010.jpg",
    ]
    masks = sorted(path.relative_to(written / "ground_truth").as_posix() for path in written.rglob("*.png"))
    assert masks == [photo.replace(".jpg", ".png") for photo in photos if "/defective/" in photo]
    for photo in written.rglob("*.jpg"):
        assert 8_000 < photo.stat().st_size < 20_000
        assert Image.open(photo).size == (256, 256)
    for mask in written.rglob("*.png"):
        assert Image.open(mask).mode == "1"
        assert np.asarray(Image.open(mask)).any()


def test_same_seed_same_bytes_and_a_longer_sample_begins_the_same(written: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "longer", photos=14, seed=3)
    longer, shorter = files(tmp_path / "longer"), files(written)
    assert {name: longer[name] for name in shorter} == shorter
    assert len(longer) == len(shorter) + 3  # two photos and a mask


def test_another_seed_draws_other_photos(written: Path, filled: Filled) -> None:
    assert not set(files(filled.folder).values()) & set(files(written).values())


def test_progress_and_counts_are_reported(filled: Filled) -> None:
    assert filled.steps == [(k, 8) for k in range(1, 9)]
    assert filled.counts == {
        "test/defective": 1,
        "test/non_defective": 1,
        "train/defective": 3,
        "train/non_defective": 3,
    }


@pytest.mark.parametrize(
    ("photos", "seed", "sentence"),
    [
        (7, 0, "at least 8 photos.*Got 7"),
        (-1, 0, "at least 8 photos.*Got -1"),
        (8, -1, "seed must be 0 or more. Got -1"),
    ],
)
def test_numbers_that_make_no_sample_are_refused(tmp_path: Path, photos: int, seed: int, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        write_sample(tmp_path / "new", photos=photos, seed=seed)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["mine.JPG", "ok/part.png", "train/notes.txt", "ground_truth/a/b.png"])
def test_a_folder_that_holds_photos_is_refused_and_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(DataError, match="folder without photos"):
        write_sample(tmp_path, photos=8)
    assert files(tmp_path) == {name: b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("notes")
    with pytest.raises(DataError, match="is a file"):
        write_sample(tmp_path / "data", photos=8)


def test_a_folder_without_photos_is_filled_and_its_notes_stay(filled: Filled) -> None:
    assert (filled.folder / "README.md").read_text() == "notes"
    assert len(list(filled.folder.rglob("*.jpg"))) == 8


def test_nothing_is_left_when_the_drawing_is_stopped(tmp_path: Path) -> None:
    def stop(done: int, photos: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "new", photos=8, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_move_takes_the_others_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def full_disk(self: Path, target: Path) -> Path:
        if self.name == "ground_truth":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    photo = Image.new("RGB", (8, 8)), Image.new("L", (8, 8))
    monkeypatch.setattr(sample, "draw_part", lambda *_: photo)
    monkeypatch.setattr(sample.Path, "rename", full_disk)
    with pytest.raises(DataError, match=r"could not be written to .*No space left on device"):
        write_sample(tmp_path / "new", photos=8)
    assert files(tmp_path) == {}


def test_the_shipped_data_is_what_the_command_draws() -> None:
    data = Path(__file__).resolve().parents[3] / "data"
    names = {f"{p.part}/{p.label}/{p.stem}" for p in map(plan_sample, range(240))}
    assert {path.relative_to(data).with_suffix("").as_posix() for path in data.rglob("*.jpg")} == names
    assert {path.relative_to(data / "ground_truth").with_suffix("").as_posix() for path in data.rglob("*.png")} == {
        name for name in names if "/defective/" in name
    }
    planned = plan_sample(239)
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(239,)))
    photo, _ = draw_part(rng, planned.defect, planned.hard)
    shipped = Image.open(data / planned.part / planned.label / f"{planned.stem}.jpg")
    assert np.abs(pixels(photo) - pixels(shipped)).mean() < 3  # what the JPEG costs
