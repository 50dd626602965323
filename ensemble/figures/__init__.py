"""Every chart, and the few colours that charts and screens share. The only door to plotly.

A chart never speaks by colour alone: each has its words in it and a text alternative beside it.
"""

from ensemble.figures.template import PALETTES, Palette, Scheme, Tone, tone
from ensemble.figures.trainings import curves, curves_text
from ensemble.figures.verdicts import mean_score, mean_score_text, votes, votes_count, votes_text

__all__ = [
    "PALETTES",
    "Palette",
    "Scheme",
    "Tone",
    "curves",
    "curves_text",
    "mean_score",
    "mean_score_text",
    "tone",
    "votes",
    "votes_count",
    "votes_text",
]
