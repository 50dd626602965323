"""Attribution: what a member looked at, by taking one place after the other away."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.inspection.attribution import attribute
from ensemble.members import Prediction
from ensemble.values.results import OK_NOK, Classes


class LooksForWhite:
    """Takes white specks in one quarter of the photo for a defect and never looks elsewhere."""

    def __init__(self, *, pad: bool = False, aspect: float = 1.0, classes: Classes = OK_NOK) -> None:
        self.input, self.classes = Preprocessing(64, pad=pad, aspect=aspect), classes

    def score(self, rows: np.ndarray) -> Prediction:
        specks = (rows[:, 0, :32, 32:] > 200).sum(axis=(1, 2))
        defective = specks / (specks + 4)
        return Prediction(np.stack([1 - defective, defective], axis=1))


def specks(size: tuple[int, int] = (128, 128)) -> Image.Image:
    pixels = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    for x, y in ((0.75, 0.25), (0.25, 0.75)):  # top right, where the member looks, and bottom left
        row, column = int(y * size[1]), int(x * size[0])
        pixels[row - 4 : row + 4, column - 4 : column + 4] = 255
    return Image.fromarray(pixels)


def look(picture: Image.Image, label: str = "defective", **options: Any) -> np.ndarray:
    found = attribute(LooksForWhite(**options), "looks", picture, label)  # type: ignore[arg-type]
    assert (found.member, found.label) == ("looks", label)
    assert found.values.dtype == np.float32 and found.values.ndim == 2
    assert found.values.min() >= 0 and found.values.max() <= 1
    return found.values


def test_it_points_where_the_member_looks() -> None:
    values = look(specks())
    rows, columns = np.unravel_index(values.argmax(), values.shape)
    assert rows < values.shape[0] / 2 <= columns and values.max() == 1
    assert values[values.shape[0] // 2 + 2 :, : values.shape[1] // 2 - 2].max() == 0  # the other speck is none of its


def test_it_does_so_on_a_photo_with_bars_around_it() -> None:
    class LooksAnywhere(LooksForWhite):
        def score(self, rows: np.ndarray) -> Prediction:
            seen = (rows[:, 0] > 200).sum(axis=(1, 2))
            return Prediction(np.stack([4 / (seen + 4), seen / (seen + 4)], axis=1))

    picture = specks((256, 128))
    values = attribute(LooksAnywhere(pad=True), "looks", picture, "defective").values  # type: ignore[arg-type]
    height, width = values.shape
    assert values[: height // 2, width // 2 :].max() > 0.5 and values[height // 2 :, : width // 2].max() > 0.5
    assert values[: height // 4, : width // 4].max() == 0


def test_it_does_so_on_a_photo_that_keeps_its_shape() -> None:
    class LooksRight(LooksForWhite):
        def score(self, rows: np.ndarray) -> Prediction:
            return super().score(rows[..., 64:])

    values = attribute(LooksRight(aspect=2.5), "looks", specks((320, 128)), "defective").values  # type: ignore[arg-type]
    rows, columns = np.unravel_index(values.argmax(), values.shape)
    assert values.shape == (16, 40) and rows < 8 and 25 <= columns < 35  # the speck at three quarters of the width
    assert values[10:, :15].max() == 0


def test_a_photo_without_anything_to_see_has_no_strongest_place() -> None:
    assert not look(Image.new("RGB", (100, 80), (90, 90, 90))).any()
    assert not look(specks(), "non_defective").any()  # without the specks it would be even surer


def test_an_unknown_label_is_an_error() -> None:
    with pytest.raises(ValueError):
        look(specks(), "scratched")
