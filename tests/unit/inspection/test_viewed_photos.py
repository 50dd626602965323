"""Inspections and trainings by a view: what it does not look at changes nothing; a photo that does not fit is named."""

import io
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.loading import find_dataset
from ensemble.datasets.white_level import WhiteLevel
from ensemble.evaluation.scoring import score_photos
from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import cache_key, changed_photo, read_masks, seen_photo
from ensemble.imaging.photos import Photo, open_photo
from ensemble.inspection.batches import Judged, batch_table
from ensemble.inspection.exports import replay
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.kept import kept_verdict
from ensemble.members import Loaded, Prediction
from ensemble.policies import SHIPPED_POLICIES
from ensemble.policies.counting import SizeLimit
from ensemble.store import ModelStore
from ensemble.store.seeing import keep_view, read_view, view_for_training, view_in_force
from ensemble.training import TrainingRequest, train
from ensemble.training.seeing import with_view
from ensemble.values.errors import DataError, PhotoError, StoreError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from ensemble.values.view import AS_IT_IS, Alignment, View, rectangle
from tests.conftest import TINY_BACKBONE

POLICY = SHIPPED_POLICIES[0]
SIDE = 64


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def plate(spot: tuple[int, int] | None = None, x: int = 0) -> Image.Image:
    """A plate with one hole on a dark ground, moved to the right by pixels; a red spot of 6 pixels at a place."""
    picture = Image.new("RGB", (SIDE, SIDE), (40, 40, 40))
    picture.paste((170, 165, 160), (14 + x, 18, 48 + x, 46))
    picture.paste((60, 60, 60), (18 + x, 22, 26 + x, 28))
    if spot:
        picture.paste((255, 0, 0), (*spot, spot[0] + 6, spot[1] + 6))
    return picture


def view_on(picture: Image.Image, **settings: object) -> View:
    data = png(picture)
    return View(reference=sha256(data).hexdigest(), size=picture.size, photo=data, **settings)  # type: ignore[arg-type]


class Redness:
    """A member that points at what is red."""

    points, lesson = True, "all"
    input = Preprocessing(side=32)

    def score(self, rows: np.ndarray) -> Prediction:
        red = (rows[:, 0].astype(np.float32) - rows[:, 1] > 150).astype(np.float32)  # (N, 32, 32)
        found = red.max(axis=(1, 2))
        return Prediction(np.stack([1 - 0.9 * found, 0.9 * found], axis=1), red)


def inspector(view: View) -> Inspector:
    return Inspector(Loaded({"redness": Redness()}, (), OK_NOK, view=view))  # type: ignore[dict-item]


REGION = rectangle(0.125, 0.125, 0.75, 0.75)
IGNORED = view_on(plate(), region=REGION, ignore=(rectangle(0.5, 0.5, 0.2, 0.15),))
ALIGNED = view_on(plate(), region=rectangle(0.1875, 0.25, 0.625, 0.5), alignment=Alignment(turn=10.0))


def test_a_defect_is_found_where_it_lies_and_an_ignored_one_is_not() -> None:
    members = inspector(IGNORED)
    photos = [open_photo(png(plate(spot)), "one.png") for spot in ((16, 36), (34, 34), (0, 0), None)]
    hit, ignored, outside, clean = members.inspect(photos, POLICY)
    assert [each.label for each in (hit, ignored, outside, clean)] == ["defective", *["non_defective"] * 3]
    assert hit.size == (SIDE, SIDE) and hit.regions[0].pixels(hit.size) == pytest.approx((16, 36, 22, 42), abs=2)
    assert not ignored.regions and ignored.anomaly_map is not None and ignored.anomaly_map.values.max() == 0
    assert hit.residual is None and "alignment_residual" not in hit.as_json()


def test_a_moved_part_is_judged_and_its_residual_is_kept() -> None:
    (verdict,) = inspector(ALIGNED).inspect([open_photo(png(plate((30, 36), x=5)), "one.png")], POLICY)
    assert verdict.label == "defective" and verdict.residual is not None and 0 < verdict.residual < 0.5
    assert verdict.regions[0].pixels(verdict.size) == pytest.approx((30, 36, 36, 42), abs=2)
    assert verdict.as_json()["alignment_residual"] == verdict.residual
    assert kept_verdict(verdict.as_json()).residual == verdict.residual
    columns, (line,) = batch_table([Judged("one.png", verdict)], demo=False)
    assert columns[-1] == "alignment_residual" and line["alignment_residual"] == verdict.residual


def test_what_does_not_fit_is_review_with_the_reason() -> None:
    small = open_photo(png(plate().resize((48, 48))), "small.png")
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    for members, photo, reason in (
        (inspector(IGNORED), small, "48 × 48 pixels, and the view was drawn on 64 × 64"),
        (inspector(ALIGNED), open_photo(png(Image.fromarray(noise)), "noise.png"), "the part is not found"),
    ):
        (verdict,) = members.inspect([photo], POLICY)
        assert verdict.label == "review" and reason in verdict.reason and verdict.doubt


@pytest.mark.parametrize(("millimetres", "label"), [(0.6, "defective"), (1.5, "non_defective"), (None, "defective")])
def test_a_small_spot_is_fine_where_the_policy_says_so_and_its_size_is_kept(
    millimetres: float | None, label: str
) -> None:
    """A spot of 6 pixels of 0.1 mm, 8.5 from corner to corner; its photo lies turned and shifted."""
    limit = None if millimetres is None else SizeLimit("mm", millimetres)
    photo = open_photo(png(plate((28, 36), x=2)), "one.png")
    members = inspector(replace(ALIGNED, mm_per_pixel=0.1))
    (verdict,) = members.inspect([photo], replace(POLICY, smallest_defect=limit))
    assert verdict.label == label and verdict.votes[0].label == "defective"
    marks = verdict.votes[0].marks
    assert marks is not None and (marks.count, marks.mm_per_pixel) == (1, 0.1) and 7 < marks.length < 13
    assert kept_verdict(verdict.as_json()).votes[0].marks == marks and verdict.mm_per_pixel == 0.1
    assert replay(verdict.as_json(), replace(POLICY, smallest_defect=SizeLimit("mm", 1.5))).label == "non_defective"


