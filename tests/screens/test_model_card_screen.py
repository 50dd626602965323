"""The screen Model card in every state that a person can meet, without a browser."""

from pathlib import Path
from typing import Any

import pytest

from ensemble.evaluation.model_card import card_of
from ensemble.inspection import exports
from ensemble.inspection.exports import file_name
from ensemble.policies.cases import Evidence
from tests.support.app_tests import opened, texts
from tests.support.drawn_cases import case, keep_evidence
from tests.support.stub_product import GARMENTS, load_as, write_product
from tests.unit.evaluation.test_model_card import MEMBERS, TEST, product

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "pages/screens/model_card.py"
Downloads = dict[tuple[str, str], bytes]


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(monkeypatch, dict.fromkeys(MEMBERS, (0.5, 0.5)))


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """The downloads on screen, by kind and ending; the test runner has no door to them."""
    found: Downloads = {}

    def noted(kind: str, content: bytes, ending: str, **named: Any) -> str:
        found[kind, ending] = content
        return file_name(kind, content, ending, **named)

    monkeypatch.setattr(exports, "file_name", noted)
    return found


class TestCard:
    def test_the_answer_comes_first(self, tmp_path: Path) -> None:
        product(tmp_path / "models")
        shown = texts(opened(SCREEN))
        for text in (
            '<div class="word">disc</div><p>Classifies part photos as OK or NOK with an ensemble of 2 models.</p>',
            "<b>16<small> of 18</small></b><span>Correct</span>",
            "<p>Policy: Majority. Lower limit 68.9% (95%).</p>",
            '<div class="tile nok"><b>1<small> of 8</small></b>',
            "<p>Good test photos rejected. Upper limit 39.5% (95%).</p>",
            "<b>30</b><span>Training photos</span><p>20 OK, 10 NOK. Trained on 20 November 2026.",
        ):
            assert text in shown, text

    def test_every_section_with_its_sentences_and_tables(self, tmp_path: Path) -> None:
        card = card_of(product(tmp_path / "models"))
        app = opened(SCREEN)
        assert not app.exception
        titles = [each.title for each in card.sections]
        first = ["Intended use", "Verdict quality", "Known limits"]  # all others open
        assert [each.value for each in app.header] == first
        opening = [each.label for each in app.expander if each.label in titles]
        assert opening == [title for title in titles if title not in first]
        shown = texts(app)
        for section in card.sections:
            assert all(said in shown for said in section.sentences)
        assert shown.count("<table") == sum(len(each.tables) for each in card.sections)
        assert "<div>88.9%<small>16 of 18, ≥ 68.9%</small></div>" in shown

    def test_charts_have_words_and_numbers(self, tmp_path: Path, offered: Downloads) -> None:
        product(tmp_path / "models")
        app = opened(SCREEN)
        said = [each.proto.alt for each in app.get("plotly_chart")]
        assert said[0].startswith("Random forest · a: AUROC 0.944 (0.693 to 0.991);")
        assert said[1] == "training loss from 0.900 to 0.400 over 2 epochs."
        assert ("card-auroc", ".csv") in offered and ("card-training-svm_a", ".csv") in offered

    def test_both_files_hold_the_whole_card(self, tmp_path: Path, offered: Downloads) -> None:
        store = product(tmp_path / "models")
        opened(SCREEN)
        assert offered["card", ".md"].decode() == card_of(store).to_markdown()
        assert b'"format": 1' in offered["card", ".json"]

    def test_follows_the_files(self, tmp_path: Path) -> None:
        product(tmp_path / "models")
        app = opened(SCREEN)
        product(tmp_path / "models", TEST[:9])
        assert "<b>9<small> of 9</small></b><span>Correct</span>" in texts(app.run())

    def test_the_product_of_the_address(self, tmp_path: Path) -> None:
        product(tmp_path / "models")
        write_product(tmp_path / "models" / "ring", MEMBERS, product="ring")
        assert '<div class="word">ring</div>' in texts(opened(SCREEN, product="ring"))

    def test_names_are_no_markup(self, tmp_path: Path) -> None:
        write_product(tmp_path / "models", MEMBERS, product="<b>disc</b> *x*")
        shown = texts(opened(SCREEN))
        assert '<div class="word">&lt;b&gt;disc&lt;/b&gt; *x*</div>' in shown


class TestOtherStates:
    def test_without_a_product(self) -> None:
        app = opened(SCREEN)
        assert not app.exception and "holds no trained product" in texts(app)
        assert app.button(key="demo_on")

    def test_a_demo_has_no_card(self, tmp_path: Path, offered: Downloads) -> None:
        product(tmp_path / "models")
        app = opened(SCREEN, demo="true")
        assert "No model card in demo mode" in texts(app) and not offered
        assert '<div class="word">disc</div>' in texts(app.button(key="demo_off").click().run())

    def test_without_evidence(self, tmp_path: Path) -> None:
        write_product(tmp_path / "models", MEMBERS)
        app = opened(SCREEN)
        assert not app.exception and not app.get("plotly_chart")
        assert "<b>unknown</b><span>Correct</span>" in texts(app)

    def test_broken_policies_and_strange_files_are_limits(self, tmp_path: Path) -> None:
        product(tmp_path / "models")
        (tmp_path / "models" / "policies.json").write_text("{")
        (tmp_path / "models" / "stray.pkl").write_bytes(b"x")
        app = opened(SCREEN)
        assert not app.exception
        assert "not JSON" in texts(app) and "Unused file: stray.pkl." in texts(app)

    def test_three_classes(self, tmp_path: Path) -> None:
        known = [case(f"{label}.jpg", label, {"svm_a": (0.1, 0.8, 0.1)}, GARMENTS) for label in GARMENTS.names]
        write_product(tmp_path / "models", MEMBERS, GARMENTS)
        keep_evidence(tmp_path / "models", Evidence(GARMENTS, (), tuple(known)))
        app = opened(SCREEN)
        assert not app.exception and "Escapes" not in texts(app)
        assert app.get("plotly_chart")[0].proto.alt.startswith("SVM · a: Accuracy 0.333")

    def test_a_broken_manifest_is_one_sentence(self, tmp_path: Path) -> None:
        product(tmp_path / "models")
        (tmp_path / "models" / "manifest.json").write_text("{")
        app = opened(SCREEN)
        assert not app.exception and "cannot be read" in texts(app)
