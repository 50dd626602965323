"""Every screen, in every state that a person can meet, without a browser."""

import csv
import io
import json
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ensemble.inspection.attribution import Attribution
from ensemble.inspection.shared import SharedInspector
from ensemble.values.results import OK_NOK, Absence, Classes, Region
from ensemble.values.titles import model_title
from pages.components.common.lessons import lesson, memory
from pages.components.inspect import verdict as look
from pages.components.members import members
from pages.session import inspection, photo
from tests.support.app_tests import judged, opened, texts
from tests.support.bad_photos import BAD, jpeg, quarters
from tests.support.stub_product import GARMENTS, METRICS, load_as, record, write_product

pytestmark = pytest.mark.slow(65)

ROOT = Path(__file__).resolve().parents[2]
BATCH, MEMBERS, HELP = (f"pages/screens/{name}.py" for name in ("inspect_batch", "members", "help"))
TITLES = {None: "Inspect a photo", BATCH: "Inspect a batch", MEMBERS: "Models", HELP: "Help"}
Downloads = dict[str, tuple[str, bytes]]
BAND = 'class="demo-band"'
MOSTLY_BAD = {"svm_a": (0.1, 0.9), "rf_a": (0.4, 0.6), "xgb_a": (0.8, 0.2)}
GOOD = dict.fromkeys(MOSTLY_BAD, (0.9, 0.1))
GARMENT = {"svm_a": (0.1, 0.8, 0.1), "rf_a": (0.2, 0.7, 0.1), "xgb_a": (0.2, 0.3, 0.5)}


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    load_as(monkeypatch, MOSTLY_BAD)
    return write_product(tmp_path / "models", tuple(MOSTLY_BAD))


def upload(app: AppTest, data: bytes, name: str = "part.jpg") -> AppTest:
    app.file_uploader[0].upload(name, data, "image/jpeg")
    return app.run()


def analyzed(app: AppTest, data: bytes, name: str = "part.jpg") -> AppTest:
    upload(app, data, name)
    return app.button(key="analyze").click().run()


def batch_of(app: AppTest, files: list[tuple[str, bytes]]) -> AppTest:
    for name, data in files:
        app.file_uploader(key="batch_files").upload(name, data, "image/jpeg")
    app.run()
    return judged(app.button(key="analyze").click().run())


def shown_picture(app: AppTest) -> str:
    """The address of the photo on screen, which follows its content."""
    return str(app.get("image")[0].proto.imgs[0].url)


class AlwaysOpen:
    """Streamlit with every expander open; the test runner cannot click on one."""

    def __getattr__(self, name: str) -> object:
        return getattr(st, name)

    def expander(self, *args: object, **options: object) -> object:
        return st.expander(*args, expanded=True, **options)  # type: ignore[arg-type]


def card(app: AppTest) -> str:
    found = next((html.proto.body for html in app.get("html") if 'class="verdict ' in html.proto.body), "")
    return found.replace("<wbr>", "")


CALM = np.full((16, 16), 0.2, dtype=np.float32)
HOT = CALM.copy()
HOT[4:8, 4:8] = 0.9
PHOTO, OTHER = jpeg(), jpeg(quarters((80, 60)))


