"""The folder of one product: its members' files, the manifest that says which of them are trusted, its policies, and
the versions of all that."""

from ensemble.store.folder import InForce, ModelStore, Quarantined, Saved
from ensemble.store.learnt import Learnt
from ensemble.store.loading import Loaded
from ensemble.store.manifest import Manifest, Record

__all__ = ["InForce", "Learnt", "Loaded", "Manifest", "ModelStore", "Quarantined", "Record", "Saved"]
