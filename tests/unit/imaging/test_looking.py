"""What members see of a photo by a view, and how what they find there lies on the photo as it came."""

import io
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ensemble.imaging.aligning import Placement
from ensemble.imaging.looking import Look, Looking, extents, limit_of, look_at_photo, looking_of, view_key
from ensemble.values.errors import PhotoError
from ensemble.values.results import AnomalyMap, Region
from ensemble.values.view import AS_IT_IS, Alignment, MarkedSize, Polygon, View, rectangle

SIDE = 64
PART = tuple((0.5 + 0.31 * x, 0.5 + 0.31 * y) for x, y in ((-0.7, -1), (1, -0.6), (0.8, 0.9), (-0.4, 1), (-1, 0.2)))
AROUND = tuple((0.5 + 1.05 * (x - 0.5), 0.5 + 1.05 * (y - 0.5)) for x, y in PART)
WHOLE_TURN = ((0.0, 0.0, 0.0), (33.0, 0.15, -0.15), (90.0, -0.1, 0.0), (180.0, 0.0, 0.15), (-118.0, -0.15, 0.1))


def drawn(side: int = SIDE, turn: float = 0.0, x: float = 0.0, y: float = 0.0) -> Image.Image:
    """An uneven plate with two holes of different sizes, turned around the middle and shifted by shares."""
    large = Image.new("RGB", (4 * side, 4 * side), (40, 40, 44))
    draw = ImageDraw.Draw(large)
    draw.polygon([(a * 4 * side, b * 4 * side) for a, b in PART], fill=(170, 165, 160))
    for a, b, radius, grey in ((0.42, 0.4, 0.07, 30), (0.58, 0.6, 0.045, 90)):
        at = [4 * side * each for each in (a - radius, b - radius, a + radius, b + radius)]
        draw.ellipse(at, fill=(grey, grey, grey))
    shift = (4 * side * x, 4 * side * y)
    laid = large.rotate(-turn, Image.Resampling.BICUBIC, translate=shift, fillcolor=(40, 40, 44))
    return laid.resize((side, side), Image.Resampling.BOX)


def view_of(reference: Image.Image, **settings: object) -> View:
    stream = io.BytesIO()
    reference.save(stream, "PNG")
    data = stream.getvalue()
    return View(reference=sha256(data).hexdigest(), size=reference.size, photo=data, **settings)  # type: ignore[arg-type]


def box(picture: Image.Image, at: tuple[int, int, int, int], colour: tuple[int, int, int]) -> Image.Image:
    copy = picture.copy()
    copy.paste(colour, at)
    return copy


def test_a_view_without_a_reference_shows_photos_as_they_are() -> None:
    assert look_at_photo(drawn(), AS_IT_IS) is None
    assert look_at_photo(drawn(), View(12)) is None
    assert view_key(AS_IT_IS) == ""


def test_what_lies_outside_or_is_ignored_is_the_reference_itself() -> None:
    reference = drawn()
    view = view_of(reference, region=rectangle(0.25, 0.25, 0.5, 0.5), ignore=(rectangle(0.5, 0.5, 0.125, 0.125),))
    look = looking_of(view)
    shown = look.look(box(box(reference, (32, 32, 40, 40), (255, 0, 0)), (0, 0, 16, 64), (0, 255, 0)))
    assert shown.picture.size == (32, 32) and shown.residual is None and shown.doubt == ""
    assert np.array_equal(np.asarray(shown.picture), np.asarray(reference.crop((16, 16, 48, 48))))
    hit = look.look(box(reference, (20, 20, 24, 24), (255, 0, 0)))
    assert hit.picture.getpixel((5, 5)) == (255, 0, 0)
    assert look.fill(Image.new("RGB", (32, 32))).getpixel((18, 18)) == reference.getpixel((34, 34))


def test_a_polygon_is_looked_at_within_its_sides() -> None:
    triangle: Polygon = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    seen = np.asarray(Looking(view_of(drawn(), region=triangle), drawn()).seen) > 0
    assert seen[2, 2] and seen[30, 30] and not seen[40, 40] and not seen[62, 62]
    assert seen.mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("turn", "x", "y"), WHOLE_TURN)
