"""Inspections of the history as verdicts again: what was said then, word for word, whatever the product is now."""

from collections.abc import Mapping
from typing import Any

from ensemble.inspection.exports import replay, stored_doubt, stored_regions
from ensemble.policies import Policy
from ensemble.policies.files import from_json
from ensemble.records.recording import software
from ensemble.values.errors import MISSHAPEN, DataError, PolicyError, RecordsError
from ensemble.values.results import (
    RESIDUAL,
    Absence,
    AnomalyMap,
    Classes,
    Decision,
    Origin,
    Region,
    Verdict,
    Vote,
    stored_reason,
)
from ensemble.values.view import MarkedSize


def kept_policy(text: str) -> Policy:
    """The policy that the history keeps as this text; a PolicyError where this Quorum cannot read it."""
    return from_json(f'{{"policies": [{text}]}}', "history").policies[0]


def classes_of(stored: Mapping[str, Any]) -> Classes:
    """The classes that a stored verdict chose among."""
    return Classes(tuple(stored["classes"]), stored["defect"])


def kept_verdict(
    stored: Mapping[str, Any], policy: Policy | None = None, anomaly_map: AnomalyMap | None = None
) -> Verdict:
    """The verdict as it was given; what its policy counted is counted again where that gives the same.

    A RecordsError where this Quorum does not understand the record.
    """
    try:
        return _verdict_of(stored, policy, anomaly_map)
    except MISSHAPEN as error:
        raise RecordsError(
            "This record was written by Quorum {version} in a way that Quorum {own} cannot read ({name}). Update "
            "Quorum.",
            version=str(stored.get("software", "?")),
            own=software(),
            name=type(error).__name__,
        ) from error


def _verdict_of(stored: Mapping[str, Any], policy: Policy | None, anomaly_map: AnomalyMap | None) -> Verdict:
    size = (int(stored["size"][0]), int(stored["size"][1]))
    return Verdict(
        stored["verdict"],
        stored["confidence"],
        stored_reason(stored),
        stored["policy"],
        tuple(_kept_vote(vote) for vote in stored["votes"]),
        _absences(stored, "absent"),
        classes_of(stored),
        photo=stored["photo"],
        sha256=stored["sha256"],
        seconds=stored["seconds"],
        demo=stored["demo"],
        size=size,
        anomaly_map=anomaly_map,
        regions=tuple(_kept_region(region, size) for region in stored["regions"]),
        unasked=_absences(stored, "unasked"),
        decision=_decision_then(stored, policy),
        doubt=stored_doubt(stored),
        origin=Origin(
            stored["product"],
            stored["model_version"],
            stored["time"],
            stored["model_digest"],
            stored.get("runtime", ""),
        ),
        policy_state=stored["policy_state"],
        trial=stored["trial"],
        id=stored["id"],
        not_kept=stored["not_kept"],
        residual=stored.get(RESIDUAL),
    )


def _decision_then(stored: Mapping[str, Any], policy: Policy | None) -> Decision | None:
    if stored["score"] is None:
        return None
    if policy is not None:
        try:
            again = replay(stored, policy)
        except (DataError, PolicyError):
            again = None
        then = (stored["verdict"], stored["score"])
        if again is not None and again.decision is not None and (again.label, again.decision.score) == then:
            return again.decision
    said = [vote["label"] for vote in stored["votes"]]
    names = tuple(stored["classes"])
    return Decision(
        stored["score_kind"],
        stored["score_label"],
        stored["score"],
        stored["review_from"],
        stored["reject_from"],
        stored["ok_below"],
        shares={name: said.count(name) / max(1, len(said)) for name in names},
        counted=(said.count(stored["score_label"]), len(said)),
        sides=(next(name for name in names if name != stored["defect"]), stored["defect"] or names[-1]),
    )


def _kept_vote(vote: Mapping[str, Any]) -> Vote:
    return Vote(
        vote["member"],
        dict(vote["probabilities"]),
        vote["seconds"],
        label=vote["label"],
        score=vote["score"],
        threshold=vote["threshold"],
        weight=vote["weight"],
        regions=stored_regions(vote),
        marks=MarkedSize.from_json(vote.get("marks")),
    )


def _kept_region(region: Mapping[str, Any], size: tuple[int, int]) -> Region:
    (left, top, right, bottom), (width, height) = region["box"], size
    box = (left / width, top / height, right / width, bottom / height)
    return Region(region["label"], box, region["score"], region["area"])


def _absences(stored: Mapping[str, Any], key: str) -> tuple[Absence, ...]:
    return tuple(
        Absence(each["member"], stored_reason(each), each["weight"], asked=key == "absent") for each in stored[key]
    )
