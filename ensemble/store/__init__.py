"""The folder of one product: members' files, the manifest that trusts them, policies, and versions of all that."""

from ensemble.store.folder import InForce, ModelStore, Quarantined, Saved
from ensemble.store.loading import Learnt
from ensemble.store.manifest import Manifest, Record

__all__ = ["InForce", "Learnt", "Manifest", "ModelStore", "Quarantined", "Record", "Saved"]
