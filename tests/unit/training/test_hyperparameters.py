"""Profiles, balance and the search of settings; and that the same training twice gives the same bytes."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from ensemble.datasets.loading import find_dataset
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import read_rows
from ensemble.members import KINDS
from ensemble.members.baseline_cnn import BaselineCNNMember
from ensemble.members.classical import ClassicalMember, ForestMember
from ensemble.members.contract import Teaching
from ensemble.store import ModelStore
from ensemble.training import recipe, train
from ensemble.training.reading import balance_note, undersampled
from ensemble.training.recipe import PROFILES, search
from ensemble.values.errors import MemberError
from ensemble.values.results import OK_NOK, Classes
from ensemble.values.samples import Sample
from tests.conftest import TINY_BACKBONE

pytestmark = pytest.mark.slow(35)

CLOTHES = Classes(("bottomwear", "shoes", "topwear"))
CLASSICAL = ("svm", "rf", "xgb")
OTHERS = {"svm": {"C": 1.0}, "rf": {"min_samples_leaf": 5}, "xgb": {"max_depth": 2}}


def lesson(classes: int, each: int = 12, features: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(classes * each) % classes
    return (random.normal(size=(len(labels), features)) + labels[:, None]).astype(np.float32), labels


def member_of(kind: str, classes: Classes = OK_NOK) -> ClassicalMember:
    member = KINDS[kind](classes=classes, input=Preprocessing(side=32))
    assert isinstance(member, ClassicalMember)
    return member


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForestMember, "trees", 20)


@pytest.fixture
def few_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two settings of small classifiers: what is tried is tested, not how good it is."""
    for kind, other in OTHERS.items():
        make = KINDS[kind]
        assert issubclass(make, ClassicalMember)
        changed = {**make.usual, **other}
        monkeypatch.setattr(make, "others", lambda _self, _features, changed=changed: [changed])


def test_profiles_say_what_they_do() -> None:
    assert list(PROFILES) == ["quick", "balanced", "thorough"]
    assert [profile.search for profile in PROFILES.values()] == [False, False, True]
    assert [profile.effort for profile in PROFILES.values()] == [0.25, 1.0, 2.0]
    assert all(profile.sentence.endswith(".") for profile in PROFILES.values())
    assert all(set(profile.kinds) <= set(KINDS) for profile in PROFILES.values())
    with pytest.raises(MemberError, match=r"one of quick, balanced, thorough\. Got 'best'"):
        recipe.profile_called("best")


@pytest.mark.parametrize("kind", CLASSICAL)
@pytest.mark.parametrize("classes", [OK_NOK, CLOTHES], ids=["two", "three"])
def test_a_search_records_all_that_it_tried(kind: str, classes: Classes, few_choices: None) -> None:
    rows, labels = lesson(len(classes.names))
    found = search(member_of(kind, classes), rows, labels, range(len(labels)))
    entry = found.as_json()
    assert entry["scoring"] == ("roc_auc" if classes.defect else "balanced_accuracy")
    assert entry["folds"] == 3 and entry["photos"] == len(labels) and len(entry["tried"]) == 2
    best = max(entry["tried"], key=lambda tried: tried["mean"])
    assert entry["chosen"] == best["settings"] and 0.5 < best["mean"] <= 1


@pytest.mark.parametrize(("kind", "count"), [("svm", 9), ("rf", 6), ("xgb", 9)])
def test_the_search_is_small_and_the_usual_settings_stay_on_a_tie(
    kind: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Idle:
        def set_params(self, **_settings: object) -> "Idle":
            return self

        def fit(self, *_rows: object, **_weighing: object) -> "Idle":
            return self

    monkeypatch.setattr(KINDS[kind], "_new_classifier", lambda *_lesson: Idle())
    monkeypatch.setattr(recipe, "get_scorer", lambda _name: lambda *_asked: 0.9)
    rows, labels = lesson(2)
    member = member_of(kind)
    found = search(member, rows, labels, range(len(labels)))
    assert len(found.tried) == count and found.settings == member.usual


@pytest.mark.parametrize("classes", [OK_NOK, CLOTHES], ids=["two", "three"])
def test_an_svm_reaches_what_a_search_over_its_pipeline_reaches(classes: Classes) -> None:
    rows, labels = lesson(len(classes.names), each=15, features=3)
    member = member_of("svm", classes)
    found = search(member, rows, labels, range(len(labels)))
    grid = [{f"svc__{name}": [value] for name, value in each.settings.items()} for each in found.tried]
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=member.seed)
    splits = list(folds.split(rows, labels, np.arange(len(labels))))
    usual = make_pipeline(StandardScaler(), SVC())
    weights = compute_sample_weight("balanced", labels)
    by_hand = GridSearchCV(usual, grid, scoring=found.scoring, cv=splits, refit=False).fit(
        rows, labels, svc__sample_weight=weights
    )
    assert [each.mean for each in found.tried] == pytest.approx(by_hand.cv_results_["mean_test_score"], abs=1e-6)
    assert [each.deviation for each in found.tried] == pytest.approx(by_hand.cv_results_["std_test_score"], abs=1e-6)
    assert len({each.mean for each in found.tried}) > 1


