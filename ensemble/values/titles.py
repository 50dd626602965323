"""What models and policies are called on screen; their identifiers stay in files, JSON and commands."""

from collections.abc import Mapping
from types import MappingProxyType

from ensemble.values.language import Message

KIND_TITLES: Mapping[str, Message] = MappingProxyType(
    {
        "baseline_cnn": Message("Baseline CNN"),
        "svm": Message("SVM"),
        "rf": Message("Random forest"),
        "xgb": Message("XGBoost"),
        "finetuned": Message("Fine-tuned classifier"),
        "mahalanobis": Message("Mahalanobis distance"),
        "autoencoder": Message("Autoencoder"),
        "feature_reconstruction": Message("Feature reconstruction"),
        "patch_memory": Message("Patch memory"),
        "patch_classifier": Message("Patch classifier"),
        "detector": Message("Detector"),
    }
)
POLICY_TITLES: Mapping[str, Message] = MappingProxyType(
    {
        "MAJORITY": Message("Majority"),
        "FUSED": Message("Fused score"),
        "BALANCED": Message("Balanced"),
        "PRECISION": Message("Few false rejects"),
        "SAFE_0FN": Message("Zero escapes"),
        "ANY": Message("Any model"),
        "ALL": Message("All models"),
        "CHOSEN": Message("Suggested"),
        "INDUSTRIAL_SAFE_0FN": Message("Zero escapes with review"),
        "INDUSTRIAL_BALANCED": Message("Balanced with review"),
    }
)
CALIBRATION_TITLES: Mapping[str, Message] = MappingProxyType(
    {
        "none": Message("not calibrated"),
        "temperature": Message("temperature"),
        "sigmoid": Message("sigmoid"),
        "isotonic": Message("isotonic"),
    }
)
RUNTIME_TITLES: Mapping[str, str] = MappingProxyType(
    {  # from the most to the least exact
        "torch": "PyTorch",
        "onnxruntime": "ONNX Runtime",
        "openvino": "OpenVINO",
        "openvino-bf16": Message("OpenVINO in bfloat16"),
        "openvino-int8": Message("OpenVINO in 8 bits"),
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
    title = KIND_TITLES[kind]
    return Message("{kind} · {backbone}", kind=title, backbone=backbone) if backbone else title


def voter_title(voter: str) -> str:
    """`Ensemble` for the vote as a whole, else the title of the model."""
    return Message("Ensemble") if voter == ENSEMBLE else model_title(voter)


def calibration_title(method: str) -> str:
    """`not calibrated` for `none`; what no release knows by its identifier."""
    return CALIBRATION_TITLES.get(method, method)


def runtime_title(name: str) -> str:
    """`OpenVINO in bfloat16` for `openvino-bf16`; what no release knows by its name."""
    return RUNTIME_TITLES.get(name, name)


def policy_title(name: str) -> str:
    """`Zero escapes` for `SAFE_0FN`; a person's own policy by its name."""
    return POLICY_TITLES.get(name, name)
