"""Every kind of voter. A new kind is one file here and one line in `KINDS`; the contract test covers it."""

from collections.abc import Mapping
from types import MappingProxyType

from ensemble.members.autoencoder import AutoencoderMember
from ensemble.members.baseline_cnn import BaselineCNNMember
from ensemble.members.classical import ForestMember, SupportVectorMember, XGBoostMember
from ensemble.members.contract import Member, Opinion, Parts
from ensemble.members.detector import DetectorMember
from ensemble.members.feature_reconstruction import FeatureReconstructionMember
from ensemble.members.finetuned import FinetunedMember
from ensemble.members.mahalanobis import MahalanobisMember
from ensemble.members.patch_memory import PatchMemoryMember

KINDS: Mapping[str, type[Member]] = MappingProxyType(
    {
        "baseline_cnn": BaselineCNNMember,
        "svm": SupportVectorMember,
        "rf": ForestMember,
        "xgb": XGBoostMember,
        "finetuned": FinetunedMember,
        "mahalanobis": MahalanobisMember,
        "autoencoder": AutoencoderMember,
        "feature_reconstruction": FeatureReconstructionMember,
        "patch_memory": PatchMemoryMember,
        "detector": DetectorMember,
    }
)

__all__ = ["KINDS", "Member", "Opinion", "Parts"]
