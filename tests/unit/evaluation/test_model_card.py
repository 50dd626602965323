"""The model card: literal figures of a small product, a limit for each fact that gives one, and nothing made up."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble.datasets.collection import Collection
from ensemble.evaluation.model_card import CardTable, ModelCard, Section, card_of
from ensemble.evaluation.model_card.values import as_text
from ensemble.policies import Policy, PolicyBook
from ensemble.policies.cases import Case, Evidence
from ensemble.store import ModelStore
from ensemble.values.errors import StoreError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes
from tests.conftest import Run
from tests.support.drawn_cases import case, keep_evidence
from tests.support.stub_product import GARMENTS, write_product

ROOT = Path(__file__).resolve().parents[3]
MEMBERS = ("svm_a", "rf_a")
TRAINING: dict[str, Any] = {
    **{"data": "ab" * 32, "test_data": "cd" * 32, "seed": 3, "photos": {NON_DEFECTIVE: 20, DEFECTIVE: 10}},
    "energy": {"cpu_seconds": 12.0, "watt_hours": 0.5, "grams_co2": 0.2, "source": "meter", "uncertainty": "A guess."},
    "curves": {"learning_loss": [0.9, 0.4]},
    "weighed": {"auroc": 0.9, "good": 20, "defective": 10, "drawn": False},
    "calibration": {"before": {"brier": 0.2}, "after": {"brier": 0.1}, "photos": 30},
    "cuts": {"f1": {"threshold": 0.25}},
    "notes": [],
    "profile": "balanced",
    "balance": "weights",
    "trained": "2026-11-20T08:00:00+00:00",
    "machine": "Linux x86_64, 2 processors, Python 3.11.2",
}


def judged(number: int, label: str, *against: float, **known: str) -> Case:
    """A photo of which svm_a and rf_a have said these probabilities of the defect."""
    said = {name: (1 - bad, bad) for name, bad in zip(MEMBERS, against, strict=False)}
    return replace(case(f"test/{label}/{number}.jpg", label, said), **known)  # type: ignore[arg-type]


TEST = (
    *(judged(number, NON_DEFECTIVE, 0.1, 0.2) for number in range(9)),
    judged(9, NON_DEFECTIVE, 0.9, 0.8),
    *(judged(number, DEFECTIVE, 0.9, 0.8, defect="scratch") for number in range(10, 17)),
    judged(17, DEFECTIVE, 0.2, 0.3, defect="burr"),
)
HELD_OUT = tuple(judged(number, NON_DEFECTIVE, 0.2, 0.2) for number in range(9000, 9004))


def product(
    folder: Path,
    test: Sequence[Case] = TEST,
    held_out: Sequence[Case] = HELD_OUT,
    where: str = "../photos",
    members: tuple[str, ...] = MEMBERS,
    **training: object,
) -> ModelStore:
    """A product of stand-ins that was measured on these cases; `training` changes what its training has noted."""
    noted = {name: value for name, value in (TRAINING | training).items() if value is not None}
    write_product(folder, members, known={name: {"training": noted} for name in members})
    keep_evidence(folder, Evidence(OK_NOK, tuple(held_out), tuple(test), where))
    return ModelStore(folder)


def said(card: ModelCard, key: str) -> str:
    section = card.section(key)
    cells = [cell for table in section.tables for row in table.rows for cell in row]
    return "\n".join((*section.sentences, *cells))


class TestGlance:
    def test_how_good_it_is_what_it_risks_and_what_it_learnt_from(self, tmp_path: Path) -> None:
        card = card_of(product(tmp_path))
        assert card.purpose == "Classifies part photos as OK or NOK with an ensemble of 2 models."
        assert [(fact.name, fact.number, fact.alert) for fact in card.glance] == [
            ("Correct", "16 of 18", False),
            ("Escapes", "1 of 8", True),
            ("Overkills", "1 of 10", False),
            ("Training photos", "30", False),
        ]
        assert [fact.basis for fact in card.glance] == [
            "Policy: Majority. Lower limit 68.9% (95%).",
            "Defective test photos passed as OK. Upper limit 47.1% (95%).",
            "Good test photos rejected. Upper limit 39.5% (95%).",
            "20 OK, 10 NOK. Trained on 20 November 2026. Data abababab.",
        ]

    def test_where_a_person_must_look_at_every_photo(self, tmp_path: Path) -> None:
        careful = Policy("CAREFUL", "mean", review=0.0, reject=1.0)
        store = product(tmp_path)
        (tmp_path / "policies.json").write_text(PolicyBook((careful,), careful.name).to_json())
        card = card_of(store)
        assert (card.glance[0].number, card.glance[0].basis) == (
            "none decided",
            "Policy: CAREFUL. All 18 test photos go to review.",
        )
        found = said(card, "limits")
        assert "Accuracy unknown: CAREFUL sends all test photos to review." in found
        assert "of 0" not in found and "at least 0%" not in found

    def test_of_a_product_that_was_never_measured(self, tmp_path: Path) -> None:
        write_product(tmp_path, MEMBERS)
        card = card_of(ModelStore(tmp_path))
        assert [(fact.name, fact.number) for fact in card.glance] == [
            ("Correct", "unknown"),
            ("Training photos", "40"),
        ]
        assert "No photos with a known truth are kept" in said(card, "limits")
        assert "Quality unknown: no test photos." in said(card, "limits")
        assert "Unknown" in said(card, "verdicts") and "Machine: not recorded." in said(card, "training")

    def test_of_three_classes_without_a_defect(self, tmp_path: Path) -> None:
        known = [case(f"{label}.jpg", label, {"svm_a": (0.1, 0.8, 0.1)}, GARMENTS) for label in GARMENTS.names]
        write_product(tmp_path, ("svm_a",), GARMENTS)
        keep_evidence(tmp_path, Evidence(GARMENTS, (), tuple(known)))
        card = card_of(ModelStore(tmp_path))
        assert card.purpose.startswith("Classifies part photos as bottomwear, shoes or topwear with one model.")
        assert [fact.name for fact in card.glance] == ["Correct", "Training photos"]
        assert "Escapes" not in card.to_markdown() and "By class" in card.to_markdown()


class TestSections:
    def test_stand_in_the_order_in_which_a_person_asks(self, tmp_path: Path) -> None:
        card = card_of(product(tmp_path))
        assert [section.key for section in card.sections] == [
            *("use", "verdicts", "limits", "data", "members", "policies", "training", "about")
        ]

    @pytest.mark.parametrize(
        ("key", "texts"),
        [
            ("use", ["Active policy: Majority.", "an escape rate up to 47.1% is unacceptable"]),
            ("verdicts", ["12.5% (1 of 8, ≤ 47.1%)", "Escapes: 1 of 8 (upper limit 47.1%, 95% confidence)."]),
            ("verdicts", ["burr", "100% (1 of 1, ≤ 100%)", "Overkill: 1 of 10 (upper limit 39.5%"]),
            ("data", ["Seed: 3.", "2.0 to 1 (largest to smallest class)", "cd" * 32, "Split: as in the data."]),
            (
                "data",
                ["4 validation photos, unseen in training.", "Near duplicates: not checked (the photos are in"],
            ),
            ("members", ["0.944 (0.693 to 0.991)", "0.200 → 0.100 (30 photos)", "f1 0.25"]),
            ("members", ["AUROC 0.900 (real defects)", "svm_a.pkl", "0" * 64]),
            ("policies", ["Majority (active)", "fixed values", "Zero escapes may not be called safe yet."]),
            ("training", ["about 0.5 Wh, about 0.2 g CO2. A guess.", "training loss from 0.900 to 0.400 over 2"]),
            (
                "training",
                ["Profile: balanced.", "Class balance: weights."],
            ),
            ("training", ["Machine: Linux x86_64, 2 processors, Python 3.11.2.", "scikit-learn", "1.9.1"]),
            ("about", ["Mitchell et al. (2019)", "arXiv:1810.03993"]),
        ],
    )
    def test_say_what_the_files_say(self, tmp_path: Path, key: str, texts: list[str]) -> None:
        found = said(card_of(product(tmp_path)), key)
        for text in texts:
            assert text in found, f"{text!r} is not in {found}"

    def test_what_is_not_recorded_is_called_so(self, tmp_path: Path) -> None:
        card = card_of(product(tmp_path, notes=None, machine=None, trained=None, energy=None, seed=None))
        assert "Split: not recorded." in said(card, "data")
        assert "Seed: not recorded." in said(card, "data")
        assert "Resources used: not recorded." in said(card, "training")
        assert "Date not recorded." in card.glance[-1].basis

    def test_photos_that_were_judged_by_members_taught_again(self, tmp_path: Path) -> None:
        digest = hashlib.sha256("\n".join(sorted(f"{c.label} {c.sha256}" for c in HELD_OUT)).encode()).hexdigest()
        card = card_of(product(tmp_path, data=digest))
        assert "Thresholds and calibration: cross-fitting on 4 training photos." in said(card, "data")

    def test_a_collection_tells_whether_its_photos_repeat_each_other(self, tmp_path: Path) -> None:
        collection = Collection.create(tmp_path, "photos")
        store = product(tmp_path / "models")
        assert "Near duplicates: not checked." in said(card_of(store), "data")
        collection.keep_findings([])
        assert "0 between splits, 0 near, 0 exact." in said(card_of(store), "data")


class TestLimits:
    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({}, "Few defective test photos (8): even without an escape"),
            ({}, "16 of 18 correct proves an accuracy of at least 68.9% only (95%)."),
            ({}, "Tested defect types: burr, scratch. Others are unknown."),
            ({}, "Scores are not calibrated: Random forest · a, SVM · a."),
            ({}, "differ from those recorded in training"),
            ({"test": TEST[:10]}, "Few defective test photos (0)"),
            ({"test": TEST[10:]}, "Overkill rate unknown: no good test photos."),
            ({"held_out": TEST[:2]}, "Leakage: 2 test photos were also used for training or thresholds."),
            ({"members": (*MEMBERS, "xgb_a")}, "Not tested, and in no figure of this card: XGBoost · a."),
            ({"weighed": {"auroc": 0.9, "drawn": True}}, "Weights from synthetic anomalies"),
            ({"facts": {"synthetic": 9}}, "Trained with synthetic anomalies, for lack of masks:"),
            ({"weighed": None}, "Weights not measured:"),
            (
                {"photos": {NON_DEFECTIVE: 20, DEFECTIVE: 0}},
                "Trained on good parts only: OK means similar",
            ),
            ({"test": [replace(each, defect="") for each in TEST]}, "the test photos name no types"),
            (
                {"test": [replace(TEST[0], photo="test/non_defective/good_000.jpg")]},
                "Tested on synthetic photos only",
            ),
        ],
    )
    def test_each_comes_from_a_fact(self, tmp_path: Path, changes: dict[str, Any], text: str) -> None:
        assert text in said(card_of(product(tmp_path, **changes)), "limits")

    def test_a_good_product_has_few(self, tmp_path: Path) -> None:
        test = [
            judged(number, DEFECTIVE if number % 2 else NON_DEFECTIVE, *[number % 2 * 0.8 + 0.1] * 2)
            for number in range(400)
        ]
        digest = hashlib.sha256("\n".join(sorted(f"{c.label} {c.sha256}" for c in test)).encode()).hexdigest()
        found = card_of(product(tmp_path, test, test_data=digest)).section("limits").sentences
        assert [text[:40] for text in found] == [
            "Scores are not calibrated: Random forest",
            "Quality by defect type unknown: the test",
        ]

    def test_broken_files_are_limits_and_end_no_card(self, tmp_path: Path) -> None:
        store = product(tmp_path)
        (tmp_path / "policies.json").write_text("{")
        (tmp_path / "evidence.json").write_text("{}")
        (tmp_path / "stray.pkl").write_bytes(b"x")
        found = said(card_of(store), "limits")
        for text in ("not JSON", "its SHA-256 differs", "Unused file: stray.pkl."):
            assert text in found, text

    def test_without_a_product_there_is_no_card(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="holds no trained product"):
            card_of(ModelStore(tmp_path))
        write_product(tmp_path, ())
        with pytest.raises(StoreError, match="there is no model card"):
            card_of(ModelStore(tmp_path))


class TestFiles:
    def test_markdown_has_whole_tables_and_no_strange_mark(self, tmp_path: Path) -> None:
        text = card_of(product(tmp_path)).to_markdown()
        assert text.startswith("# disc: model card\n") and text.endswith("\n") and not text.endswith("\n\n")
        widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
        assert widths and min(widths) >= 3
        assert "| SVM · a | 88.9% (16 of 18, ≥ 68.9%) |" in text

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("svm_resnet50", "svm_resnet50"),
            ("_bold_ *x* |", r"\_bold\_ \*x\* \|"),
            ("<script>\nnext", r"\<script\> next"),
            ("[a](b) `c` # d", r"\[a\](b) \`c\` \# d"),
        ],
    )
    def test_names_are_no_markup(self, text: str, shown: str) -> None:
        assert as_text(text) == shown

    def test_json_holds_the_figures_and_is_plain(self, tmp_path: Path) -> None:
        data = json.loads(json.dumps(card_of(product(tmp_path)).as_json(), allow_nan=False))
        assert data["format"] == 1 and data["product"] == "disc"
        verdicts = data["sections"]["verdicts"]
        assert verdicts["escapes"] == {"events": 1, "photos": 8, "value": 0.125, "low": 0.006391, "high": 0.470679}
        assert data["sections"]["data"]["counts"]["taught"] == {NON_DEFECTIVE: 20, DEFECTIVE: 10}
        assert data["sections"]["members"]["members"]["svm_a"]["training"]["seed"] == 3

    def test_a_table_whose_rows_do_not_fit_is_refused(self) -> None:
        with pytest.raises(ValueError, match="has 2 columns"):
            CardTable("Photos", ("a", "b"), (("1",),))
        assert Section("use", "Why?").data == {}

    def test_the_command_writes_both_files_or_prints(self, tmp_path: Path, run: Run) -> None:
        folder = product(tmp_path / "disc").folder
        code, out, _ = run("card", "--models", folder)
        assert code == 0 and out == card_of(ModelStore(folder)).to_markdown()
        code, out, _ = run("card", "--models", folder, "--json", tmp_path / "c.json", "--markdown", tmp_path / "c.md")
        assert (code, out) == (0, "")
        assert (tmp_path / "c.md").read_text() == card_of(ModelStore(folder)).to_markdown()
        assert json.loads((tmp_path / "c.json").read_text()) == card_of(ModelStore(folder)).as_json()

    def test_the_command_without_a_product_says_so(self, tmp_path: Path, run: Run) -> None:
        code, out, said = run("card", "--models", tmp_path)
        assert (code, out) == (2, "") and "holds no trained product" in said


def test_the_product_that_ships_has_a_whole_card() -> None:
    card = card_of(ModelStore(ROOT / "models"))
    assert card.product == "Machined disc" and "synthetic photos" in said(card, "limits")
    assert "None" not in card.to_markdown() and "nan" not in card.to_markdown()


def test_a_training_notes_what_a_card_needs(tiny_product: Path) -> None:
    card = card_of(ModelStore(tiny_product))
    assert "not recorded" not in said(card, "data") + said(card, "training") + card.glance[-1].basis
    assert "Split: as in the data." in said(card, "data")
    assert "differ from those recorded" not in said(card, "limits")
    assert "Model version 1, " in said(card, "about")
    kept = card_of(ModelStore(tiny_product).at(1))  # a candidate has a card before anybody publishes it
    assert [fact.number for fact in kept.glance] == [fact.number for fact in card.glance]


def test_classes_of_other_names_are_called_by_them(tmp_path: Path) -> None:
    classes = Classes(("whole", "cracked"), "cracked")
    write_product(tmp_path, ("svm_a",), classes)
    assert "as whole or cracked with one model." in card_of(ModelStore(tmp_path)).purpose
