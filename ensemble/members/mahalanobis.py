"""The Mahalanobis member: how far a photo's features lie from those of good parts, measured by how those spread."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from scipy.linalg import pinvh
from sklearn.covariance import LedoitWolf

from ensemble.features.backbones import FeatureExtractor
from ensemble.members.good_parts import GoodPartsMember, Measured
from ensemble.values.errors import MemberError
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone


class MahalanobisMember(GoodPartsMember):
    """Mean and shrunk covariance of what good parts' features average to and spread by; a photo's distance from it.

    The covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, 2004), because there are fewer photos
    than features; on pretrained features after Rippel et al., ICPR 2020.
    """

    kind: ClassVar[str] = "mahalanobis"
    title: ClassVar[str] = KIND_TITLES["mahalanobis"]
    reading: ClassVar[str | None] = "average_std"

    def _learn(self, rows: np.ndarray, progress: ShareDone) -> Mapping[str, np.ndarray]:
        known = rows.astype(np.float64)
        learnt = LedoitWolf(store_precision=False).fit(known)
        precision = _precision(known - learnt.location_, learnt.covariance_, learnt.shrinkage_)
        progress(1.0)
        return {"mean": learnt.location_.astype(np.float32), "precision": precision.astype(np.float32)}

    def _measure(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray) -> Measured:
        apart = (rows - arrays["mean"]).astype(np.float64)  # (N, D)
        return np.sqrt(np.einsum("nd,de,ne->n", apart, arrays["precision"], apart, optimize=True).clip(min=0)), None

    def _names(self, arrays: Mapping[str, np.ndarray]) -> Iterable[str]:
        return "mean", "precision"

    def _check(self, arrays: Mapping[str, np.ndarray]) -> None:
        if not isinstance(self.input, FeatureExtractor):
            raise MemberError("{title} reads a backbone.", title=self.title)
        width = self.input.width()
        if {"mean", "precision"} - set(arrays) or arrays["mean"].shape != (width,):
            raise MemberError("Expected a mean and a precision of {width} features. Train it again.", width=width)


def _precision(apart: np.ndarray, covariance: np.ndarray, shrinkage: float) -> np.ndarray:
    """The inverse of a covariance (D, D) that was shrunk from (N, D) centred rows, by their N directions alone.

    It is a multiple of the identity but for those directions; to invert it as a whole takes a hundred times as long.
    """
    floor = shrinkage * np.trace(covariance) / len(covariance)
    if floor <= 0:  # rows that are all alike, or so many that nothing is shrunk
        found: np.ndarray = pinvh(covariance)
        return found
    _, spreads, directions = np.linalg.svd(apart, full_matrices=False)  # (min(N, D), D)
    own = (1 - shrinkage) * spreads**2 / len(apart)
    return np.eye(len(covariance)) / floor - (directions.T * (1 / floor - 1 / (floor + own))) @ directions
