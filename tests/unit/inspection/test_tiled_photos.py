"""Photos that are looked at by tiles: the hottest tile judges, regions lie on the photo, and a whole training."""

import io
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.features.photo_batch import PhotoBatch
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import seen_look
from ensemble.features.tile_readings import read_tiles
from ensemble.imaging.looking import cut_tile, looked_tiles, tile_boxes
from ensemble.imaging.photos import Photo
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.tiled import predict_by_tiles
from ensemble.members import Loaded, Prediction
from ensemble.policies import SHIPPED_POLICIES
from ensemble.store import ModelStore
from ensemble.store.seeing import keep_view
from ensemble.training import train
from ensemble.training.extending import plan_extension
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from ensemble.values.view import AS_IT_IS, Alignment, Tiles, View, rectangle
from tests.conftest import TINY_BACKBONE

POLICY = SHIPPED_POLICIES[0]
TILES = Tiles(64, 0.25)
SIZE = (150, 220)


def plate(*spots: tuple[int, int]) -> Image.Image:
    """A dark plate with a bright hole; red spots of 4 pixels at these places."""
    picture = Image.new("RGB", SIZE, (60, 60, 60))
    picture.paste((150, 150, 150), (20, 30, 60, 50))
    for x, y in spots:
        picture.paste((255, 60, 60), (x, y, x + 4, y + 4))
    return picture


def view_on(picture: Image.Image, **settings: object) -> View:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    data = stream.getvalue()
    digest = sha256(data).hexdigest()
    return View(reference=digest, size=picture.size, photo=data, tiles=TILES, **settings)  # type: ignore[arg-type]


class RedShare:
    """A member that points at what is red, the surer the more of its 64 × 64 pixels are."""

    points, lesson, most = True, "good", 0
    input = Preprocessing(side=64)

    def good_column(self) -> int:
        return OK_NOK.names.index("non_defective")

    def score(self, rows: np.ndarray) -> Prediction:
        self.most = max(self.most, len(rows))
        red = (rows[:, 0].astype(np.float32) - rows[:, 1] > 150).astype(np.float32)  # (N, 64, 64)
        found = 0.5 + red.mean(axis=(1, 2)) * 64
        said = np.stack([1 - found, found], axis=1) if self.good_column() == 0 else np.stack([found, 1 - found], axis=1)
        return Prediction(said, red.reshape(-1, 32, 2, 32, 2).max(axis=(2, 4)))


class Failing(RedShare):
    """A member that fails where anything is red."""

    def score(self, rows: np.ndarray) -> Prediction:
        found = super().score(rows)
        if found.anomaly_map is not None and found.anomaly_map.any():
            raise MemberError("Red it cannot bear.")
        return found


def inspector(view: View, **members: RedShare) -> Inspector:
    return Inspector(Loaded(members or {"red": RedShare()}, (), OK_NOK, view=view))  # type: ignore[arg-type]


def test_the_hottest_tile_judges_as_it_would_alone() -> None:
    member, picture = RedShare(), plate((100, 100), (104, 100), (30, 200))
    ((score,), absent) = inspector(View(tiles=TILES), red=member).vote(PhotoBatch([picture]))[0]
    boxes = tile_boxes(SIZE, TILES)
    alone = [member.score(PhotoBatch([cut_tile(picture, box)]).rows(member.input)).probabilities[0] for box in boxes]
    assert score.probabilities["defective"] == pytest.approx(max(max(each) for each in alone), abs=1e-6)
    assert absent == () and member.most <= 8 and len(boxes) == 15


def test_regions_lie_on_the_photo_and_ignored_ones_stay_cold() -> None:
    for view in (View(tiles=TILES), view_on(plate()), view_on(plate(), alignment=Alignment(turn=0.0, shift=0.05))):
        (verdict,) = inspector(view).inspect([Photo("a", "a", plate((100, 120)))], POLICY)
        assert verdict.regions[0].pixels(SIZE) == pytest.approx((100, 120, 104, 124), abs=3), view
        assert verdict.anomaly_map is not None and verdict.anomaly_map.values.shape == (110, 75)
    view = view_on(plate(), region=rectangle(0.1, 0.1, 0.8, 0.8), ignore=(rectangle(0.6, 0.5, 0.3, 0.1),))
    hit, ignored = inspector(view).inspect([Photo(f"{x}", f"{x}", plate((x, 120))) for x in (50, 100)], POLICY)
    assert hit.regions[0].pixels(SIZE) == pytest.approx((50, 120, 54, 124), abs=3)
    assert not ignored.regions and ignored.anomaly_map is not None and ignored.anomaly_map.values.max() == 0


def test_tiles_that_nobody_looks_at_are_spared() -> None:
    look = inspector(view_on(plate(), ignore=(rectangle(0.0, 0.0, 1.0, 0.83),))).look(plate())
    assert look is not None
    boxes = looked_tiles(look, TILES)
    assert {box[1] for box in boxes} == {156} and len(boxes) == 3


