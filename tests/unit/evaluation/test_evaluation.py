"""Evaluation: figures from literal scores, maps measured as photos pass, and what a report and a manifest carry."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import fbeta_score

from ensemble.evaluation.scoring import flat, quality_report, score_photos, verdict_quality, with_megabytes
from ensemble.features.preprocessing import Preprocessing
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded, Prediction
from ensemble.metrics.image_metrics import separation
from ensemble.policies import shipped
from ensemble.store import ModelStore
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes
from ensemble.values.samples import Sample

SIDE = 32
NOTHING = dict.fromkeys(("image_auroc", "average_precision", "f1_max", "overkill_at_95", "overkill_at_100"))


class Reads:
    """A member whose probability of the defect is how bright the photo is, and whose map is its pixels, if it has one.

    `gain` changes the probability, `turned` hides where the light is.
    """

    def __init__(self, lesson: str, *, maps: bool = False, gain: float = 1.0, turned: bool = False) -> None:
        self.input, self.lesson = Preprocessing(side=SIDE), lesson
        self.maps, self.gain, self.turned = maps, gain, turned

    def score(self, rows: np.ndarray) -> Prediction:
        grey = rows[:, 0].astype(np.float32) / 255
        defective = np.clip(grey.max(axis=(1, 2)) * self.gain, 0, 1)
        anomaly_map = grey[:, ::-1, ::-1] if self.turned else grey
        return Prediction(np.stack([1 - defective, defective], axis=1), anomaly_map=anomaly_map if self.maps else None)


def opened(members: Mapping[str, Reads], classes: Classes = OK_NOK, **weights: float) -> Inspector:
    return Inspector(Loaded(members, (), classes, weights))  # type: ignore[arg-type]


def photo(folder: Path, name: str, level: int, spot: bool = False) -> Path:
    """A dark photo with a square of this level at the top left, and a mask of the square where it is a spot."""
    pixels = np.zeros((SIDE, SIDE), dtype=np.uint8)
    pixels[4:8, 4:8] = level
    Image.fromarray(pixels).convert("RGB").save(folder / f"{name}.png")
    if spot:
        Image.fromarray((pixels > 0).astype(np.uint8) * 255).save(folder / f"{name}_mask.png")
    return folder / f"{name}.png"


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Three good photos, two with a bright scratch and masks, and a dark dent without a mask."""
    good = [Sample(photo(tmp_path, f"good{level}", level), NON_DEFECTIVE) for level in (0, 20, 60)]
    scratches = [
        Sample(
            photo(tmp_path, f"scratch{level}", level, True), DEFECTIVE, "scratch", tmp_path / f"scratch{level}_mask.png"
        )
        for level in (200, 250)
    ]
    return [*good, *scratches, Sample(photo(tmp_path, "dent", 40), DEFECTIVE, "dent")]


def measured(inspector: Inspector, samples: list[Sample], classes: Classes = OK_NOK) -> dict[str, Any]:
    return quality_report(score_photos(inspector, samples), shipped(classes), classes)


