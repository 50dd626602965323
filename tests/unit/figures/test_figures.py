"""Charts say the same in words, never by colour alone, and carry DEMO where dummies voted."""

from dataclasses import replace

import pytest

from ensemble import figures
from ensemble.figures import PALETTES, Palette, Scheme
from ensemble.policies import Policy
from ensemble.values.results import OK_NOK, Absence, Classes, Score, Verdict
from tests.support.stub_product import GARMENTS

MAJORITY = Policy("MAJORITY", "majority", thresholds={"rf": 0.7})
SAID = {"svm": 0.9, "rf": 0.6, "xgb": 0.2}


def verdict(classes: Classes = OK_NOK, *, demo: bool = False, votes: int = 3) -> Verdict:
    shares = dict.fromkeys(classes.names[2:], 0.05)
    scores = [
        Score(member, {classes.names[0]: 1 - p - sum(shares.values()), classes.names[1]: p, **shares}, 0.01)
        for member, p in list(SAID.items())[:votes]
    ]
    decided = MAJORITY.decide(scores, [] if votes else [Absence("svm", "It is missing.")], classes)
    return replace(decided, demo=demo)


TABLE = [
    (figures.defect_score_text, OK_NOK, 3, "1 of 3 models says NOK; NOK from half of them on."),
    (figures.votes_text, OK_NOK, 2, "SVM: NOK, 0.90 (threshold 0.50); Random forest: OK, 0.60 (threshold 0.70)."),
    (figures.votes_text, GARMENTS, 1, "SVM: shoes, 0.90."),
    (figures.defect_score_text, GARMENTS, 1, "Votes for each class: bottomwear 0 of 1, shoes 1 of 1, topwear 0 of 1."),
    (figures.votes_text, OK_NOK, 0, "No model voted."),
    (figures.defect_score_text, OK_NOK, 0, "No model voted, so there is no score."),
]


@pytest.mark.parametrize(("say", "classes", "votes", "expected"), TABLE)
def test_text_alternatives(say: object, classes: Classes, votes: int, expected: str) -> None:
    assert say(verdict(classes, votes=votes)) == expected  # type: ignore[operator]


def test_a_photo_that_may_not_show_the_part_has_votes_and_no_score() -> None:
    doubted = MAJORITY.decide(verdict().votes, [], OK_NOK, "it is like none of the photos learnt from")
    assert figures.defect_score_title(doubted) == "No score has decided"
    assert figures.defect_score_text(doubted) == "This photo may not show this part, so no score has decided."
    assert figures.votes_text(doubted).startswith("SVM: NOK, 0.90")


def annotations(figure: object) -> list[str]:
    return [entry.text for entry in figure.layout.annotations]  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("classes", [OK_NOK, GARMENTS], ids=["two", "three"])
@pytest.mark.parametrize("draw", [figures.draw_defect_score, figures.votes])
def test_demo_is_written_across_every_figure(draw: object, classes: Classes, scheme: Scheme) -> None:
    for demo in (True, False):
        drawn = annotations(draw(verdict(classes, demo=demo), scheme))  # type: ignore[operator]
        assert ("<b>DEMO</b>" in drawn) == demo


def test_votes_carry_their_words_and_their_own_thresholds() -> None:
    figure = figures.votes(verdict(), "light")
    assert annotations(figure) == ["<b>NOK</b> 0.90", "<b>OK</b> 0.60", "<b>OK</b> 0.20"]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.5, 0.7, 0.5]
    assert list(figure.data[0].x) == [0.9, 0.6, 0.2]


def test_a_long_name_takes_two_lines() -> None:
    drawn = replace(verdict(), votes=(replace(verdict().votes[0], member="feature_reconstruction_quorum_small"),))
    axis = figures.votes(drawn, "light").layout.yaxis
    assert list(axis.ticktext) == ["Feature reconstruction <br>· quorum_small  "]
    assert list(figures.votes(verdict(), "light").layout.yaxis.ticktext) == ["SVM  ", "Random forest  ", "XGBoost  "]


CURVES = {"learning_loss": [0.9, 0.5, 0.25], "held_out_loss": [1.0]}


