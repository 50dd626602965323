"""Members on their way into a product and out of it: only bytes that the manifest vouches for are ever opened."""

import contextlib
import hashlib
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.disk.files import digest_of
from ensemble.features.backbones import FeatureExtractor, find_weights
from ensemble.features.included import INCLUDED
from ensemble.features.preprocessing import BackboneSpec
from ensemble.features.references import ReferencePhotos
from ensemble.features.runtimes import Runtime, runtime_in_use
from ensemble.features.weights import WEIGHTS_SETTING, setting_folders
from ensemble.imaging.looking import looking_of
from ensemble.members import KINDS, Loaded, Member
from ensemble.metrics.calibrators import NONE, Calibrator
from ensemble.policies import Policy
from ensemble.store import artefacts
from ensemble.store.manifest import Manifest, Record
from ensemble.store.places import BACKBONES, MANIFEST, REFERENCES, VIEW_PHOTO
from ensemble.store.runtime_choice import chosen_runtime
from ensemble.values.errors import MISSHAPEN, MemberError, QuorumError, StoreError, WeightsError
from ensemble.values.language import Message
from ensemble.values.results import Absence, Classes
from ensemble.values.view import View

Carrier = Callable[[], Runtime]
DISTRIBUTIONS = {"xgboost": ("xgboost-cpu", "xgboost")}


def library_version(name: str) -> str:
    """The installed version of a package, whichever of its distributions brought it."""
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise StoreError("The package {name} is not installed. Run make setup.", name=name)


def load(path_of: Callable[[str], Path], manifest: Manifest, policy: Policy | None = None, runtime: str = "") -> Loaded:
    """Every member of the manifest, or of those that a policy asks, ready to vote or named with why it cannot.

    `path_of` says where a file of the product lies, `runtime` what carries its photos: by default what the setting or
    else the manifest says.
    """
    runtime = runtime or chosen_runtime(manifest).name
    carrier = partial(runtime_in_use, runtime, manifest.runtimes.compared if manifest.runtimes else "")
    members: dict[str, Member] = {}
    aside: set[str] = set()
    absent = [
        Absence(
            name,
            Message(
                "Its entry in {file} cannot be read ({problem}). Mend it, or train the member again.",
                file=MANIFEST,
                problem=found.reason,
            ),
        )
        for name, found in manifest.unreadable.items()
    ]
    networks: dict[tuple[Any, ...], FeatureExtractor | WeightsError] = {}
    view, blind = _opened_view(path_of, manifest.view)
    for name, record in manifest.members.items():
        if policy and not policy.asks(name, record.weight):
            aside.add(name)
            continue
        try:
            members[name] = _load(path_of, record, manifest.classes, networks, carrier, blind)
        except Exception as error:  # noqa: BLE001 - whatever a file or a record makes its readers raise, the others vote
            kind = type(error).__name__
            unknown = Message("It cannot be loaded ({kind}: {problem}). Train it again.", kind=kind, problem=error)
            absent.append(Absence(name, error.message if isinstance(error, QuorumError) else unknown, record.weight))
    weights = {name: record.weight for name, record in manifest.members.items()}
    calibrators = {name: record.calibrator for name, record in manifest.members.items()}
    names = tuple(name for name in manifest.members if name in members or name in aside)
    return Loaded(
        members,
        tuple(absent),
        manifest.classes,
        weights,
        calibrators,
        photo_range=manifest.photo_range,
        references=references_in(path_of, manifest.references),
        names=names,
        runtime=runtime,
        view=view,
    )


def view_in(path_of: Callable[[str], Path], view: View) -> View:
    """A view with its reference photo read; a StoreError where that is not the one that was trusted."""
    if not view.reference:
        return view
    with contextlib.suppress(OSError, StoreError):
        if digest_of(data := path_of(VIEW_PHOTO).read_bytes()) == view.reference:
            return replace(view, photo=data)
    raise StoreError(
        "{file}, the reference photo of the view, is missing or is not the one that was trusted. Restore it, or train "
        "the product again.",
        file=VIEW_PHOTO,
    )


def view_files(view: View) -> dict[str, bytes]:
    """What a product keeps of a view beside its manifest, by the names of the files."""
    return {VIEW_PHOTO: view.photo} if view.reference else {}


def _opened_view(path_of: Callable[[str], Path], view: View) -> tuple[View, QuorumError | None]:
    """The view opened, and why it cannot be, where it cannot: then nobody votes."""
    try:
        found = view_in(path_of, view)
        if found.reference:
            looking_of(found)
    except QuorumError as error:
        return view, error
    return found, None


def references_in(path_of: Callable[[str], Path], digest: str) -> ReferencePhotos | None:
    """The product's photos of good parts; None where it keeps none, or not those that were trusted.

    No verdict rests on them, so that none has to wait for them; a file that has changed is in quarantine.
    """
    with contextlib.suppress(OSError, StoreError, *MISSHAPEN):
        data = path_of(REFERENCES).read_bytes() if digest else b""
        if digest and digest_of(data) == digest:
            return ReferencePhotos.from_arrays(artefacts.load_artefact(data, REFERENCES))
    return None


