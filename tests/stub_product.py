"""Products whose members are stand-ins: real folders, manifests and votes, and nothing to train or to load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ensemble.members import Opinion
from ensemble.policies import shipped, to_json
from ensemble.preprocessing import Preprocessing
from ensemble.results import OK_NOK, Absence, Classes
from ensemble.store import Loaded, Manifest, ModelStore, Record

READS = Preprocessing(32)
GARMENTS = Classes(("bottomwear", "shoes", "topwear"))
METRICS = {"photos": 40, "accuracy": 0.95, "auroc": 0.987, "escape_rate": 0.05, "overkill_rate": 0.1, "f1": 0.9}


class StubMember:
    """Gives every photo the same probabilities."""

    kind: ClassVar[str] = "svm"
    input = READS

    def __init__(self, probabilities: tuple[float, ...]) -> None:
        self.probabilities = probabilities

    def score(self, rows: np.ndarray) -> Opinion:
        return Opinion(np.tile(self.probabilities, (len(rows), 1)))


def record(name: str, classes: Classes, kind: str = "svm") -> Record:
    files = {f"{name}.pkl": "0" * 64}
    training = {"data": "abcdef0123456789", "photos": dict.fromkeys(classes.names, 20), "seed": 0}
    libraries = {"scikit-learn": "1.9.1"}
    metrics: Mapping[str, Any] = METRICS if classes.defect else {"photos": 60, "accuracy": 0.9, "auroc": None}
    return Record(name, kind, files, None, READS, classes.names, 3072, libraries, training, metrics)


def write_product(folder: Path, members: tuple[str, ...], classes: Classes = OK_NOK, product: str = "disc") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(product, classes, {}, {name: record(name, classes) for name in members})
    (folder / "manifest.json").write_text(manifest.to_json())
    (folder / "policies.json").write_text(to_json(shipped(classes)))
    return folder


def load_as(monkeypatch: pytest.MonkeyPatch, said: Mapping[str, tuple[float, ...]], *absent: Absence) -> None:
    """Let every store load stand-ins that say this."""
    members = {name: StubMember(probabilities) for name, probabilities in said.items()}
    monkeypatch.setattr(ModelStore, "load", lambda store: Loaded(members, absent, store.manifest().classes))  # type: ignore[arg-type]