def test_photos_of_one_part_never_come_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(member: object, rows: object, labels: np.ndarray, splits: list[object], scoring: str) -> object:
        seen.extend(splits)
        return (recipe.Tried({}, 1.0, 0.0),)

    monkeypatch.setattr(recipe, "_try_pooling", watched)
    rows, labels = lesson(2, each=30)
    parts = np.arange(60) // 4
    search(member_of("svm"), rows, labels, parts.tolist())
    assert len(seen) == 3
    assert all(not set(parts[learn]) & set(parts[held]) for learn, held in seen)


def test_many_photos_are_cut_to_whole_parts(monkeypatch: pytest.MonkeyPatch, few_choices: None) -> None:
    monkeypatch.setattr(recipe, "MOST_PHOTOS", 30)
    rows, labels = lesson(2, each=40)
    found = [search(member_of("svm"), rows, labels, (np.arange(80) // 4).tolist()) for _ in range(2)]
    assert found[0].photos == 28 and found[0] == found[1]


@pytest.mark.parametrize("parts", [[0] * 24, [0, 1] * 12])
def test_too_few_parts_are_said(parts: list[int]) -> None:
    rows, labels = lesson(2)
    with pytest.raises(MemberError, match="needs photos of 3 parts of each class"):
        search(member_of("svm"), rows, labels, parts)


@pytest.mark.parametrize("kind", CLASSICAL)
def test_chosen_settings_are_those_of_the_member(kind: str) -> None:
    rows, labels = lesson(2)
    member = member_of(kind)
    ((name, value),) = OTHERS[kind].items()
    member.teaching = Teaching(settings=OTHERS[kind])
    member.fit(rows, labels)
    learnt = member.classifier_.get_params()
    assert learnt.get(name, learnt.get(f"estimator__{name}")) == value


def test_rare_classes_weigh_as_much_or_not() -> None:
    rows, labels = lesson(2, each=40)
    kept = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:6]])
    scores = []
    for weighted in (True, False):
        member = member_of("xgb")
        member.teaching = Teaching(weighted=weighted)
        scores.append(member.fit(rows[kept], labels[kept]).score(rows).probabilities[:, 1].mean())
    assert scores[0] > scores[1]


def test_undersampling_takes_as_many_of_each_class_as_the_rarest_has() -> None:
    samples = [Sample(Path(f"{place}.png"), "defective" if place % 5 == 0 else "non_defective") for place in range(50)]
    found = undersampled(samples, 3)
    assert [sample.label for sample in found].count("defective") == 10 and len(found) == 20
    assert found == undersampled(samples, 3) != undersampled(samples, 4)
    assert found == sorted(found, key=samples.index)
    assert balance_note(samples, "weights") == () and balance_note(found, "none") == ()
    assert "10 photos of each class, drawn at random from 10 NOK, 40 OK" in balance_note(samples, "undersample")[0]
    assert "No class weights: 10 NOK, 40 OK photos." in balance_note(samples, "none")[0]


@pytest.mark.parametrize(("setting", "value"), [("profile", "best"), ("balance", "luck")])
def test_unknown_settings_are_refused(tmp_path: Path, setting: str, value: str) -> None:
    with pytest.raises(MemberError, match=f"Got '{value}'"):
        train(tmp_path, tmp_path, **{setting: value})  # type: ignore[arg-type]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.members.baseline_cnn.EPOCHS", (1, 1))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".pkl", ".pth"}}


def test_the_same_training_gives_the_same_bytes_with_and_without_kept_features(
    tiny_data: Path, tiny_weights: Path, tmp_path: Path, quick: None
) -> None:
    cache = FeatureCache(tmp_path / "kept")
    extractor = FeatureExtractor.open(TINY_BACKBONE, weights=tiny_weights)
    dataset = find_dataset(tiny_data)
    read_rows(
        (*dataset.train, *dataset.test), [extractor, BaselineCNNMember(classes=OK_NOK).input], OK_NOK, cache=cache
    )
    made = []
    for name, kept in {"without": FeatureCache(None), "with": cache}.items():
        outcome = train(
            tiny_data,
            tmp_path / name,
            backbones=(TINY_BACKBONE,),
            kinds=("baseline_cnn", *CLASSICAL),
            weights=tiny_weights,
            pooling="average",
            cache=kept,
        )
        evidence = ModelStore(tmp_path / name).evidence()
        said = [
            [(score.member, score.probabilities) for score in case.scores]
            for case in (*evidence.held_out, *evidence.test)
        ]
        made.append((files(tmp_path / name), said, outcome.quality["ensemble"]))
    assert len(made[0][0]) == 7
    assert made[0] == made[1]


def test_a_thorough_training_keeps_its_choice(
    tiny_data: Path, tiny_weights: Path, tmp_path: Path, quick: None, few_choices: None
) -> None:
    train(
        tiny_data,
        tmp_path,
        backbones=(TINY_BACKBONE,),
        kinds=("baseline_cnn", "svm"),
        weights=tiny_weights,
        pooling="average",
        profile="thorough",
        balance="undersample",
    )
    members = ModelStore(tmp_path).manifest().members
    svm, network = members[f"svm_{TINY_BACKBONE}"].training, members["baseline_cnn"].training
    assert (svm["profile"], svm["balance"]) == ("thorough", "undersample")
    assert set(svm["photos"].values()) == {min(svm["photos"].values())}
    chosen = svm["facts"]["search"]
    assert len(chosen["tried"]) == 2 and chosen["chosen"] in [tried["settings"] for tried in chosen["tried"]]
    assert chosen["photos"] == sum(svm["photos"].values())  # no calibration photo and no test photo
    assert len(network["curves"]["learning_loss"]) == 2
