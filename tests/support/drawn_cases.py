"""Cases that were drawn by lot: any number of photos that do not exist, and what stand-ins say of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ensemble.policies.cases import Case, Evidence
from ensemble.store import Manifest
from ensemble.store.folder import EVIDENCE
from ensemble.values.results import OK_NOK, Classes, Score


def case(photo: str, label: str, said: dict[str, Sequence[float]], classes: Classes = OK_NOK) -> Case:
    """A case on which each member gives these probabilities, in the order of the classes."""
    scores = tuple(Score(name, dict(zip(classes.names, row, strict=True)), 0.01) for name, row in said.items())
    return Case(photo, hashlib.sha256(photo.encode()).hexdigest(), label, scores)


def drawn_cases(members: Sequence[str], count: int, seed: int = 0) -> tuple[Case, ...]:
    """Good and defective cases in turn; defective ones mostly look it."""
    lots = np.random.default_rng(seed)
    found = []
    for number in range(count):
        bad = number % 2 == 1
        scores = lots.beta(5, 2, len(members)) if bad else lots.beta(2, 5, len(members))
        said = {name: (1 - float(score), float(score)) for name, score in zip(members, scores, strict=True)}
        found.append(case(f"drawn/part_{seed}_{number:04}.png", "defective" if bad else "non_defective", said))
    return tuple(found)


def keep_evidence(folder: Path, evidence: Evidence) -> None:
    """Put evidence into a product's folder, as training does: its digest stands in the manifest."""
    content = evidence.to_json().encode()
    (folder / EVIDENCE).write_bytes(content)
    path = folder / "manifest.json"
    manifest = replace(Manifest.from_json(path.read_text(), str(path)), evidence=hashlib.sha256(content).hexdigest())
    path.write_text(manifest.to_json())
