"""ModelStore: what lies in a product's folder, what is trusted of it, and how it is written whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.backbones import BUNDLED, FeatureExtractor
from ensemble.errors import PolicyError, StoreError
from ensemble.members import Member
from ensemble.policies import Policy, from_json, shipped, to_json
from ensemble.results import Classes
from ensemble.store import artefacts
from ensemble.store.loading import BACKBONES, MANIFEST, Loaded, library_version, load, weights_file
from ensemble.store.manifest import Manifest, Record

POLICIES = "policies.json"
MODEL_ENDINGS = {".pkl", ".pth", ".joblib", ".pt", ".npz", ".onnx"}


@dataclass(frozen=True, slots=True)
class Learnt:
    """A fitted member on its way into a product: what it learnt from, how good it is, how much its vote counts."""

    name: str
    member: Member
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    weight: float = 1.0


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
        return Manifest.from_json(_read_text(path), str(path))

    def known_manifest(self) -> Manifest | None:
        """The manifest where there is one; a StoreError where a person must mend it before anything is written."""
        return self.manifest() if (self.folder / MANIFEST).exists() else None

    def policies(self) -> tuple[Policy, ...]:
        """The product's policies, the default first; those that ship where it has no file of its own."""
        classes = self.manifest().classes
        path = self.folder / POLICIES
        if not path.is_file():
            return shipped(classes)
        found = from_json(_read_text(path), str(path))
        usable = tuple(policy for policy in found if policy.applies_to(classes))
        if not usable:
            raise PolicyError(
                f"{path}: no policy fits the classes {', '.join(classes.names)}. Add one with the rule majority."
            )
        return usable

    def fingerprint(self) -> str:
        """Changes whenever a file of the product does: the key under which loaded members may be kept."""
        seen = []
        for path in sorted(self.folder.glob("*")) + sorted((self.folder / BACKBONES).glob("*")):
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
    ) -> Manifest:
        """Write members beside others of their classes; the manifest last."""
        known = self.known_manifest()
        fits = known is not None and known.classes == classes
        kept, unreadable = (dict(known.members), dict(known.unreadable)) if known and fits else ({}, {})
        contents: dict[str, bytes] = {}
        for learnt in members:
            name, member = learnt.name, learnt.member
            files = {name + ending: artefacts.dump(part, ending) for ending, part in member.parts().items()}
            contents |= files
            kept[name] = record_of(name, member, files, learnt.training, learnt.metrics, learnt.weight)
            unreadable.pop(name, None)
            if isinstance(member.input, FeatureExtractor) and member.input.spec.name != BUNDLED:
                contents[weights_file(member.input.spec)] = member.input.weights_bytes()
        manifest = Manifest(product, classes, folders, kept, unreadable)
        if not self._policies_fit(classes):
            contents[POLICIES] = to_json(shipped(classes)).encode()
        self.write(contents, manifest)
        return manifest

    def write(self, contents: Mapping[str, bytes], manifest: Manifest) -> None:
        """Write files below the folder, each whole or not at all, and the manifest that vouches for them last."""
        for file, data in {**contents, MANIFEST: manifest.to_json().encode()}.items():
            write_atomically(self.folder / file, data)

    def _policies_fit(self, classes: Classes) -> bool:
        """Whether the product's own policies can stay; a broken file is a person's to mend and is never overwritten."""
        path = self.folder / POLICIES
        if not path.is_file():
            return False
        try:
            found = from_json(_read_text(path), str(path))
        except (PolicyError, StoreError):
            return True
        return any(policy.applies_to(classes) for policy in found)


def record_of(
    name: str,
    member: Member,
    files: Mapping[str, bytes],
    training: Mapping[str, Any],
    metrics: Mapping[str, Any],
    weight: float = 1.0,
) -> Record:
    """What the manifest will know of a member whose files hold these bytes."""
    source = member.input
    return Record(
        name=name,
        kind=member.kind,
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        backbone=source.spec if isinstance(source, FeatureExtractor) else None,
        preprocessing=source.spec.preprocessing if isinstance(source, FeatureExtractor) else source,
        classes=member.classes.names,
        features=source.width() if isinstance(source, FeatureExtractor) else 3 * source.side**2,
        libraries={library: library_version(library) for library in (*member.libraries, "torch", "numpy")},
        training=training,
        metrics=metrics,
        weight=weight,
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error


def _is_whole(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none: beside its place first, then moved into it; a StoreError where it cannot be."""
    try:
        _write_atomically(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{path} cannot be written ({reason}). Check the folder's permissions and space.") from error


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
