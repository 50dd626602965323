"""Charts of how good a product is: what they draw, what they say in words, and the rows that they download as."""

import csv
import io
from collections.abc import Callable
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble import figures
from ensemble.figures import PALETTES, Chart, Scheme
from ensemble.figures.template import DASHES, PENS, whole_percent, wrapped
from ensemble.inspection.exports import as_csv
from ensemble.metrics import image_metrics
from ensemble.values.results import OK_NOK
from tests.support.stub_product import GARMENTS
from tests.unit.figures.test_figures import annotations, contrast

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LONG = "feature_reconstruction_quorum_small"
LONG_TITLE = "Feature reconstruction · quorum_small"
TRUTH = (False, False, True, True)
SCORES = {"svm": (0.1, 0.6, 0.4, 0.9), LONG: (0.1, 0.2, 0.8, 0.9)}
COUNTS = {
    "non_defective": {"non_defective": 190, "defective": 10},
    "defective": {"non_defective": 1, "defective": 8, "review": 1},
}
PLURALITY = {
    "bottomwear": {"bottomwear": 2, "shoes": 0, "topwear": 2},
    "shoes": {"bottomwear": 0, "shoes": 4, "topwear": 0},
    "topwear": {"bottomwear": 0, "shoes": 0, "topwear": 0},
}
NAN = float("nan")
ERRORS = [[1.0, 0.5, NAN], [0.5, 1.0, NAN], [NAN, NAN, NAN]]
COSTS = [("PRECISION", 40.0, 0.0, 2.5), ("SAFE_0FN", None, 9.0, 1.0), ("BALANCED", 10.0, 3.0, 0.0)]


def histogram(scheme: Scheme) -> Chart:
    return figures.score_histogram([0.0, 0.01, 0.45, 0.7], [0.1, 0.6, 1.0], 0.4, 0.6, scheme)


def roc(scheme: Scheme) -> Chart:
    return figures.draw_roc(
        {name: image_metrics.roc_points(TRUTH, said) for name, said in SCORES.items()}, scheme, ensemble="svm"
    )


def precision_recall(scheme: Scheme) -> Chart:
    return figures.draw_precision_recall(
        {name: image_metrics.precision_recall_points(TRUTH, said) for name, said in SCORES.items()}, scheme
    )


def f_beta(scheme: Scheme) -> Chart:
    found = image_metrics.f_beta_curve(TRUTH, SCORES["svm"], (1, 2))
    return figures.f_beta({curve.name: curve for curve in found}, 0.25, scheme)


def reliability(scheme: Scheme) -> Chart:
    return figures.reliability([(0.05, 0.0, 100), (0.5, 0.48, 25), (0.9, 1.0, 1)], scheme, "svm")


def training(scheme: Scheme) -> Chart:
    return figures.training_curves({"learning_loss": [2.0, 1.0], "held_out_auroc": [0.5, 0.75]}, scheme)


