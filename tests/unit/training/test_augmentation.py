"""Relit and mirrored copies: chosen where they help, in ways that the part allows, and never held out to be judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import NOTHING_KEPT, FeatureCache
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import PartReading, PhotoCopies, read_rows
from ensemble.imaging.photos import read_photo
from ensemble.members.baseline_cnn import BaselineCNNMember, vary
from ensemble.members.classical import ForestMember, SupportVectorMember, _folds_with_copies
from ensemble.members.contract import NO_AUGMENTATION, USUAL_AUGMENTATION, Augmentation, Teaching
from ensemble.store import ModelStore
from ensemble.training import TrainingRequest, augmentation, train
from ensemble.training.augmentation import with_augmentation
from ensemble.training.copies import copies_of, mirrored_ways, relit, variations_of
from ensemble.training.fitting import leave_out
from ensemble.training.recipe import PROFILES, Recipe
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK
from ensemble.values.samples import Sample
from tests.conftest import TINY_BACKBONE, Run

SIDE = 64
PIXELS = Preprocessing(side=16)
BOTH_WAYS = ("left_right", "top_bottom")
DISC = [(12, 12, 52, 52)]
ARROW = [(8, 26), (34, 26), (34, 12), (58, 32), (34, 52), (34, 38), (8, 38)]
ANGLE = [(8, 8), (22, 8), (22, 44), (56, 44), (56, 56), (8, 56)]


def drawn(outline: list[Any], count: int = 8) -> list[Image.Image]:
    """Photos of one part that lies nearly at the same place, with a lamp at its left."""
    random, photos = np.random.default_rng(0), []
    for _ in range(count):
        photo = Image.new("L", (SIDE, SIDE), 60)
        draw, (right, down) = ImageDraw.Draw(photo), random.integers(-2, 3, 2)
        if outline is DISC:
            draw.ellipse((12 + right, 12 + down, 52 + right, 52 + down), fill=200)
        else:
            draw.polygon([(x + right, y + down) for x, y in outline], fill=200)
        lit = np.asarray(photo) * np.linspace(1, 0.8, SIDE) + random.normal(0, 4, (SIDE, SIDE))
        photos.append(Image.fromarray(lit.clip(0, 255).astype(np.uint8)).convert("RGB"))
    return photos


@pytest.mark.parametrize(
    ("outline", "ways"),
    [(DISC, BOTH_WAYS), (ARROW, ("top_bottom",)), (ANGLE, ())],
    ids=["disc", "arrow", "angle"],
)
def test_a_part_is_mirrored_in_the_ways_that_leave_it_the_same(outline: list[Any], ways: tuple[str, ...]) -> None:
    assert mirrored_ways(drawn(outline)) == ways
    assert mirrored_ways(drawn(outline, 1)) == ()


def test_parts_that_lie_any_way_round_may_be_mirrored() -> None:
    turned = [photo.rotate(90 * number) for number, photo in enumerate(drawn(ANGLE, 12))]
    mixed = [photo.transpose(Image.Transpose(number % 7)) for number, photo in enumerate(turned)]
    assert mirrored_ways(mixed) == BOTH_WAYS


def lay(folder: Path, count: int, outline: list[Any]) -> list[Sample]:
    """Good photos, and as many darker ones: that is the defect."""
    samples = []
    for number, photo in enumerate(drawn(outline, 2 * count)):
        path = folder / f"{number}.png"
        relit(photo, 1.0 if number % 2 else 0.6).save(path)
        samples.append(Sample(path, OK_NOK.names[0 if number % 2 else 1]))
    return samples


def recipe_of(*kinds: str, extractors: tuple[Any, ...] = ()) -> Recipe:
    return Recipe(kinds, extractors, "average", None, OK_NOK, 0, PROFILES["balanced"], "weights")


def test_copies_are_read_as_photos_are_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = lay(tmp_path, 2, DISC)
    how = Augmentation(relit=True, mirrored=("left_right",))
    with FeatureCache(tmp_path / "cache") as cache:
        made = copies_of(samples, [1, 3], how, [PIXELS], cache)
        monkeypatch.setattr("ensemble.training.copies.seen_photo", None)  # nothing is decoded any more
        again = copies_of(samples, [1, 3], how, [PIXELS], cache)
    assert made.copied.tolist() == [1, 3] * 3
    expected = [
        vary_one(read_photo(samples[place].path).picture)
        for vary_one in variations_of(how).values()
        for place in (1, 3)
    ]
    assert np.array_equal(made.inputs[PIXELS], PIXELS.resize(expected).numpy())
    assert np.array_equal(made.inputs[PIXELS], again.inputs[PIXELS])
    assert variations_of(NO_AUGMENTATION) == {}


def test_copies_of_photos_that_are_held_out_go_with_them() -> None:
    samples = tuple(Sample(Path(f"{number}.png"), OK_NOK.names[number % 2]) for number in range(4))
    copies = PhotoCopies(np.array([0, 1, 2, 3, 0, 1, 2, 3]), {"a": np.arange(10, 18)[:, None]})
    rows = PartReading(samples, np.array([0, 1, 0, 1]), {"a": np.arange(4)[:, None]}, (), (), copies=copies)
    left = leave_out(rows, samples[1:2]).copies
    assert left is not None
    assert left.copied.tolist() == [0, 1, 2, 0, 1, 2]
    assert left.inputs["a"].ravel().tolist() == [10, 12, 13, 14, 16, 17]


def test_folds_keep_copies_beside_their_photos() -> None:
    labels, copied = np.arange(20) % 2, np.tile(np.arange(0, 20, 3), 2)
    shows = np.concatenate([np.arange(20), copied])
    folds = _folds_with_copies(labels, copied, 5)
    assert np.sort(np.concatenate([held for _, held in folds])).tolist() == list(range(len(shows)))
    for learn, held in folds:
        assert not set(shows[learn]) & set(shows[held])
        assert len(learn) + len(held) == len(shows)


def rows_of(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % 2
    return np.random.default_rng(0).normal(labels[:, None], 1.5, (count, 6)), labels


def test_without_copies_a_member_is_what_scikit_learn_makes_of_its_photos() -> None:
    rows, labels = rows_of()
    member = SupportVectorMember(classes=OK_NOK, input=PIXELS).fit(rows, labels)
    scaled = StandardScaler().fit_transform(rows)
    machine = CalibratedClassifierCV(SVC(C=10.0, gamma="scale"), method="sigmoid", cv=5, ensemble=False)
    expected = machine.fit(scaled, labels, sample_weight=np.ones(len(labels))).predict_proba(scaled)
    np.testing.assert_allclose(member.score(rows).probabilities, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("make", [SupportVectorMember, ForestMember])
def test_members_learn_from_copies_and_keep_no_folds(make: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForestMember, "trees", 20)
    rows, labels = rows_of()
    copied = np.arange(len(labels))
    both, twice = np.concatenate([rows, rows + 0.5]), np.concatenate([labels, labels])
    plain = make(classes=OK_NOK, input=PIXELS).fit(rows, labels)
    taught = make(classes=OK_NOK, input=PIXELS).fit(both, twice, copied=copied)
    assert not np.array_equal(plain.score(rows).probabilities, taught.score(rows).probabilities)
    assert taught.classifier_.get_params().get("cv") in (5, None)


def test_platts_sigmoid_is_not_deceived_by_copies() -> None:
    """Classes are noise: a machine that had seen a held-out photo's copy would be sure of it."""
    rows, labels = np.random.default_rng(1).normal(size=(60, 40)), np.arange(60) % 2
    both, twice = np.concatenate([rows, rows]), np.concatenate([labels, labels])
    fair = SupportVectorMember(classes=OK_NOK, input=PIXELS).fit(both, twice, copied=np.arange(60))
    deceived = SupportVectorMember(classes=OK_NOK, input=PIXELS).fit(both, twice)
    assert np.ptp(fair.score(rows).probabilities) < 0.7 < 0.95 < np.ptp(deceived.score(rows).probabilities)


