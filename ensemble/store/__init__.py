"""The folder of one product: its members' files, the manifest that says which of them are trusted, its policies."""

from ensemble.store.folder import Loaded, ModelStore, Quarantined
from ensemble.store.manifest import Manifest, Record

__all__ = ["Loaded", "Manifest", "ModelStore", "Quarantined", "Record"]
