"""Dummy voters for demonstrations: no model, no training, the same answer for the same photo, always marked DEMO."""

import hashlib

from ensemble.results import Classes, Score

NAMES = ("demo_baseline_cnn", "demo_svm", "demo_rf", "demo_xgb")


def scores(sha256: str, classes: Classes) -> list[Score]:
    """One made-up score for each dummy member, drawn from the photo's SHA-256 and from nothing else."""
    # One common lean makes the dummies mostly agree, as real members do; each then differs by a little of its own.
    lean = [_fraction(sha256, "lean", name) for name in classes.names]
    return [Score(member, _probabilities(sha256, member, lean, classes), 0.0) for member in NAMES]


def _probabilities(sha256: str, member: str, lean: list[float], classes: Classes) -> dict[str, float]:
    own = [_fraction(sha256, member, name) for name in classes.names]
    strengths = [(0.75 * common + 0.25 * single) ** 3 + 1e-3 for common, single in zip(lean, own, strict=True)]
    return {name: strength / sum(strengths) for name, strength in zip(classes.names, strengths, strict=True)}


def _fraction(*words: str) -> float:
    return int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:8]) / 2**64
