"""Every kind of voter. A new kind is one file here and one line in `KINDS`; the contract test covers it."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from ensemble.members.contract import Loaded, Member, Parts, Prediction


class Kinds(Mapping[str, type[Member]]):
    """The classes of members by kind, each imported when it is first looked up: judging loads those that vote alone."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def __getitem__(self, kind: str) -> type[Member]:
        module, name = self._places[kind].split(":")
        found: type[Member] = getattr(import_module(f"{__name__}.{module}"), name)
        return found

    def __contains__(self, kind: object) -> bool:
        return kind in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


KINDS = Kinds(
    {
        "baseline_cnn": "baseline_cnn:BaselineCNNMember",
        "svm": "classical:SupportVectorMember",
        "rf": "classical:ForestMember",
        "xgb": "classical:XGBoostMember",
        "finetuned": "finetuned:FinetunedMember",
        "mahalanobis": "mahalanobis:MahalanobisMember",
        "autoencoder": "autoencoder:AutoencoderMember",
        "feature_reconstruction": "feature_reconstruction:FeatureReconstructionMember",
        "patch_memory": "patch_memory:PatchMemoryMember",
        "patch_classifier": "patch_classifier:PatchClassifierMember",
        "detector": "detector:DetectorMember",
    }
)

__all__ = ["KINDS", "Loaded", "Member", "Parts", "Prediction"]
