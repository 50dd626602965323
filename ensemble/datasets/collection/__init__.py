"""Collections: the photos of one product, kept by content, with every decision that was made about them."""

from ensemble.datasets.collection.database import collections, find_collection, folder_name, is_collection
from ensemble.datasets.collection.folder import Collection
from ensemble.datasets.collection.values import (
    CONTRADICTION,
    SPLITS,
    UNSPLIT,
    Added,
    CollectedPhoto,
    Correction,
    Finding,
    Mistake,
    counts,
)

__all__ = [
    "CONTRADICTION",
    "SPLITS",
    "UNSPLIT",
    "Added",
    "CollectedPhoto",
    "Collection",
    "Correction",
    "Finding",
    "Mistake",
    "collections",
    "counts",
    "find_collection",
    "folder_name",
    "is_collection",
]
