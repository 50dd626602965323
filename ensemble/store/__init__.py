"""The folder of one product: members' files, the manifest that trusts them, policies, and versions of all that."""

from ensemble.store.folder import InForce, ModelStore, Saved
from ensemble.store.loading import FittedMember
from ensemble.store.manifest import Manifest, Record
from ensemble.store.quarantine import Quarantined

__all__ = ["FittedMember", "InForce", "Manifest", "ModelStore", "Quarantined", "Record", "Saved"]
