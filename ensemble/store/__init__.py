"""The folder of one product: members' files, the manifest that trusts them, policies, and versions of all that."""

from ensemble.store.folder import InForce, ModelStore, Quarantined, Saved
from ensemble.store.learnt import Learnt
from ensemble.store.loading import Loaded
from ensemble.store.manifest import Manifest, Record

__all__ = ["InForce", "Learnt", "Loaded", "Manifest", "ModelStore", "Quarantined", "Record", "Saved"]
