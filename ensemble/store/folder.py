"""ModelStore: load what is trusted, name what is not, save so that nothing half-written survives."""

import hashlib
import importlib.metadata
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.backbones import BUNDLED, BUNDLED_FOLDER, BackboneSpec, FeatureExtractor, find_weights
from ensemble.errors import MemberError, PolicyError, QuorumError, StoreError, WeightsError
from ensemble.members import KINDS, Member
from ensemble.policies import Policy, from_json, shipped, to_json
from ensemble.results import Absence, Classes
from ensemble.store import artefacts
from ensemble.store.manifest import Manifest, Record
from ensemble.weights import setting_folders

MANIFEST, POLICIES, BACKBONES = "manifest.json", "policies.json", "backbones"
DISTRIBUTIONS = {"xgboost": ("xgboost-cpu", "xgboost")}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The members that can vote, and those that should and cannot."""

    members: Mapping[str, Member]
    absent: tuple[Absence, ...]
    classes: Classes


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A model file that the manifest does not vouch for; it is never opened."""

    file: str
    reason: str
    known: bool  # the manifest names the file, but its bytes have changed


def library_version(name: str) -> str:
    """The installed version of a package, whichever of its distributions brought it."""
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise StoreError(f"The package {name} is not installed. Run make setup.")


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
            if path.suffix not in {".pkl", ".pth", ".joblib", ".pt"} or not path.is_file():
                continue
            if path.name not in known:
                found.append(Quarantined(path.name, "The manifest does not know this file.", known=False))
            elif not _is_whole(path, known[path.name]):
                found.append(Quarantined(path.name, "Its bytes are not those that were trusted.", known=True))
        return found

    def load(self) -> Loaded:
        """Every member of the manifest, either ready to vote or named with the reason why it cannot."""
        manifest = self.manifest()
        members: dict[str, Member] = {}
        absent = [
            Absence(
                name, f"Its entry in {MANIFEST} cannot be read ({found.reason}). Mend it, or train the member again."
            )
            for name, found in manifest.unreadable.items()
        ]
        networks: dict[tuple[Any, ...], FeatureExtractor | WeightsError] = {}
        for name, record in manifest.members.items():
            try:
                members[name] = self._load(record, manifest.classes, networks)
            except QuorumError as error:
                absent.append(Absence(name, str(error)))
            except Exception as error:  # noqa: BLE001 - whatever a file or a record makes its readers raise, the others vote
                absent.append(Absence(name, f"It cannot be loaded ({type(error).__name__}: {error}). Train it again."))
        return Loaded(members, tuple(absent), manifest.classes)

    def _load(self, record: Record, classes: Classes, networks: dict[Any, Any]) -> Member:
        kind = KINDS.get(record.kind)
        if kind is None:
            raise StoreError(f"Its kind {record.kind!r} is unknown here. Known are {', '.join(KINDS)}.")
        if record.classes != classes.names:
            raise StoreError(f"It was trained for {', '.join(record.classes)}, not for {', '.join(classes.names)}.")
        if set(record.files) != {record.name + ending for ending in kind.endings}:
            raise StoreError(f"The manifest should list {', '.join(record.name + ending for ending in kind.endings)}.")
        for library in kind.libraries:
            here, there = library_version(library), record.libraries.get(library, "an unknown version")
            if here != there:
                raise StoreError(
                    f"It was made with {library} {there}, and {here} runs here. Train it again or install {there}."
                )
        contents = {ending: self._trusted_bytes(record, record.name + ending) for ending in kind.endings}
        source = self._extractor(record.backbone, networks) if record.backbone else record.preprocessing
        member = kind(classes=classes, input=source)
        return restore(member, record.name, contents)

    def _trusted_bytes(self, record: Record, file: str) -> bytes:
        """The file's bytes, read once; the same bytes are hashed here and loaded afterwards."""
        try:
            data = (self.folder / file).read_bytes()
        except OSError as error:
            raise StoreError(f"{file} is missing or cannot be read. Restore it, or train the member again.") from error
        if hashlib.sha256(data).hexdigest() != record.files[file]:
            raise StoreError(
                f"{file} is not the file that was trusted: its SHA-256 differs. Restore it, or run "
                f"`python -m ensemble trust {record.name}` if the change is yours."
            )
        return data

    def _extractor(self, spec: BackboneSpec, networks: dict[Any, Any]) -> FeatureExtractor:
        key = (spec.name, spec.layers, spec.weights)
        if key not in networks:
            try:
                networks[key] = self._open_backbone(spec)
            except WeightsError as error:
                networks[key] = error
        if isinstance(networks[key], WeightsError):
            raise networks[key]
        found: FeatureExtractor = networks[key].with_pooling(spec.pooling)
        if found.spec != spec:
            raise StoreError(
                f"The preprocessing of {spec.name} is not the one that it was trained with. Train it again."
            )
        return found

    def _open_backbone(self, spec: BackboneSpec) -> FeatureExtractor:
        candidates = [self.folder / weights_file(spec)]
        for folders in ((BUNDLED_FOLDER,) if spec.name == BUNDLED else (), setting_folders()):
            try:
                candidates.append(find_weights(spec.name, folders))
            except WeightsError:
                continue  # the sentence below names every place that was tried
        for path in candidates:
            if path.is_file():
                found = FeatureExtractor.from_bytes(spec.name, path.read_bytes(), path, layers=spec.layers)
                if found.spec.weights == spec.weights:
                    return found
        raise WeightsError(
            f"The weights of its backbone {spec.name} are missing or have changed: expected {candidates[0]}. "
            "Restore that file, or train again."
        )

    def save(
        self,
        product: str,
        classes: Classes,
        folders: Mapping[str, str],
        members: Iterable[tuple[str, Member, Mapping[str, Any], Mapping[str, Any]]],
    ) -> Manifest:
        """Write members as (name, member, training, metrics) beside others of their classes; the manifest last."""
        known = self.known_manifest()
        fits = known is not None and known.classes == classes
        kept, unreadable = (dict(known.members), dict(known.unreadable)) if known and fits else ({}, {})
        contents: dict[str, bytes] = {}
        for name, member, training, metrics in members:
            files = {name + ending: artefacts.dump(part, ending) for ending, part in member.parts().items()}
            contents |= files
            kept[name] = record_of(name, member, files, training, metrics)
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
    name: str, member: Member, files: Mapping[str, bytes], training: Mapping[str, Any], metrics: Mapping[str, Any]
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
    )


def restore(member: Member, name: str, contents: Mapping[str, bytes]) -> Member:
    """Give a new member what its files hold; a StoreError names the file or the member that does not fit."""
    parts = {}
    for ending, data in contents.items():
        try:
            parts[ending] = artefacts.load(data, ending)
        except StoreError as error:
            raise StoreError(f"{name}{ending} is refused: {error}.") from error
    try:
        return member.restore(parts)
    except MemberError as error:
        raise StoreError(f"{name}: {error}") from error
    except Exception as error:  # whole objects of the wrong make
        raise StoreError(
            f"{name} does not hold what a {member.kind} needs ({type(error).__name__}: {error})."
        ) from error


def weights_file(spec: BackboneSpec) -> str:
    """Where a product keeps the weights of a backbone, below its folder."""
    return f"{BACKBONES}/{spec.name}-{spec.weights[:12]}.safetensors"


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
