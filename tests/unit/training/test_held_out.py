"""Which photos members speak of without having learnt from them: no part on both sides, every class in each fold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ensemble.datasets.loading import digests, part_numbers
from ensemble.features.readings import PartReading
from ensemble.training.fitting import CROSS_FITTING_FOLDS, leave_out, plan_cross_fitting
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK
from ensemble.values.samples import Dataset, Sample, captured_parts


def dataset(good: int, bad: int, name: str = "{}_{}.png") -> Dataset:
    samples = [Sample(Path(name.format("good", i)), NON_DEFECTIVE) for i in range(good)]
    samples += [Sample(Path(name.format("bad", i)), DEFECTIVE, ("dent", "scratch")[i % 2]) for i in range(bad)]
    return Dataset(OK_NOK, tuple(samples), (), {}, ())


@pytest.mark.parametrize(
    ("good", "bad", "learnt", "held", "again", "note"),
    [
        (800, 400, 900, (300,), False, "Thresholds from 300 of 1200 training photos"),
        (60, 30, 90, (30, 30, 30), True, "Thresholds by 3-fold cross-validation on 90 photos."),
        (60, 5, 65, (), False, "No validation photos"),
        (60, 0, 60, (), False, "No validation photos"),
    ],
)
def test_large_sets_are_divided_and_small_ones_crossed(
    good: int, bad: int, learnt: int, held: tuple[int, ...], again: bool, note: str
) -> None:
    given = dataset(good, bad)
    found = plan_cross_fitting(given, 0)
    assert (len(found.learn), tuple(map(len, found.folds)), found.again) == (learnt, held, again)
    assert note in found.note()
    for fold in found.folds:
        assert {sample.defect for sample in fold} == {"", "dent", "scratch"}
        assert again or not set(fold) & set(found.learn)
    everything = [sample for fold in found.folds for sample in fold]
    assert not again or sorted(everything, key=str) == sorted(given.train, key=str)


def test_photos_that_were_held_out_before_stay_so_and_new_ones_are_divided(tmp_path: Path) -> None:
    samples = [Sample(tmp_path / f"{n}.jpg", (NON_DEFECTIVE, DEFECTIVE)[n % 2]) for n in range(820)]
    for number, sample in enumerate(samples):
        sample.path.write_text(str(number))
    old, kept_apart = digests(samples[:800]), digests(samples[:200])
    found = plan_cross_fitting(Dataset(OK_NOK, tuple(samples), (), {}, ()), 0, kept_apart, old)
    held, new = set(found.folds[0]), set(samples[800:])
    assert held - new == set(samples[:200]) and 0 < len(held & new) < 20
    assert set(found.learn) == set(samples) - held


@pytest.mark.parametrize("seed", range(4))
def test_captures_of_one_part_stay_on_one_side(seed: int) -> None:
    names = [f"exp{shot}_num_{1000 * part + 15 * shot}.jpg" for part in range(40) for shot in range(1, 7)]
    samples = [Sample(Path(name), (NON_DEFECTIVE, DEFECTIVE)[place // 6 % 2]) for place, name in enumerate(names)]
    found = plan_cross_fitting(Dataset(OK_NOK, tuple(samples), (), {}, ()), seed)
    assert len(found.folds) == CROSS_FITTING_FOLDS
    part_of = dict(zip(samples, captured_parts([sample.path for sample in samples]), strict=True))
    groups = [{part_of[sample] for sample in fold} for fold in found.folds]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 40


def test_photos_whose_names_do_not_tell_are_parts_of_their_own() -> None:
    assert captured_parts([Path("b.jpg"), Path("exp1_num_50.jpg"), Path("a.jpg"), Path("exp2_num_70.jpg")]) == [
        1,
        0,
        2,
        0,
    ]


def test_named_parts_come_before_file_names_and_belong_to_their_category() -> None:
    named = [Sample(Path("exp1_num_50.jpg"), NON_DEFECTIVE, part=part) for part in ("7", "8", "7")]
    named += [Sample(Path("a.jpg"), NON_DEFECTIVE, category="lid", part="7")]
    by_file = [Sample(Path(f"exp{i}_num_50.jpg"), NON_DEFECTIVE) for i in (2, 3)]
    assert part_numbers([*named, *by_file]) == [1, 2, 1, 3, 0, 0]
    samples = dataset(9, 9).train
    assert part_numbers(samples) == captured_parts([sample.path for sample in samples])


@pytest.mark.parametrize("seed", range(3))
def test_named_parts_stay_on_one_side(seed: int) -> None:
    samples = [
        Sample(Path(f"{place}.jpg"), (NON_DEFECTIVE, DEFECTIVE)[place // 3 % 2], part=f"part {place // 3}")
        for place in range(60)
    ]
    found = plan_cross_fitting(Dataset(OK_NOK, tuple(samples), (), {}, ()), seed)
    assert sum(len({sample.part for sample in fold}) for fold in found.folds) == 20


def test_photos_brought_to_choose_thresholds_on_teach_nobody() -> None:
    given = replace(dataset(60, 30), calibration=dataset(4, 3, "own_{}_{}.png").train)
    found = plan_cross_fitting(given, 0)
    assert (found.learn, found.folds, found.again) == (given.train, (given.calibration,), False)
    assert found.note() == "Thresholds from 7 calibration photos."


@pytest.mark.parametrize("good", [60, 3])
def test_calibration_photos_without_a_class_are_said_and_not_used(good: int) -> None:
    given = dataset(good, 30)
    lame = replace(given, calibration=dataset(5, 0, "own_{}_{}.png").train)
    found, before = plan_cross_fitting(lame, 0), plan_cross_fitting(given, 0)
    assert (found.learn, found.folds, found.again) == (before.learn, before.folds, before.again)
    assert found.note() == f"Calibration photos not used: no NOK among them. {before.note()}"


def test_rows_without_a_fold() -> None:
    samples = dataset(2, 1).train
    rows = PartReading(samples, np.array([0, 0, 1]), {"a": np.arange(6).reshape(3, 2)}, (), ())
    left = leave_out(rows, samples[1:2])
    assert left.samples == (samples[0], samples[2]) and left.labels.tolist() == [0, 1]
    assert left.inputs["a"].tolist() == [[0, 1], [4, 5]]
