"""What a card is made from: the files of one product, each of which may be missing or broken."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.members import KINDS
from ensemble.policies import Policy
from ensemble.policies.cases import Case, Evidence, typed
from ensemble.store import Manifest, ModelStore, Quarantined, Record, listings
from ensemble.store.listings import Version
from ensemble.store.places import MANIFEST
from ensemble.values.errors import QuorumError, StoreError
from ensemble.values.results import Classes


@dataclass(frozen=True, slots=True)
class Sources:
    """The product's manifest, its policies with the active one first, and its cases; `problems` say what is missing.

    `photos` is where the cases' photos lay in training. `manifest_digest` is the SHA-256 of the manifest's bytes, which
    name all other files but the policies; `version` is the one that is kept of it, where there is one.
    """

    manifest: Manifest
    policies: tuple[Policy, ...]
    evidence: Evidence
    problems: tuple[str, ...]
    quarantine: tuple[Quarantined, ...]
    photos: Path
    manifest_digest: str
    version: Version | None

    @classmethod
    def of(cls, store: ModelStore) -> "Sources":
        """Read a product's folder; a StoreError where no product is there, any other trouble is a problem named."""
        manifest = store.manifest()
        if not manifest.names():
            raise StoreError(f"{store.folder} has no member yet, so there is nothing to write a card of. Train one.")
        problems: list[str] = []
        policies: tuple[Policy, ...] = ()
        evidence = Evidence(manifest.classes)
        try:
            force = store.policies_in_force()
            policies = force.policies
            problems += [force.problem] if force.problem else []
        except QuorumError as error:
            problems.append(str(error))
        try:
            evidence = store.evidence()
        except QuorumError as error:
            problems.append(str(error))
        digest = hashlib.sha256(store.path_of(MANIFEST).read_bytes()).hexdigest()
        version = None
        try:
            kept = reversed(listings.versions(store.folder))
            version = next((each for each in kept if each.files.get(MANIFEST) == digest), None)
        except StoreError as error:
            problems.append(str(error))
        photos = store.folder / evidence.folder
        return cls(manifest, policies, evidence, tuple(problems), tuple(store.quarantine()), photos, digest, version)

    @property
    def classes(self) -> Classes:
        """The product's classes."""
        return self.manifest.classes

    @property
    def records(self) -> Mapping[str, Record]:
        """What the manifest knows of each member."""
        return self.manifest.members

    @property
    def test(self) -> tuple[Case, ...]:
        """The photos that only measure, with their types of defect where a folder or a file name tells them."""
        return typed(self.evidence.test, self.classes)

    @property
    def active(self) -> Policy | None:
        """The policy in force; None where no policy can be read."""
        return self.policies[0] if self.policies else None


def title(record: Record) -> str:
    """What a member's kind is called."""
    kind = KINDS.get(record.kind)
    return kind.title if kind else record.kind


def photos_learnt(record: Record) -> dict[str, int]:
    """How many photos of each class taught a member; empty where nobody noted it."""
    found = record.training.get("photos")
    return {str(name): int(count) for name, count in found.items()} if isinstance(found, Mapping) else {}


def kept(record: Record, key: str) -> Mapping[str, object]:
    """One entry of what a training noted, where it is an object; else empty."""
    found = record.training.get(key)
    return found if isinstance(found, Mapping) else {}


def noted(sources: Sources, key: str) -> list[str]:
    """What trainings noted under one key, each text once, in the order of the members."""
    return list(dict.fromkeys(text for each in sources.records.values() if (text := str(each.training.get(key) or ""))))


def digest_of(known: tuple[Case, ...]) -> str:
    """The digest that `datasets.digest` gives the same photos."""
    return hashlib.sha256("\n".join(sorted(f"{case.label} {case.sha256}" for case in known)).encode()).hexdigest()