def test_a_part_that_lies_otherwise_is_laid_over_the_reference(turn: float, x: float, y: float) -> None:
    reference = drawn(128)
    looking = looking_of(view_of(reference, region=AROUND, alignment=Alignment()))
    look = looking.look(drawn(128, turn, x, y))
    assert look.problem == "" and look.residual is not None and look.residual < 0.02
    assert look.placement.x == pytest.approx(128 * x, abs=0.7) and look.placement.y == pytest.approx(128 * y, abs=0.7)
    assert abs((look.placement.turn - turn + 180) % 360 - 180) < 1.0
    apart = np.abs(np.asarray(look.picture, float) - np.asarray(looking.base, float))
    assert apart.mean() < 3.0  # greys; resampled edges alone


def test_a_larger_part_is_found_within_the_stated_scale() -> None:
    reference = drawn(128)
    bounds = Alignment(turn=10.0, scale=1.15)
    looking = looking_of(view_of(reference, region=AROUND, alignment=bounds))
    nearer = reference.resize((141, 141), Image.Resampling.BICUBIC).crop((6, 6, 134, 134))
    assert looking.look(nearer).placement.scale == pytest.approx(141 / 128, abs=0.01)


@pytest.mark.parametrize(("turn", "x", "y"), WHOLE_TURN)
def test_a_hot_place_comes_back_to_where_it_lies_on_the_photo(turn: float, x: float, y: float) -> None:
    reference = drawn()
    looking = looking_of(view_of(reference, region=AROUND, alignment=Alignment()))
    look = looking.look(drawn(SIDE, turn, x, y))
    mask = Image.new("L", (SIDE, SIDE))
    spot = 32 + SIDE * x, 32 + SIDE * y  # the middle of the reference
    mask.paste(255, (round(spot[0]) - 3, round(spot[1]) - 3, round(spot[0]) + 3, round(spot[1]) + 3))
    heat = np.asarray(look.as_seen(mask), np.float32) / 255
    back = look.on_photo(AnomalyMap(heat)).values
    rows, columns = np.nonzero(back > 0.5)
    height, width = back.shape
    assert ((columns.mean() + 0.5) * SIDE / width, (rows.mean() + 0.5) * SIDE / height) == pytest.approx(spot, abs=1.5)
    region = look.region_on_photo(Region("hole", (0.48, 0.48, 0.52, 0.52), 0.9, 0.0016))
    assert region is not None
    middle = (region.box[0] + region.box[2]) / 2 * SIDE, (region.box[1] + region.box[3]) / 2 * SIDE
    assert middle == pytest.approx(spot, abs=1.5)


def test_nothing_is_hot_where_nobody_looks() -> None:
    view = view_of(drawn(), region=rectangle(0.25, 0.25, 0.5, 0.5), ignore=(rectangle(0.5, 0.5, 0.25, 0.25),))
    look = looking_of(view).look(drawn())
    back = look.on_photo(AnomalyMap(np.ones((8, 8), np.float32))).values
    expected = np.zeros((16, 16))
    expected[4:12, 4:12] = 1
    expected[8:12, 8:12] = 0
    assert np.array_equal(back, expected)
    assert look.region_on_photo(Region("spot", (0.6, 0.6, 0.9, 0.9), 1.0, 0.09)) is None
    assert look.seen_on_photo().sum() == 32 * 32 - 16 * 16
    assert look.only_seen(AnomalyMap(back.astype(np.float32))).values.min() == 1


def test_a_photo_that_does_not_fit_is_named_and_shown_all_the_same() -> None:
    looking = looking_of(view_of(drawn(), region=rectangle(0.25, 0.25, 0.5, 0.5)))
    look = looking.look(drawn(96))
    assert look.doubt == "it has 96 × 96 pixels, and the view was drawn on 64 × 64: another camera or setting"
    assert look.picture.size == (32, 32)
    assert look.on_photo(AnomalyMap(np.ones((8, 8), np.float32))).values.mean() == pytest.approx(0.25, abs=0.02)


def test_a_part_that_is_not_there_is_left_to_a_person() -> None:
    looking = looking_of(view_of(drawn(), region=AROUND, alignment=Alignment()))
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    assert looking.look(Image.fromarray(noise)).doubt.startswith("the part is not found")
    assert "nothing" in looking.look(Image.new("RGB", (SIDE, SIDE), (90, 90, 90))).doubt


def test_what_lies_outside_of_the_photo_is_not_called_good() -> None:
    looking = looking_of(view_of(drawn(128), alignment=Alignment(turn=10.0)))
    look = looking.look(drawn(128, 0.0, 0.15))
    assert look.doubt == "15% of the region of interest lies outside of the photo"
    assert np.array_equal(np.asarray(look.picture)[:, -10:], np.asarray(looking.base)[:, -10:])


