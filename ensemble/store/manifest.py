"""The manifest: which files of a product are trusted, and all that is known of each member."""

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from sys import float_info
from typing import Any

from ensemble.disk.files import fingerprint, parsed, read_text
from ensemble.features.preprocessing import BackboneSpec, Preprocessing
from ensemble.imaging.out_of_distribution import PhotoRange
from ensemble.metrics.calibrators import NONE, Calibrator
from ensemble.store.places import REFERENCES, VIEW_PHOTO, is_product_file
from ensemble.store.runtime_gate import RuntimeGate
from ensemble.values.digits import is_number
from ensemble.values.errors import MISSHAPEN, StoreError, brief, readable
from ensemble.values.language import Message
from ensemble.values.results import Classes
from ensemble.values.view import AS_IT_IS, View

MANIFEST_FORMAT = 1
LARGEST_MANIFEST = 20_000_000  # bytes
SETTLED = 100_000_000  # nanoseconds, above the tick of any file system's clock


@dataclass(frozen=True, slots=True)
class Record:
    """What the manifest knows of a member: its files by SHA-256, what it reads, what it learnt from, how good it is."""

    name: str
    kind: str
    files: Mapping[str, str]
    backbone: BackboneSpec | None
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    features: int
    libraries: Mapping[str, str]
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0  # what its vote counts; 0 outside the jury
    calibrator: Calibrator = NONE  # from its scores to probabilities

    def __post_init__(self) -> None:
        if isinstance(self.weight, bool) or not isinstance(self.weight, int | float) or not 0 <= self.weight <= 1:
            raise ValueError(f"A weight must lie in [0, 1]. Got {self.weight!r}.")
        texts = (self.kind, *self.files.values(), *self.classes, *self.libraries.values())
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"Kind, digests, classes and versions must be texts. Got {texts!r}.")
        if strange := [name for name in self.files if not is_product_file(name) or "/" in name]:
            raise ValueError(f"Its files must lie right in the product's folder. Got {strange[0]!r}.")
        counts = _object({"photos": {}, **self.training}, "photos").values()
        if not all(map(_is_figure, (*counts, *self.metrics.values()))):
            raise ValueError("Counts of photos and metrics must be numbers.")

    def noted(self, key: str) -> Mapping[str, Any]:
        """One entry of what its training noted, where it is an object; else empty."""
        found = self.training.get(key)
        return found if isinstance(found, Mapping) else {}

    def staying(self, weight: float, noted: Mapping[str, Any]) -> "Record":
        """The same member in a version of others: what its vote weighs there, and what more there is to note."""
        return replace(self, weight=weight, training={**self.training, **noted})

    def is_one_class(self, classes: Classes) -> bool:
        """Whether only good parts have taught it."""
        photos = self.noted("photos")
        return bool(photos.get(str(classes.good))) and not photos.get(str(classes.defect))

    def curves(self) -> dict[str, list[float]]:
        """What its training has measured at each epoch, by name; empty for one that learns without."""
        return {
            str(name): values
            for name, values in self.noted("curves").items()
            if isinstance(values, list) and values and all(map(is_number, values))
        }

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        own = {name: value for name, value in asdict(self).items() if name not in ("name", "calibrator")}
        return own | {"calibration": self.calibrator.as_json()}

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> "Record":
        """The inverse of `as_json`."""
        return cls(
            name,
            data["kind"],
            _object(data, "files"),
            BackboneSpec.from_json(data["backbone"]) if data["backbone"] else None,
            Preprocessing.from_json(data["preprocessing"]),
            _manifest_list(data, "classes"),
            int(data["features"]),
            _object(data, "libraries"),
            _object(data, "training"),
            _object(data, "metrics"),
            data.get("weight", 1.0),  # manifests of before know no weights and no calibration
            Calibrator.from_json(data["calibration"]) if "calibration" in data else NONE,
        )


