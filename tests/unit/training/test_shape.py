"""In which shape members read photos: as asked for, or as three folds of the training part tell; never for squares."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ensemble.datasets.loading import find_dataset
from ensemble.drawing.strips import draw_strip, write_strips
from ensemble.features import backbones
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import NOTHING_KEPT
from ensemble.features.preprocessing import BUNDLED, Preprocessing
from ensemble.features.readings import read_rows
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore
from ensemble.training import TrainingRequest, shape, train
from ensemble.training.reading import left_aside, most_whole, taught_by, whole_part_folds
from ensemble.training.recipe import PROFILES, Recipe
from ensemble.training.shape import with_shape
from ensemble.values.errors import DataError, MemberError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Dataset, Sample
from tests.conftest import TINY_BACKBONE, Run

SMALL = (80, 200)


@pytest.fixture(scope="module")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strips") / "strips"
    write_strips(folder, photos=16, size=SMALL)
    return folder


@pytest.fixture(scope="module")
def extractor(tiny_weights: Path) -> FeatureExtractor:
    return FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights).at(64)


def recipe_of(*extractors: FeatureExtractor) -> Recipe:
    return Recipe(("svm",), extractors, "average", 64, OK_NOK, 0, PROFILES["balanced"], "weights")


def photos_of_sizes(folder: Path, sizes: list[tuple[int, int]]) -> Dataset:
    samples = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.png"
        Image.new("RGB", size, (number, number, number)).save(path)
        samples.append(Sample(path, OK_NOK.names[number % 2]))
    return Dataset(OK_NOK, tuple(samples), (), {}, ())


def unread(*_arguments: Any, **_settings: Any) -> Any:
    raise AssertionError("Photos were read to choose a shape.")


def told(separation: float) -> Callable[..., float]:
    """As if an SVM told classes apart by squares at 0.7, and in the photos' shape at another figure."""
    figures = [0.7, separation]
    return lambda *_arguments: figures.pop(0)


