"""Masks as they come: any depth, soft edges, thin scratches."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.errors import DataError
from ensemble.masks import boxes, damaged_pixels, read_mask
from ensemble.preprocessing import Preprocessing


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 127, 128, 255]], dtype=np.uint8), [False, False, True, True]),
        (np.array([[0, 300, 32767, 65535]], dtype=np.uint16), [False, False, False, True]),
        (np.array([[False, True, True, False]]), [False, True, True, False]),
    ],
    ids=["8 bits", "16 bits", "1 bit"],
)
def test_half_and_above_is_damage_at_every_depth(values: np.ndarray, expected: list[bool], tmp_path: Path) -> None:
    Image.fromarray(values).save(tmp_path / "mask.png")
    assert damaged_pixels(read_mask(tmp_path / "mask.png")).tolist() == [expected]


def test_a_scratch_of_one_pixel_survives_a_small_square() -> None:
    mask = np.zeros((1024, 1024), dtype=np.uint8)
    mask[100, 50:900] = 255
    small = Preprocessing(side=320).resize_mask(Image.fromarray(mask))
    assert boxes(small) == [(15, 31, 282, 32)]
    assert not Preprocessing(side=320).resize_mask(Image.fromarray(mask // 2)).any()  # soft, below half


def test_padding_is_no_damage() -> None:
    mask = Image.fromarray(np.full((50, 100), 255, dtype=np.uint8))
    assert boxes(Preprocessing(side=40, pad=True).resize_mask(mask)) == [(0, 10, 40, 30)]


def test_a_mask_of_another_size_or_none_at_all_is_one_sentence(tmp_path: Path) -> None:
    Image.new("L", (10, 20)).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match="has 10 × 20 pixels and its photo 20 × 20"):
        read_mask(tmp_path / "mask.png", (20, 20))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match="cannot be read"):
        read_mask(tmp_path / "text.png")
