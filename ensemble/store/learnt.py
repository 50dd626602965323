"""Fitted members on their way into a product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ensemble.disk.files import digest_of
from ensemble.features.backbones import FeatureExtractor
from ensemble.members import Member
from ensemble.metrics.calibrators import NONE, Calibrator
from ensemble.store.loading import library_version
from ensemble.store.manifest import Record


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


def record_of(member: Member, files: Mapping[str, bytes], learnt: Learnt) -> Record:
    """What the manifest will know of a member whose files hold these bytes."""
    source = member.input
    return Record(
        name=learnt.name,
        kind=member.kind,
        files={file: digest_of(data) for file, data in files.items()},
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
