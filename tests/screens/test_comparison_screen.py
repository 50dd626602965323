"""A new model against the current one, as a person sees it, and the charts that it is drawn with."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ensemble import figures
from ensemble.evaluation.comparison import Comparison, compare
from ensemble.inspection import exports
from ensemble.inspection.exports import file_name
from ensemble.policies.cases import Case
from ensemble.values.results import DEFECTIVE, OK_NOK, Score
from tests.support.app_tests import texts
from tests.support.stub_product import GARMENTS, write_product
from tests.unit.evaluation.test_comparison import MEAN, REVIEWING, case, side

SCRIPT = """
import json
from pathlib import Path
from ensemble.evaluation.comparison import Comparison
from pages.components.training.comparison import show_answer, show_differences
comparison = Comparison.from_json(json.loads(Path({path!r}).read_text()))
show_answer(comparison)
show_differences(comparison)
"""
Downloads = dict[str, bytes]


@pytest.fixture(autouse=True)
def _product(tmp_path: Path) -> None:
    write_product(tmp_path / "models", ("svm",))


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """The downloads on screen, by kind; the test runner has no door to them."""
    found: Downloads = {}

    def noted(kind: str, content: bytes, ending: str, **named: Any) -> str:
        found[kind] = content
        return file_name(kind, content, ending, **named)

    monkeypatch.setattr(exports, "file_name", noted)
    return found


def shown(comparison: Comparison, folder: Path) -> AppTest:
    """The component alone, from what a file has kept."""
    path = folder / "comparison.json"
    path.write_text(json.dumps(comparison.as_json()))
    return AppTest.from_string(SCRIPT.format(path=str(path)), default_timeout=180).run()


def compared(before: Sequence[Case], after: Sequence[Case], **known: object) -> Comparison:
    return compare(before, after, OK_NOK, MEAN, REVIEWING, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "word", "said"),
    [
        (
            ("." * 10, "." * 10),
            ("x" * 10, "." * 10),
            "The new model is better",
            "Fewer escapes: 0 instead of 10 of 10 (",
        ),
        (("x" * 10, "." * 10), ("." * 10, "." * 10), "The new model is worse", "More escapes: 10 instead of 0 of 10 ("),
        (("." * 10, "." * 10), ("x" * 10, "x" * 10), "Better in one figure, worse in another", "More overkills:"),
        (
            ("x.", ".."),
            ("xx", ".."),
            "No difference shown",
            "Too few changes on 4 photos: at least 7",
        ),
    ],
)
def test_the_answer_comes_first(
    tmp_path: Path, before: tuple[str, str], after: tuple[str, str], word: str, said: str
) -> None:
    app = shown(compared(side(*before), side(*after)), tmp_path)
    assert not app.exception
    assert f'<div class="word">{word}</div>' in texts(app) and said in texts(app)


def test_member_by_member_with_limits_and_chance(tmp_path: Path) -> None:
    app = shown(compared(side("xx..", "...x"), side("xxx.", "...x")), tmp_path)
    found = texts(app)
    for text in (
        "<div>5 → 6 of 8<small>+12.5 points, −23.4 to +43.4</small></div>",
        "<div>2 → 1 of 4<small>−25.0 points, −71.7 to +38.3</small></div>",
        "SVM",
        "Ensemble",
        "p = 1",
        "Current → new on the same 8 photos",
    ):
        assert text in found, text
    app.segmented_control(key="comparison_figure").set_value("escape_rate").run()
    assert app.get("plotly_chart")[0].proto.alt.startswith("Ensemble: change of escape rate −0.250 (−0.717 to +0.383);")


def test_photos_that_changed_by_kind_and_as_a_file(tmp_path: Path, offered: Downloads) -> None:
    before = [case(0, DEFECTIVE, 0.1, defect="scratch"), case(1, DEFECTIVE, 0.9, defect="burr")]
    after = [case(0, DEFECTIVE, 0.9, defect="scratch"), case(1, DEFECTIVE, 0.1, defect="burr")]
    app = shown(compared(before, after), tmp_path)
    assert "actual NOK · burr" in texts(app) and "actual NOK · scratch" not in texts(app)
    assert "Escapes by defect type" in texts(app) and "photo<br>not here" in texts(app)
    app.segmented_control(key="comparison_kind").set_value("caught").run()
    assert "actual NOK · scratch" in texts(app)
    rows = list(csv.DictReader(io.StringIO(offered["changes"].decode("utf-8-sig"))))
    assert [(row["what"], row["defect"], row["after"]) for row in rows] == [
        ("Newly escaped", "burr", "non_defective"),
        ("Newly caught", "scratch", "defective"),
    ]
    assert Comparison.from_json(json.loads(offered["comparison"])).photos == 2


def test_many_changes_come_in_pages(tmp_path: Path) -> None:
    app = shown(compared(side("." * 30, ""), side("x" * 30, "")), tmp_path)
    assert texts(app).count('<article class="part">') == 10 and len(app.get("pagination")) == 1


def test_what_flatters_the_current_model_is_a_warning(tmp_path: Path) -> None:
    known = side("xx", "..")
    app = shown(compared(known, known, learnt=frozenset({"digest 1"})), tmp_path)
    assert "The current model was trained on 1 of these 4 photos" in texts(app)
    assert "No verdict changes." in texts(app) and "exact McNemar test" in texts(app)


def test_three_classes(tmp_path: Path) -> None:
    def garment(number: int, *said: float) -> Case:
        scores = (Score("svm", dict(zip(GARMENTS.names, said, strict=True)), 0.0),)
        return Case(f"{number}.jpg", f"{number}", "shoes", scores)

    before, after = [garment(0, 0.8, 0.1, 0.1)], [garment(0, 0.1, 0.8, 0.1)]
    app = shown(compare(before, after, GARMENTS, MEAN, MEAN), tmp_path)
    assert (
        not app.exception
        and "Fixed (1)" in str(app.segmented_control(key="comparison_kind").proto)
        and "Escapes" not in texts(app)
    )


class TestFigures:
    def test_differences_say_which_side_is_better_and_what_got_worse(self) -> None:
        values = {"ensemble": (-0.2, -0.3, -0.1), "svm": (0.0, None, None), "rf": (0.1, -0.1, 0.3)}
        chart = figures.differences(values, "light", "AUROC", more_is_better=True)
        assert chart.text == (
            "Ensemble: change of AUROC −0.200 (−0.300 to −0.100), worse; SVM: change of AUROC 0 (limits unknown); "
            "Random forest: change of AUROC +0.100 (−0.100 to +0.300)."
        )
        assert chart.rows[1] == {"voter": "svm", "value": 0.0, "low": "", "high": ""}
        review, plain = figures.PALETTES["light"].review, figures.PALETTES["light"].plain
        assert [trace.marker.line.color for trace in chart.figure.data] == [review, plain, plain]
        assert "right of the line: better" in chart.figure.layout.xaxis.title.text
        fewer = figures.differences(values, "dark", "Rate of escapes", more_is_better=False)
        assert "worse" not in fewer.text and "left of the line" in fewer.figure.layout.xaxis.title.text

    def test_estimates_end_at_1_and_write_their_value(self) -> None:
        chart = figures.estimates(
            {"svm": (0.944, 0.693, 0.991), "a_long_name_of_a_member": (1.0, 0.9, 1.0)}, "dark", "AUROC"
        )
        assert chart.figure.layout.xaxis.range == (0.45, 1.02)
        assert [note.text for note in chart.figure.layout.annotations] == ["<b>0.944</b>", "<b>1.000</b>"]
        assert figures.estimates({}, "light", "AUROC").text == "There is nothing to show."
