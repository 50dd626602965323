"""Every chart, and the few colours that charts and screens share. The only door to plotly.

A chart never speaks by colour alone: each has its words in it and a text alternative beside it. Charts of how good a
product is come as a `Chart`, which carries its numbers as rows too.
"""

from ensemble.figures.comparisons import differences, draw_without_each, estimates, policy_costs
from ensemble.figures.confusions import confusion, draw_error_correlation
from ensemble.figures.curves import curves, curves_text, draw_precision_recall, draw_roc, f_beta, training_curves
from ensemble.figures.histogram import reliability, score_histogram
from ensemble.figures.template import PALETTES, Chart, Palette, Scheme, Tone, tone
from ensemble.figures.verdicts import (
    defect_score_text,
    defect_score_title,
    draw_defect_score,
    vote_texts,
    votes,
    votes_count,
    votes_text,
)

__all__ = [
    "PALETTES",
    "Chart",
    "Palette",
    "Scheme",
    "Tone",
    "confusion",
    "curves",
    "curves_text",
    "defect_score_text",
    "defect_score_title",
    "differences",
    "draw_defect_score",
    "draw_error_correlation",
    "draw_precision_recall",
    "draw_roc",
    "draw_without_each",
    "estimates",
    "f_beta",
    "policy_costs",
    "reliability",
    "score_histogram",
    "tone",
    "training_curves",
    "vote_texts",
    "votes",
    "votes_count",
    "votes_text",
]