def _load(
    path_of: Callable[[str], Path],
    record: Record,
    classes: Classes,
    networks: dict[Any, Any],
    carrier: Carrier,
    blind: QuorumError | None,
) -> Member:
    if blind is not None:
        raise blind
    kind = KINDS.get(record.kind)
    if kind is None:
        raise StoreError(
            "Its kind {kind!r} is unknown here. Known are {kinds}.", kind=record.kind, kinds=", ".join(KINDS)
        )
    if record.classes != classes.names:
        raise StoreError(
            "It was trained for {classes}, not for {names}.",
            classes=", ".join(record.classes),
            names=", ".join(classes.names),
        )
    if set(record.files) != {record.name + ending for ending in kind.endings}:
        raise StoreError(
            "The manifest should list {record}.", record=", ".join(record.name + ending for ending in kind.endings)
        )
    for library in kind.libraries:
        here, there = library_version(library), record.libraries.get(library, "an unknown version")
        if here != there:
            raise StoreError(
                "It was made with {library} {there}, and {here} runs here. Train it again or install {there}.",
                library=library,
                there=there,
                here=here,
            )
    contents = {ending: _trusted_bytes(path_of, record, record.name + ending) for ending in kind.endings}
    source = _extractor(path_of, record.backbone, networks, carrier) if record.backbone else record.preprocessing
    member = kind(classes=classes, input=source)
    return restore(member, record.name, contents)


def _trusted_bytes(path_of: Callable[[str], Path], record: Record, file: str) -> bytes:
    """The file's bytes, read once; the same bytes are hashed here and loaded afterwards."""
    try:
        data = path_of(file).read_bytes()
    except OSError as error:
        raise StoreError(
            "{file} is missing or cannot be read. Restore it, or train the member again.", file=file
        ) from error
    if hashlib.sha256(data).hexdigest() != record.files[file]:
        raise StoreError(
            "{file} is not the file that was trusted: its SHA-256 differs. Restore it, or run "
            "`python -m ensemble trust {record}` if the change is yours.",
            file=file,
            record=record.name,
        )
    return data


def _extractor(
    path_of: Callable[[str], Path], spec: BackboneSpec, networks: dict[Any, Any], carrier: Carrier
) -> FeatureExtractor:
    key = (spec.name, spec.layers, spec.weights)
    if key not in networks:
        try:
            networks[key] = _open_backbone(path_of, spec, carrier)
        except WeightsError as error:
            networks[key] = error
    if isinstance(networks[key], WeightsError):
        raise networks[key]
    reads = spec.preprocessing
    found: FeatureExtractor = networks[key].with_pooling(spec.pooling).at(reads.side, reads.aspect)
    if found.spec != spec:
        raise StoreError(
            "The preprocessing of {spec} is not the one that it was trained with. Train it again.", spec=spec.name
        )
    return found


def _open_backbone(path_of: Callable[[str], Path], spec: BackboneSpec, carrier: Carrier) -> FeatureExtractor:
    own = path_of(weights_file(spec))
    candidates = [own]
    for folders in ((), setting_folders()):  # what comes with the app is not hidden by a folder of the setting
        try:
            candidates.append(find_weights(spec.name, folders))
        except WeightsError:
            continue  # the sentences below say what is missing
    for path in candidates:
        if path.is_file():
            named = Path(weights_file(spec)) if path == own else path  # what is kept by its digest has no ending
            data = path.read_bytes()
            found = FeatureExtractor.from_bytes(spec.name, data, named, layers=spec.layers, runtime=carrier())
            if found.spec.weights == spec.weights:
                return found
    if spec.name in INCLUDED:
        home = INCLUDED[spec.name].home()  # where it cannot be found, its own sentence says what to install
        raise WeightsError(
            "It was trained with other weights of its backbone {spec} than {home}. Name the folder "
            "that holds them with {weights_setting}, or train again.",
            spec=spec.name,
            home=home,
            weights_setting=WEIGHTS_SETTING,
        )
    raise WeightsError(
        "The weights of its backbone {spec} are missing or have changed: expected {own}. Restore "
        "that file, or train again.",
        spec=spec.name,
        own=own,
    )


def restore(member: Member, name: str, contents: Mapping[str, bytes]) -> Member:
    """Give a new member what its files hold; a StoreError names the file or the member that does not fit."""
    parts = {}
    for ending, data in contents.items():
        try:
            parts[ending] = artefacts.load_artefact(data, ending)
        except StoreError as error:
            raise StoreError("{name}{ending} is refused: {error}.", name=name, ending=ending, error=error) from error
    try:
        return member.restore(parts)
    except MemberError as error:
        raise StoreError("{name}: {error}", name=name, error=error) from error
    except Exception as error:  # whole objects of the wrong make
        raise StoreError(
            "{name} does not hold what a {kind} needs ({name_2}: {error}).",
            name=name,
            kind=member.kind,
            name_2=type(error).__name__,
            error=error,
        ) from error


def weights_file(spec: BackboneSpec) -> str:
    """Where a product keeps the weights of a backbone, below its folder."""
    return f"{BACKBONES}/{spec.name}-{spec.weights[:12]}.safetensors"


@dataclass(frozen=True, slots=True)
class FittedMember:
    """A fitted member on its way into a product: what it learnt from, how good it is, how much its vote counts, and how
    its scores become probabilities."""

    name: str
    member: Member
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    weight: float = 1.0
    calibrator: Calibrator = NONE


def record_of(member: Member, files: Mapping[str, bytes], learnt: FittedMember) -> Record:
    """What the manifest will know of a member whose files hold these bytes."""
    source = member.input
    return Record(
        name=learnt.name,
        kind=member.kind,
        files={file: digest_of(data) for file, data in files.items()},
        backbone=source.spec if isinstance(source, FeatureExtractor) else None,
        preprocessing=source.spec.preprocessing if isinstance(source, FeatureExtractor) else source,
        classes=member.classes.names,
        features=source.width() if isinstance(source, FeatureExtractor) else 3 * source.pixels,
        libraries={library: library_version(library) for library in (*member.libraries, "torch", "numpy")},
        training=learnt.training,
        metrics=learnt.metrics,
        weight=learnt.weight,
        calibrator=learnt.calibrator,
    )
