"""Every chart, and the few colours that charts and screens share. The only door to plotly.

A chart never speaks by colour alone: each has its words in it and a text alternative beside it. Charts of how good a
product is come as a `Chart`, which carries its numbers as rows too.
"""

from ensemble.figures.comparisons import differences, estimates, policy_costs, without_each
from ensemble.figures.confusions import confusion, error_correlation
from ensemble.figures.cuts import curves, curves_text, f_beta, precision_recall, roc, training_curves
from ensemble.figures.histogram import reliability, score_histogram
from ensemble.figures.template import PALETTES, Chart, Palette, Scheme, Tone, tone
from ensemble.figures.verdicts import (
    defect_score,
    defect_score_text,
    defect_score_title,
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
    "defect_score",
    "defect_score_text",
    "defect_score_title",
    "differences",
    "error_correlation",
    "estimates",
    "f_beta",
    "policy_costs",
    "precision_recall",
    "reliability",
    "roc",
    "score_histogram",
    "tone",
    "training_curves",
    "vote_texts",
    "votes",
    "votes_count",
    "votes_text",
    "without_each",
]