def test_curves_have_a_line_a_name_over_epochs() -> None:
    lines = figures.curves(CURVES, "dark").data
    assert [(line.name, list(line.x), list(line.y)) for line in lines] == [
        ("training loss", [1, 2, 3], [0.9, 0.5, 0.25]),
        ("validation loss", [1], [1.0]),
    ]
    assert lines[0].line.dash != lines[1].line.dash  # colour does not speak alone
    assert figures.curves_text(CURVES) == (
        "training loss from 0.900 to 0.250 over 3 epochs; validation loss from 1.000 to 1.000 over 1 epoch."
    )


def gauge(policy: Policy) -> tuple[object, ...]:
    scores = [Score(name, {"non_defective": 1 - p, "defective": p}, 0.01) for name, p in SAID.items()]
    drawn = figures.draw_defect_score(policy.decide(scores, (), OK_NOK), "light").data[0]
    axis = drawn.gauge.axis
    return drawn.value, drawn.number.suffix, drawn.gauge.threshold.value, axis.range[1], axis.ticktext


@pytest.mark.parametrize(
    ("policy", "drawn"),
    [
        (MAJORITY, (1, " of 3", 1.5, 3, ("0", "1.5", "3"))),
        (Policy("ANY", "any"), (2, " of 3", 1, 3, ("0", "1", "3"))),
        (Policy("ALL", "all"), (2, " of 3", 3, 3, ("0", "3"))),
        (Policy("W", "weighted", weights={"svm": 0.5}), (60.0, "%", 50, 100, ("0", "50.0", "100"))),
        (Policy("M", "mean", review=0.2, reject=0.5), (0.566666667, "", 0.5, 1, ("0", "0.20", "0.50", "1"))),
        (Policy("M", "mean", review=0.45, reject=0.5), (0.566666667, "", 0.5, 1, ("0", "0.45 · 0.50", "1"))),
        (Policy("M", "mean", reject=0.567), (0.566666667, "", 0.567, 1, ("0", "0.5670", "1"))),
    ],
)
def test_the_gauge_shows_what_decided_and_its_threshold(policy: Policy, drawn: tuple[object, ...]) -> None:
    assert gauge(policy) == drawn


def test_the_gauge_has_zones_of_what_a_score_would_be() -> None:
    policy = Policy("P", "mean", review=0.4, reject=0.8)
    steps = figures.draw_defect_score(policy.revise(verdict()), "light").data[0].gauge.steps
    zones = [(step.range, step.color) for step in steps if step.color.startswith("rgba")]
    ok, review, nok = "rgba(0, 105, 92, 0.28)", "rgba(255, 176, 0, 0.28)", "rgba(184, 58, 0, 0.28)"
    assert zones == [((0, 0.4), ok), ((0.4, 0.8), review), ((0.8, 1), nok)]


def test_classes_without_a_defect_have_bars_and_no_gauge() -> None:
    figure = figures.draw_defect_score(verdict(GARMENTS, votes=1), "light")
    assert figure.data[0].type == "bar"
    assert list(figure.data[0].y) == ["bottomwear", "shoes", "topwear"]


@pytest.mark.parametrize(
    ("label", "classes", "expected"),
    [
        ("non_defective", OK_NOK, "ok"),
        ("defective", OK_NOK, "nok"),
        ("review", OK_NOK, "review"),
        ("review", GARMENTS, "review"),
        ("shoes", GARMENTS, "plain"),
        ("a", Classes(("b", "a"), defect="b"), "ok"),
    ],
)
def test_tone(label: str, classes: Classes, expected: str) -> None:
    assert figures.tone(label, classes) == expected


def contrast(first: str, second: str) -> float:
    """WCAG 2.2's contrast ratio of two #RRGGBB colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES.keys())
def test_every_colour_can_be_read(palette: Palette) -> None:
    for ground in (palette.paper, palette.surface):
        for ink in (palette.ink, palette.muted):
            assert contrast(ink, ground) >= 4.5
        for mark in (palette.ok, palette.nok, palette.plain):
            assert contrast(mark, ground) >= 3  # a bar or an outline; its word stands beside it in ink
    for tone in ("ok", "nok", "review", "plain"):
        assert contrast(palette.ink_on(tone), palette.fill(tone)) >= 4.5
    assert contrast(palette.ok, palette.surface) >= 4.5  # the word OK is written in it
    assert contrast(palette.plain, palette.surface) >= 4.5
