"""Photos of 16 bits that declare no depth: training finds their white level, and the product keeps it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.collection import Collection
from ensemble.datasets.white_level import WhiteLevel, begins_deep, white_level_of
from ensemble.imaging.looking import looking_of
from ensemble.imaging.photos import open_photo, read_photo
from ensemble.importers import understand
from ensemble.inspection.inspector import Inspector
from ensemble.policies import shipped
from ensemble.store import ModelStore
from ensemble.training.steps import Listener, prepare
from ensemble.values.errors import PhotoError
from ensemble.values.results import OK_NOK, REVIEW
from ensemble.values.samples import Sample
from ensemble.values.training import TrainingRequest
from ensemble.values.view import AS_IT_IS, View
from tests.support.bad_photos import encoded
from tests.unit.imaging.test_camera_files import grey_tiff, png, ramp


def pgm(values: np.ndarray) -> bytes:
    kind = b"P5" if values.ndim == 2 else b"P6"
    return kind + b" %d %d 65535\n" % values.shape[1::-1] + values.astype(">u2").tobytes()


FILES: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": lambda values: png(values, None),
    "tiff": lambda values: grey_tiff(values, {}),
    "pgm": pgm,
}


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", FILES)
def test_a_white_level_gives_the_picture_of_8_bits(kind: str, bits: int, samples: int) -> None:
    values = ramp(bits, samples)
    photo = open_photo(FILES[kind](values), "part", View(bits))
    expected = np.broadcast_to((values >> (bits - 8)).reshape(32, 64, -1), (32, 64, 3))
    assert (np.asarray(photo.picture) == expected).all()
    assert (photo.notes, photo.doubt) == ((), "")


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("kind", FILES)
def test_a_photo_past_its_white_level_is_named(kind: str, samples: int) -> None:
    values = ramp(12, samples)
    values[0, 0] = 4096
    photo = open_photo(FILES[kind](values), "part", View(12))
    assert photo.doubt == "it is brighter than the white level of 12 bits (4096, and white is 4095)"
    assert np.asarray(photo.picture)[0, 0].tolist() == [255] * 3


DECLARED = {
    "png": png(ramp(12), 12),
    "tiff": grey_tiff(ramp(12), {281: (4095,)}),
    "pgm": pgm(ramp(12)).replace(b"65535", b"4095", 1),
    "8 bits": encoded(Image.new("L", (40, 40), 7), "PNG"),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_what_declares_its_depth_keeps_it(kind: str) -> None:
    photo = open_photo(DECLARED[kind], "part", View(10))
    assert photo == open_photo(DECLARED[kind], "part")
    assert photo.seen(View(14)) is photo
    assert (photo.brightest, photo.data) == (None, b"")


def test_counts_of_a_camera_in_floating_point_need_a_white_level() -> None:
    data = encoded(Image.fromarray(np.full((40, 40), 2048, np.float32)), "TIFF")
    with pytest.raises(PhotoError, match="from 2048 to 2048"):
        open_photo(data)
    assert np.asarray(open_photo(data, "part", View(12)).picture).max() == 128
    assert open_photo(data, "part", View(10)).doubt.startswith("it is brighter than the white level of 10 bits (2048,")


def test_a_photo_is_looked_at_anew_where_that_changes_it() -> None:
    photo = open_photo(png(ramp(12), None), "part")
    assert photo.brightest == 4095 and photo.notes
    seen = photo.seen(View(12))
    assert np.asarray(seen.picture).max() == 255 and seen.seen(View(12)) is seen
    assert seen.seen(AS_IT_IS) == photo and photo.seen(AS_IT_IS) is photo


def test_the_reference_of_a_view_has_the_white_level_too() -> None:
    data = png(ramp(12, 3), None)
    view = View(12, reference=sha256(data).hexdigest(), size=(64, 32), photo=data)
    assert looking_of(view).reference.getextrema() == ((0, 255),) * 3


def test_the_white_level_is_the_smallest_that_holds_all(tmp_path: Path) -> None:
    contents = {"a.png": png(ramp(10), None), "b.tif": grey_tiff(ramp(12, 3), {}), "c.pgm": pgm(ramp(8))}
    others = {"d.png": png(ramp(14), 14), "e.jpg": encoded(Image.new("RGB", (40, 40), "white"), "JPEG"), "f.png": b""}
    for name, data in (contents | others).items():
        (tmp_path / name).write_bytes(data)
    samples = [Sample(tmp_path / name, "non_defective") for name in (*contents, *others, "missing.png")]
    found = white_level_of(samples)
    assert (found.bits, found.photos, found.view) == (12, 3, View(12))
    assert found.notes() == (
        "White level: 12 bits. 3 photos have 16 bits a channel and declare no depth; their brightest value is 4095.",
    )
    assert white_level_of(samples[3:]).view == WhiteLevel().view == AS_IT_IS


def deep(picture: Image.Image) -> np.ndarray:
    """The same scene as a camera of 12 bits sees it."""
    return np.rint(np.asarray(picture) * (4095 / 255)).astype(np.uint16)


@pytest.fixture(scope="module")
def seen_product(tmp_path_factory: pytest.TempPathFactory, tiny_product: Path) -> ModelStore:
    """The trained product with a white level of 12 bits."""
    store = ModelStore(shutil.copytree(tiny_product, tmp_path_factory.mktemp("white") / "disc"))
    store.write({}, replace(store.manifest(), view=View(12)), "White level.")
    return store


@pytest.mark.parametrize("kind", FILES)
def test_12_bits_in_16_get_the_verdicts_of_8(seen_product: ModelStore, tiny_data: Path, kind: str) -> None:
    shown = [read_photo(path) for path in sorted((tiny_data / "test").rglob("*.jpg"))[::2]]
    cameras = [open_photo(FILES[kind](deep(photo.picture)), photo.name) for photo in shown]  # as an edge may open them
    inspector = Inspector.open(seen_product)
    for policy in shipped(OK_NOK)[:2]:
        for plain, found in zip(inspector.inspect(shown, policy), inspector.inspect(cameras, policy), strict=True):
            assert (found.label, found.doubt) == (plain.label, plain.doubt)
            votes = zip(plain.votes, found.votes, strict=True)
            assert all(abs(one.score - other.score) <= 0.02 for one, other in votes)


def test_one_past_the_white_level_and_a_dark_one_are_for_a_person(seen_product: ModelStore, tiny_data: Path) -> None:
    values = deep(read_photo(next((tiny_data / "test").rglob("good*.jpg"))).picture)
    bright, dark = values + np.uint16(1000), values // np.uint16(64)
    photos = [open_photo(png(each, None), "part.png") for each in (bright, dark)]
    inspector = Inspector.open(seen_product)
    for policy in shipped(OK_NOK):
        past, black = inspector.inspect(photos, policy)
        assert past.label == black.label == REVIEW
        assert "it is brighter than the white level of 12 bits" in past.reason
        assert black.doubt


def test_a_training_looks_for_the_white_level_and_a_product_keeps_it(tmp_path: Path, tiny_data: Path) -> None:
    for path in sorted(tiny_data.rglob("*.jpg")):
        place = (tmp_path / "data" / path.relative_to(tiny_data)).with_suffix(".png")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(deep(read_photo(path).picture.resize((40, 40))), None))
    told: list[str] = []
    request = TrainingRequest.of(tmp_path / "data", tmp_path / "models", kinds=("svm",))
    prepared = prepare(request, Listener(told.append))
    assert {each.view for each in (*prepared.taught.train, *prepared.dataset.test)} == {View(12)}
    assert any(note.startswith("White level: 12 bits. ") for note in told)
    store = ModelStore(tmp_path / "models")
    store.save("disc", OK_NOK, {}, (), view=prepared.dataset.view)
    assert store.manifest().view == store.load().view == View(12)


def test_an_import_says_the_white_level_and_by_what_masks_mark(tmp_path: Path) -> None:
    shape = np.zeros((32, 64), np.uint8)
    shape[4:9, 4:9] = 1
    palette = Image.fromarray(shape).convert("P")
    palette.putpalette([0, 0, 0, 200, 0, 0])
    masks = {"a": Image.fromarray(shape), "b": Image.fromarray(shape * np.uint8(255)), "c": palette}
    places = [tmp_path / "source" / place for place in ("train/good", "test/crack", "ground_truth/crack")]
    for number, (name, mask) in enumerate(masks.items()):
        for folder in places:
            folder.mkdir(parents=True, exist_ok=True)
            photo = ramp(12)
            photo[number, : 1 + len(folder.parent.name)] = 7
            (folder / f"{name}.png").write_bytes(png(photo, None))
        mask.save(places[-1] / f"{name}.png")
    found = understand(tmp_path / "source")
    collection = Collection.create(tmp_path / "collections", "plates")
    added = collection.add(found.entries, {"good": "non_defective", "crack": "defective"}, origin="here")
    assert added.notes == (
        "White level: 12 bits. 6 photos have 16 bits a channel and declare no depth; their brightest value is 4095.",
        "1 mask is black and white: white marks damage.",
        "1 mask holds numbers, such as 0 and 1: all above 0 mark damage.",
        "1 mask has index colours: all but black mark damage.",
    )


@pytest.mark.parametrize(
    ("known", "found", "bits", "said"),
    [
        (View(10), WhiteLevel(1, 4000), 12, "White level: 12 bits. 1 photo has 16 bits a channel"),
        (View(10, white_by_hand=True), WhiteLevel(), 10, "White level: 10 bits, set by hand."),
        (View(12, white_by_hand=True), WhiteLevel(1, 900), 12, "set by hand; the training photos reach 10 bits."),
        (View(10, white_by_hand=True), WhiteLevel(1, 4000), 10, "reach 12 bits: photos beyond white are REVIEW."),
    ],
)
def test_what_a_person_has_set_wins_over_what_photos_say(known: View, found: WhiteLevel, bits: int, said: str) -> None:
    level, (note,) = found.beside(known)
    assert level == bits and said in note
    assert View.from_json(known.as_json()) == known


@pytest.mark.parametrize(("kind", "deep"), [("png", True), ("tiff", True), ("pgm", True), ("jpeg", False)])
def test_whether_photos_may_be_deep_is_told_by_how_their_files_begin(kind: str, deep: bool, tmp_path: Path) -> None:
    data = FILES[kind](ramp(12, 1)) if deep else encoded(Image.new("RGB", (32, 32)), "JPEG")
    (tmp_path / "a").write_bytes(data)
    assert begins_deep([Sample(tmp_path / "a", "non_defective")]) is deep
    assert not begins_deep([Sample(tmp_path / "none", "non_defective")])