PHOTOS = torch.arange(6 * 3 * 4 * 4).reshape(6, 3, 4, 4).remainder(101).add(1).to(torch.uint8)


def varied(how: Augmentation) -> torch.Tensor:
    torch.manual_seed(0)
    return vary(PHOTOS, how)


def test_photos_vary_in_the_wanted_ways_alone() -> None:
    assert torch.equal(varied(NO_AUGMENTATION), PHOTOS.float())
    light = varied(Augmentation(relit=True, mirrored=())) / PHOTOS.float()
    assert light.flatten(1).std(dim=1).max() < 1e-5
    for way, axis in (("left_right", 3), ("top_bottom", 2)):
        seen = varied(Augmentation(relit=False, mirrored=(way,)))
        either = [
            torch.equal(each, photo) or torch.equal(each, photo.flip(axis - 1))
            for each, photo in zip(seen, PHOTOS.float(), strict=True)
        ]
        assert all(either) and not torch.equal(seen, PHOTOS.float())
    assert torch.equal(varied(USUAL_AUGMENTATION), varied(Augmentation(True, BOTH_WAYS)))


def test_networks_vary_photos_as_they_are_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Augmentation] = []
    real = vary
    monkeypatch.setattr(
        "ensemble.members.baseline_cnn.vary", lambda pixels, how: (asked.append(how), real(pixels, how))[1]
    )
    rows, labels = np.random.default_rng(0).integers(0, 255, (10, 3, 128, 128), dtype=np.uint8), np.arange(10) % 2
    member = BaselineCNNMember(classes=OK_NOK)
    member.teaching = Teaching(effort=0.01, augmentation=NO_AUGMENTATION)
    member.fit(rows, labels)
    assert set(asked) == {NO_AUGMENTATION}


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> tuple[Recipe, dict[str, PartReading]]:
    """Twelve photos of a disc as an SVM reads them."""
    samples = lay(tmp_path_factory.mktemp("lesson"), 6, DISC)
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights).at(SIDE)
    return recipe_of("svm", extractors=(extractor,)), {"all": read_rows(samples, [extractor], OK_NOK)}