def _object(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(data[key], Mapping):
        raise TypeError(f"{key} must be an object. Got {data[key]!r}")
    return dict(data[key])


def _manifest_list(data: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    if not isinstance(data[key], list):
        raise TypeError(f"{key} must be a list. Got {data[key]!r}")
    return tuple(data[key])


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not abs(value) > float_info.max)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A member's entry that is no record, kept as it came: its member is absent until a person mends it."""

    entry: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A product's name, its classes, which data folders mean which class, its members, and where there is any, the
    SHA-256 of the evidence that its thresholds rest on, what its training photos look like, the SHA-256 of the photos
    of good parts that it keeps, what faster runtimes were found to do to its verdicts, and how its photos are looked
    at."""

    product: str
    classes: Classes
    folders: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Record] = field(default_factory=dict)
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)
    evidence: str = ""
    photo_range: PhotoRange | None = None
    references: str = ""
    runtimes: RuntimeGate | None = None
    view: View = AS_IT_IS

    def __post_init__(self) -> None:
        texts = (self.product, self.evidence, self.references, *self.folders.values())
        if not all(isinstance(text, str) for text in texts) or not self.product.strip():
            raise ValueError(f"The product's name, its folders' classes and digests must be texts. Got {texts!r}.")

    def names(self) -> tuple[str, ...]:
        """Its members, those too whose entries cannot be read."""
        return (*self.members, *self.unreadable)

    def joins(self, classes: Classes, view: View) -> bool:
        """Whether its members may stay beside others of these classes that look at photos so."""
        return self.classes == classes and self.view.shows_the_same(view)

    def model_files(self) -> dict[str, str]:
        """The files that hold what training has made, with the SHA-256 of each."""
        files = {file: digest for record in self.members.values() for file, digest in record.files.items()}
        files |= {REFERENCES: self.references} if self.references else {}
        return files | ({VIEW_PHOTO: self.view.reference} if self.view.reference else {})

    def seeds(self) -> tuple[int, ...]:
        """The seeds that have chosen which photos its members did not learn from, where the data had no test part."""
        seeds = [record.training.get("seed") for record in self.members.values()]
        return tuple(sorted({seed for seed in seeds if isinstance(seed, int)}))

    def to_json(self) -> str:
        """The text of a `manifest.json`."""
        entries = {name: record.as_json() for name, record in self.members.items()}
        entries |= {name: unreadable.entry for name, unreadable in self.unreadable.items()}
        data = {
            "format": MANIFEST_FORMAT,
            "product": self.product,
            "classes": list(self.classes.names),
            "defect": self.classes.defect,
            "folders": dict(self.folders),
            "evidence": self.evidence,
            **({"photo_range": self.photo_range.as_json()} if self.photo_range else {}),
            **({"references": self.references} if self.references else {}),
            **({"runtimes": self.runtimes.as_json()} if self.runtimes else {}),
            **({"view": self.view.as_json()} if self.view != AS_IT_IS else {}),
            "members": dict(sorted(entries.items())),
        }
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> "Manifest":
        """Read a `manifest.json`; a StoreError says what is wrong with it."""
        with readable(source, Message("Restore it, or train the product again.")):
            data = parsed(text)
            if data["format"] != MANIFEST_FORMAT:
                raise StoreError(
                    "{source} has the format {found}; this Quorum reads {manifest_format}. Train again.",
                    source=source,
                    found=data["format"],
                    manifest_format=MANIFEST_FORMAT,
                )
            classes = Classes(_manifest_list(data, "classes"), data["defect"])
            members: dict[str, Record] = {}
            unreadable: dict[str, Unreadable] = {}
            for name, entry in data["members"].items():
                try:
                    members[name] = Record.from_json(name, entry)
                except MISSHAPEN as error:
                    unreadable[name] = Unreadable(
                        entry, Message("{kind}: {problem}", kind=type(error).__name__, problem=brief(error))
                    )
            known = data.get("photo_range")  # manifests of before know none
            return cls(
                data["product"],
                classes,
                _object(data, "folders"),
                members,
                unreadable,
                data.get("evidence", ""),
                PhotoRange.from_json(known) if known else None,
                data.get("references", ""),
                RuntimeGate.from_json(data["runtimes"]) if "runtimes" in data else None,
                View.from_json(_object(data, "view")) if "view" in data else AS_IT_IS,
            )


def read_manifest(path: Path) -> Manifest:
    """A manifest's file, read once for as long as it stays as it is; a StoreError where it cannot be read."""
    stamp = fingerprint(path)
    # Two files that were written within a tick of the clock may look the same from outside.
    settled = bool(stamp) and time.time_ns() - stamp[-1] > SETTLED
    return _settled_manifest(path, stamp) if settled else _settled_manifest.__wrapped__(path, stamp)


@functools.lru_cache(maxsize=64)  # a screen asks a hundred times, of every product
def _settled_manifest(path: Path, _stamp: tuple[int, ...]) -> Manifest:
    return Manifest.from_json(read_text(path, LARGEST_MANIFEST), str(path))
