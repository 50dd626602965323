"""The model card: all that a product's own files tell of it, in the order in which a person asks."""

from ensemble.evaluation.model_card.card import card_of
from ensemble.evaluation.model_card.values import CardTable, Fact, ModelCard, Section, Sources

__all__ = ["CardTable", "Fact", "ModelCard", "Section", "Sources", "card_of"]
