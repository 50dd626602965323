"""ModelStore: what lies in a product's folder, what is trusted of it, and how it is written whole or not at all."""

import contextlib
import hashlib
import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ensemble.disk.files import digest_of, is_whole, read_text
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.included import INCLUDED
from ensemble.features.references import ReferencePhotos
from ensemble.imaging.out_of_distribution import PhotoRange
from ensemble.imaging.photos import file_digest
from ensemble.members import Loaded
from ensemble.policies import Policy, PolicyBook, from_json, shipped
from ensemble.policies.cases import Evidence
from ensemble.store import artefacts, listings, policy_history, versions
from ensemble.store.listings import Version
from ensemble.store.loading import FittedMember, load, record_of, view_files, weights_file
from ensemble.store.manifest import Manifest, Record, read_manifest
from ensemble.store.places import BACKBONES, EVIDENCE, MANIFEST, POLICIES, READ_ANEW, REFERENCES, object_path, place_of
from ensemble.store.quarantine import Quarantined, quarantined
from ensemble.store.swapping import recover, steady
from ensemble.values.errors import PolicyError, QuorumError, StoreError
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Classes, Origin
from ensemble.values.view import AS_IT_IS, View


@dataclass(frozen=True, slots=True)
class Saved:
    """What has been saved, and the number of its version."""

    manifest: Manifest
    version: int


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies that count now, the active one first; `problem` says why these are not those of the file."""

    policies: tuple[Policy, ...]
    problem: str = ""


class ModelStore:
    """The folder of one product."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def products(self) -> dict[str, Path]:
        """Products by name: the folder itself, and each folder in it that has a manifest of its own.

        Those whose manifest cannot be read come last, under the name of their folder; `problem` says what is wrong.
        """
        stores = [ModelStore(each) for each in (self.folder, *_product_folders(self.folder)) if _has_manifest(each)]
        found: dict[str, Path] = {}
        for store in sorted(stores, key=lambda store: bool(store.problem())):
            name = store.product_name()
            found[name if name not in found else f"{name} ({store.folder.name})"] = store.folder
        return found

    def problem(self) -> str:
        """The sentence that says why the product cannot be read; empty where it can."""
        try:
            self.manifest()
        except StoreError as error:
            return error.message
        return ""

    def product_name(self) -> str:
        """The name in the manifest; the folder's where the manifest cannot be read."""
        try:
            return self.manifest().product
        except StoreError:
            return self.folder.resolve().name

    def at(self, number: int) -> "ModelStore":
        """The product as it was or would be with one of its versions, to look at; a StoreError where it is not kept."""
        return _Kept(self.folder, listings.version(self.folder, number))

    def path_of(self, file: str) -> Path:
        """Where a file of the product lies; a StoreError where no product has a file of that name."""
        return place_of(self.folder, file, f"The manifest of {self.folder}")

    def manifest(self) -> Manifest:
        """The manifest; a StoreError where there is none or it cannot be read."""
        recover(self.folder)
        path = self.path_of(MANIFEST)
        if not _has_manifest(path.parent, path.name):
            raise StoreError(
                "{folder} holds no trained product: {manifest} is missing. Train one, or use demo mode.",
                folder=self.folder,
                manifest=MANIFEST,
            )
        return read_manifest(path)

    def known_manifest(self) -> Manifest | None:
        """The manifest where there is one; a StoreError where a person must mend it before anything is written."""
        return self.manifest() if self.path_of(MANIFEST).exists() else None

    def policy_book(self) -> PolicyBook:
        """All policies as they stand in the product's file; those that ship where it has none of its own.

        A PolicyError names the line of the file that is wrong.
        """
        return steady(self.folder, self._policy_book)

    def _policy_book(self) -> PolicyBook:
        manifest, text = self.manifest(), policy_history.text_of(self.folder)
        if text is None:
            found = shipped(manifest.classes)
            return PolicyBook(found, found[0].name)
        return from_json(text, str(self.folder / POLICIES), manifest.names(), manifest.view)

    def policies(self) -> tuple[Policy, ...]:
        """The product's policies as they apply to it, the active one first."""
        return self._applied(self.policy_book(), self._policy_state())

    def _policy_state(self) -> int | None:
        return policy_history.number_of(self.folder)

    def origin(self) -> Origin:
        """What its verdicts come from: its name, the version in force where one is kept, and the manifest's digest."""
        digest = file_digest(path) if (path := self.path_of(MANIFEST)).is_file() else ""
        return Origin(self.product_name(), listings.number_in_force(self.folder), manifest=digest)

    def policies_in_force(self) -> InForce:
        """The same, and where the file is broken, the last good state with the reason: a line need not stand still."""
        try:
            found = self._usable(self.policy_book())
        except PolicyError as error:
            last = policy_history.last_good(self.folder)
            if last is None:
                raise
            told = paragraph(error.message, Message("Until then the last good policies are in force."))
            return InForce(self._applied(last[1], last[0]), told)
        try:
            text = policy_history.text_of(self.folder)
            number = policy_history.remember(self.folder, text) if text else None
        except QuorumError:  # a disk that cannot be written: there is no state to fall back on
            number = self._policy_state()
        return InForce(tuple(replace(policy, state=number) for policy in found))

    def _applied(self, book: PolicyBook, state: int | None) -> tuple[Policy, ...]:
        return tuple(replace(policy, state=state) for policy in self._usable(book))

    def _usable(self, book: PolicyBook) -> tuple[Policy, ...]:
        manifest = self.manifest()
        found = [policy.for_product(manifest.product) for policy in book.ordered]
        usable = tuple(policy for policy in found if policy.applies_to(manifest.classes))
        if not usable:
            raise PolicyError(
                "{folder}: no policy fits the classes {names}. Add one with the rule majority.",
                folder=self.folder / POLICIES,
                names=", ".join(manifest.classes.names),
            )
        return usable

    def evidence(self) -> Evidence:
        """What its thresholds and figures rest on; a StoreError where nothing is kept or other bytes than it wrote."""
        return steady(self.folder, self._evidence)

    def _evidence(self) -> Evidence:
        digest = self.manifest().evidence
        path = self.path_of(EVIDENCE)
        if not digest or not path.is_file():
            raise StoreError("No photos with a known truth are kept with this product. Train it to see how good it is.")
        if not is_whole(path, digest):
            raise StoreError(
                "{path} is not the file that training wrote: its SHA-256 differs. Restore it, or train again.",
                path=path,
            )
        return Evidence.from_json(read_text(path), str(path))

    def fingerprint(self) -> str:
        """Changes whenever a file that members rest on does: the key under which loaded members may be kept."""
        seen = []
        for path in sorted(self.folder.glob("*")) + sorted((self.folder / BACKBONES).glob("*")):
            if path.name in READ_ANEW:
                continue
            if path.name.startswith("."):  # such a file is still being written
                continue
            with contextlib.suppress(OSError):  # removed in the meantime, or a link that leads nowhere
                status = path.stat()  # the change time too: a swapped file can keep its size and date
                if not stat.S_ISREG(status.st_mode):
                    continue
                seen.append((path.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()

    def quarantine(self) -> list[Quarantined]:
        """Model files that the manifest does not know or whose bytes have changed; none of them is ever loaded."""
        return steady(self.folder, self._quarantine)

    def _quarantine(self) -> list[Quarantined]:
        try:
            return quarantined(self.folder, self.manifest().model_files())
        except StoreError:  # where nothing vouches for any file
            return quarantined(self.folder, {})

    def load(self, policy: Policy | None = None, runtime: str = "") -> Loaded:
        """Every member of the manifest, or of those that a policy asks, ready to vote or named with why it cannot."""
        return steady(self.folder, lambda: load(self.path_of, self.manifest(), policy, runtime))

    def save(
        self,
        product: str,
        classes: Classes,
        folders: Mapping[str, str],
        members: Iterable[FittedMember],
        evidence: Evidence | None = None,
        policies: Iterable[Policy] = (),
        *,
        weights: Mapping[str, float] = MappingProxyType({}),
        photo_range: PhotoRange | None = None,
        references: ReferencePhotos | None = None,
        view: View = AS_IT_IS,
        noted: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        publish: bool = True,
        author: str = "",
        reason: str = Message("Trained."),
    ) -> Saved:
        """Make a version of members beside others of their classes and view, with policies of thresholds from training.

        `weights` are those of votes, for members that stay as for new ones, of which `noted` says what to note. It
        comes into force at once, or stays a candidate where `publish` is false. Without `references` those that are
        there stay. A StoreError leaves all as it was.
        """
        contents = view_files(view)
        records: dict[str, Record] = {}
        for learnt in members:
            name, member = learnt.name, learnt.member
            files = {name + ending: artefacts.dump(part, ending) for ending, part in member.parts().items()}
            contents |= files
            records[name] = record_of(member, files, learnt)
            if isinstance(member.input, FeatureExtractor) and member.input.spec.name not in INCLUDED:
                contents[weights_file(member.input.spec)] = member.input.weights_bytes()
        if evidence is not None:
            contents[EVIDENCE] = evidence.to_json().encode()
        digest = digest_of(contents[EVIDENCE]) if evidence is not None else ""
        if references is not None:
            contents[REFERENCES] = artefacts.dump(references.as_arrays(), REFERENCES)
        brought = policy_history.policies_as_json(policies)
        with versions.changing(self.folder):
            known = self.known_manifest()
            beside = known if known and known.joins(classes, view) else Manifest(product, classes)
            old = beside.members.items()
            stay = {name: each.staying(weights.get(name, each.weight), noted.get(name, {})) for name, each in old}
            unreadable = {name: found for name, found in beside.unreadable.items() if name not in records}
            good = digest_of(contents[REFERENCES]) if references else beside.references
            kept = (folders, {**stay, **records}, unreadable, digest, photo_range, good)
            manifest = Manifest(product, classes, *kept, view=view)
            return Saved(manifest, self._keep(contents, manifest, brought, author, reason, publish=publish))

    def write(self, contents: Mapping[str, bytes], manifest: Manifest, reason: str, author: str = "") -> None:
        """Put files in force with the manifest that vouches for them; policies stay as they are."""
        with versions.changing(self.folder):
            brought = policy_history.own_of_the_product(self.folder)
            self._keep(contents, manifest, brought, author, reason, publish=True)

    def _keep(
        self,
        contents: Mapping[str, bytes],
        manifest: Manifest,
        brought: policy_history.Entries | None,
        author: str,
        reason: str,
        *,
        publish: bool,
    ) -> int:
        everything = {**contents, MANIFEST: manifest.to_json().encode()}
        found = versions.gathered(self.folder, everything, manifest, brought, author, reason)
        if publish:
            versions.put_in_force(self.folder, found, author, reason)
        else:
            listings.write(self.folder, found)
        return found.number


def _product_folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError as error:
        raise StoreError(
            "{root} cannot be read ({strerror}). Check its permissions.", root=root, strerror=error.strerror
        ) from error


def _has_manifest(folder: Path, name: str = MANIFEST) -> bool:
    """Whether something goes by that name, be it a folder, a link that leads nowhere, or a file that none may read."""
    try:
        (folder / name).lstat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


NO_DIGEST = "0" * 64  # the SHA-256 of nothing that anybody has found


class _Kept(ModelStore):
    """A version of a product, in force or not: to load and to measure, not to write."""

    def __init__(self, folder: Path, version: Version) -> None:
        super().__init__(folder)
        self._version = version

    def path_of(self, file: str) -> Path:
        return object_path(self.folder, self._version.files.get(file, NO_DIGEST))

    def manifest(self) -> Manifest:
        """The manifest; a StoreError where the version is damaged."""
        return versions.manifest_of(self.folder, self._version)

    def _policy_book(self) -> PolicyBook:
        """The policies that will be in force with it."""
        return versions.book_after(self.folder, self._version) or super()._policy_book()

    def _policy_state(self) -> None:
        return None

    def origin(self) -> Origin:
        return Origin(self.product_name(), self._version.number, manifest=self._version.files[MANIFEST])

    def policies_in_force(self) -> InForce:
        return InForce(self.policies())

    def fingerprint(self) -> str:
        return self._version.files[MANIFEST]

    def quarantine(self) -> list[Quarantined]:
        return []

    def save(self, *_arguments: object, **_settings: object) -> Saved:
        raise StoreError(
            "Version {number} of {folder} is kept as it is. Save into the product.",
            number=self._version.number,
            folder=self.folder,
        )

    def write(self, *_arguments: object, **_settings: object) -> None:
        self.save()
