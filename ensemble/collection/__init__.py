"""Collections: the photos of one product, kept by content, with every decision that was made about them."""

from ensemble.collection.folder import Collection, collections, counts, is_collection
from ensemble.collection.values import ACTIONS, SPLITS, UNSPLIT, Added, Decision, Kept, Mistake, Open

__all__ = [
    "ACTIONS",
    "SPLITS",
    "UNSPLIT",
    "Added",
    "Collection",
    "Decision",
    "Kept",
    "Mistake",
    "Open",
    "collections",
    "counts",
    "is_collection",
]
