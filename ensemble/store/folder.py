"""ModelStore: what lies in a product's folder, what is trusted of it, and how it is written whole or not at all."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.backbones import BUNDLED, FeatureExtractor
from ensemble.calibrators import NONE, Calibrator
from ensemble.cases import Evidence
from ensemble.errors import PolicyError, StoreError
from ensemble.members import Member
from ensemble.policies import Policy, PolicyBook, from_json, shipped
from ensemble.results import Classes
from ensemble.store import artefacts, policy_history
from ensemble.store.files import read_text, write_atomically
from ensemble.store.loading import BACKBONES, MANIFEST, Loaded, library_version, load, weights_file
from ensemble.store.manifest import Manifest, Record
from ensemble.store.policy_history import HISTORY, POLICIES

EVIDENCE = "evidence.json"
MODEL_ENDINGS = {".pkl", ".pth", ".joblib", ".pt", ".npz", ".onnx"}


@dataclass(frozen=True, slots=True)
class Learnt:
    """A fitted member on its way into a product: what it learnt from, how good it is, how much its vote counts, and how
    its scores become probabilities."""

    name: str
    member: Member
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    weight: float = 1.0
    calibrator: Calibrator = NONE


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies that count now, the active one first; `problem` says why these are not those of the file."""

    policies: tuple[Policy, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A model file that the manifest does not vouch for; it is never opened."""

    file: str
    reason: str
    known: bool  # the manifest names the file, but its bytes have changed


class ModelStore:
    """The folder of one product."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def products(self) -> dict[str, Path]:
        """Products by name: the folder itself, and each folder in it that has a manifest of its own."""
        found = {}
        for folder in (self.folder, *sorted(path for path in self.folder.iterdir() if path.is_dir())):
            if (folder / MANIFEST).is_file():
                name = ModelStore(folder).product_name()
                found[name if name not in found else f"{name} ({folder.name})"] = folder
        return found

    def product_name(self) -> str:
        """The name in the manifest; the folder's where the manifest cannot be read."""
        try:
            return self.manifest().product
        except StoreError:
            return self.folder.resolve().name

    def manifest(self) -> Manifest:
        """The manifest; a StoreError where there is none or it cannot be read."""
        path = self.folder / MANIFEST
        if not path.is_file():
            raise StoreError(
                f"{self.folder} holds no trained product: {MANIFEST} is missing. Train one, or use demo mode."
            )
        return Manifest.from_json(read_text(path), str(path))

    def known_manifest(self) -> Manifest | None:
        """The manifest where there is one; a StoreError where a person must mend it before anything is written."""
        return self.manifest() if (self.folder / MANIFEST).exists() else None

    def policy_book(self) -> PolicyBook:
        """All policies as they stand in the product's file; those that ship where it has none of its own.

        A PolicyError names the line of the file that is wrong.
        """
        manifest, path = self.manifest(), self.folder / POLICIES
        if not path.is_file():
            found = shipped(manifest.classes)
            return PolicyBook(found, found[0].name)
        return from_json(read_text(path), str(path), manifest.names())

    def policies(self) -> tuple[Policy, ...]:
        """The product's policies as they apply to it, the active one first."""
        return self._applied(self.policy_book())

    def policies_in_force(self) -> InForce:
        """The same, and where the file is broken, the last good state with the reason: a line need not stand still."""
        try:
            found = self.policies()
        except PolicyError as error:
            last = policy_history.last_good(self.folder)
            if last is None:
                raise
            return InForce(self._applied(last), f"{error} Until then the last good policies are in force.")
        path = self.folder / POLICIES
        if path.is_file():
            with contextlib.suppress(StoreError):  # a disk that cannot be written: there is no state to fall back on
                policy_history.remember(self.folder, read_text(path))
        return InForce(found)

    def _applied(self, book: PolicyBook) -> tuple[Policy, ...]:
        manifest = self.manifest()
        found = [policy.for_product(manifest.product) for policy in book.ordered]
        usable = tuple(policy for policy in found if policy.applies_to(manifest.classes))
        if not usable:
            raise PolicyError(
                f"{self.folder / POLICIES}: no policy fits the classes {', '.join(manifest.classes.names)}. Add one "
                "with the rule majority."
            )
        return usable

    def evidence(self) -> Evidence:
        """What its cuts and figures rest on; a StoreError where nothing is kept, or other bytes than training wrote."""
        path, digest = self.folder / EVIDENCE, self.manifest().evidence
        if not digest or not path.is_file():
            raise StoreError("No photos with a known truth are kept with this product. Train it to see how good it is.")
        if not _is_whole(path, digest):
            raise StoreError(
                f"{path} is not the file that training wrote: its SHA-256 differs. Restore it, or train again."
            )
        return Evidence.from_json(read_text(path), str(path))

    def fingerprint(self) -> str:
        """Changes whenever a file that members rest on does: the key under which loaded members may be kept."""
        seen = []
        for path in sorted(self.folder.glob("*")) + sorted((self.folder / BACKBONES).glob("*")):
            if path.name in {POLICIES, HISTORY}:  # policies are read anew each time, and no member rests on them
                continue
            if path.is_file() and not path.name.startswith("."):  # such a file is still being written
                status = path.stat()  # the change time too: a swapped file can keep its size and date
                seen.append((path.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()

    def quarantine(self) -> list[Quarantined]:
        """Model files that the manifest does not know or whose bytes have changed; none of them is ever loaded."""
        try:
            known = {
                file: digest for record in self.manifest().members.values() for file, digest in record.files.items()
            }
        except StoreError:
            known = {}
        if not self.folder.is_dir():
            raise StoreError(f"The models folder {self.folder} does not exist. Name the folder of a product.")
        found = []
        for path in sorted(self.folder.iterdir()):
            if path.suffix not in MODEL_ENDINGS or not path.is_file():
                continue
            if path.name not in known:
                found.append(Quarantined(path.name, "The manifest does not know this file.", known=False))
            elif not _is_whole(path, known[path.name]):
                found.append(Quarantined(path.name, "Its bytes are not those that were trusted.", known=True))
        return found

    def load(self) -> Loaded:
        """Every member of the manifest, either ready to vote or named with the reason why it cannot."""
        return load(self.folder, self.manifest())

    def save(
        self,
        product: str,
        classes: Classes,
        folders: Mapping[str, str],
        members: Iterable[Learnt],
        evidence: Evidence | None = None,
        policies: Iterable[Policy] = (),
    ) -> Manifest:
        """Write members beside others of their classes; the manifest last, then policies with cuts from training."""
        known = self.known_manifest()
        fits = known is not None and known.classes == classes
        kept, unreadable = (dict(known.members), dict(known.unreadable)) if known and fits else ({}, {})
        contents: dict[str, bytes] = {}
        for learnt in members:
            name, member = learnt.name, learnt.member
            files = {name + ending: artefacts.dump(part, ending) for ending, part in member.parts().items()}
            contents |= files
            kept[name] = record_of(member, files, learnt)
            unreadable.pop(name, None)
            if isinstance(member.input, FeatureExtractor) and member.input.spec.name != BUNDLED:
                contents[weights_file(member.input.spec)] = member.input.weights_bytes()
        digest = ""
        if evidence is not None:
            contents[EVIDENCE] = evidence.to_json().encode()
            digest = hashlib.sha256(contents[EVIDENCE]).hexdigest()
        manifest = Manifest(product, classes, folders, kept, unreadable, digest)
        self.write(contents, manifest)
        self._publish(manifest, tuple(policies))
        return manifest

    def _publish(self, manifest: Manifest, chosen: Sequence[Policy]) -> None:
        """Policies after a training: a person's own stay where they still fit, the product's get their new cuts."""
        new = {policy.name: policy for policy in (*shipped(manifest.classes), *chosen)}
        try:
            book = from_json(read_text(self.folder / POLICIES)) if (self.folder / POLICIES).is_file() else None
        except PolicyError:  # a person's to mend, and never overwritten
            return
        own = {policy.name: policy for policy in book.policies if policy.author} if book else {}
        names = [policy.name for policy in book.policies] if book else list(new)
        found = [own.get(name) or new.get(name) for name in dict.fromkeys((*names, *new))]
        fitting = tuple(
            policy
            for policy in found
            if policy and policy.applies_to(manifest.classes) and policy.members() <= set(manifest.names())
        )
        active = book.active if book and book.active in {policy.name for policy in fitting} else fitting[0].name
        book_after = PolicyBook(fitting, active)
        if book is None or book_after != book:
            policy_history.publish(self.folder, book_after, "", "Cuts chosen by training.")

    def write(self, contents: Mapping[str, bytes], manifest: Manifest) -> None:
        """Write files below the folder, each whole or not at all, and the manifest that vouches for them last."""
        for file, data in {**contents, MANIFEST: manifest.to_json().encode()}.items():
            write_atomically(self.folder / file, data)


def record_of(member: Member, files: Mapping[str, bytes], learnt: Learnt) -> Record:
    """What the manifest will know of a member whose files hold these bytes."""
    source = member.input
    return Record(
        name=learnt.name,
        kind=member.kind,
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        backbone=source.spec if isinstance(source, FeatureExtractor) else None,
        preprocessing=source.spec.preprocessing if isinstance(source, FeatureExtractor) else source,
        classes=member.classes.names,
        features=source.width() if isinstance(source, FeatureExtractor) else 3 * source.side**2,
        libraries={library: library_version(library) for library in (*member.libraries, "torch", "numpy")},
        training=learnt.training,
        metrics=learnt.metrics,
        weight=learnt.weight,
        calibrator=learnt.calibrator,
    )


def _is_whole(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False
