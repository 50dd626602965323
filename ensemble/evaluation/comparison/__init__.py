"""Two models on the very same test photos: how good each is, what differs, and whether that can be chance."""

from ensemble.evaluation.comparison.measuring import compare, verdict_changes
from ensemble.evaluation.comparison.values import Change, Comparison, Figure, Interval, TypeCounts, Voter
from ensemble.evaluation.comparison.words import (
    Answer,
    answer,
    changes_sentence,
    comparison_sentence,
    probability,
    remarks,
)

__all__ = [
    "Answer",
    "Change",
    "Comparison",
    "Figure",
    "Interval",
    "TypeCounts",
    "Voter",
    "answer",
    "changes_sentence",
    "compare",
    "comparison_sentence",
    "probability",
    "remarks",
    "verdict_changes",
]
