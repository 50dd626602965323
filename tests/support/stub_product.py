"""Products whose members are stand-ins: real folders, manifests and votes, and nothing to train or to load."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest

from ensemble.features.preprocessing import Preprocessing
from ensemble.members import Loaded, Prediction
from ensemble.policies import PolicyBook, shipped
from ensemble.store import Manifest, ModelStore, Record, listings, versions
from ensemble.values.results import OK_NOK, Absence, Classes, Region

READS = Preprocessing(32)
GARMENTS = Classes(("bottomwear", "shoes", "topwear"))
METRICS = {"photos": 40, "accuracy": 0.95, "auroc": 0.987, "escape_rate": 0.05, "overkill_rate": 0.1, "f1": 0.9}


class StubMember:
    """Gives every photo the same probabilities, the same heat and the same regions."""

    kind: ClassVar[str] = "svm"
    points: ClassVar[bool] = False
    input = READS

    def __init__(
        self,
        probabilities: tuple[float, ...],
        classes: Classes = OK_NOK,
        anomaly_map: np.ndarray | None = None,
        regions: tuple[Region, ...] = (),
    ) -> None:
        self.probabilities, self.classes, self.anomaly_map, self.regions = probabilities, classes, anomaly_map, regions

    def score(self, rows: np.ndarray) -> Prediction:
        anomaly_map = None if self.anomaly_map is None else np.tile(self.anomaly_map, (len(rows), 1, 1))
        return Prediction(
            np.tile(self.probabilities, (len(rows), 1)), anomaly_map=anomaly_map, regions=[self.regions] * len(rows)
        )


def record(name: str, classes: Classes, kind: str = "svm") -> Record:
    files = {f"{name}.pkl": "0" * 64}
    training = {"data": "abcdef0123456789", "photos": dict.fromkeys(classes.names, 20), "seed": 0}
    libraries = {"scikit-learn": "1.9.1"}
    metrics: Mapping[str, Any] = METRICS if classes.defect else {"photos": 60, "accuracy": 0.9, "auroc": None}
    return Record(name, kind, files, None, READS, classes.names, 3072, libraries, training, metrics)


def write_product(
    folder: Path,
    members: tuple[str, ...],
    classes: Classes = OK_NOK,
    product: str = "disc",
    known: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Path:
    """Write a product of stand-ins; `known` changes fields of a member's record."""
    folder.mkdir(parents=True, exist_ok=True)
    records = {name: replace(record(name, classes), **known.get(name, {})) for name in members}
    manifest = Manifest(product, classes, {}, records)
    (folder / "manifest.json").write_text(manifest.to_json())
    (folder / "policies.json").write_text(PolicyBook(shipped(classes), shipped(classes)[0].name).to_json())
    return folder


def add_candidate(folder: Path, members: tuple[str, ...], product: str = "disc") -> int:
    """Give a product of stand-ins a version that is not in force, of these members; gives its number."""
    records = {name: replace(record(name, OK_NOK), weight=0.9) for name in members}
    manifest = Manifest(product, OK_NOK, {}, records)
    with versions.changing(folder):
        contents = {"manifest.json": manifest.to_json().encode()}
        found = versions.gathered(folder, contents, manifest, None, "", "Trained.")
        listings.write(folder, found)
    return found.number


def load_as(
    monkeypatch: pytest.MonkeyPatch,
    said: Mapping[str, tuple[float, ...]],
    *absent: Absence,
    anomaly_map: Mapping[str, np.ndarray] = MappingProxyType({}),
    regions: Mapping[str, tuple[Region, ...]] = MappingProxyType({}),
) -> None:
    """Let every store load stand-ins that say this and point there; their votes weigh what their records say."""

    def load(store: ModelStore, *_: Any, **__: Any) -> Loaded:
        manifest = store.manifest()
        members: dict[str, Any] = {
            name: StubMember(probabilities, manifest.classes, anomaly_map.get(name), regions.get(name, ()))
            for name, probabilities in said.items()
        }
        weights = {name: record.weight for name, record in manifest.members.items()}
        return Loaded(members, absent, manifest.classes, weights)

    monkeypatch.setattr(ModelStore, "load", load)
