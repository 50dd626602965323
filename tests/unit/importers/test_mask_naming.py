"""A mask that contradicts its photo is named wherever data come in, and teaches nothing as background."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ensemble.cli.main import commands
from ensemble.datasets.cleaning import find_issues
from ensemble.datasets.loading import check_training_data, evaluation_part, find_dataset
from ensemble.datasets.yolo_labels import write_labels
from ensemble.importers import understand
from ensemble.values.errors import DataError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample

SIDE = 64


def category(folder: Path, *, empty: int, marked_good: bool = False) -> Path:
    """An MVTec AD category with four defective test photos, of which so many have an empty mask."""
    random = np.random.default_rng(0)
    for place, count in (("train/good", 4), ("test/good", 2), ("test/cut", 4)):
        (folder / place).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(90, 140, (SIDE, SIDE, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / place / f"{number:03}.png")
    (folder / "ground_truth/cut").mkdir(parents=True)
    for number in range(4):
        write_mask(folder / f"ground_truth/cut/{number:03}_mask.png", marks=number >= empty)
    if marked_good:
        (folder / "ground_truth/good").mkdir()
        write_mask(folder / "ground_truth/good/000_mask.png")
    return folder


def write_mask(path: Path, *, marks: bool = True) -> Path:
    damage = np.zeros((SIDE, SIDE), np.uint8)
    damage[20:30, 20:30] = int(marks)
    Image.fromarray(damage).save(path)
    return path


def scene(*, shift: int = 0) -> np.ndarray:
    """A photo's colours, which run across and have noise."""
    down, across = np.mgrid[:SIDE, :SIDE] * 3
    colours = np.stack([down + shift, across, 255 - down], axis=-1)
    return (colours + np.random.default_rng(shift).integers(0, 40, colours.shape)).clip(0, 255).astype(np.uint8)


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    inside = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 31.0)) < 12.5
    return np.where(inside[..., None], colour, 0).astype(np.uint8)


NOISE = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
SOFT = np.linspace(0, 255, SIDE).astype(np.uint8)[None].repeat(SIDE, axis=0)


@pytest.mark.parametrize(
    ("pixels", "name", "photos"),
    [
        (NOISE, "0_label.jpg", 2),
        (scene(), "0_label.jpg", 2),
        (scene(), "0_seg.png", 2),
        (scene(shift=40), "0_mask.webp", 2),
        (disc((255, 0, 0)), "0_mask.png", 1),
        (disc((250, 50, 83)), "0_label.jpg", 1),
        (disc((255, 255, 255)), "0_GT.jpg", 1),
        (SOFT, "0_mask.png", 1),
        (SOFT[..., None].repeat(3, axis=2), "0_mask.jpg", 1),
    ],
    ids=["noise", "scene", "png", "webp", "red", "red jpeg", "white jpeg", "soft", "soft grey jpeg"],
)
def test_a_second_view_that_is_called_like_a_mask_is_a_photo(
    pixels: np.ndarray, name: str, photos: int, tmp_path: Path
) -> None:
    for place in ("ok/1.jpg", "nok/0.jpg"):
        (tmp_path / place).parent.mkdir()
        Image.fromarray(scene(shift=10)).save(tmp_path / place)
    Image.fromarray(pixels).save(tmp_path / "nok" / name, quality=75)
    found, said = understand(tmp_path), f"1 files are called like masks, such as nok/{name}, and show a scene in many"
    taken = [entry for entry in found.entries if entry.kind == "nok"]
    assert len(taken) == photos and any(entry.mask for entry in taken) == (photos == 1)
    assert any(note.startswith(said) for note in found.notes) == (photos == 2)


EMPTY, MARKED = "marks nothing, and its photo is of a defect", "marks damage on a photo of a good part"


def test_masks_without_contradiction_are_not_named(tmp_path: Path) -> None:
    folder = category(tmp_path / "nut", empty=0)
    dataset = find_dataset(folder)
    _, notes = evaluation_part(folder, dataset.folders, OK_NOK)
    said = " ".join((*dataset.notes, *check_training_data(dataset, folder), *notes, *understand(folder).notes))
    assert "mask" not in said.lower() and not understand(folder).problems


def test_training_and_measuring_name_them(tmp_path: Path) -> None:
    folder = category(tmp_path / "nut", empty=3, marked_good=True)
    dataset = find_dataset(folder)
    _, notes = evaluation_part(folder, dataset.folders, OK_NOK)
    for said in ((*dataset.notes, *check_training_data(dataset, folder)), notes):
        text = " ".join(said)
        assert f"The mask cut/000_mask.png {EMPTY} (3 masks in all do so)" in text
        assert f"The mask good/000_mask.png {MARKED}" in text


