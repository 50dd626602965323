"""The pictures that the bundled backbone learns from."""

import numpy as np
import pytest

from ensemble.drawing.blemishes import BLEMISHES, with_blemish
from ensemble.drawing.lessons import DRAWING_SHARES, FAMILIES, draw_lesson, draw_lessons
from ensemble.drawing.shapes import GARMENTS, PART_SHAPES, filled, placed
from ensemble.drawing.textures import TEXTURES, draw_sheet, draw_texture


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("side", [48, 161])
def test_every_family_draws_rgb_pictures_that_the_seed_decides(family: str, side: int) -> None:
    first, again, other = (draw_lesson(np.random.default_rng(seed), side, family=family) for seed in (7, 7, 8))
    assert first.shape == (side, side, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_shares_are_one_for_each_family_and_make_a_whole() -> None:
    assert len(DRAWING_SHARES) == len(FAMILIES)
    assert sum(DRAWING_SHARES) == pytest.approx(1)
    assert min(DRAWING_SHARES) > 0


def test_a_lesson_of_any_family_is_one_of_a_named_family() -> None:
    choice = np.random.default_rng(3)
    family = tuple(FAMILIES)[choice.choice(len(DRAWING_SHARES), p=DRAWING_SHARES)]
    assert np.array_equal(draw_lesson(np.random.default_rng(3), 40), draw_lesson(choice, 40, family=family))


def test_lessons_are_the_same_however_they_are_cut_into_chunks() -> None:
    whole = draw_lessons(5, 0, 6, 40)
    assert whole.shape == (6, 40, 40, 3)
    assert np.array_equal(whole, np.concatenate([draw_lessons(5, 0, 2, 40), draw_lessons(5, 2, 4, 40)]))
    assert len({picture.tobytes() for picture in whole}) == 6


@pytest.mark.parametrize("kind", TEXTURES)
def test_a_texture_spans_black_to_white(kind: str) -> None:
    for seed in range(5):
        texture = draw_texture(np.random.default_rng(seed), 64, kind)
        assert texture.shape == (64, 64)
        assert texture.dtype == np.float32
        assert texture.min() == 0
        assert texture.max() == pytest.approx(1)


@pytest.mark.parametrize("kind", PART_SHAPES | GARMENTS)
def test_a_silhouette_covers_some_of_the_picture_and_not_all(kind: str) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        outline = placed((PART_SHAPES | GARMENTS)[kind](rng), centre=(50, 50), size=32, angle=0.3)
        mask = filled(outline, 100)
        assert mask.shape == (100, 100)
        assert 0.01 < mask.mean() < 0.7
        assert mask[0].max() == 0


@pytest.mark.parametrize("kind", BLEMISHES)
def test_a_blemish_changes_some_pixels_and_spares_most(kind: str) -> None:
    changed = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        sheet = draw_sheet(rng, 64)
        marked = BLEMISHES[kind](rng, sheet, (32, 32))
        assert marked.shape == sheet.shape
        changed.append(float((np.abs(marked - sheet).max(axis=2) > 0.02).mean()))
    assert max(changed) > 0.005
    assert np.median(changed) < 0.5


def test_a_blemish_stays_inside_its_mask() -> None:
    where = np.zeros((64, 64), dtype=np.float32)
    where[20:40, 20:40] = 1
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sheet = draw_sheet(rng, 64)
        difference = np.abs(with_blemish(rng, sheet, where=where) - sheet).max(axis=2)
        assert difference[where == 0].max() == 0


def test_no_room_for_a_blemish_leaves_the_picture_as_it_is() -> None:
    rng = np.random.default_rng(0)
    sheet = draw_sheet(rng, 32)
    assert with_blemish(rng, sheet, where=np.zeros((32, 32), dtype=np.float32)) is sheet
