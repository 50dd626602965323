"""Masks as they come: each photo teaches by what is known of it, and what is missing is named."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.features.preprocessing import Preprocessing
from ensemble.features.readings import PartReading, read_rows
from ensemble.store import ModelStore
from ensemble.training import damage, train
from ensemble.training.damage import damage_notes, with_masks
from ensemble.training.fitting import leave_out
from ensemble.training.reading import left_aside, photos_of, teachable
from ensemble.values.errors import MemberError, QuorumError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes
from ensemble.values.samples import Dataset, Sample
from tests.conftest import TINY_BACKBONE

NAME = f"patch_classifier_{TINY_BACKBONE}"
SQUARE = Preprocessing(side=48)


def draw(folder: Path, part: str, label: str, count: int, masks: Iterable[bool | None] = ()) -> list[Sample]:
    """Photos of noise, the defective ones with a bright square; the first ones have a mask of it, or an empty one."""
    marks, samples = dict(enumerate(masks)), []
    for number in range(count):
        random = np.random.default_rng([number, *map(ord, part + label)])
        pixels = random.integers(80, 120, (48, 48, 3), dtype=np.uint8)
        square = np.zeros((48, 48), np.uint8)
        square[8:20, 24:36] = 255
        if label != "ok":
            pixels[square > 0] = 250
        path, mask = (folder / place / f"{label}_{part}_{number}.png" for place in (f"{part}/{label}", "ground_truth"))
        mask = folder / "ground_truth" / part / label / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        if marks.get(number) is not None:
            mask.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(square * bool(marks[number])).save(mask)
        where = mask if marks.get(number) is not None else None
        samples.append(Sample(path, NON_DEFECTIVE if label == "ok" else DEFECTIVE, mask=where))
    return samples


def reading(samples: list[Sample]) -> PartReading:
    return read_rows(samples, [SQUARE], OK_NOK)


ALONE = "{} of {} defective photos have no mask, only their label is used."
DRAWN = "synthetic anomalies on {} good photos are added."


@pytest.mark.parametrize(
    ("parts", "facts", "notes"),
    [
        ({"nok": (6, [True] * 6)}, (12, 6, 0, 0), []),
        ({"nok": (6, [True] * 5 + [False])}, (12, 5, 1, 0), [ALONE.format(1, 6)]),
        ({"nok": (6, [])}, (12, 0, 6, 3), [ALONE.format(6, 6), DRAWN.format(3)]),
        ({"nok": (10, [True] * 5)}, (16, 5, 5, 0), [ALONE.format(5, 10)]),
        ({"nok": (1, [True])}, (7, 1, 0, 3), [DRAWN.format(3)]),
        ({"nok": (1, [])}, (7, 0, 1, 3), [ALONE.format(1, 1), DRAWN.format(3)]),
        ({"dent": (3, [True] * 3), "scratch": (3, [True] * 2)}, (12, 5, 1, 0), [ALONE.format(1, 6)]),
    ],
    ids=["all", "one marks nothing", "none", "half", "a single defect", "a single one without", "two kinds"],
)
def test_masks_teach_as_far_as_there_are_any(
    tmp_path: Path,
    tiny_weights: Path,
    parts: dict[str, tuple[int, list[bool | None]]],
    facts: tuple[int, ...],
    notes: list[str],
) -> None:
    for part in ("train", "test"):
        draw(tmp_path, part, "ok", 6)
        for label, (count, masks) in parts.items():
            draw(tmp_path, part, label, count, masks)
    heard: list[str] = []
    options = {"backbones": (TINY_BACKBONE,), "weights": tiny_weights, "side": 64, "profile": "quick"}
    made = train(tmp_path, tmp_path / "m", kinds=("patch_classifier",), notify=heard.append, **options)  # type: ignore[arg-type]
    record = ModelStore(tmp_path / "m").manifest().members[NAME]
    told = record.noted("facts")
    assert tuple(told[name] for name in ("photos", "with_mask", "without_mask", "synthetic")) == facts
    assert record.noted("photos") == {NON_DEFECTIVE: 6, DEFECTIVE: facts[0] - 6}
    assert not record.is_one_class(OK_NOK) and record.metrics["photos"] == facts[0]
    for note in notes:
        assert any(note in sentence for sentence in heard) and any(note in sentence for sentence in made.notes)
    assert sum("Patch classifier: " in sentence for sentence in heard) == len(notes)


def test_drawn_damage_is_marked_where_pixels_changed(tmp_path: Path) -> None:
    plain = reading(draw(tmp_path, "train", "ok", 8))
    first, again = (with_masks(plain, OK_NOK, seed=1) for _ in range(2))
    assert first.masks is not None and again.masks is not None
    assert first.masks.synthetic.tolist() == [False] * 8 + [True] * 4
    assert first.labels.tolist() == [0] * 8 + [1] * 4
    assert np.array_equal(first.masks.damage, again.masks.damage) and first.samples == again.samples
    rows = first.inputs[SQUARE]
    assert np.array_equal(rows, again.inputs[SQUARE])
    for place in range(8, 12):
        origin = first.samples.index(first.samples[place])
        changed = (np.abs(rows[place].astype(int) - rows[origin]) > damage.SEEN).any(axis=0)
        assert changed.any() and np.array_equal(first.masks.damage[place], changed)
    assert not first.masks.damage[:8].any()


def test_a_synthetic_anomaly_is_held_out_with_its_photo(tmp_path: Path) -> None:
    drawn = with_masks(reading(draw(tmp_path, "train", "ok", 8)), OK_NOK, seed=1)
    rest = leave_out(drawn, [drawn.samples[-1], drawn.samples[0]])
    assert rest.masks is not None and drawn.samples[0] not in rest.samples and drawn.samples[-1] not in rest.samples
    assert len(rest.samples) == len(rest.labels) == len(rest.masks.damage) == len(rest.inputs[SQUARE])
    assert len(rest.samples) == 12 - 2 - (2 if drawn.samples[0] in drawn.samples[8:] else 1) + (
        1 if drawn.samples[0] is drawn.samples[-1] else 0
    )


def test_damage_that_changes_nothing_teaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "damaged", lambda picture, _: picture.copy())
    plain = reading(draw(tmp_path, "train", "ok", 6))
    assert with_masks(plain, OK_NOK, seed=1).samples == plain.samples


def test_good_photos_alone_teach_with_drawn_damage(tmp_path: Path, tiny_weights: Path) -> None:
    draw(tmp_path, "train", "ok", 6)
    draw(tmp_path, "test", "ok", 3)
    draw(tmp_path, "test", "nok", 3, [True] * 3)
    options = {"backbones": (TINY_BACKBONE,), "weights": tiny_weights, "side": 64, "profile": "quick"}
    made = train(tmp_path, tmp_path / "m", kinds=("patch_classifier", "mahalanobis"), **options)  # type: ignore[arg-type]
    members = ModelStore(tmp_path / "m").manifest().members
    record, known = members[NAME], members[f"mahalanobis_{TINY_BACKBONE}"]
    assert record.weight == 0.1 <= known.weight and "weighed" in known.training and "weighed" not in record.training
    assert record.is_one_class(OK_NOK) and record.noted("facts")["synthetic"] == 3
    assert record.metrics["aupro"] is not None and any(DRAWN.format(3) in note for note in made.notes)


def test_photos_that_are_all_alike_are_told_apart_by_no_drawn_damage(tmp_path: Path, tiny_weights: Path) -> None:
    for number, label in enumerate(["ok"] * 6 + ["nok"] * 2):
        path = tmp_path / "train" / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 48), (90, 90, 90)).save(path, dpi=(number + 1, 1))
    draw(tmp_path, "test", "ok", 2)
    with pytest.raises(QuorumError, match="All 8 training photos look the same"):
        train(
            tmp_path,
            tmp_path / "m",
            kinds=("patch_classifier",),
            backbones=(TINY_BACKBONE,),
            weights=tiny_weights,
            side=64,
            profile="quick",
        )


@pytest.mark.parametrize(
    ("classes", "good", "bad", "sentence"),
    [
        (OK_NOK, 3, 9, "Needs 4 photos of good parts, found 3."),
        (Classes(("a", "b", "c")), 9, 9, "Needs a defect class, and a, b, c have none."),
    ],
)
def test_what_cannot_teach_places_is_said_before(classes: Classes, good: int, bad: int, sentence: str) -> None:
    samples = [Sample(Path(f"{n}.png"), NON_DEFECTIVE if n < good else DEFECTIVE) for n in range(good + bad)]
    with pytest.raises(MemberError, match=sentence):
        teachable(("patch_classifier",), Dataset(classes, tuple(samples), (), {}, ()))


def test_without_a_real_defect_places_are_taught_by_name_alone() -> None:
    good = Dataset(OK_NOK, tuple(Sample(Path(f"{n}.png"), NON_DEFECTIVE) for n in range(9)), (), {}, ())
    chosen, said = teachable((), good)
    assert "patch_memory" in chosen and "patch_classifier" not in chosen
    assert any(each.startswith("Patch classifier is not trained. No photo shows a real defect") for each in said)
    assert teachable(("patch_classifier",), good) == (("patch_classifier",), [])


def test_of_very_many_photos_some_teach_places_each_class_by_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.training.reading.MOST_GOOD", 40)
    samples = [Sample(Path(f"{n}.png"), NON_DEFECTIVE if n < 150 else DEFECTIVE) for n in range(200)]
    many = Dataset(OK_NOK, tuple(samples), (), {}, ())
    chosen = photos_of("places", many, 3)
    assert chosen == photos_of("places", many, 3) == sorted(chosen, key=samples.index) != photos_of("places", many, 4)
    assert [sum(each.label == label for each in chosen) for label in OK_NOK.names] == [30, 10]
    assert "Patch classifier: trained on 40 of 200 photos" in left_aside(("patch_classifier",), many)[0]
    assert len(left_aside(("patch_classifier", "patch_memory"), many)) == 2 and left_aside(("svm",), many) == []


def test_without_masks_in_the_reading_nothing_is_said(tmp_path: Path) -> None:
    assert damage_notes(reading(draw(tmp_path, "train", "ok", 4)), OK_NOK) == []
