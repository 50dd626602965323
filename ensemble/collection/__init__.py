"""Collections: the photos of one product, kept by content, with every decision that was made about them."""

from ensemble.collection.findings import CONTRADICTION, Finding
from ensemble.collection.folder import Collection
from ensemble.collection.places import collections, find_collection, folder_name, is_collection
from ensemble.collection.values import ACTIONS, SPLITS, UNSPLIT, Added, Decision, Kept, Mistake, counts

__all__ = [
    "ACTIONS",
    "CONTRADICTION",
    "SPLITS",
    "UNSPLIT",
    "Added",
    "Collection",
    "Decision",
    "Finding",
    "Kept",
    "Mistake",
    "collections",
    "counts",
    "find_collection",
    "folder_name",
    "is_collection",
]