@pytest.mark.parametrize("screen", [None, BATCH, MEMBERS, HELP])
@pytest.mark.parametrize("state", ["nothing", "trained", "demo", "demo without a product", "three classes"])
def test_every_screen_opens_in_every_state(
    screen: str | None, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = GARMENTS if state == "three classes" else Classes(("non_defective", "defective"), "defective")
    if state in ("trained", "demo", "three classes"):
        write_product(tmp_path / "models", tuple(MOSTLY_BAD), classes)
        load_as(monkeypatch, GARMENT if state == "three classes" else MOSTLY_BAD)
    app = opened(screen, **({"demo": "true"} if state.startswith("demo") else {}))
    assert not app.exception
    assert [title.value for title in app.title] == [TITLES[screen]]
    assert (BAND in texts(app)) == state.startswith("demo")


class TestWithoutModels:
    @pytest.mark.parametrize("screen", [None, BATCH])
    def test_says_why_and_offers_demo_mode(self, screen: str | None) -> None:
        app = opened(screen)
        assert "holds no trained product" in app.error[0].value.replace("\\", "")
        assert not app.toggle(key="demo").value and BAND not in texts(app)
        app.button(key="demo_on").click().run()
        assert app.toggle(key="demo").value and BAND in texts(app)
        assert not app.error

    def test_members_offers_it_too(self) -> None:
        assert opened(MEMBERS).button(key="demo_on")

    def test_a_manifest_that_cannot_be_read_is_one_sentence(self, product: Path) -> None:
        (product / "manifest.json").write_text("{")
        for screen in (None, BATCH, MEMBERS):
            assert "manifest.json cannot be read" in opened(screen).error[0].value.replace("\\", "")

    def test_a_product_without_members_cannot_vote(self, tmp_path: Path) -> None:
        write_product(tmp_path / "models", ())
        assert "no model yet" in opened().error[0].value


class TestOnePhoto:
    def test_shows_the_verdict_with_word_reason_and_votes(self, product: Path) -> None:
        app = analyzed(opened(), PHOTO)
        assert 'class="verdict nok"' in card(app) and ">NOK<" in card(app)
        assert "2 of 3 models: NOK<" in card(app)
        assert (
            "2 of 3 models say NOK (SVM · a and Random forest · a); NOK from half of them on. "
            "OK if the threshold of Random forest · a were 0.61 instead of 0.50." in texts(app)
        )
        assert all(model_title(name) in texts(app) for name in MOSTLY_BAD)
        assert [chart.proto.alt for chart in app.get("plotly_chart")] == [
            "2 of 3 models say NOK; NOK from half of them on.",
            "SVM · a: NOK, 0.90 (threshold 0.50); Random forest · a: NOK, 0.60 (threshold 0.50); "
            "XGBoost · a: OK, 0.20 (threshold 0.50).",
        ]

    def test_the_last_verdicts_are_a_film_strip(self, product: Path) -> None:
        app = analyzed(opened(), PHOTO)
        assert 'class="film"' not in texts(app)
        for number in range(11):
            analyzed(app, OTHER if number % 2 else PHOTO, f"{number}.jpg")
        film = next(each.proto.body for each in app.get("html") if 'class="film"' in each.proto.body)
        assert film.count("<figure") == film.count('class="nok"') == 10
        assert [film.index(f'alt="{number}.jpg"') for number in (10, 9, 1)] == sorted(
            film.index(f'alt="{number}.jpg"') for number in (10, 9, 1)
        )

    def test_a_switch_analyzes_each_photo_at_once(self, product: Path) -> None:
        app = opened()
        app.toggle(key="at_once").set_value(True).run()
        upload(app, PHOTO)
        assert ">NOK<" in card(app)

    def test_nothing_to_press_without_a_photo(self, product: Path) -> None:
        assert opened().button(key="analyze").disabled

    def test_a_new_photo_has_no_verdict_yet(self, product: Path) -> None:
        app = analyzed(opened(), PHOTO)
        assert card(app)
        upload(app, OTHER, "other.jpg")
        assert not card(app)
        upload(app, PHOTO)
        assert not card(app)  # gone for good: what was dropped does not come back

    def test_the_same_bytes_under_another_name_carry_that_name(self, product: Path, offered: Downloads) -> None:
        upload(analyzed(opened(), PHOTO), PHOTO, "again.jpg")
        assert json.loads(offered["verdict"][1])["photo"] == "again.jpg"

    def test_another_policy_decides_on_the_same_votes(self, product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        app = analyzed(opened(), PHOTO)
        monkeypatch.setattr("ensemble.inspection.inspector.Inspector.inspect", None)  # would fail if it ran
        app.selectbox(key="policy").select("ALL").run()
        assert 'class="verdict ok"' in card(app) and "policy All models" in card(app)
        assert "2 of 3 models say NOK; NOK only where all do<" in card(app)
        app.selectbox(key="policy").select("ANY").run()
        assert 'class="verdict nok"' in card(app)

    def test_the_download_is_the_json_of_the_command_line(self, product: Path, offered: Downloads) -> None:
        analyzed(opened(), PHOTO, "../../part.jpg")
        name, content = offered["verdict"]
        found = json.loads(content)
        assert (found["photo"], found["verdict"], found["demo"]) == ("part.jpg", "defective", False)
        assert [vote["member"] for vote in found["votes"]] == list(MOSTLY_BAD)
        assert "_NOK_" in name and "verdict" not in name and name.endswith(".json")

    @pytest.mark.parametrize("case", ["empty", "cut_jpeg", "html_as_jpg", "svg_as_png", "heic_as_jpg", "too_narrow"])
    def test_a_bad_photo_gives_its_sentence(self, product: Path, case: str) -> None:
        bad = BAD[case]()
        app = upload(opened(), bad.data, bad.file)
        assert bad.says in app.error[0].value.lower().replace("\\", "")
        assert app.button(key="analyze").disabled and not app.exception

    def test_an_absent_member_is_named_and_makes_no_verdict_laxer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_product(tmp_path / "models", ("svm_a", "rf_a"))
        load_as(monkeypatch, {"svm_a": (0.9, 0.1)}, Absence("rf_a", "rf_a.pkl is missing."))
        app = analyzed(opened(), PHOTO)
        assert 'class="verdict review"' in card(app) and "Only 1 of 2 models could vote: a person must look.<" in card(
            app
        )
        assert "is missing" in app.warning[0].value

    def test_a_sample_is_chosen_from_the_gallery(self, product: Path, tmp_path: Path) -> None:
        folder = tmp_path / "data" / "test" / "defective"
        folder.mkdir(parents=True)
        (folder / "scratch_1.jpg").write_bytes(PHOTO)
        app = opened()
        app.segmented_control(key="source").set_value("Sample").run()
        next(button for button in app.button if button.label == "scratch 1").click().run()
        app.button(key="analyze").click().run()
        assert 'class="verdict nok"' in card(app)

    def test_the_camera_starts_only_when_it_is_chosen(self, product: Path) -> None:
        app = opened()
        assert not app.get("camera_input")
        app.segmented_control(key="source").set_value("Camera").run()
        assert app.get("camera_input")


class TestWhere:
    """Maps, regions and weights on the Inspect screen."""

    GOOD_ONLY: ClassVar[dict[str, Any]] = {
        "kind": "mahalanobis",
        "weight": 0.42,
        "training": {
            "photos": {"non_defective": 24, "defective": 0},
            "facts": {"held_out": {"photos": 24, "quantile": 0.99, "threshold": 3.1, "above": 0}},
            "weighed": {"auroc": 0.71, "good": 24, "defective": 24, "drawn": True},
        },
    }

    @pytest.fixture
    def good_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        load_as(monkeypatch, {"patches": (0.1, 0.9), "pca": (0.2, 0.8)}, anomaly_map={"patches": HOT, "pca": CALM})
        known = {"patches": self.GOOD_ONLY, "pca": self.GOOD_ONLY | {"weight": 1.0}}
        return write_product(tmp_path / "models", ("patches", "pca"), known=known)

    def test_regions_are_numbered_on_the_photo_and_in_words(self, good_only: Path, offered: Downloads) -> None:
        app = opened()
        upload(app, PHOTO)
        plain = shown_picture(app)
        app.button(key="analyze").click().run()
        app.selectbox(key="map").select("patches").run()
        said = texts(app)
        assert (
            "<b>1</b><span>anomaly<small>" in said
            and "score 0.90, anomaly from 0.50 · 16 × 12 px at (16, 12) · 6.2% of the image" in said
        )
        assert "<em>normal</em><em>anomaly</em>" in said and ">0.5<" in said
        assert shown_picture(app) != plain
        assert "_outlines_" in offered["outlines"][0] and offered["heat"][0].endswith(".png")
        assert "8-bit grey; 128 = threshold." in said
        app.slider(key="opacity").set_value(0).run()
        assert shown_picture(app) == plain

    def test_one_members_map_is_its_own(self, good_only: Path) -> None:
        app = analyzed(opened(), PHOTO)
        assert app.selectbox(key="map").options == ["All models", "patches", "pca"]
        app.selectbox(key="map").select("pca").run()
        assert "No anomaly found." in texts(app)
        assert not app.exception

    def test_a_calm_map_is_one_calm_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_product(tmp_path / "models", ("patches",))
        load_as(monkeypatch, {"patches": (0.9, 0.1)}, anomaly_map={"patches": CALM})
        app = analyzed(opened(), PHOTO)
        assert "No anomaly found." in texts(app) and 'class="places"' not in texts(app)
        assert "map" not in app.session_state

    def test_a_detectors_boxes_carry_label_and_score(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_product(tmp_path / "models", ("detector",), known={"detector": {"kind": "detector"}})
        scratch = Region("<scratch>", (0.5, 0.5, 0.75, 1.0), 0.75, 0.125)
        load_as(monkeypatch, {"detector": (0.25, 0.75)}, regions={"detector": (scratch,)})
        said = texts(analyzed(opened(), PHOTO))
        assert "&lt;scratch&gt;" in said and "score 0.75 · 16 × 24 px at (32, 24) · 12.5% of the image" in said
        assert 'class="heat-scale"' not in said
        load_as(monkeypatch, {"detector": (0.9, 0.1)})
        st.cache_resource.clear()
        assert "No object detected." in texts(analyzed(opened(), PHOTO))

    def test_whole_votes_need_no_word(self, product: Path) -> None:
        assert ">Weight<" not in texts(analyzed(opened(), PHOTO))

    def test_a_vote_that_counts_less_says_why_where_the_rule_weighs_votes(self, good_only: Path) -> None:
        app = analyzed(opened(), PHOTO)
        assert ">Weight<" not in texts(app) and "weighs 0.42" not in texts(app)
        app.selectbox(key="policy").select("BALANCED").run()
        said = texts(app).replace("\\", "")
        assert ">Weight<" in said and "<span>0.42</span>" in said
        assert "patches weighs 0.42: AUROC 0.71: 24 good validation photos, 24 synthetic anomalies" in said

    def test_a_product_that_never_saw_a_defect_says_so(self, good_only: Path) -> None:
        assert "No defect has been seen yet: OK means like the good parts." in texts(analyzed(opened(), PHOTO))

    def test_a_product_that_has_seen_defects_does_not(self, product: Path) -> None:
        said = texts(analyzed(opened(), PHOTO))
        assert "like the good parts" not in said and "anomaly" not in said  # nor has it any map

    def test_what_a_model_looked_at_is_shown_on_demand(self, product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        values = np.eye(4, dtype=np.float32)
        asked: list[str] = []

        def attributed(_member: object, name: str, _picture: object, label: str) -> Attribution:
            asked.append(name)
            return Attribution(name, label, values if name == "rf_a" else 0 * values)

        monkeypatch.setattr(photo, "attribute", attributed)
        app = analyzed(opened(), PHOTO)
        assert not asked and "not a defect" not in texts(app)
        with monkeypatch.context() as patched:
            patched.setattr(look, "st", AlwaysOpen())
            app.run()
            app.selectbox(key="looker").select("rf_a").run()
            app.button(key="look_at").click().run()
            assert "Attention, not a defect." in texts(app)
            app.run()
            assert asked == ["rf_a"]  # kept, not asked again
            app.selectbox(key="looker").select("svm_a").run()
            app.button(key="look_at").click().run()
            assert "No single region made SVM · a predict NOK" in app.info[0].value

    def test_members_with_a_map_of_their_own_are_not_asked(self, good_only: Path) -> None:
        assert not analyzed(opened(), PHOTO).get("expandable")


class TestClasses:
    def test_three_classes_have_their_own_names_and_no_gauge(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_product(tmp_path / "models", tuple(GARMENT), GARMENTS)
        load_as(monkeypatch, GARMENT)
        app = opened()
        assert app.selectbox(key="policy").options == [
            "Majority (active)",
            "Fused score",
            "Balanced",
            "Balanced with review",
        ]
        analyzed(app, PHOTO)
        assert 'class="verdict plain"' in card(app) and ">shoes<" in card(app)
        assert app.get("plotly_chart")[0].proto.alt.startswith("Votes for each class: bottomwear 0 of 3, shoes 2")
        assert "NOK" not in card(app)

    def test_three_classes_in_a_batch(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_product(tmp_path / "models", tuple(GARMENT), GARMENTS)
        load_as(monkeypatch, GARMENT)
        app = batch_of(opened(BATCH), [("a.jpg", PHOTO)])
        assert not app.exception
        assert '<b>1</b><span><i class="shape plain"></i>shoes' in texts(app)

    def test_several_products_are_picked_by_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_product(tmp_path / "models", ("svm_a",))
        write_product(tmp_path / "models" / "garments", tuple(GARMENT), GARMENTS, product="garments")
        load_as(monkeypatch, GARMENT)
        app = opened(product="garments")
        assert app.selectbox(key="product").value == "garments"
        assert ">shoes<" in card(analyzed(app, PHOTO))
        app.selectbox(key="product").select("disc").run()
        assert not card(app) and not app.exception


class TestDemo:
    def test_results_are_marked_and_go_with_the_mode(self, product: Path, offered: Downloads) -> None:
        app = analyzed(opened(demo="true"), PHOTO)
        name, content = offered["verdict"]
        assert name.startswith("DEMO_") and json.loads(content)["demo"] is True
        assert '<div class="demo">DEMO</div>' in card(app)
        assert all("DEMO" in chart.proto.spec for chart in app.get("plotly_chart"))
        app.toggle(key="demo").set_value(False).run()
        assert not card(app) and BAND not in texts(app)
        app.toggle(key="demo").set_value(True).run()
        assert not card(app)

    def test_the_same_photo_gets_the_same_answer(self, product: Path, offered: Downloads) -> None:
        answers = []
        for _ in range(2):
            analyzed(opened(demo="true"), PHOTO)
            answers.append(json.loads(offered["verdict"][1])["votes"])
        assert answers[0] == answers[1]

    def test_a_batch_is_marked_in_name_and_lines(self, product: Path, offered: Downloads) -> None:
        app = batch_of(opened(BATCH, demo="true"), [("a.jpg", PHOTO)])
        name, content = offered["batch"]
        assert name.startswith("DEMO_") and "_batch_" in name
        assert [row["demo"] for row in rows_of(content)] == ["DEMO"]
        app.toggle(key="demo").set_value(False).run()
        assert not app.get("download_button")

    def test_a_demo_without_a_product_has_policies_at_once(self) -> None:
        assert opened(demo="true").selectbox(key="policy").options[:3] == [
            "Majority (active)",
            "Fused score",
            "Any model",
        ]

    def test_broken_policies_do_not_stop_a_demo(self, product: Path) -> None:
        (product / "policies.json").write_text("{")
        assert not opened(demo="true").error

    def test_heat_is_marked_on_the_picture_itself(self, product: Path, offered: Downloads) -> None:
        for seed in range(6):
            photo = jpeg(quarters((80 + seed, 60)))
            app = opened(demo="true")
            upload(app, photo)
            plain = shown_picture(app)
            app.button(key="analyze").click().run()
            assert (
                shown_picture(app) != plain
                and offered["heat"][0].startswith("DEMO_")
                and "_heat_" in offered["heat"][0]
            )
            calm = "No anomaly found." in texts(app)
            votes = json.loads(offered["verdict"][1])["votes"]
            if all(vote["label"] == "non_defective" for vote in votes):
                assert calm
            if all(vote["label"] == "defective" for vote in votes):
                assert not calm

    def test_dummies_looked_at_nothing(self, product: Path) -> None:
        assert not analyzed(opened(demo="true"), PHOTO).get("expandable")


class TestBatch:
    def test_every_file_is_answered(self, product: Path, offered: Downloads) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("inner/b.jpg", OTHER)
            zipped.writestr("../evil.jpg", OTHER)
        files = [("=1+1.jpg", PHOTO), ("copy.jpg", PHOTO), ("notes.jpg", b"no photo"), ("more.zip", archive.getvalue())]
        app = batch_of(opened(BATCH), files)
        rows = rows_of(offered["batch"][1])
        assert [row["photo"] for row in rows] == [
            *("'=1+1.jpg", "copy.jpg", "notes.jpg", "more.zip/inner/b.jpg", "more.zip/evil.jpg")
        ]
        assert [row["verdict"] for row in rows] == ["defective", "defective", "", "defective", ""]
        assert rows[1]["same_as"] == "'=1+1.jpg"
        assert "is not an image" in rows[2]["error"] and "leads out of the zip" in rows[4]["error"]
        assert rows[0]["svm_a"] == "defective 0.9000"
        assert "1 duplicate skipped" in texts(app)
        assert '<b>3</b><span><i class="shape nok"></i>NOK' in texts(app)
        assert "<b>2</b><span>not readable" in texts(app)

    def test_a_zip_that_is_refused_is_one_bad_entry(self, product: Path, offered: Downloads) -> None:
        batch_of(opened(BATCH), [("broken.zip", b"PK\x03\x04 and no more"), ("a.jpg", PHOTO)])
        rows = rows_of(offered["batch"][1])
        assert rows[0]["error"] and rows[1]["verdict"] == "defective"

    def test_filters_and_policy_work_on_what_is_there(self, product: Path) -> None:
        app = batch_of(opened(BATCH), [("a.jpg", PHOTO), ("bad.jpg", b"")])
        assert len(app.dataframe[0].value) == 2
        assert list(app.dataframe[0].value["Verdict"]) == ["✕ NOK", "– not readable"]
        assert texts(app).count('<img src="data:image/jpeg') == 1 and texts(app).count('<div class="gone">') == 1
        app.button(key="batch_show_3").click().run()
        assert list(app.dataframe[0].value["Name"]) == ["bad.jpg"]
        app.button(key="batch_show_0").click().run()
        app.toggle(key="disputed").set_value(True).run()
        assert list(app.dataframe[0].value["Name"]) == ["a.jpg"]
        app.selectbox(key="policy").select("ALL").run()
        assert list(app.dataframe[0].value["Verdict"]) == ["✓ OK"]

    def test_what_needs_a_person_stands_first_and_is_walked_through(self, product: Path) -> None:
        app = batch_of(opened(BATCH), [("bad.jpg", b""), ("a.jpg", PHOTO), ("b.jpg", OTHER)])
        picks = [each.label for each in app.button if str(each.key).startswith("batch_pick_")]
        assert picks == [r"a\.jpg", r"b\.jpg", r"bad\.jpg"]
        app.button(key="batch_pick_1").click().run()
        assert app.button(key="batch_previous").disabled and "1 of 3" in texts(app)
        assert card(app) and not app.exception and app.get("image")
        app.button(key="batch_next").click().run()
        app.button(key="batch_next").click().run()
        assert "is empty" in app.error[0].value and "3 of 3" in texts(app) and app.button(key="batch_next").disabled
        app.button(key="batch_all").click().run()
        assert not app.error and not card(app)

    def test_outlined_photos_are_offered_as_one_zip(self, product: Path, offered: Downloads) -> None:
        app = batch_of(opened(BATCH), [("a.jpg", PHOTO), ("b.jpg", OTHER), ("bad.jpg", b"")])
        assert offered["outlined"][0].endswith(".zip") and "DEMO" not in offered["outlined"][0]
        assert "Download 2 outlined photos (ZIP)" in [each.proto.label for each in app.get("download_button")]


def test_visitors_are_served_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []

    class Busy:
        def inspect(self, photos: Sequence[int], policy: None) -> list[tuple[int, int]]:
            running.append(1)
            seen = len(running)
            time.sleep(0.05)
            running.pop()
            return [(photo, seen) for photo in photos]

    shared = SharedInspector(Busy())  # type: ignore[arg-type]
    monkeypatch.setattr(inspection, "_shared", lambda: shared)
    monkeypatch.setattr(inspection, "is_demo", lambda: False)
    monkeypatch.setattr(inspection, "policy", lambda: None)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(inspection.inspection(), [[number] for number in range(4)]))
    assert answers == [[(number, 1)] for number in range(4)]


class TestBrokenPolicies:
    @pytest.mark.parametrize("screen", [None, BATCH])
    def test_are_one_sentence(self, product: Path, screen: str | None) -> None:
        (product / "policies.json").write_text('{"policies": [')
        app = opened(screen)
        assert "policies.json, line 1" in app.error[0].value.replace("\\", "") and not app.exception

    def test_leave_the_other_screens_alone(self, product: Path) -> None:
        (product / "policies.json").write_text("[]")
        assert "SVM · a" in texts(opened(MEMBERS)) and not opened(HELP).error


class TestMembers:
    def test_shows_kind_quality_and_count(self, product: Path) -> None:
        shown = texts(opened(MEMBERS))
        for text in ("SVM · a", "votes", "95%", "0.987", "5%", "10%", "40", "abcdef01"):
            assert text in shown

    def test_names_absent_members_and_quarantined_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_product(tmp_path / "models", ("svm_a",))
        (folder / "rf_new.pkl").write_bytes(b"never opened")
        load_as(monkeypatch, {}, Absence("svm_a", "svm_a.pkl is missing."))
        shown = texts(opened(MEMBERS)).replace("\\", "")
        assert (
            "rf_new.pkl** is in quarantine" in shown
            and "SVM · a** is not available" in shown
            and "not available</span>" in shown
        )

    def test_details_tell_lesson_threshold_weight_and_quality(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = TestWhere.GOOD_ONLY | {"metrics": METRICS | {"image_auroc": 0.987, "pixel_auroc": 0.951, "aupro": 0.9}}
        known["training"] = known["training"] | {
            "energy": {"cpu_seconds": 1234.5, "watt_hours": 3.21, "grams_co2": None, "source": "a meter"},
            "curves": {"learning_loss": [0.9, 0.4], "held_out_auroc": [0.6, 0.8]},
        }
        write_product(tmp_path / "models", ("patches",), known={"patches": known})
        load_as(monkeypatch, {"patches": (0.1, 0.9)})
        monkeypatch.setattr(members, "st", AlwaysOpen())
        app = opened(MEMBERS)
        said = texts(app)
        for text in (
            "Good parts only",
            "0.99 quantile of 24 good validation photos",
            "0.42 · AUROC 0.71: 24 good validation photos, 24 synthetic anomalies",
            *("Image AUROC", "0.987", "Pixel AUROC", "0.951", "AUPRO to 0.3", "0.900"),
            "1,234 CPU seconds, about 3.2 Wh (a meter), for the whole training",
        ):
            assert text in said, text
        assert [chart.proto.alt for chart in app.get("plotly_chart")] == [
            "training loss from 0.900 to 0.400 over 2 epochs.",
            "validation AUROC from 0.600 to 0.800 over 2 epochs.",
        ]

    def test_real_defects_that_weighed_a_member_have_been_seen(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        weighed = TestWhere.GOOD_ONLY["training"]["weighed"] | {"drawn": False}
        known = TestWhere.GOOD_ONLY | {"training": TestWhere.GOOD_ONLY["training"] | {"weighed": weighed}}
        write_product(tmp_path / "models", ("patches",), known={"patches": known})
        load_as(monkeypatch, {"patches": (0.1, 0.9)})
        said = texts(analyzed(opened(), PHOTO))
        assert "Trained on good parts only: OK means like the good parts." in said and "seen yet" not in said

    def test_says_how_to_add_a_model(self, product: Path) -> None:
        assert "python -m ensemble trust" in texts(opened(MEMBERS))


def test_help_takes_its_limits_from_the_photo_door(product: Path) -> None:
    shown = texts(opened(HELP))
    for text in ("30 MB", "50 megapixels", "32 pixels", "REVIEW", "Escape", "Overkill", "saved"):
        assert text in shown


@pytest.mark.parametrize(
    ("photos", "facts", "sentence"),
    [
        ((9, 5), {}, ""),
        ((9, 0), {}, "Good parts only"),
        ((9, 0), {"synthetic": 4}, "Good parts and 4 synthetic anomalies"),
        (
            (9, 5),
            {"with_mask": 3, "without_mask": 2, "synthetic": 4},
            "3 defective photos with a mask, 2 with a label only, 4 synthetic anomalies",
        ),
        (
            (9, 5),
            {"with_mask": 5, "without_mask": 0, "synthetic": 0},
            "5 defective photos with a mask, 0 with a label only",
        ),
        (
            (2, 0),
            {"held_out": {"photos": 2, "variations": 14, "above": 0}},
            "Trained on 2 good photos and 14 variations: 0 of 2 rejected in cross-validation, overkill rate up to "
            "77.7% (95%).",
        ),
    ],
)
def test_what_taught_a_member_is_told(photos: tuple[int, int], facts: dict[str, Any], sentence: str) -> None:
    training = {"photos": dict(zip(OK_NOK.names, photos, strict=True)), "facts": facts}
    assert lesson(replace(record("patches", OK_NOK), training=training), OK_NOK) == sentence


def test_an_extended_memory_says_so() -> None:
    facts = {"places": 281, "megabytes": 0.4, "seconds": 1.5}
    training = {"facts": facts, "extended": [{"sha256": ["a", "b"]}, {"sha256": ["c"]}, "strange"]}
    said = "281 patches (0.4 MB)"
    assert memory(replace(record("patches", OK_NOK), training={"facts": facts})) == said
    extended = replace(record("patches", OK_NOK), training=training)
    assert memory(extended) == f"{said}, with 3 photos added after training"


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