# Each chart with what it says, the head and first row of its file, and how many rows there are.
TABLE: list[tuple[Callable[[Scheme], Chart], str, list[str], list[str], int]] = [
    (
        histogram,
        "REVIEW from 0.40, NOK from 0.60; of 4 good parts 2 OK, 1 REVIEW, 1 NOK (overkill); of 3 defective parts 1 OK "
        "(escaped), 0 REVIEW, 2 NOK.",
        ["truth", "score", "verdict"],
        ["non_defective", "0.0", "non_defective"],
        7,
    ),
    (
        lambda scheme: figures.confusion(COUNTS, OK_NOK, scheme),
        "Actual OK (200): 190 predicted OK (95%), 10 predicted NOK (5%, overkills), 0 predicted REVIEW (0%); Actual "
        "NOK (10): 1 predicted OK (10%, escape), 8 predicted NOK (80%), 1 predicted REVIEW (10%).",
        ["truth", "non_defective", "defective", "review"],
        ["non_defective", "190", "10", "0"],
        2,
    ),
    (
        lambda scheme: figures.confusion(PLURALITY, GARMENTS, scheme),
        "Actual bottomwear (4): 2 predicted bottomwear (50%), 0 predicted shoes (0%), 2 predicted topwear (50%), 0 "
        "predicted REVIEW (0%); Actual shoes (4): 0 predicted bottomwear (0%), 4 predicted shoes (100%), 0 predicted "
        "topwear (0%), 0 predicted REVIEW (0%); Actual topwear (0): 0 predicted bottomwear, 0 predicted shoes, 0 "
        "predicted topwear, 0 predicted REVIEW.",
        ["truth", "bottomwear", "shoes", "topwear", "review"],
        ["bottomwear", "2", "0", "2", "0"],
        3,
    ),
    (
        roc,
        f"{LONG_TITLE}: AUROC 1.000, 100% of defective parts caught at 5% overkill; SVM: AUROC 0.750, 50% of defective "
        "parts caught at 5% overkill.",
        ["member", "overkill_rate", "caught", "cut"],
        ["svm", "0.0", "0.0", "1.0"],
        5 + 4,
    ),
    (
        precision_recall,
        f"{LONG_TITLE}: average precision 1.000, precision 100% at 95% recall; SVM: average precision 0.833, precision "
        "67% at 95% recall.",
        ["member", "caught", "precision", "cut"],
        ["svm", "1.0", "0.5", "0.1"],
        5 + 5,
    ),
    (
        f_beta,
        "F1: highest 0.800 at threshold 0.25, 0.800 at the policy's threshold 0.25; F2: highest 0.909 at threshold "
        "0.25, 0.909 at the policy's threshold 0.25.",
        ["curve", "cut", "f_beta"],
        ["f1", "0.05", "0.666667"],
        5 + 5,
    ),
    (
        reliability,
        "svm: predicted 5%, observed 0% (100 photos); predicted 50%, observed 48% (25 photos); predicted 90%, observed "
        "100% (1 photo).",
        ["stated", "came_true", "photos"],
        ["0.05", "0.0", "100"],
        3,
    ),
    (
        lambda scheme: figures.draw_error_correlation(ERRORS, ["svm", "rf", LONG], scheme),
        "Error correlation, highest first: SVM and Random forest 0.50; unknown for 2 of 3 pairs.",
        ["member", "svm", "rf", LONG],
        ["svm", "1.0", "0.5", ""],
        3,
    ),
    (
        lambda scheme: figures.draw_without_each(
            {"svm": -0.001, "rf": 0.02, LONG: -0.1, "cnn": -0.0001}, scheme, "AUROC"
        ),
        f"Without {LONG_TITLE}: worse by 0.100 AUROC; Without SVM: worse by 0.001 AUROC; Without cnn: the same; "
        "Without Random forest: better by 0.020 AUROC.",
        ["member", "change"],
        [LONG, "-0.1"],
        4,
    ),
    (
        training,
        "training loss from 2.000 to 1.000 over 2 epochs; validation AUROC from 0.500 to 0.750 over 2 epochs.",
        ["curve", "epoch", "value"],
        ["learning_loss", "1", "2.0"],
        4,
    ),
    (
        lambda scheme: figures.policy_costs(COSTS, scheme, unit="for 1000 parts", active="PRECISION"),
        "Balanced: 13.00 for 1000 parts (escapes 10.00, overkills 3.00, reviews 0.00); Few false rejects (active): "
        "42.50 for 1000 parts (escapes 40.00, overkills 0.00, reviews 2.50); Zero escapes: cost unknown.",
        ["policy", "escapes", "overkills", "reviews", "all", "active"],
        ["BALANCED", "10.0", "3.0", "0.0", "13.0", "no"],
        3,
    ),
]
NAMES = (
    "histogram",
    "confusion",
    "plurality",
    "roc",
    "precision",
    "f_beta",
    "reliability",
    "errors",
    "without",
    "training",
    "costs",
)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("draw", "text", "head", "first", "count"), TABLE, ids=NAMES)
def test_every_chart_says_what_it_shows_and_downloads_as_rows(
    draw: Callable[[Scheme], Chart], text: str, head: list[str], first: list[str], count: int, scheme: Scheme
) -> None:
    chart = draw(scheme)
    assert chart.text == text
    written = list(csv.reader(io.StringIO(as_csv(chart.columns, chart.rows).decode("utf-8-sig"))))
    assert (written[0], written[1], len(written) - 1) == (head, first, count)
    assert chart.figure.layout.font.color == PALETTES[scheme].muted


def test_good_parts_stand_up_and_defective_ones_hang_down_by_the_root_of_their_count() -> None:
    good, defective = figures.score_histogram([0.01] * 9 + [0.99], [0.5] * 4, 0.4, 0.6, "light").figure.data
    assert {round(x, 2): y for x, y in zip(good.x, good.y, strict=True) if y} == {0.01: 3, 0.99: 1}
    assert {round(x, 2): y for x, y in zip(defective.x, defective.y, strict=True) if y} == {0.51: -2}


