"""What models and policies are called on screen; their identifiers stay in files, JSON and commands."""

from collections.abc import Mapping
from types import MappingProxyType

KIND_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "baseline_cnn": "Baseline CNN",
        "svm": "SVM",
        "rf": "Random forest",
        "xgb": "XGBoost",
        "finetuned": "Fine-tuned classifier",
        "mahalanobis": "Mahalanobis distance",
        "autoencoder": "Autoencoder",
        "feature_reconstruction": "Feature reconstruction",
        "patch_memory": "Patch memory",
        "patch_classifier": "Patch classifier",
        "detector": "Detector",
    }
)
POLICY_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "MAJORITY": "Majority",
        "FUSED": "Fused score",
        "BALANCED": "Balanced",
        "PRECISION": "Few false rejects",
        "SAFE_0FN": "Zero escapes",
        "ANY": "Any model",
        "ALL": "All models",
        "CHOSEN": "Suggested",
        "INDUSTRIAL_SAFE_0FN": "Zero escapes with review",
        "INDUSTRIAL_BALANCED": "Balanced with review",
    }
)
ENSEMBLE = "ensemble"  # the voter that is all members together, by the active policy
DEMO = "demo_"  # what the identifier of a dummy begins with


def model_title(member: str) -> str:
    """`SVM · resnet18` for `svm_resnet18`; a member of no known kind by its identifier, with blanks.

    The longest kind counts, so that a kind may begin as another one does.
    """
    name = member.removeprefix(DEMO)
    kinds = [kind for kind in KIND_TITLES if name == kind or name.startswith(f"{kind}_")]
    if not kinds:
        return name.replace("_", " ")
    kind = max(kinds, key=len)
    backbone = name.removeprefix(kind).removeprefix("_")
    return f"{KIND_TITLES[kind]} · {backbone}" if backbone else KIND_TITLES[kind]


def voter_title(voter: str) -> str:
    """`Ensemble` for the vote as a whole, else the title of the model."""
    return "Ensemble" if voter == ENSEMBLE else model_title(voter)


def policy_title(name: str) -> str:
    """`Zero escapes` for `SAFE_0FN`; a person's own policy by its name."""
    return POLICY_TITLES.get(name, name)
