"""The folder of one product: members' files, the manifest that trusts them, policies, and versions of all that."""

from ensemble.store.folder import InForce, ModelStore, Quarantined, Saved
from ensemble.store.loading import FittedMember
from ensemble.store.manifest import Manifest, Record

__all__ = ["FittedMember", "InForce", "Manifest", "ModelStore", "Quarantined", "Record", "Saved"]