@pytest.mark.parametrize(
    ("review", "reject", "words", "thresholds"),
    [
        (0.4, 0.6, ["OK", "REVIEW", "NOK"], [0.4, 0.6]),
        (0.5, 0.5, ["OK", "NOK"], [0.5]),
        (0.0, 1.0, ["OK", "REVIEW", "NOK"], [0.0, 1.0]),
    ],
)
def test_zones_carry_their_verdicts_and_lines_stand_at_the_thresholds(
    review: float, reject: float, words: list[str], thresholds: list[float]
) -> None:
    figure = figures.score_histogram([0.1], [0.9, 0.8], review, reject, "dark").figure
    assert annotations(figure) == [f"<b>{word}</b>" for word in (*words, "1 good part", "2 defective parts")]
    assert [shape.x0 for shape in figure.layout.shapes if shape.type == "line" and shape.yref == "paper"] == thresholds


def test_the_axis_says_what_the_scores_are_and_where_the_thresholds_lie() -> None:
    figure = figures.score_histogram([0.1], [0.9], 0.4, 0.6, "light", axis="share of votes").figure
    assert figure.layout.xaxis.title.text == "share of votes<br>REVIEW from 0.40, NOK from 0.60"


def test_counts_beside_the_axis_are_true_counts() -> None:
    axis = figures.score_histogram([0.01] * 1000, [0.9] * 300, 0.4, 0.6, "light").figure.layout.yaxis
    assert list(axis.ticktext) == ["0", "1000", "500", "200", "50", "200", "50"]
    assert list(np.sign(axis.tickvals) * np.square(axis.tickvals)) == pytest.approx([0, 1000, 500, 200, 50, -200, -50])


@pytest.mark.parametrize(
    ("good", "review", "reject"), [([1.1], 0.4, 0.6), ([NAN], 0.4, 0.6), ([0.5], 0.7, 0.6), ([0.5], 0.4, 1.2)]
)
def test_scores_and_thresholds_outside_their_range_are_refused(good: list[float], review: float, reject: float) -> None:
    with pytest.raises(ValueError, match="lie in"):
        figures.score_histogram(good, [0.5], review, reject, "light")


def colours(figure: object) -> list[str]:
    return [shape.fillcolor for shape in figure.layout.shapes]  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_escape_stands_out_and_what_never_happened_does_not(scheme: Scheme) -> None:
    figure, palette = figures.confusion(COUNTS, OK_NOK, scheme).figure, PALETTES[scheme]
    right, overkill, no_review, escape, caught, review = colours(figure)
    assert escape == palette.nok
    assert len({right, overkill, no_review, escape, caught, review}) == 6
    assert "escape</span>" in annotations(figure)[3] and "overkills</span>" in annotations(figure)[1]
    assert colours(figures.confusion({"non_defective": {}, "defective": {}}, OK_NOK, scheme).figure) == [no_review] * 6


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("counts", "classes"), [(COUNTS, OK_NOK), (PLURALITY, GARMENTS)], ids=["two", "three"])
def test_every_cell_can_be_read(scheme: Scheme, counts: object, classes: object) -> None:
    figure = figures.confusion(counts, classes, scheme).figure  # type: ignore[arg-type]
    for ground, note in zip(colours(figure), figure.layout.annotations, strict=True):
        assert contrast(note.font.color, ground) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_correlations_can_be_read_over_the_whole_scale(scheme: Scheme) -> None:
    cells = figures.draw_error_correlation(ERRORS, ["svm", "rf", LONG], scheme).figure.data[0]
    assert [list(row) for row in cells.text] == [["", ".50", "–"], [".50", "", "–"], ["–", "–", ""]]
    for _, ground in cells.colorscale:
        assert contrast(cells.textfont.color, ground) >= 4.5


def test_correlations_need_a_name_each() -> None:
    with pytest.raises(ValueError, match="as many rows and columns"):
        figures.draw_error_correlation(ERRORS, ["svm"], "light")


def test_small_correlations_have_no_sign_and_great_ones_no_room_for_more() -> None:
    cells = figures.draw_error_correlation([[1, -0.001], [-0.12, 1]], ["a", "b"], "light").figure.data[0]
    assert [list(row) for row in cells.text] == [["", ".00"], ["-.12", ""]]


