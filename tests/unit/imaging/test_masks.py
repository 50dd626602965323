"""Masks as tools for labelling write them: what they mark, whatever their depth, colours and edges."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.imaging.masks import boxes, damaged_pixels, look_at, read_mask
from ensemble.importers.mask_files import misfit
from ensemble.values.errors import DataError

BLOT = np.zeros((48, 64), dtype=bool)
BLOT[10:22, 20:33] = True
OTHER = np.zeros_like(BLOT)
OTHER[30:40, 40:50] = True
BOTH = BLOT | OTHER


def palette(colours: list[tuple[int, int, int]], numbers: np.ndarray) -> Image.Image:
    picture = Image.fromarray(numbers.astype(np.uint8)).convert("P")
    picture.putpalette([part for colour in colours for part in colour])
    return picture


def numbered(*values: int, kind: type = np.uint8) -> np.ndarray:
    background, blot, other = values
    return np.select([BLOT, OTHER], [blot, other], background).astype(kind)


def coloured(blot: tuple[int, ...], other: tuple[int, ...], background: tuple[int, ...] = (0, 0, 0)) -> Image.Image:
    return Image.fromarray(np.where(BLOT[..., None], blot, np.where(OTHER[..., None], other, background)).astype("u1"))


MASKS: dict[str, Image.Image] = {
    "0 and 255": Image.fromarray(numbered(0, 255, 255)),
    "0 and 1": Image.fromarray(numbered(0, 1, 1)),
    "0, 1 and 2": Image.fromarray(numbered(0, 1, 2)),
    "0, 1 and 255 for what nobody knows": Image.fromarray(numbered(0, 1, 255)),
    "grey classes": Image.fromarray(numbered(0, 85, 170)),
    "1 bit": Image.fromarray(BOTH),
    "16 bits, 0 and 1": Image.fromarray(numbered(0, 1, 1, kind=np.uint16)),
    "16 bits, 0 and 65535": Image.fromarray(numbered(0, 65535, 65535, kind=np.uint16)),
    "palette, VOC": palette([(0, 0, 0), (128, 0, 0), (0, 128, 0)], numbered(0, 1, 2)),
    "palette, all black": palette([(0, 0, 0)] * 3, numbered(0, 1, 2)),
    "palette, no black": palette([(120, 120, 120), (180, 120, 120), (6, 230, 230)], numbered(0, 1, 2)),
    "palette, white first": palette([(255, 255, 255), (0, 0, 0)], numbered(1, 0, 0)),
    "palette, dark colours": palette([(0, 0, 0), (0, 0, 64), (64, 0, 0)], numbered(0, 1, 2)),
    "class colours": coloured((250, 50, 83), (51, 221, 255)),
    "dark class colours": coloured((0, 0, 128), (0, 64, 0)),
    "alpha carries it": coloured((0, 0, 0, 255), (0, 0, 0, 255), (0, 0, 0, 0)),
    "alpha over white": coloured((255, 255, 255, 255), (255, 0, 0, 255), (255, 255, 255, 0)),
    "alpha never set": coloured((255, 255, 255, 0), (255, 0, 0, 0), (0, 0, 0, 0)),
    "alpha everywhere": coloured((255, 255, 255, 255), (255, 0, 0, 255), (0, 0, 0, 255)),
}


@pytest.mark.parametrize("kind", list(MASKS))
def test_anything_but_the_background_is_damage(kind: str, tmp_path: Path) -> None:
    MASKS[kind].save(tmp_path / "mask.png")
    found = look_at(tmp_path / "mask.png", (64, 48))
    assert (found.damage == BOTH).all() and found.soft == 0
    assert (damaged_pixels(read_mask(tmp_path / "mask.png")) == BOTH).all()


@pytest.mark.parametrize(
    ("kind", "values", "marks_by"),
    [
        ("mask.tif", numbered(0, 1, 1, kind=np.float32), "white"),
        ("mask.tif", numbered(0, 1, 2, kind=np.float32), "numbers"),
        ("mask.pgm", numbered(0, 1, 1), "numbers"),
        ("mask.pgm", numbered(0, 255, 255), "white"),
        ("mask.png", numbered(0, 1, 255), "numbers"),
    ],
)
def test_by_what_a_mask_marks_is_told_by_looking(kind: str, values: np.ndarray, marks_by: str, tmp_path: Path) -> None:
    Image.fromarray(values).save(tmp_path / kind)
    found = look_at(tmp_path / kind)
    assert (found.damage == BOTH).all() and found.marks_by == marks_by


def test_a_mask_of_floats_has_soft_edges_and_no_holes_in_its_numbers(tmp_path: Path) -> None:
    edge = np.where(BLOT, 1.0, np.linspace(0, 0.4, 64)).astype(np.float32)
    Image.fromarray(edge).save(tmp_path / "mask.tif")
    found = look_at(tmp_path / "mask.tif")
    assert (found.damage == BLOT).all() and found.marks_by == "greys"
    Image.fromarray(np.where(BLOT, np.nan, edge).astype(np.float32)).save(tmp_path / "mask.tif")
    with pytest.raises(DataError, match=r"mask\.tif cannot be read\. It holds values that are no numbers"):
        look_at(tmp_path / "mask.tif")


def test_a_mask_may_number_many_places(tmp_path: Path) -> None:
    numbers = np.zeros((48, 64), dtype=np.uint8)
    numbers[4:44:2, 10] = np.arange(1, 21)
    Image.fromarray(numbers).save(tmp_path / "mask.png")
    assert (look_at(tmp_path / "mask.png").damage == (numbers > 0)).all()


@pytest.mark.parametrize("colours", ["L", "RGB"])
@pytest.mark.parametrize("quality", [10, 30, 60, 75, 90, 95, 100])
@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_noise_around_edges_is_no_damage(ending: str, quality: int, colours: str, tmp_path: Path) -> None:
    disc = np.hypot(*(np.mgrid[:96, :96] - 47.0)) < 17.3
    picture = Image.fromarray(disc.astype(np.uint8) * 255).convert(colours)
    picture.save(tmp_path / f"mask{ending}", quality=quality)
    Image.open(tmp_path / f"mask{ending}").save(tmp_path / "again.png")
    for name in (f"mask{ending}", "again.png"):
        wrong = (look_at(tmp_path / name).damage != disc).sum()
        assert wrong <= 0.08 * disc.sum(), name


def test_half_of_the_brightest_is_the_threshold_of_soft_edges(tmp_path: Path) -> None:
    soft = np.linspace(0, 255, 256).astype(np.uint8)[None].repeat(4, axis=0)
    Image.fromarray(soft).save(tmp_path / "soft.png")
    found = look_at(tmp_path / "soft.png")
    assert (found.damage == (soft > 127)).all() and found.soft == 4 * 254
    Image.fromarray(np.array([[0, 0, 127, 128, 255, 255]], dtype=np.uint8)).save(tmp_path / "few.png")
    assert look_at(tmp_path / "few.png").damage.tolist() == [[False, False, False, True, True, True]]
    deep = (soft.astype(np.uint16) << 8) + soft
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert (look_at(tmp_path / "deep.png").damage == (soft > 127)).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7, 64, 127, 128, 254, 255]), st.floats(0.0, 1.0))
def test_a_mask_of_two_values_marks_the_other_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int, value: int, share: float
) -> None:
    damage = np.random.default_rng(seed).random((33, 35)) < share
    path = tmp_path_factory.getbasetemp() / "two_values.png"
    Image.fromarray(damage.astype(np.uint8) * value).save(path)
    assert (look_at(path).damage == damage).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".tif", ".png"])
def test_a_mask_turns_as_its_photo_does(ending: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(BLOT.astype(np.uint8) * 255)
    for name in ("photo", "mask"):
        stored.save(tmp_path / (name + ending), exif=exif)
    photo, mask = tmp_path / f"photo{ending}", tmp_path / f"mask{ending}"
    assert misfit(mask, photo) is None
    damage = look_at(mask, (64, 48) if orientation < 5 else (48, 64)).damage
    turned = stored.transpose(TURNS[orientation]) if orientation > 1 else stored
    assert ((np.asarray(turned) > 127) == damage).mean() > 0.97  # a JPEG is not exact at edges


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize(
    ("damage", "good", "reason"),
    [
        (BLOT, False, ""),
        (np.zeros_like(BLOT), False, "marks nothing, and its photo is of a defect"),
        (~BLOT, False, "marks the whole border of its photo, as an inverted mask does"),
        (np.ones_like(BLOT), False, ""),
        (BLOT, True, "marks damage on a photo of a good part"),
        (np.zeros_like(BLOT), True, ""),
    ],
)
def test_a_mask_that_contradicts_its_photo_says_so(damage: np.ndarray, good: bool, reason: str, tmp_path: Path) -> None:
    Image.fromarray(damage).save(tmp_path / "mask.png")
    found = look_at(tmp_path / "mask.png").reason(good=good)
    assert found.startswith(reason) and bool(found) == bool(reason)


WHITE = (255, 255, 255)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (coloured((255, 0, 0), (255, 0, 0), WHITE), "marks all of its photo, and not in one colour: black must be"),
        (coloured((255, 0, 0, 255), (0, 0, 255, 255), (*WHITE, 255)), "marks all of its photo, and not in one colour"),
        (palette([(0, 0, 0), WHITE, (255, 0, 0)], numbered(1, 2, 2)), "marks all of its photo, and not in one colour"),
        (Image.fromarray(numbered(255, 128, 128)), "marks all of its photo, and not in one colour"),
        (Image.new("RGB", (64, 48), WHITE), ""),
        (Image.new("L", (64, 48), 1), ""),
        (Image.new("RGB", (64, 48), (255, 0, 0)), ""),
    ],
    ids=["red on white", "with alpha", "palette", "grey on white", "white", "one", "red"],
)
def test_a_mask_without_a_black_background_says_so(picture: Image.Image, reason: str, tmp_path: Path) -> None:
    picture.save(tmp_path / "mask.png")
    found = look_at(tmp_path / "mask.png").reason(good=False)
    assert found.startswith(reason) and bool(found) == bool(reason)


def test_a_scratch_of_one_pixel_survives_a_small_square() -> None:
    mask = np.zeros((1024, 1024), dtype=np.uint8)
    mask[100, 50:900] = 255
    small = Preprocessing(side=320).resize_mask(Image.fromarray(mask))
    assert boxes(small) == [(15, 31, 282, 32)]
    assert not Preprocessing(side=320).resize_mask(Image.fromarray(mask // 2)).any()  # soft, below half


def test_padding_is_no_damage() -> None:
    mask = Image.fromarray(np.full((50, 100), 255, dtype=np.uint8))
    assert boxes(Preprocessing(side=40, pad=True).resize_mask(mask)) == [(0, 10, 40, 30)]


def test_a_mask_of_another_size_or_none_at_all_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (10, 20)).save(tmp_path / "mask.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "drawing.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 96\nshowpage\n")
    Image.new("L", (7100, 7100)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"cannot be read\. It is not an image"):
        read_mask(tmp_path / "text.png")
    with pytest.raises(DataError, match="is a PDF or PostScript document"):
        read_mask(tmp_path / "drawing.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(DataError, match="has 10 × 20 pixels and its photo 20 × 20"):
        read_mask(tmp_path / "mask.png", (20, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="is too large"):
            read_mask(tmp_path / "large.png")
