"""How good a product is, member by member and policy by policy, on photos that it has not learnt from."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from ensemble.datasets import Sample, batches
from ensemble.errors import DataError, PhotoError
from ensemble.inspector import Inspector
from ensemble.photos import read_photo
from ensemble.policies import Policy
from ensemble.results import REVIEW, Absence, Classes, Score, Verdict

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """What all members said of the photos of one set, with the truth beside it; any policy can be tried on it."""

    labels: tuple[str, ...]
    scores: tuple[Sequence[Score], ...]
    absent: tuple[tuple[Absence, ...], ...]
    refused: tuple[str, ...]
    seconds: float

    def verdicts(self, policy: Policy, classes: Classes) -> list[Verdict]:
        """The verdict of a policy on each photo, from the stored scores: no model runs again."""
        return [policy.decide(scores, absent, classes) for scores, absent in zip(self.scores, self.absent, strict=True)]


def score(inspector: Inspector, samples: Sequence[Sample], progress: Progress | None = None) -> Scored:
    """Let every member look at every photo once; a photo that cannot be opened is named in `refused`."""
    labels, scores, absent, refused, seconds = [], [], [], [], 0.0
    for number, chunk in enumerate(batches(samples, 16)):
        photos = []
        for sample in chunk:
            try:
                photos.append(read_photo(sample.path))
                labels.append(sample.label)
            except PhotoError as error:
                refused.append(str(error))
        if photos:
            start = time.perf_counter()
            for said, missing in inspector.score(photos):
                scores.append(said)
                absent.append(missing)
            seconds += time.perf_counter() - start
        if progress:
            progress(min((number + 1) * 16, len(samples)), len(samples))
    if not labels:
        raise DataError(f"None of the {len(samples)} photos could be opened. {refused[0] if refused else ''}".strip())
    return Scored(tuple(labels), tuple(scores), tuple(absent), tuple(refused), seconds)


def report(scored: Scored, policies: Sequence[Policy], classes: Classes) -> dict[str, Any]:
    """The measured quality as plain JSON values: `photos`, `classes`, `members`, `ensemble`, `refused`, `seconds`."""
    return {
        "photos": len(scored.labels),
        "classes": list(classes.names),
        "members": members_quality(scored, policies[0], classes),
        "ensemble": {
            policy.name: verdict_quality(
                scored.labels, [verdict.label for verdict in scored.verdicts(policy, classes)], classes
            )
            for policy in policies
        },
        "refused": list(scored.refused),
        "seconds": round(scored.seconds, 3),
    }


def members_quality(scored: Scored, policy: Policy, classes: Classes) -> dict[str, dict[str, Any]]:
    """Each member alone, with the policy's cut: accuracy, AUROC, escape and overkill rate, F1, and its photos."""
    names = dict.fromkeys(score.member for scores in scored.scores for score in scores)
    return {
        name: _member_quality(
            [
                (truth, score)
                for truth, scores in zip(scored.labels, scored.scores, strict=True)
                for score in scores
                if score.member == name
            ],
            policy,
            classes,
        )
        for name in names
    }


def _member_quality(said: Sequence[tuple[str, Score]], policy: Policy, classes: Classes) -> dict[str, Any]:
    truth = [label for label, _ in said]
    quality = verdict_quality(truth, [policy.cast(score, classes).label for _, score in said], classes)
    auroc = None
    if classes.defect is not None and len(set(truth)) == 2:
        defect = [label == classes.defect for label in truth]
        auroc = round(float(roc_auc_score(defect, [score.probabilities[classes.defect] for _, score in said])), 6)
    wanted = ("accuracy", "escape_rate", "overkill_rate", "f1")
    return {"photos": len(said), "auroc": auroc} | {key: quality[key] for key in wanted}


def verdict_quality(truth: Sequence[str], verdicts: Sequence[str], classes: Classes) -> dict[str, Any]:
    """Accuracy, escape, overkill and review rate, F1 (of the defect, else the mean over classes) and the confusion.

    A review is neither right nor an escape nor an overkill. A rate without photos to rest on is None.
    """
    confusion = {
        name: dict.fromkeys((*classes.names, *((REVIEW,) if REVIEW in verdicts else ())), 0) for name in classes.names
    }
    for label, verdict in zip(truth, verdicts, strict=True):
        confusion[label][verdict] += 1
    right = sum(confusion[name][name] for name in classes.names)
    rates: dict[str, float | None] = {"escape_rate": None, "overkill_rate": None}
    if classes.defect is not None and classes.good is not None:
        rates["escape_rate"] = _share(confusion[classes.defect], classes.good)
        rates["overkill_rate"] = _share(confusion[classes.good], classes.defect)
    return {
        "accuracy": round(right / len(truth), 6) if truth else None,
        **rates,
        "review_rate": round(list(verdicts).count(REVIEW) / len(truth), 6) if truth else None,
        "f1": _f1(truth, verdicts, classes),
        "confusion": confusion,
    }


def _share(answers: Mapping[str, int], wrong: str) -> float | None:
    total = sum(answers.values())
    return round(answers[wrong] / total, 6) if total else None


def _f1(truth: Sequence[str], verdicts: Sequence[str], classes: Classes) -> float | None:
    if not truth:
        return None
    asked = [classes.defect] if classes.defect else list(classes.names)
    scores = f1_score(np.array(truth), np.array(verdicts), labels=asked, average="macro", zero_division=0)
    return round(float(scores), 6)
