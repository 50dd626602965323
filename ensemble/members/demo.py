"""Dummy voters for demonstrations: no model, no training, the same answer for the same photo, always marked DEMO."""

import hashlib

import numpy as np

from ensemble.values.results import MAP_THRESHOLD, AnomalyMap, Classes, Region, Score

CLASSIFIERS = ("demo_baseline_cnn", "demo_svm", "demo_rf", "demo_xgb", "demo_finetuned")
WITHOUT_MAP = "demo_mahalanobis"
WITH_MAP = ("demo_feature_reconstruction", "demo_patch_memory", "demo_autoencoder")
DETECTOR = "demo_detector"
DUMMIES = (*CLASSIFIERS, WITHOUT_MAP, *WITH_MAP, DETECTOR)
DEMO_GRID = 64


def dummy_names(classes: Classes) -> tuple[str, ...]:
    """The dummies of a product; those that know good parts and damage need a product with a defect."""
    return DUMMIES if classes.defect else CLASSIFIERS


def scores(sha256: str, classes: Classes) -> list[Score]:
    """One made-up score for each dummy member, drawn from the photo's SHA-256 and from nothing else."""
    # One common lean makes the dummies mostly agree, as real members do; each then differs by a little of its own.
    lean = [_hash_fraction(sha256, "lean", name) for name in classes.names]
    return [
        _dummy_score(sha256, member, _probabilities(sha256, member, lean, classes), classes)
        for member in dummy_names(classes)
    ]


def _dummy_score(sha256: str, member: str, probabilities: dict[str, float], classes: Classes) -> Score:
    against = probabilities.get(classes.defect or "", 0.0)
    if member in WITH_MAP:
        return Score(member, probabilities, 0.0, anomaly_map=_anomaly_map(sha256, against))
    found = (_spot_region(sha256, against),) if member == DETECTOR and against >= MAP_THRESHOLD else ()
    return Score(member, probabilities, 0.0, regions=found)


def _anomaly_map(sha256: str, against: float) -> AnomalyMap:
    """One spot as hot as the score is high, at a place that all dummies share, over a calm ground."""
    across, down, width, height = _place_spot(sha256)
    y, x = (np.mgrid[:DEMO_GRID, :DEMO_GRID] + 0.5) / DEMO_GRID
    spot = np.exp(-(((x - across) / width) ** 2) - ((y - down) / height) ** 2)
    return AnomalyMap(np.clip(0.1 + (against - 0.1) * spot, 0.0, 1.0).astype(np.float32))


def _spot_region(sha256: str, against: float) -> Region:
    across, down, width, height = _place_spot(sha256)
    box = (across - width, down - height, across + width, down + height)
    return Region("demo defect", box, against, 4 * width * height)


def _place_spot(sha256: str) -> tuple[float, float, float, float]:
    """Middle, half width and half height of the spot, in shares of the photo."""
    across, down = (0.25 + 0.5 * _hash_fraction(sha256, "spot", axis) for axis in ("x", "y"))
    width, height = (0.05 + 0.1 * _hash_fraction(sha256, "spot size", axis) for axis in ("x", "y"))
    return across, down, width, height


def _probabilities(sha256: str, member: str, lean: list[float], classes: Classes) -> dict[str, float]:
    own = [_hash_fraction(sha256, member, name) for name in classes.names]
    strengths = [(0.75 * common + 0.25 * single) ** 3 + 1e-3 for common, single in zip(lean, own, strict=True)]
    return {name: strength / sum(strengths) for name, strength in zip(classes.names, strengths, strict=True)}


def _hash_fraction(*words: str) -> float:
    return int.from_bytes(hashlib.sha256("/".join(words).encode()).digest()[:8]) / 2**64