LIGHT_ALONE, LEFT_RIGHT = Augmentation(relit=True, mirrored=()), Augmentation(relit=False, mirrored=("left_right",))


@pytest.mark.parametrize(
    ("figures", "copies", "sentence"),
    [
        (
            (0.9, 0.903, 0.904, 0.9, 0.9, 0.9049),
            NO_AUGMENTATION,
            "No augmentation for classical models: AUROC 0.900 without, 0.905 with copies relit and mirrored left to "
            "right (cross-validation).",
        ),
        (
            (0.9951,),  # no figure can be clearly higher, and copies are not even made
            NO_AUGMENTATION,
            "No augmentation for classical models: AUROC is already 0.995 without (cross-validation).",
        ),
        (
            (0.9, 0.91, 0.91, 0.91, 0.91, 0.91),
            LIGHT_ALONE,
            "Augmentation for classical models: copies relit, AUROC 0.910 instead of 0.900 (cross-validation).",
        ),
        ((0.9, 0.91, 0.92, 0.91, 0.91, 0.92), LEFT_RIGHT, "classical models: copies mirrored left to right, "),
        ((0.9, 0.91, 0.92, 0.91, 0.93, 0.94), USUAL_AUGMENTATION, "relit and mirrored left to right and upside down"),
    ],
)
def test_copies_are_chosen_where_classes_are_clearly_better_told_apart(
    lesson: tuple[Recipe, dict[str, PartReading]],
    monkeypatch: pytest.MonkeyPatch,
    figures: tuple[float, ...],
    copies: Augmentation,
    sentence: str,
) -> None:
    given = list(figures)
    folds: list[Any] = []
    monkeypatch.setattr(augmentation, "TRIED_ON", [12])
    monkeypatch.setattr(augmentation, "separates", lambda *how: (folds.extend(how[3]), given.pop(0))[1])
    chosen, rows, notes = with_augmentation(*lesson, "", NOTHING_KEPT, lambda *_: None)
    assert (chosen.copies, chosen.augmentation) == (copies, USUAL_AUGMENTATION)
    assert len(notes) == 1 and sentence in notes[0]
    made = rows["all"].copies
    assert (0 if made is None else len(made.copied)) == 12 * len(variations_of(copies))
    for known, held in folds:  # photos alone are held out, and no copy of them is learnt from
        assert held.max() < 12 and not set(known % 12) & set(held)


