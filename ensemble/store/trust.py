"""Taking model files that were made elsewhere, in a notebook say, into the manifest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ensemble.features.backbones import FeatureExtractor, find_weights
from ensemble.features.included import INCLUDED
from ensemble.features.weights import named_folders
from ensemble.members import KINDS, Member
from ensemble.store import artefacts
from ensemble.store.folder import ModelStore
from ensemble.store.loading import FittedMember, record_of, restore, weights_file
from ensemble.store.manifest import Manifest, Record
from ensemble.store.places import BACKBONES
from ensemble.values.errors import StoreError
from ensemble.values.language import Message
from ensemble.values.results import OK_NOK


def members_to_trust(store: ModelStore) -> list[str]:
    """Members whose files are all there and none of which the manifest knows."""
    unknown = {entry.file for entry in store.quarantine() if not entry.known}
    names = set()
    for kind in [kind for kind in KINDS.values() if kind.reading is None]:  # the others need the manifest they had
        first, others = kind.endings[0], kind.endings[1:]
        for file in unknown:
            name = file.removesuffix(first)
            is_companion = any(file.endswith(ending) for ending in others)
            if file.endswith(first) and not is_companion and _kind_and_backbone(name)[0] == kind.kind:
                names.add(name)
    return sorted(names)


def trust_members(store: ModelStore, names: Sequence[str], weights: Path | None = None) -> list[Record]:
    """Vouch for these members' files as they are now; each is opened and checked against its backbone first."""
    manifest = store.known_manifest() or Manifest(store.folder.resolve().name, OK_NOK)
    records, unreadable = dict(manifest.members), dict(manifest.unreadable)
    contents: dict[str, bytes] = {}
    for name in names:
        record, files = _check_member(store, name, manifest, weights)
        records[name] = record
        unreadable.pop(name, None)
        contents |= files
    if names:
        reason = Message("Trusted by hand: {files}.", files=", ".join(names))
        store.write(contents, replace(manifest, members=records, unreadable=unreadable), reason)
    return [records[name] for name in names]


def _kind_and_backbone(name: str) -> tuple[str, str]:
    for kind, member in KINDS.items():
        if name == kind and member.pixels is not None:
            return kind, ""
        if name.startswith(f"{kind}_") and member.pixels is None:
            return kind, name.removeprefix(f"{kind}_")
    return "", ""


def _check_member(
    store: ModelStore, name: str, manifest: Manifest, weights: Path | None
) -> tuple[Record, dict[str, bytes]]:
    kind, backbone = _kind_of(name)
    contents = _own_files(store, name, kind)
    files: dict[str, bytes] = {}
    if kind.pixels is not None:
        member = restore(kind(classes=manifest.classes, input=kind.pixels), name, contents)
    else:
        own = (store.folder / BACKBONES,) if (store.folder / BACKBONES).is_dir() else ()
        path = find_weights(backbone, (*named_folders(weights), *own))
        extractor = FeatureExtractor.from_bytes(backbone, path.read_bytes(), path)
        member = kind(classes=manifest.classes, input=extractor)
        restore(member, name, contents)
        member.input = extractor.for_width(_width(contents, name))
        if backbone not in INCLUDED:
            files[weights_file(member.input.spec)] = extractor.weights_bytes()
    training = {"source": "made elsewhere, trusted by hand"}
    record = record_of(
        member, {name + ending: data for ending, data in contents.items()}, FittedMember(name, member, training, {})
    )
    return record, files


def _kind_of(name: str) -> tuple[type[Member], str]:
    """The kind and the backbone that a member's name says; a StoreError where it is none to vouch for by hand."""
    kind, backbone = _kind_and_backbone(name)
    if not kind:
        # a classifier and a scaler, which tell how a backbone was read
        pairs = ", ".join(kind for kind, member in KINDS.items() if member.pixels is None and member.reading is None)
        alone = ", ".join(kind + member.endings[0] for kind, member in KINDS.items() if member.pixels is not None)
        raise StoreError(
            "{name} does not say what it is. Call the files KIND_BACKBONE.pkl and KIND_BACKBONE_scaler.pkl, such as "
            "svm_resnet50.pkl, with one of the kinds {kinds}; or {files}.",
            name=name,
            kinds=pairs,
            files=alone,
        )
    if KINDS[kind].reading is not None:
        raise StoreError(
            "{name} cannot be vouched for by hand: how it reads {backbone} stands in the manifest alone. Restore the "
            "manifest that came with it, or train it here with python -m ensemble train --members {kind}.",
            name=name,
            backbone=backbone,
            kind=kind,
        )
    return KINDS[kind], backbone


def _own_files(store: ModelStore, name: str, kind: type[Member]) -> dict[str, bytes]:
    """What a member's files hold, by their endings."""
    contents: dict[str, bytes] = {}
    for ending in kind.endings:
        path = store.folder / (name + ending)
        if not path.is_file():
            raise StoreError(
                "{name} needs the files {files} in {folder}; {missing} is missing.",
                name=name,
                files=" and ".join(name + each for each in kind.endings),
                folder=store.folder,
                missing=path.name,
            )
        contents[ending] = path.read_bytes()
    return contents


def _width(contents: dict[str, bytes], name: str) -> int:
    for ending, data in contents.items():
        width = getattr(artefacts.load_artefact(data, ending), "n_features_in_", None)
        if width is not None:
            return int(width)
    raise StoreError(
        "The files of {name} do not say how many features they expect. Fit them before they are saved.", name=name
    )
