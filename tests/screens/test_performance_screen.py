"""The screen Performance in every state that a person can meet, without a browser."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ensemble.imaging.photos import open_photo
from ensemble.inspection import exports
from ensemble.inspection.exports import file_name
from ensemble.policies.cases import Case, Evidence
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, OK_NOK, Classes, Score
from tests.support.app_tests import texts
from tests.support.bad_photos import jpeg
from tests.support.stub_product import GARMENTS, load_as, write_product

pytestmark = pytest.mark.slow(25)

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "pages/screens/performance.py"
MEMBERS = ("svm_a", "rf_a", "xgb_a")
QUALITY = {"brier": 0.2, "ece": 0.15, "bins": [[0.25, 0.5, 4], [0.75, 0.5, 6]]}
CALIBRATION = {"before": QUALITY, "after": QUALITY | {"brier": 0.1, "ece": 0.05}, "photos": 10}
CURVES = {"learning_loss": [0.9, 0.4], "held_out_auroc": [0.6, 0.8]}
TRAINING = {"photos": {NON_DEFECTIVE: 20, DEFECTIVE: 20}, "calibration": CALIBRATION, "curves": CURVES}
Downloads = dict[str, list[dict[str, str]]]


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(monkeypatch, dict.fromkeys(MEMBERS, (0.5, 0.5)))


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """The rows of the downloads on screen, by kind; the test runner has no door to them."""
    found: Downloads = {}

    def noted(kind: str, content: bytes, ending: str, **named: Any) -> str:
        found[kind] = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
        return file_name(kind, content, ending, **named)

    monkeypatch.setattr(exports, "file_name", noted)
    return found


def case(number: int, label: str, *against: float, **known: str) -> Case:
    said = zip(MEMBERS, against, strict=False)
    scores = tuple(Score(name, {NON_DEFECTIVE: 1 - bad, DEFECTIVE: bad}, 0.0) for name, bad in said)
    name, digest = f"test/{label}/part_{number}.jpg", hashlib.sha256(str(number).encode()).hexdigest()
    return replace(Case(name, digest, label, scores), **known)  # type: ignore[arg-type]


TEST = (
    *(case(number, NON_DEFECTIVE, 0.1, 0.2, 0.3, category="disc") for number in range(8)),
    case(8, NON_DEFECTIVE, 0.9, 0.8, 0.1, category="ring"),
    *(case(number, DEFECTIVE, 0.9, 0.8, 0.7, defect="scratch", category="disc") for number in range(10, 17)),
    case(17, DEFECTIVE, 0.2, 0.3, 0.9, defect="burr", category="ring"),
)


def write_evidence(
    folder: Path,
    test: Sequence[Case],
    classes: Classes = OK_NOK,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """A product of stand-ins that has been measured on these cases."""
    write_product(folder, MEMBERS, classes, known=known or {"svm_a": {"training": TRAINING}})
    content = Evidence(classes, (), tuple(test), "../data").to_json().encode()
    (folder / "evidence.json").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"evidence": hashlib.sha256(content).hexdigest()}))
    return folder


NO_REVIEW = "Majority sends no part to review, unless a model is not available or the photo may not show this part."


VIEWS = ("Ensemble", "Breakdown", "Models", "Curves", "Correlation", "Training")


def opened(view: str = "Models", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=180)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    app.session_state["performance_view"] = view
    return app.switch_page(SCREEN).run()


@pytest.fixture
def product(tmp_path: Path) -> Path:
    return write_evidence(tmp_path / "models", TEST)


class TestAnswer:
    def test_counts_with_their_exact_bounds(self, product: Path) -> None:
        shown = texts(opened())
        assert "Policy: **Majority** · Test set: 17 photos, unseen in training." in shown
        for text in (
            "<b>15<small> of 17</small></b><span>Correct",
            "Accuracy 88.2%. Lower limit 67.3% (95%).",
            "12.5% of defective parts passed as OK (missed defect, false negative). Upper limit 47.1% (95%).",
            "11.1% of good parts rejected (false reject, false positive). Upper limit 43% (95%).",
            NO_REVIEW,
        ):
            assert text in shown, text
        assert "need a manual check" not in shown

    def test_a_review_is_no_wrong_decision(self, product: Path) -> None:
        shown = texts(opened(policy="INDUSTRIAL_SAFE_0FN"))
        for text in (
            "<b>15<small> of 15</small></b><span>Correct",
            "Accuracy 100% of the 15 decided photos. Lower limit 81.8% (95%).",
            "<b>2<small> of 17</small></b>",
            "11.8% of photos need a manual check. Upper limit 32.7% (95%).",
        ):
            assert text in shown, text

    def test_follows_the_policy_of_the_sidebar(self, product: Path) -> None:
        assert "<b>1<small> of 8</small></b>" in texts(opened())
        shown = texts(opened(policy="ANY"))
        assert "**Any model** · Test set: 17" in shown and "<b>0<small> of 8</small></b>" in shown

    def test_the_confusion_comes_as_chart_words_and_file(self, product: Path, offered: Downloads) -> None:
        app = opened()
        assert app.get("plotly_chart")[0].proto.alt.startswith("Actual OK (9): 8 predicted OK (89%)")
        assert offered["confusion"] == [
            {"truth": NON_DEFECTIVE, NON_DEFECTIVE: "8", DEFECTIVE: "1", "review": "0"},
            {"truth": DEFECTIVE, NON_DEFECTIVE: "1", DEFECTIVE: "7", "review": "0"},
        ]


class TestGallery:
    def test_shows_each_escape_with_its_votes_and_reason(self, product: Path, offered: Downloads) -> None:
        shown = texts(opened())
        assert shown.count('<details class="part">') == 1
        for text in ("part 17", "actual NOK · burr · ring", "1 of 3 models says NOK", "photo<br>not here"):
            assert text in shown, text
        assert "</i>NOK</b> 0.90" in shown and "</i>OK</b> 0.20" in shown
        assert [(row["what"], row["photo"], row["svm_a"]) for row in offered["failures"]] == [
            ("escapes", "test/defective/part_17.jpg", "0.2"),
            ("overkills", "test/non_defective/part_8.jpg", "0.9"),
        ]

    def test_shows_the_photo_where_it_still_lies(self, tmp_path: Path) -> None:
        photo = tmp_path / "data" / "test" / DEFECTIVE / "part_17.jpg"
        photo.parent.mkdir(parents=True)
        photo.write_bytes(jpeg())
        seen = replace(TEST[-1], sha256=open_photo(jpeg(), "part.jpg").sha256)
        write_evidence(tmp_path / "models", (*TEST[:-1], seen))
        assert 'src="data:image/jpeg;base64,' in texts(opened())

    def test_overkills_and_reviews_on_demand(self, product: Path) -> None:
        app = opened()
        app.get("button_group")[0].set_value("overkills").run()
        assert "part 8" in texts(app) and "part 17" not in texts(app)
        app.get("button_group")[0].set_value("reviews").run()
        assert NO_REVIEW in texts(app)

    def test_no_escape_still_says_what_can_be(self, product: Path) -> None:
        assert "No escapes. Upper limit 31.3% (95%)." in texts(opened(policy="ANY"))

    def test_many_come_in_pages(self, tmp_path: Path) -> None:
        write_evidence(tmp_path / "models", [case(number, DEFECTIVE, 0.1, 0.1, 0.1) for number in range(30)])
        app = opened()
        assert texts(app).count('<details class="part">') == 5 and len(app.get("pagination")) == 1


class TestTables:
    def test_by_type_and_by_product(self, product: Path, offered: Downloads) -> None:
        app = opened("Breakdown")
        shown = texts(app)
        assert {"By defect type", "By product"} <= {each.value for each in app.header}
        assert "1 of 1<small>100% (≤ 100%)</small>" in shown
        assert offered["by-type"][0] == {
            **{"defect": "burr", "photos": "1", "decided": "1", "right": "0", "reviews": "0"},
            **{"good": "0", "defective": "1", "escapes": "1", "overkills": "0"},
        }
        assert [row["product"] for row in offered["by-product"]] == ["disc", "ring"]


class TestViews:
    def test_members_come_with_curves_calibration_and_f_beta(self, product: Path, offered: Downloads) -> None:
        shown = texts(opened())
        assert "0.200 → 0.100" in shown and "0.150 → 0.050" in shown
        app = opened("Curves")
        assert {"roc", "precision-recall", "f-beta", "reliability"} <= set(offered)
        assert {row["member"] for row in offered["roc"]} == {"ensemble", *MEMBERS}
        app.selectbox(key="f_beta_voter").select("rf_a").run()
        assert "(line: policy, 0.50)" in str(app.get("plotly_chart")[3].proto.spec)

    def test_the_reliability_of_a_member_on_held_out_photos(self, product: Path, offered: Downloads) -> None:
        app = opened("Curves")
        app.get("button_group")[1].set_value("Validation, calibrated").run()
        assert "Brier score 0.100, ECE 0.050, 10 photos." in texts(app)
        assert [row["photos"] for row in offered["reliability"]] == ["4", "6"]

    def test_dependence_names_pairs_and_effective_voters(self, product: Path, offered: Downloads) -> None:
        shown = texts(opened("Correlation"))
        assert "SVM · a and Random forest · a: 2 of 2 errors shared" in shown
        assert "<small> of 3</small></b><span>Effective number of models" in shown
        assert "roc" not in offered  # what is closed costs nothing
        assert {row["member"]: row["change"] for row in offered["without-each-accuracy"]} == {
            "svm_a": "5.882353",  # one photo of 17: the escape, where a tie of two votes is NOK
            "rf_a": "5.882353",
            "xgb_a": "0.0",
        }

    def test_what_is_lost_without_a_member_in_escapes_and_money(self, product: Path, offered: Downloads) -> None:
        app = opened("Correlation")
        app.get("button_group")[1].set_value("Escapes").run()
        assert "without-each-escapes" in offered
        app.get("button_group")[1].set_value("Cost").run()
        assert "Costs: escape 10, overkill 1, review 0.5." in texts(app) and "without-each-cost" in offered

    def test_training_curves_of_members_that_have_them(self, product: Path, offered: Downloads) -> None:
        opened("Training")
        assert [row["curve"] for row in offered["training-svm_a"]] == ["learning_loss"] * 2 + ["held_out_auroc"] * 2

    def test_no_member_that_learns_in_epochs(self, tmp_path: Path) -> None:
        write_evidence(tmp_path / "models", TEST, known={"svm_a": {"training": {}}})
        assert "no model of this product is trained in epochs" in texts(opened("Training"))

    def test_one_member_depends_on_nobody(self, tmp_path: Path) -> None:
        write_evidence(tmp_path / "models", [case(number, DEFECTIVE, 0.9) for number in range(3)])
        assert "Correlation needs at least two models." in texts(opened("Correlation"))


class TestEmptyStates:
    def test_without_a_product(self) -> None:
        assert "holds no trained product" in texts(opened())

    def test_without_evidence(self, tmp_path: Path) -> None:
        write_product(tmp_path / "models", MEMBERS)
        shown = texts(opened())
        assert "No photos with a known truth" in shown and "python -m ensemble train --data" in shown

    def test_evidence_that_was_changed(self, product: Path) -> None:
        (product / "evidence.json").write_text("{}")
        assert "its SHA-256 differs" in texts(opened())

    def test_without_a_test_part(self, tmp_path: Path) -> None:
        write_evidence(tmp_path / "models", ())
        assert "the data has no test part" in texts(opened())

    @pytest.mark.parametrize("view", VIEWS)
    def test_a_test_part_without_defects(self, tmp_path: Path, view: str) -> None:
        write_evidence(tmp_path / "models", TEST[:9])
        app = opened(view)
        assert not app.exception
        assert "No defective parts in the test set." in texts(app)
        assert ("need good and defective photos" in texts(app)) == (view == "Curves")
        assert ("needs good and defective photos" in texts(app)) == (view == "Ensemble")

    @pytest.mark.parametrize("view", VIEWS)
    def test_three_classes(self, tmp_path: Path, view: str, offered: Downloads) -> None:
        said = {"shoes": (0.1, 0.8, 0.1), "topwear": (0.5, 0.3, 0.2)}
        known = [
            Case(
                f"{label}_{number}.jpg",
                f"{label}{number}",
                label,
                tuple(Score(name, dict(zip(GARMENTS.names, row, strict=True)), 0.0) for name in MEMBERS),
            )
            for label, row in said.items()
            for number in range(3)
        ]
        write_evidence(tmp_path / "models", known, GARMENTS)
        app = opened(view)
        assert not app.exception
        shown = texts(app)
        assert "50% of decided photos are wrong. Upper limit" in shown and "Escapes" not in shown
        assert view != "Breakdown" or offered["by-class"][1] == {
            "class": "shoes",
            "photos": "3",
            "called": "3",
            "right": "3",
        }
        assert "mistakes" in {row["what"] for row in offered["failures"]}

    @pytest.mark.parametrize("classes", [None, GARMENTS], ids=["without a product", "three classes"])
    def test_a_demo_needs_no_evidence(self, tmp_path: Path, classes: Classes | None) -> None:
        if classes:
            write_product(tmp_path / "models", MEMBERS, classes)
        app = opened(demo="true")
        assert not app.exception and "random results for demonstration" in texts(app)

    @pytest.mark.parametrize("view", VIEWS)
    def test_a_demo_says_so_in_every_file(self, product: Path, view: str, offered: Downloads) -> None:
        app = opened(view, demo="true")
        assert not app.exception
        assert "random results for demonstration" in texts(app) and 'class="demo-band"' in texts(app)
        assert all(row["demo"] == "DEMO" for rows in offered.values() for row in rows)