def test_the_limit_of_the_residual_is_kept() -> None:
    assert limit_of([0.01] * 4) is None
    assert limit_of([0.01] * 100) == 0.035
    looking = looking_of(view_of(drawn(), alignment=Alignment(), residual_limit=0.05))
    assert looking.look(drawn()).doubt == ""
    changed = box(drawn(), (20, 20, 44, 44), (255, 255, 255))
    assert "cannot be aligned to the reference" in looking.look(changed).doubt


def test_a_reference_that_has_changed_opens_no_view() -> None:
    view = view_of(drawn())
    with pytest.raises(PhotoError, match="missing or has changed"):
        looking_of(View(reference="0" * 64, size=view.size, photo=view.photo))
    with pytest.raises(PhotoError, match="nothing to align by"):
        looking_of(view_of(Image.new("RGB", (SIDE, SIDE), (90, 90, 90)), alignment=Alignment()))


def test_features_are_kept_by_what_is_seen_alone() -> None:
    view = view_of(drawn(), region=rectangle(0.25, 0.25, 0.5, 0.5), alignment=Alignment())
    other = view_of(drawn(), region=rectangle(0.25, 0.25, 0.5, 0.51), alignment=Alignment())
    limited = view_of(drawn(), region=view.region, alignment=Alignment(), residual_limit=0.1, mm_per_pixel=0.02)
    assert view_key(view) == view_key(limited) != view_key(other)


@pytest.mark.parametrize(
    ("rows", "cell", "found"),
    [
        (("....", ".1..", "....", "...."), (1, 1), (1, 2**0.5, 1)),  # one cell is as long as its diagonal
        (("....", ".1..", "....", "...."), (3, 4), (1, 5, 12)),
        (("1111", "....", "...."), (1, 1), (1, 17**0.5, 4)),
        (("1...", ".1..", "..1."), (1, 1), (1, 18**0.5, 3)),  # cells that touch at a corner are one mark
        (("1..1", "....", "5..."), (1, 1), (3, 2**0.5, 1)),
        (("11.1", "11.1", "...1"), (1, 1), (2, 10**0.5, 4)),  # the longest is not the largest
        (("14..", "...."), (1, 1), (1, 2**0.5, 1)),  # less than half as hot as the hottest
        (("154.", "...."), (1, 1), (1, 5**0.5, 2)),
        (("5433", "...."), (1, 1), (1, 17**0.5, 4)),  # a scratch that fades out is as long as it is
        (("432.", "...."), (1, 1), (0, 0, 0)),
    ],
)
def test_marks_are_as_long_as_their_farthest_points_and_end_where_they_are_half_as_hot(
    rows: tuple[str, ...], cell: tuple[float, float], found: tuple[int, float, float]
) -> None:
    heat = {".": 0.0, "1": 1.0}
    values = np.array([[heat.get(each, int(each) / 10 if each in "2345" else 0) for each in row] for row in rows])
    assert extents(values.astype(np.float32), cell) == pytest.approx(found)


def test_marks_are_measured_in_pixels_of_the_photo_and_in_millimetres_of_the_part() -> None:
    """A photo of twice the scale shows a part twice as long in pixels, and as long in millimetres."""
    values = np.zeros((8, 8), dtype=np.float32)
    values[2, 3:5] = 1.0
    looking = Looking(view_of(drawn(), region=rectangle(0.25, 0.25, 0.5, 0.5), mm_per_pixel=0.1), drawn())
    near, far = (Look(drawn(), looking, (SIDE, SIDE), Placement(0.0, 0.0, 30.0, scale)) for scale in (2.0, 1.0))
    assert far.marks(values, ()) == MarkedSize(1, round(4 * 5**0.5, 3), 32.0, 0.1)
    assert near.marks(values, ()) == MarkedSize(1, round(8 * 5**0.5, 3), 128.0, 0.05)
    assert far.marks(None, (Region("dent", (0.0, 0.0, 0.25, 0.25), 0.9, 0.03),)) == MarkedSize(1, 11.314, 30.72, 0.1)
    assert far.marks(np.zeros((8, 8), dtype=np.float32), ()) == MarkedSize(0, mm_per_pixel=0.1)