def test_an_edge_that_forgets_the_view_gets_no_vote() -> None:
    ((scores, absent),) = inspector(IGNORED).vote(PhotoBatch([plate()]))
    assert scores == [] and "not looked at by the view" in absent[0].reason


def test_a_view_without_regions_changes_no_verdict() -> None:
    photo = Photo("one", "one", plate((16, 36)))
    (seen,), (plain,) = (inspector(view).inspect([photo], POLICY) for view in (view_on(plate()), AS_IT_IS))
    assert (seen.label, seen.votes[0].score) == (plain.label, plain.votes[0].score)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight good plates and eight with a red spot, four each for the test, and a mask."""
    for number in range(16):
        label, split = ("defective" if number % 2 else "non_defective"), ("test" if number >= 8 else "train")
        path = tmp_path / "data" / split / label / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(plate((20 + number, 32) if number % 2 else None, x=number % 3)))
    return tmp_path


def test_training_photos_are_looked_at_by_the_view_that_is_set(folder: Path) -> None:
    keep_view(folder / "m", ALIGNED)
    assert view_for_training(folder / "m") == ALIGNED and read_view(folder / "m/next_view.json").photo == ALIGNED.photo
    dataset = find_dataset(folder / "data", None, 0)
    request = TrainingRequest(str(folder / "data"), str(folder / "m"))
    seen, told = with_view(dataset, request, WhiteLevel(), lambda _stage, _done: None)
    assert seen.view.shows_the_same(ALIGNED) and len(told) == 1 and seen.view.residual_limit is None  # of 4 good photos
    left, top, right, bottom = ALIGNED.box
    assert seen_photo(seen.train[0]).size == (right - left, bottom - top)
    black = changed_photo(seen.train[0], Image.new("RGB", (right - left, bottom - top)))
    assert black.getextrema() == ((0, 0),) * 3  # no pixel of this region is ignored
    assert cache_key("ab", seen.view) not in ("ab", cache_key("ab", IGNORED)) and cache_key("ab", AS_IT_IS) == "ab"
    other = Sample(folder / "other.png", "non_defective", view=seen.view)
    other.path.write_bytes(png(plate().resize((80, 80))))
    with pytest.raises(PhotoError, match=r"other\.png does not fit the view: it has 80 × 80 pixels"):
        seen_photo(other)
    scored = score_photos(inspector(seen.view), [*seen.test, other])
    assert [bool(case.doubt) for case in scored.cases] == [False] * 8 + [True]


def test_a_mask_lies_as_its_photo_is_seen(tmp_path: Path) -> None:
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (16, 36, 22, 42))
    mask.paste(255, (34, 34, 38, 38))  # where it is ignored
    for name, picture in (("photo", plate((16, 36))), ("mask", mask)):
        (tmp_path / f"{name}.png").write_bytes(png(picture))
    sample = Sample(tmp_path / "photo.png", "defective", "spot", tmp_path / "mask.png", view=IGNORED)
    found = read_masks([sample], Preprocessing(side=48))[0]  # the region has 48 × 48 pixels
    assert np.argwhere(found).min(axis=0).tolist() == [28, 8] and found.sum() == 36


def test_a_view_that_fits_no_training_photo_ends_the_training_early(folder: Path) -> None:
    keep_view(folder / "m", view_on(plate().resize((96, 96))))
    with pytest.raises(DataError, match=r"None of the 4 .* fits the view\. 00\.png: it has"):
        train(folder / "data", folder / "m", kinds=("svm",), backbones=(TINY_BACKBONE,))


def test_a_trained_product_keeps_its_view_and_judges_by_it(tmp_path: Path, tiny_data: Path, tiny_weights: Path) -> None:
    good = sorted((tiny_data / "train/non_defective").iterdir())[0]
    data = good.read_bytes()
    picture = open_photo(data).picture
    view = View(None, sha256(data).hexdigest(), picture.size, photo=data, ignore=(rectangle(0.0, 0.0, 0.3, 0.3),))
    keep_view(tmp_path / "m", view)
    how = {"kinds": ("svm",), "backbones": (TINY_BACKBONE,), "pooling": "average", "augment": "none"}
    train(tiny_data, tmp_path / "m", weights=tiny_weights, **how)
    store = ModelStore(tmp_path / "m")
    assert store.manifest().view == view and view_in_force(store).photo == data
    assert store.at(1).load().view.photo == data and not store.quarantine()
    (tmp_path / "m/next_view.json").unlink()
    assert view_for_training(tmp_path / "m") == view  # its own, where none is set
    changed = picture.copy()
    changed.paste((255, 0, 0), (10, 10, 60, 60))
    one, other = Inspector.open(store).inspect([Photo("a", "a", picture), Photo("b", "b", changed)], POLICY)
    assert one.votes[0].score == pytest.approx(other.votes[0].score, abs=1e-6)
    (tmp_path / "m/view.photo").write_bytes(png(plate()))
    (blind,) = Inspector.open(store).inspect([Photo("a", "a", picture)], POLICY)
    assert blind.label == "review" and "view.photo" in blind.absent[0].reason
    with pytest.raises(StoreError, match="is not the one that was trusted"):
        view_in_force(store)
    shutil.rmtree(tmp_path / "m")