@pytest.mark.parametrize("broken", range(3))
def test_a_tile_without_a_number_silences_the_member(broken: int) -> None:
    class Numberless(RedShare):
        asked = 0

        def score(self, rows: np.ndarray) -> Prediction:
            found = super().score(rows)
            for place in range(len(rows)):
                if self.asked + place == broken:
                    found.probabilities[place] = np.nan
            self.asked += len(rows)
            return found

    said, failed = predict_by_tiles(plate((70, 70)), TILES, {"sound": RedShare(), "numberless": Numberless()})  # type: ignore[dict-item]
    assert list(said) == ["sound"] and list(failed) == ["numberless"]


def test_a_member_that_fails_on_one_tile_is_absent_and_others_vote() -> None:
    members = {"red": RedShare(), "failing": Failing()}
    ((scores, absent),) = inspector(View(tiles=TILES), **members).vote(PhotoBatch([plate((100, 120))]))
    assert [score.member for score in scores] == ["red"] and absent[0].reason == "Red it cannot bear."
    ((scores, absent),) = inspector(View(tiles=TILES), **members).vote(PhotoBatch([plate()]))
    assert len(scores) == 2 and not absent


def test_an_edge_that_forgets_the_view_gets_no_vote_by_tiles() -> None:
    ((scores, absent),) = inspector(view_on(plate())).vote(PhotoBatch([plate()]))
    assert scores == [] and "not looked at by the view" in absent[0].reason


def test_a_product_without_tiles_is_judged_whole() -> None:
    said, failed = predict_by_tiles(plate(), Tiles(128), {"red": RedShare()})  # type: ignore[dict-item]
    assert not failed and said["red"].stitched.values().shape == (55, 38)
    ((score,), _) = inspector(AS_IT_IS).vote(PhotoBatch([plate((100, 120))]))[0]
    assert score.anomaly_map is not None and score.anomaly_map.values.shape == (32, 32)


def noisy(number: int, *spots: tuple[int, int]) -> Image.Image:
    grain = np.random.default_rng(number).integers(-20, 20, (SIZE[1], SIZE[0], 1))
    return Image.fromarray((np.asarray(plate(*spots)) + grain).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve good plates to learn from, two good ones and two with a spot for the test."""
    folder = tmp_path_factory.mktemp("plates")
    for number in range(16):
        label = "defective" if number in (14, 15) else "non_defective"
        path = folder / ("train" if number < 12 else "test") / label / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noisy(number, *([(100, 100)] if number > 13 else [])).save(path)
    return folder


def test_tiles_to_learn_from_are_spread_and_bear_their_photos(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(tiles=TILES)
    samples = [Sample(path, "non_defective", view=view) for path in sorted((data / "train/non_defective").iterdir())]
    samples.append(Sample(data / "missing.png", "non_defective", view=view))
    reads = Preprocessing(side=64)
    monkeypatch.setattr("ensemble.features.tile_readings.MOST_TILES", 40)
    found = read_tiles(samples, [reads], OK_NOK, 0)
    assert found.inputs[reads].shape == (36, 3, 64, 64) and len(found.refused) == 1
    assert [found.samples.count(sample) for sample in samples] == [3] * 12 + [0]
    first = {cut_tile(seen_look(samples[0]), box).tobytes() for box in tile_boxes(SIZE, TILES)}  # type: ignore[arg-type]
    assert {Image.fromarray(row.transpose(1, 2, 0)).tobytes() for row in found.inputs[reads][:3]} <= first


def test_a_product_learns_and_judges_by_tiles(data: Path, tiny_weights: Path, tmp_path: Path) -> None:
    keep_view(tmp_path / "m", View(tiles=TILES))
    how = {"kinds": ("svm", "patch_memory"), "backbones": (TINY_BACKBONE,), "weights": tiny_weights}
    outcome = train(data, tmp_path / "m", **how)
    name = f"patch_memory_{TINY_BACKBONE}"
    assert outcome.members == (name,)
    assert any(note.endswith("is not trained. It does not look at tiles.") for note in outcome.notes)
    store = ModelStore(tmp_path / "m")
    record = store.manifest().members[name]
    assert store.manifest().view == View(tiles=TILES)
    assert record.preprocessing.size == (64, 64)  # a tile pixel by pixel
    assert record.noted("facts")["held_out"]["whole"] and record.noted("facts")["held_out"]["photos"] == 4
    good, bad = Inspector.open(store).inspect(
        [Photo("a", "a", noisy(40)), Photo("b", "b", noisy(41, (100, 150)))], POLICY
    )
    assert bad.votes[0].score > 0.5 > good.votes[0].score
    assert bad.regions[0].pixels(SIZE) == pytest.approx((100, 150, 104, 154), abs=20)
    with pytest.raises(MemberError, match="by tiles: train it again"):
        plan_extension(store, [data / "test/non_defective/12.png"])


def test_too_few_good_photos_are_named(data: Path, tmp_path: Path) -> None:
    for path in sorted(data.rglob("*.png"))[:-1]:  # the last of the good ones to learn from is left out
        place = tmp_path / "data" / path.relative_to(data)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    keep_view(tmp_path / "m", View(tiles=TILES))
    with pytest.raises(MemberError, match="Needs 12 photos of good parts to learn from tiles, found 11"):
        train(tmp_path / "data", tmp_path / "m", kinds=("patch_memory",), backbones=(TINY_BACKBONE,))
