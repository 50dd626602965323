"""What photos can teach, and a training run in which one member cannot learn or cannot vote."""

from pathlib import Path

import pytest

from ensemble.features.preprocessing import Preprocessing
from ensemble.members import Prediction
from ensemble.members.contract import Lesson
from ensemble.members.mahalanobis import MahalanobisMember
from ensemble.store import ModelStore
from ensemble.training import train
from ensemble.training.reading import left_aside, photos_of, teachable
from ensemble.training.voting import weigh
from ensemble.values.errors import DataError, MemberError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes
from ensemble.values.samples import Dataset, Sample
from ensemble.values.titles import model_title
from tests.conftest import TINY_BACKBONE

GARMENTS = Classes(("bottomwear", "shoes", "topwear"))


def photos(label: str, count: int, masks: int = 0) -> list[Sample]:
    return [Sample(Path(f"{n}.png"), label, mask=Path(f"{n}_mask.png") if n < masks else None) for n in range(count)]


def dataset(classes: Classes, *samples: Sample) -> Dataset:
    return Dataset(classes, samples, (), {}, ())


@pytest.mark.parametrize(
    ("classes", "samples", "kind", "sentence"),
    [
        (
            OK_NOK,
            [*photos(NON_DEFECTIVE, 3), *photos(DEFECTIVE, 9)],
            "mahalanobis",
            "Needs 4 photos of good parts, found 3.",
        ),
        (OK_NOK, [*photos(NON_DEFECTIVE, 9), *photos(DEFECTIVE, 4)], "svm", "Too few: NOK (4)."),
        (OK_NOK, [*photos(NON_DEFECTIVE, 9), *photos(DEFECTIVE, 9, 4)], "detector", "5 training photos with a mask"),
        (
            GARMENTS,
            photos("shoes", 9, 9),
            "detector",
            "a defect class, and bottomwear, shoes, topwear have none.",
        ),
        (
            GARMENTS,
            photos("shoes", 9),
            "patch_memory",
            "a defect class, and bottomwear, shoes, topwear have none.",
        ),
    ],
)
def test_what_photos_cannot_teach_is_said_before_anything_is_learnt(
    classes: Classes, samples: list[Sample], kind: str, sentence: str
) -> None:
    with pytest.raises(MemberError) as refused:
        teachable((kind,), dataset(classes, *samples))
    assert str(refused.value).startswith(f"{model_title(kind)} is not trained. Needs ")
    assert sentence in str(refused.value)


def test_a_lesson_says_which_photos_teach() -> None:
    good, bare, masked = photos(NON_DEFECTIVE, 1)[0], photos(DEFECTIVE, 1)[0], photos(DEFECTIVE, 1, 1)[0]
    taught: dict[Lesson, list[bool]] = {
        "all": [True, True, True],
        "good": [True, False, False],
        "masks": [True, False, True],
    }
    for lesson, expected in taught.items():
        taught_by = photos_of(lesson, dataset(OK_NOK, good, bare, masked), 0)
        assert [each in taught_by for each in (good, bare, masked)] == expected


def test_of_very_many_good_parts_some_teach_the_same_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.training.reading.MOST_GOOD", 6)
    many = dataset(OK_NOK, *[Sample(Path(f"{number}.png"), NON_DEFECTIVE) for number in range(20)])
    chosen = photos_of("good", many, 3)
    assert len(chosen) == 6 and chosen == photos_of("good", many, 3) == sorted(chosen, key=many.train.index)
    assert len(photos_of("all", many, 3)) == 20
    assert "trained on 6 of 20 good photos" in left_aside(("svm", "patch_memory"), many)[0]
    assert left_aside(("svm",), many) == []


def fails(*_: object, **__: object) -> Prediction:
    raise MemberError("It has gone blind.")


@pytest.mark.parametrize(("method", "kept"), [("_learn", False), ("score", True)])
def test_a_member_that_fails_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_data: Path, tiny_weights: Path, method: str, kept: bool
) -> None:
    heard: list[str] = []
    options = {"backbones": (TINY_BACKBONE,), "weights": tiny_weights, "pooling": "average", "side": 64}
    with monkeypatch.context() as patch:
        patch.setattr(MahalanobisMember, method, fails)
        patch.setattr("ensemble.training.voting._scores_of_defects", lambda *_: [0.9])
        kinds = ("svm", "mahalanobis")
        made = train(tiny_data, tmp_path / "m", kinds=kinds, notify=heard.append, **options)  # type: ignore[arg-type]
    name = f"mahalanobis_{TINY_BACKBONE}"
    title = model_title(name)
    said = f"{title}: no result on any test photo" if kept else f"{title} is not trained. It has gone blind."
    assert any(said in sentence and "It has gone blind." in sentence for sentence in heard)
    assert heard[-1] in made.notes and (name in made.members) is kept
    records = ModelStore(tmp_path / "m").manifest().members
    assert (name in records) is kept and records[f"svm_{TINY_BACKBONE}"].metrics["photos"] == 12
    assert not kept or records[name].metrics == {}


@pytest.mark.parametrize("side", [0, -1, 31])
def test_a_side_on_which_nothing_can_be_seen_is_refused(tmp_path: Path, tiny_data: Path, side: int) -> None:
    with pytest.raises(MemberError, match="at least 32 pixels a side"):
        train(tiny_data, tmp_path / "m", kinds=("mahalanobis",), side=side)
    assert not (tmp_path / "m").exists()


def test_votes_are_not_weighed_by_defects_that_nobody_can_open(tmp_path: Path) -> None:
    samples = [Sample(tmp_path / "gone.png", DEFECTIVE)] * 5
    member = MahalanobisMember(classes=OK_NOK, input=Preprocessing())
    with pytest.raises(DataError, match=r"Of 5 defective photos to weigh votes by none could be opened\. .*gone"):
        weigh(member, dataset(OK_NOK, *samples), seed=0)