def test_the_ensemble_is_bold_and_the_best_stands_first() -> None:
    figure = roc("light").figure
    assert [(line.name, line.line.width, line.line.shape) for line in figure.data] == [
        ("Feature reconstruction <br>· quorum_small 1.000", 2, "linear"),
        ("<b>SVM 0.750</b>", 4, "linear"),
    ]
    assert {line.line.shape for line in precision_recall("light").figure.data} == {"hv"}


def test_the_threshold_of_the_policy_is_marked_where_there_is_one() -> None:
    assert [shape.x0 for shape in f_beta("light").figure.layout.shapes] == [0.25]
    curve = image_metrics.f_beta_curve(TRUTH, SCORES["svm"], (1,))[0]
    chart = figures.f_beta({"f1": curve}, None, "light")
    assert not chart.figure.layout.shapes
    assert chart.text == "F1: highest 0.800 at threshold 0.25."


def test_dots_are_as_large_as_their_photos_are_many() -> None:
    dots = reliability("light").figure.data[0]
    assert list(dots.marker.size) == [30, 15, 6]
    assert list(dots.text) == ["100", "25", "1"]
    assert figures.reliability([], "light", "svm").text == "svm: no photos."


def test_nothing_to_show_is_said() -> None:
    empty = (
        figures.draw_roc({}, "light"),
        figures.training_curves({}, "light"),
        figures.draw_without_each({}, "light", "AUROC"),
        figures.policy_costs([], "light", unit="for 1000 parts"),
    )
    assert {(chart.text, chart.rows) for chart in empty} == {("There is nothing to show.", ())}


def test_losing_a_member_is_read_by_what_the_figure_means() -> None:
    chart = figures.draw_without_each({"svm": 4.0, "rf": -1.5}, "light", "for 1000 parts", more_is_better=False)
    assert chart.text == (
        "Without SVM: worse by 4.000 for 1000 parts; Without Random forest: better by 1.500 for 1000 parts."
    )
    assert list(chart.figure.data[0].x) == [4.0, -1.5]
    assert annotations(chart.figure) == ["worse by 4.000", "better by 1.500"]


def test_losses_and_rates_have_panels_of_their_own() -> None:
    assert [(line.name, line.yaxis) for line in training("light").figure.data] == [
        ("training loss", "y"),
        ("validation AUROC", "y2"),
    ]
    assert figures.training_curves({"held_out_auroc": [0.5]}, "light").figure.data[0].yaxis == "y"


def test_costs_are_stacked_and_the_active_policy_is_marked() -> None:
    figure = figures.policy_costs(COSTS, "light", unit="for 1000 parts", active="PRECISION").figure
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [
        ("escapes", [10.0, 40.0, None]),
        ("overkills", [3.0, 0.0, None]),
        ("reviews", [0.0, 2.5, None]),
    ]
    assert list(figure.layout.yaxis.ticktext) == ["Balanced  ", "<b>▸ Few false <br>rejects</b>  ", "Zero escapes  "]
    assert annotations(figure) == ["<b>13.00</b>", "<b>42.50</b>", "unknown"]


@given(st.text(min_size=1, max_size=90), st.sampled_from([16, 18, 30]))
def test_a_name_is_never_cut_and_no_line_of_it_is_long(name: str, room: int) -> None:
    lines = [unescape(line) for line in wrapped(name.replace("&", "+"), room).split("<br>")]
    assert "".join(lines) == name.replace("&", "+")
    assert max(map(len, lines)) <= room + 6


def test_markup_in_a_name_is_shown_and_not_obeyed() -> None:
    assert wrapped("<b>line 3</b>") == "&lt;b&gt;line 3&lt;/b&gt;"


@pytest.mark.parametrize(
    ("share", "expected"), [(0, "0%"), (0.001, "<1%"), (0.05, "5%"), (0.994, "99%"), (0.999, ">99%"), (1, "100%")]
)
def test_few_are_not_none_and_nearly_all_are_not_all(share: float, expected: str) -> None:
    assert whole_percent(share) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pens_can_be_seen_and_told_apart_without_colour(scheme: Scheme) -> None:
    grounds = (PALETTES[scheme].paper, PALETTES[scheme].surface)
    assert all(contrast(pen, ground) >= 3 for pen in PENS[scheme] for ground in grounds)
    assert len(set(DASHES)) == len(DASHES) == 4