@pytest.mark.parametrize(
    ("augment", "networks", "copies"),
    [
        ("none", NO_AUGMENTATION, NO_AUGMENTATION),
        ("light", LIGHT_ALONE, LIGHT_ALONE),
        ("mirror", Augmentation(False, BOTH_WAYS), Augmentation(False, BOTH_WAYS)),
        ("both", USUAL_AUGMENTATION, USUAL_AUGMENTATION),
        ("", USUAL_AUGMENTATION, NO_AUGMENTATION),  # of twelve photos nothing is tried
    ],
)
def test_what_is_asked_for_is_not_tried(
    lesson: tuple[Recipe, dict[str, PartReading]],
    monkeypatch: pytest.MonkeyPatch,
    augment: str,
    networks: Augmentation,
    copies: Augmentation,
) -> None:
    monkeypatch.setattr(augmentation, "separates", None)
    chosen, rows, notes = with_augmentation(*lesson, augment, NOTHING_KEPT, lambda *_: None)
    assert (chosen.augmentation, chosen.copies, notes) == (networks, copies, ())
    assert (rows["all"].copies is not None) == bool(copies)


def test_a_one_sided_part_is_not_mirrored_and_that_is_said(tmp_path: Path) -> None:
    learn = {"all": read_rows(lay(tmp_path, 6, ARROW), [PIXELS], OK_NOK)}
    chosen, _, notes = with_augmentation(recipe_of("baseline_cnn"), learn, "", NOTHING_KEPT, lambda *_: None)
    assert chosen.augmentation == Augmentation(True, ("top_bottom",))
    assert notes == ("Augmentation without mirroring left to right: the part looks different when mirrored.",)
    unread = with_augmentation(recipe_of("patch_memory"), {}, "both", NOTHING_KEPT, lambda *_: None)
    assert unread == (recipe_of("patch_memory"), {}, ())


def test_a_training_keeps_what_its_members_learnt_from(tiny_data: Path, tiny_weights: Path, tmp_path: Path) -> None:
    scores = {}
    for augment in ("none", "light"):
        how: dict[str, Any] = {"backbones": (TINY_BACKBONE,), "weights": tiny_weights, "pooling": "average"}
        train(tiny_data, tmp_path / augment, kinds=("svm",), augment=augment, **how)
        store = ModelStore(tmp_path / augment)
        (record,) = store.manifest().members.values()
        assert record.training["augmentation"] == {"relit": augment == "light", "mirrored": []}
        scores[augment] = [case.scores[0].probabilities for case in store.evidence().held_out]
    assert scores["none"] != scores["light"]


def test_augment_is_one_of_four(tmp_path: Path, tiny_data: Path, run: Run) -> None:
    request = TrainingRequest("photos", "models", augment="both")
    assert TrainingRequest.from_json(request.to_json()) == request
    assert "augment" not in TrainingRequest("photos", "models").to_json()
    with pytest.raises(MemberError, match=r"Augment must be one of none, light, mirror, both, or not .*Got 'turn'\."):
        train(tiny_data, tmp_path / "product", augment="turn")
    code, _, errors = run("train", "--data", tiny_data, "--models", tmp_path / "product", "--augment", "turn")
    assert code == 2 and "Augment must be one of" in errors