@pytest.mark.parametrize(
    ("defective", "scores", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], (1.0, 1.0, 1.0, 0.0, 0.0)),
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], (0.0, 0.416667, 0.666667, 1.0, 1.0)),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], (0.5, 0.5, 0.666667, 1.0, 1.0)),
        ([0, 0, 0, 0] + [1] * 20, [0.1, 0.2, 0.3, 0.6, 0.25] + [0.7] * 19, (0.975, 0.995455, 0.974359, 0.0, 0.5)),
    ],
)
def test_separation(defective: list[int], scores: list[float], expected: tuple[float, ...]) -> None:
    assert tuple(separation([bool(each) for each in defective], scores).values()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("defective", [[], [True, True], [False]])
def test_one_class_alone_has_no_figures(defective: list[bool]) -> None:
    assert separation(defective, [0.5] * len(defective)) == NOTHING


def test_a_member_is_measured_by_threshold_over_thresholds_and_by_type(samples: list[Sample]) -> None:
    entry = measured(opened({"bright": Reads("all")}), samples)["members"]["bright"]
    assert entry["photos"] == 6 and entry["seconds_per_photo"] > 0
    assert (entry["accuracy"], entry["escape_rate"], entry["overkill_rate"]) == (0.833333, 0.333333, 0.0)
    assert entry["image_auroc"] == entry["auroc"] == 0.888889 and entry["overkill_at_100"] == 0.333333
    assert entry["by_type"] == {
        "dent": {"photos": 1, "detected": 0, "image_auroc": 0.666667},
        "scratch": {"photos": 2, "detected": 2, "image_auroc": 1.0},
    }
    assert not {"pixel_auroc", "aupro", "by_product"} & set(entry)


def test_maps_are_measured_and_then_dropped(samples: list[Sample]) -> None:
    members = {"sees": Reads("good", maps=True), "blind": Reads("all"), "turned": Reads("good", maps=True, turned=True)}
    scored = score_photos(opened(members), samples)
    assert all(each.anomaly_map is None for case in scored.cases for each in case.scores)
    quality = quality_report(scored, shipped(OK_NOK), OK_NOK)
    assert (quality["members"]["sees"]["pixel_auroc"], quality["members"]["sees"]["aupro"]) == (1.0, 1.0)
    assert quality["members"]["turned"]["pixel_auroc"] < 0.5 and "aupro" not in quality["members"]["blind"]
    assert quality["masks"] == {"photos": 5, "regions": 2, "without_mask": 1}


def test_good_only_members_are_measured_together_by_weight(samples: list[Sample]) -> None:
    members = {
        "sees": Reads("good", maps=True),
        "dim": Reads("good", gain=0.1),
        "turned": Reads("good", maps=True, turned=True),
        "other": Reads("all", gain=0.0),
    }
    together = measured(opened(members, sees=0.8, dim=0.1, turned=0.1), samples)["good_only"]
    assert together["members"] == ["sees", "dim", "turned"] and together["image_auroc"] == 0.888889
    assert together["escape_rate"] == 0.333333 and together["by_type"]["scratch"]["detected"] == 2
    assert together["pixel_auroc"] > 0.99 and together["aupro"] > 0.99  # the one that sees outweighs the turned one


@pytest.mark.parametrize("lessons", [("all", "masks"), ("good", "all")])
def test_fewer_than_two_good_only_members_are_no_group(samples: list[Sample], lessons: tuple[str, str]) -> None:
    members = {f"member{place}": Reads(lesson) for place, lesson in enumerate(lessons)}
    assert measured(opened(members), samples)["good_only"] is None


def test_good_photos_alone_are_measured_without_figures_that_need_defects(samples: list[Sample]) -> None:
    quality = measured(opened({"a": Reads("good", maps=True), "b": Reads("good")}), samples[:3])
    for entry in (quality["members"]["a"], quality["good_only"]):
        assert {key: entry[key] for key in NOTHING} == NOTHING and entry["escape_rate"] is None
        assert entry["overkill_rate"] == 0.0 and entry["by_type"] == {}
        assert entry["pixel_auroc"] is None and entry["aupro"] is None
    json.dumps(quality)


def test_classes_without_a_defect_have_accuracy_alone(samples: list[Sample]) -> None:
    shoes = Classes(("shirt", "shoe"))
    renamed = [Sample(each.path, "shoe" if each.label == DEFECTIVE else "shirt") for each in samples]
    entry = measured(opened({"bright": Reads("all", maps=True)}, shoes), renamed, shoes)["members"]["bright"]
    assert entry["accuracy"] == 0.833333 and {key: entry[key] for key in NOTHING} == NOTHING
    assert entry["aupro"] is None and entry["by_type"] == {}


def test_several_products_are_measured_each(samples: list[Sample]) -> None:
    nuts = [Sample(each.path, each.label, f"nut/{each.defect}" * bool(each.defect), None, "nut") for each in samples]
    bolts = [Sample(each.path, each.label, category="bolt") for each in samples[:3]]
    entry = measured(opened({"bright": Reads("all")}), [*nuts, *bolts])["members"]["bright"]
    assert list(entry["by_product"]) == ["bolt", "nut"] and list(entry["by_type"]) == ["nut/dent", "nut/scratch"]
    assert entry["by_product"]["nut"]["image_auroc"] == 0.888889 and entry["by_product"]["bolt"]["image_auroc"] is None
    assert entry["photos"] == 9 and entry["by_product"]["bolt"]["photos"] == 3


def test_what_cannot_be_read_is_named_and_the_rest_is_measured(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no photo")
    (tmp_path / "scratch200_mask.png").write_bytes(b"no mask")
    Image.new("L", (9, 9), 255).save(tmp_path / "scratch250_mask.png")
    scored = score_photos(
        opened({"sees": Reads("good", maps=True)}), [*samples, Sample(tmp_path / "broken.png", DEFECTIVE)]
    )
    assert len(scored.cases) == 6 and len(scored.refused) == 3
    assert [word for sentence in scored.refused for word in ("broken", "200_mask", "9 × 9") if word in sentence] == [
        "broken",
        "200_mask",
        "9 × 9",
    ]
    with pytest.raises(DataError, match="Of 1 photo none could be opened"):
        score_photos(opened({}), [Sample(tmp_path / "broken.png", DEFECTIVE)])


def test_the_energy_of_an_evaluation_is_told_for_a_thousand_inspections(samples: list[Sample]) -> None:
    energy = measured(opened({"bright": Reads("all")}), samples)["energy"]
    assert set(energy) == {
        *("cpu_seconds", "watt_hours", "grams_co2", "source", "uncertainty", "per_1000_inspections"),
    }
    assert energy["per_1000_inspections"]["cpu_seconds"] == pytest.approx(energy["cpu_seconds"] * 1000 / 6, rel=0.01)


def test_a_trained_product_carries_flat_figures_energy_and_sizes(tiny_product: Path, samples: list[Sample]) -> None:
    store = ModelStore(tiny_product)
    for name, record in store.manifest().members.items():
        assert {"auroc", "image_auroc", "average_precision", "f1_max", "seconds_per_photo"} <= set(record.metrics)
        assert "by_type" not in record.metrics
        assert record.training["energy"]["cpu_seconds"] > 0 and record.training["energy"]["uncertainty"]
        quality = with_megabytes({"members": {name: {}}}, store)
        size = sum((tiny_product / file).stat().st_size for file in record.files)
        assert quality["members"][name]["megabytes"] == round(size / 1e6, 3) > 0


def test_flat_figures_are_numbers_or_none() -> None:
    assert flat({"photos": 3, "aupro": None, "f1": 0.5, "by_type": {"dent": {}}}) == {
        "photos": 3,
        "aupro": None,
        "f1": 0.5,
    }


def test_a_review_is_neither_right_nor_an_escape() -> None:
    quality = verdict_quality([DEFECTIVE, DEFECTIVE, NON_DEFECTIVE], ["review", NON_DEFECTIVE, DEFECTIVE], OK_NOK)
    assert (quality["accuracy"], quality["escape_rate"], quality["overkill_rate"]) == (0.0, 0.5, 1.0)
    assert quality["review_rate"] == 0.333333 and quality["confusion"][DEFECTIVE]["review"] == 1


@pytest.mark.parametrize("classes", [OK_NOK, Classes(("a", "b", "c"))], ids=["two", "three"])
@pytest.mark.parametrize("photos", [1, 3, 200])
def test_f_beta_is_that_of_scikit_learn(classes: Classes, photos: int) -> None:
    lots = np.random.default_rng(photos)
    truth, verdicts = lots.choice(classes.names, photos), lots.choice([*classes.names, "review"], photos)
    quality = verdict_quality(truth.tolist(), verdicts.tolist(), classes)
    asked = [classes.defect] if classes.defect else list(classes.names)
    for name, beta in (("f1", 1.0), ("f2", 2.0)):
        expected = fbeta_score(truth, verdicts, beta=beta, labels=asked, average="macro", zero_division=0)
        assert quality[name] == pytest.approx(expected, abs=1e-6)