@pytest.mark.parametrize(
    "sizes",
    [
        [(64, 64)] * 9,
        [(75, 64)] * 9,  # not far from square
        [(160, 64)] * 8 + [(64, 160)],  # one stands upright
        [(160, 64)] * 8 + [(130, 64)],
    ],
)
def test_nothing_is_tried_for_squares_and_photos_of_many_shapes(
    tmp_path: Path, extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch, sizes: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(shape, "read_rows", unread)
    recipe = recipe_of(extractor)
    dataset = photos_of_sizes(tmp_path, sizes)
    assert with_shape(recipe, dataset, "", NOTHING_KEPT, lambda *_: None) == (recipe, ())
    if sizes[0] == (64, 64):
        assert with_shape(recipe, dataset, "kept", NOTHING_KEPT, lambda *_: None) == (recipe, (shape.STAYS_SQUARE,))
    assert with_shape(recipe_of(), dataset, "kept", NOTHING_KEPT, lambda *_: None) == (recipe_of(), ())


@pytest.mark.parametrize(
    ("figure", "size", "sentence"),
    [
        (
            0.9,
            (64, 160),
            "Input in the shape of the photos: 64 × 160 instead of 64 × 64 pixels, AUROC 0.900 instead of 0.700 "
            "(cross-validation).",
        ),
        (
            0.7,
            (64, 64),
            "Square input: AUROC 0.700, in the shape of the photos 0.700 (cross-validation).",
        ),
    ],
)
def test_the_better_shape_is_chosen_and_the_square_on_a_tie(
    strips: Path,
    extractor: FeatureExtractor,
    monkeypatch: pytest.MonkeyPatch,
    figure: float,
    size: tuple[int, int],
    sentence: str,
) -> None:
    monkeypatch.setattr(shape, "separates", told(figure))
    chosen, notes = with_shape(recipe_of(extractor), find_dataset(strips), "", NOTHING_KEPT, lambda *_: None)
    assert notes == (sentence,)
    assert [each.spec.preprocessing.size for each in chosen.extractors] == [size]


def test_scratched_strips_keep_their_shape(tmp_path: Path) -> None:
    write_strips(tmp_path / "strips", photos=32, size=SMALL, depths=(0.1, 0.2))
    recipe = replace(recipe_of(FeatureExtractor.open(BUNDLED).at(64)), pooling=None)
    chosen, notes = with_shape(recipe, find_dataset(tmp_path / "strips"), "", NOTHING_KEPT, lambda *_: None)
    assert [each.spec.preprocessing.size for each in chosen.extractors] == [(64, 160)]
    assert "in the shape of the photos: 64 × 160 instead of 64 × 64 pixels" in notes[0]


def test_a_shape_that_is_asked_for_is_not_tried(
    strips: Path, extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "read_rows", unread)
    dataset, recipe = find_dataset(strips), recipe_of(extractor)
    kept, notes = with_shape(recipe, dataset, "kept", NOTHING_KEPT, lambda *_: None)
    assert kept.extractors[0].spec.preprocessing.aspect == 0.4 and "64 × 160 instead of 64 × 64 pixels" in notes[0]
    assert with_shape(recipe, dataset, "square", NOTHING_KEPT, lambda *_: None) == (recipe, ())


def test_a_new_product_of_good_parts_alone_keeps_their_shape(
    tmp_path: Path, extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shape, "read_rows", unread)
    known = photos_of_sizes(tmp_path, [(160, 64)] * 4)
    dataset = replace(known, train=tuple(replace(each, label="non_defective") for each in known.train))
    kept, notes = with_shape(recipe_of(extractor), dataset, "", NOTHING_KEPT, lambda *_: None, is_new=True)
    assert kept.extractors[0].spec.preprocessing.aspect == 2.5 and "160 × 64 instead of 64 × 64 pixels" in notes[0]
    assert with_shape(recipe_of(extractor), dataset, "square", NOTHING_KEPT, lambda *_: None, is_new=True)[1] == ()


def test_photos_of_one_part_lie_in_one_fold(strips: Path, extractor: FeatureExtractor) -> None:
    samples = find_dataset(strips).train[:12]
    parts = [Sample(each.path, each.label, part=str(number // 4)) for number, each in enumerate(samples)]
    learn = read_rows(parts, [extractor], OK_NOK)
    folds = whole_part_folds(learn, OK_NOK, 0)
    for known, held in folds:
        assert not {learn.samples[place].part for place in known} & {learn.samples[place].part for place in held}
    few = read_rows([Sample(each.path, each.label, part="one") for each in samples], [extractor], OK_NOK)
    assert whole_part_folds(few, OK_NOK, 0) == []


def test_a_product_in_the_photos_shape_judges_the_same_once_loaded(
    strips: Path, tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbones, "backbone_preprocessing", lambda _name: Preprocessing(64))
    notes: list[str] = []
    settings: dict[str, Any] = {"backbones": (TINY_BACKBONE,), "weights": tiny_weights, "pooling": "average"}
    kinds = ("svm", "patch_memory")
    train(strips, tmp_path / "product", kinds=kinds, side=64, shape="kept", notify=notes.append, **settings)
    assert any("in the shape of the photos: 64 × 160 instead of 64 × 64 pixels" in note for note in notes)
    store = ModelStore(tmp_path / "product")
    manifest = store.manifest()
    sizes = {name: record.preprocessing.size for name, record in manifest.members.items()}
    assert sizes == {f"svm_{TINY_BACKBONE}": (64, 160), f"patch_memory_{TINY_BACKBONE}": (64, 160)}
    photos = [read_photo(path) for path in sorted((strips / "test" / "defective").iterdir())[:2]]
    inspector = Inspector.open(store)
    assert inspector.absent == ()
    scored = {case.photo.split("/")[-1]: case for case in store.evidence().test}
    for photo, (scores, absent) in zip(photos, inspector.score(photos), strict=True):
        assert absent == ()
        kept = scored[Path(photo.name).name].scores
        ours, theirs = ({each.member: each.probabilities for each in said} for said in (scores, kept))
        assert ours == theirs
        (height, width) = next(score.anomaly_map.values.shape for score in scores if score.anomaly_map is not None)
        assert height > 2 * width  # the photo's proportions, as the layers of the backbone round them


def test_members_that_read_whole_maps_learn_from_fewer_long_photos(
    extractor: FeatureExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.training.reading.MOST_GOOD", 15)
    assert most_whole(recipe_of()) == most_whole(recipe_of(extractor)) == 15
    long = recipe_of(extractor.shaped(2.5))
    good = tuple(Sample(Path(f"{number}.png"), OK_NOK.names[0]) for number in range(12))
    dataset = Dataset(OK_NOK, good, (), {}, ())
    assert most_whole(long) == len(taught_by("good", dataset, long)) == 6
    assert len(taught_by("all", dataset, long)) == 12
    assert "trained on 6 of 12 good photos" in left_aside(("patch_memory",), dataset, most_whole(long))[0]


def test_shapes_are_one_of_two(strips: Path, tmp_path: Path, run: Run) -> None:
    request = TrainingRequest("photos", "models", shape="kept")
    assert TrainingRequest.from_json(request.to_json()) == request
    assert "shape" not in TrainingRequest("photos", "models").to_json()
    with pytest.raises(MemberError, match=r"Shape must be square or kept, or not be named.*Got 'round'\."):
        train(strips, tmp_path / "product", shape="round")
    code, _, errors = run("train", "--data", strips, "--models", tmp_path / "product", "--shape", "wide")
    assert code == 2 and "Shape must be square or kept" in errors


def test_strips_are_drawn_alike_by_their_seed_and_scratched_on_demand(strips: Path, tmp_path: Path) -> None:
    good, untouched = draw_strip(np.random.default_rng(3), size=SMALL)
    bad, mask = draw_strip(np.random.default_rng(3), scratched=True, size=SMALL)
    damage = np.asarray(mask) > 0
    same = np.asarray(good) == np.asarray(bad)
    assert not np.any(np.asarray(untouched)) and damage.any() and damage.mean() < 0.03
    assert (np.asarray(good)[damage] > np.asarray(bad)[damage]).mean() > 0.9 and same[~damage].mean() > 0.97
    assert write_strips(tmp_path / "again", photos=16, size=SMALL) == {
        "test/defective": 8,
        "test/non_defective": 8,
        "train/defective": 8,
        "train/non_defective": 8,
    }
    for path in sorted(strips.rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(strips)).read_bytes()
    for photos, place, reason in [(3, "few", "at least 4 photos"), (4, "again", "is there already")]:
        with pytest.raises(DataError, match=reason):
            write_strips(tmp_path / place, photos=photos)
