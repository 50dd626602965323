"""The view of a product on the command line: shown, tried on a photo and set; one sentence where it is none."""

from pathlib import Path

import pytest
from PIL import Image

from ensemble.datasets.white_level import WhiteLevel
from ensemble.store.seeing import read_view
from ensemble.values.view import Alignment, Tiles, rectangle
from tests.conftest import Run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A plate of 64 pixels with a hole."""
    picture = Image.new("RGB", (64, 64), (40, 40, 40))
    picture.paste((170, 165, 160), (14, 18, 48, 46))
    picture.paste((60, 60, 60), (18, 22, 26, 28))
    picture.save(tmp_path / "good.png")
    return tmp_path / "good.png"


def test_a_view_is_tried_and_set_and_removed(photo: Path, tmp_path: Path, run: Run) -> None:
    product, out = tmp_path / "m", tmp_path / "out"
    assert run("view", product)[0] == 0
    drawn = ("--reference", photo, "--region", "0.125,0.125,0.75,0.75", "--ignore", "0.5,0.5 0.7,0.5 0.6,0.7")
    code, said, error = run("view", product, *drawn, "--align", "--turn", "20", "--try", photo, "--out", out)
    assert code == 0 and not (product / "next_view.json").exists()
    assert "turned by -0.0°" in said + error or "turned by 0.0°" in said + error
    assert Image.open(out / "before.png").size == (64, 64) and Image.open(out / "after.png").size == (48, 48)
    assert run("view", product, *drawn, "--align", "--turn", "20", "--scale", "0.02", "--keep")[0] == 0
    view = read_view(product / "next_view.json")
    assert view.region == rectangle(0.125, 0.125, 0.75, 0.75) and view.ignore == (((0.5, 0.5), (0.7, 0.5), (0.6, 0.7)),)
    assert (view.alignment, view.mm_per_pixel) == (Alignment(0.2, 20.0, 1.0), 0.02)
    assert run("view", product, "--no-align", "--keep")[0] == 0
    assert read_view(product / "next_view.json").alignment is None
    assert run("view", product, "--tiles", "64", "--keep")[0] == 0
    code, said, error = run("view", product, "--overlap", "0.25", "--keep", "--try", photo)
    assert code == 0 and "Tiles of 64 × 64" in said + error and "Tiles: 1." in said + error
    assert read_view(product / "next_view.json").tiles == Tiles(64, 0.25)
    assert run("view", product, "--tiles", "0", "--keep")[0] == 0
    assert read_view(product / "next_view.json").tiles is None
    assert run("view", product, "--remove")[0] == 0
    assert read_view(product / "next_view.json").reference == ""


@pytest.mark.parametrize(("said", "bits"), [("12", 12), ("4095", 12), ("65535", 16), ("8", 8)])
def test_white_is_set_by_its_bits_or_its_value_and_left_to_training_again(
    said: str, bits: int, tmp_path: Path, run: Run
) -> None:
    product = tmp_path / "m"
    _, told, error = run("view", product, "--white", said, "--keep")
    view = read_view(product / "next_view.json")
    assert (view.white_level, view.white_by_hand) == (bits, True) and "set by hand" in told + error
    assert WhiteLevel(3, 1000).beside(view)[0] == bits
    assert run("view", product, "--white", "found", "--keep")[0] == 0
    view = read_view(product / "next_view.json")
    assert not view.white_by_hand and WhiteLevel(3, 1000).beside(view)[0] == 10


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--white", "4096"), "White is one of these bits or values: 8 (255), 10 (1023), 12 (4095)"),
        (("--region", "0.1,0.1,0.5,0.5"), "need a reference photo"),
        (("--reference", "PHOTO", "--region", "left,top"), "written as numbers"),
        (("--reference", "PHOTO", "--region", "0.1,0.2,0.3"), "two numbers a corner"),
        (("--reference", "PHOTO", "--region", "0,0,0.1,0.1"), "at least 32 pixels a side"),
        (("--reference", "PHOTO", "--align", "--turn", "200"), "The most turn"),
        (("--tiles", "20"), "from 64 to 1024 pixels"),
        (("--reference", "PHOTO", "--region", "0.75,0,0.25,1", "--ignore", "0.7,0,0.3,1"), "at least 32 pixels"),
    ],
)
def test_what_is_no_view_is_one_sentence(
    options: tuple[str, ...], sentence: str, photo: Path, tmp_path: Path, run: Run
) -> None:
    code, said, error = run("view", tmp_path / "m", *(photo if each == "PHOTO" else each for each in options), "--keep")
    assert code == 2 and sentence in (said + error).replace("\n", " ")
    assert not (tmp_path / "m").exists()
