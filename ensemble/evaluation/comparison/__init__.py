"""Two models on the very same test photos: how good each is, what differs, and whether that can be chance."""

from ensemble.evaluation.comparison.measuring import compare
from ensemble.evaluation.comparison.values import Change, Comparison, Estimate, Figure, PairedTest, TypeCounts, Voter
from ensemble.evaluation.comparison.words import Answer, answer, probability, remarks, sentence

__all__ = [
    "Answer",
    "Change",
    "Comparison",
    "Estimate",
    "Figure",
    "PairedTest",
    "TypeCounts",
    "Voter",
    "answer",
    "compare",
    "probability",
    "remarks",
    "sentence",
]
