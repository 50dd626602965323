"""A training with a few more photos: what takes long to learn stays as it is, and says honestly what it has not met."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from ensemble.datasets.loading import find_dataset
from ensemble.imaging.photos import file_digest
from ensemble.store import ModelStore
from ensemble.store.manifest import Record
from ensemble.training import TrainingOutcome, train
from ensemble.training.recipe import Recipe, profile_called
from ensemble.training.staying import STAYED, before_few_more, staying, takes_long
from ensemble.values.results import OK_NOK
from tests.conftest import TINY_BACKBONE

CNN, SVM = "baseline_cnn", f"svm_{TINY_BACKBONE}"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, tiny_weights: Path) -> Path:
    """Twenty-eight photos, the weights, and a product of an SVM and a network that has seen them; read only."""
    folder = tmp_path_factory.mktemp("staying") / "all"
    shutil.copytree(tiny_data, folder / "data")
    shutil.copytree(tiny_weights, folder / "weights")
    taught(folder)
    return folder


@pytest.fixture
def product(first: Path, tmp_path: Path) -> Path:
    """A copy of it, to write to, with one photo more."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    photo = photos_in(tmp_path, "defective")[0]
    Image.open(photo).rotate(90).save(photo.with_name("more.png"))
    return tmp_path


def photos_in(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "data/train" / kind).iterdir())


def taught(folder: Path, *kinds: str, **settings: object) -> TrainingOutcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.members.baseline_cnn.EPOCHS", (1, 1))
        how = {"kinds": kinds or ("svm", CNN), "backbones": (TINY_BACKBONE,), "pooling": "average", **settings}
        return train(folder / "data", folder / "m", weights=folder / "weights", **how)


def record(folder: Path, name: str) -> Record:
    return ModelStore(folder / "m").manifest().members[name]


def test_a_network_stays_and_speaks_of_the_new_photo_while_an_svm_learns_it(product: Path) -> None:
    before = {name: record(product, name) for name in (CNN, SVM)}
    said = ModelStore(product / "m").evidence()
    outcome = taught(product)
    after, evidence = {name: record(product, name) for name in (CNN, SVM)}, ModelStore(product / "m").evidence()
    new = file_digest(product / "data/train/defective/more.png")
    assert after[CNN].files == before[CNN].files and after[CNN].calibrator == before[CNN].calibrator
    assert after[SVM].files != before[SVM].files and after[SVM].training["photos"]["defective"] == 15
    assert after[CNN].training[STAYED] == [new]
    assert any(note.startswith("Baseline CNN: not trained on 1 new photo") for note in outcome.notes)
    old = {case.sha256: case for case in (*said.held_out, *said.test)}
    for case in (*evidence.held_out, *evidence.test):
        scores = {score.member: score.probabilities for score in case.scores}
        assert scores.keys() == {CNN, SVM}
        if case.sha256 != new:
            assert scores[CNN] == next(s.probabilities for s in old[case.sha256].scores if s.member == CNN)
    assert new in {case.sha256 for case in evidence.held_out}


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ("a new photo", True),
        ("relabelled", False),
        ("gone", False),
        ("a second photo", False),
        ("another seed", False),
        ("alone", False),
        ("nothing new", False),
    ],
)
def test_it_stays_where_a_few_photos_are_new_and_nothing_else_has_changed(
    product: Path, change: str, stays: bool
) -> None:
    other = photos_in(product, "non_defective")[0]
    if change == "relabelled":
        other.rename(product / "data/train/defective" / f"was_{other.name}")
    if change == "gone":
        other.unlink()
    if change == "a second photo":
        Image.open(other).rotate(180).save(other.with_name("second.png"))
    if change == "nothing new":
        (product / "data/train/defective/more.png").unlink()
    kinds, seed = ((CNN,) if change == "alone" else (CNN, "autoencoder")), int(change == "another seed")
    recipe = Recipe(kinds, (), None, None, OK_NOK, seed, profile_called("balanced"), "weights")
    dataset, store = find_dataset(product / "data"), ModelStore(product / "m")
    found = staying(store, before_few_more(store, dataset), recipe, dataset)
    assert list(found.members) == ([CNN] if stays else [])
    assert found.unmet == ({CNN: [file_digest(product / "data/train/defective/more.png")]} if stays else {})


def test_members_of_pooled_features_never_stay() -> None:
    assert [takes_long(kind) for kind in ("svm", "rf", "xgb", "mahalanobis")] == [False] * 4
    assert all(takes_long(kind) for kind in ("finetuned", "autoencoder", "patch_memory", "patch_classifier", CNN))
