"""The folder of one product: its members' files, the manifest that says which of them are trusted, its policies."""

from ensemble.store.folder import InForce, Learnt, ModelStore, Quarantined
from ensemble.store.loading import Loaded
from ensemble.store.manifest import Manifest, Record

__all__ = ["InForce", "Learnt", "Loaded", "Manifest", "ModelStore", "Quarantined", "Record"]