def test_importing_names_them_and_takes_the_photos_without_them(tmp_path: Path) -> None:
    found = understand(category(tmp_path / "nut", empty=1, marked_good=True))
    reasons = sorted(problem.reason for problem in found.problems)
    assert reasons == [
        f"The mask ground_truth/cut/000_mask.png {EMPTY}. Its photo comes in without it.",
        f"The mask ground_truth/good/000_mask.png {MARKED}. Its photo comes in without it.",
    ]
    assert len(found.entries) == 10 and sum(entry.mask is not None for entry in found.entries) == 3


def test_labels_leave_a_photo_out_whose_mask_marks_nothing(tmp_path: Path) -> None:
    folder = category(tmp_path / "nut", empty=2)
    done = CliRunner().invoke(commands, ["labels", str(folder), str(tmp_path / "labels")])
    assert done.exit_code == 0
    assert "2 photos have a mask that marks nothing and are left out" in " ".join(done.output.split())
    texts = [path.read_text() for path in (tmp_path / "labels").rglob("*cut*.txt")]
    assert len(texts) == 2 and all(texts)


def test_labels_of_empty_masks_alone_are_not_written(tmp_path: Path) -> None:
    folder = category(tmp_path / "nut", empty=4)
    samples = [
        Sample(path, "defective", "cut", folder / f"ground_truth/cut/{path.stem}_mask.png")
        for path in sorted((folder / "test/cut").iterdir())
    ]
    with pytest.raises(DataError, match=r"has a mask that marks anything \(4 mark nothing\)"):
        write_labels(samples, tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


def test_cleaning_names_them(tmp_path: Path) -> None:
    folder = category(tmp_path / "nut", empty=1)
    bad, good = sorted((folder / "test/cut").iterdir()), sorted((folder / "test/good").iterdir())
    marked = write_mask(tmp_path / "marked.png")
    photos = [
        Sample(bad[0], "defective", mask=folder / "ground_truth/cut/000_mask.png", sha256="0"),
        Sample(bad[1], "defective", mask=folder / "ground_truth/cut/001_mask.png", sha256="1"),
        Sample(good[0], "non_defective", mask=marked, sha256="2"),
        Sample(good[1], "non_defective", sha256="3"),
    ]
    found = find_issues(photos, classes=OK_NOK, label_errors=False)
    assert [(each.kind, each.sha256) for each in found] == [("mask", "0"), ("mask", "2")]
    assert EMPTY in found[0].sentence and MARKED in found[1].sentence


def blank(path: Path, shade: int, noise: int = 0) -> Path:
    random = np.random.default_rng(shade)
    pixels = np.full((96, 96, 1), shade, int) + random.integers(-noise, noise + 1, (96, 96, 1))
    Image.fromarray(pixels.repeat(3, axis=2).clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("noise", [0, 1, 3])
def test_empty_photos_are_named_even_where_all_are_empty(noise: int, tmp_path: Path) -> None:
    shades = [0, 17, 90, 140, 201, 255]
    photos = [
        Sample(blank(tmp_path / f"{shade}.png", shade, noise), OK_NOK.names[place % 2], sha256=str(shade))
        for place, shade in enumerate(shades)
    ]
    found = find_issues(photos, classes=OK_NOK, label_errors=False)
    empty = {each.sha256 for each in found if each.kind == "low_information"}
    assert empty == set(map(str, shades))
    sentences = [each.sentence for each in found if each.kind == "low_information"]
    assert all("Empty (grey range" in sentence for sentence in sentences)


def test_twelve_bits_in_sixteen_are_named_beside_sixteen_alone(tmp_path: Path) -> None:
    photos = []
    for number in range(7):
        white = 4096 if number < 6 else 65536
        values = np.random.default_rng(number).integers(200, white, (96, 96)).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
        photos.append(Sample(tmp_path / f"{number}.png", OK_NOK.names[number % 2], sha256=str(number)))
    assert not [each for each in find_issues(photos[:6], classes=OK_NOK, label_errors=False) if each.kind == "dark"]
    found = find_issues(photos, classes=OK_NOK, label_errors=False)
    dark = [each for each in found if each.kind == "dark"]
    assert {each.sha256 for each in dark} == set("012345") and len(dark) == 6
    assert all("looks like 12 bits in a file of 16 and is taken 16 times too dark" in each.sentence for each in dark)
