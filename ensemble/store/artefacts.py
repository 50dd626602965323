"""Learnt objects to bytes and back. The only door to pickle, and it lets named classes through and nothing else.

Scanners are no control here: an exact list of (module, name) is. Even so, bytes are read only after their SHA-256 has
been found in the manifest, or after a person asked for the file by name.
"""

import io
import pickle
import threading
import warnings
from typing import Any

import joblib
import numpy as np
import torch
from joblib import numpy_pickle

from ensemble.errors import StoreError

ALLOWED = frozenset(
    {
        ("builtins", "bytearray"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.random._mt19937", "MT19937"),
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("sklearn.calibration", "CalibratedClassifierCV"),
        ("sklearn.calibration", "_CalibratedClassifier"),
        ("sklearn.calibration", "_SigmoidCalibration"),
        ("sklearn.ensemble._forest", "ExtraTreesClassifier"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.isotonic", "IsotonicRegression"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.preprocessing._data", "MinMaxScaler"),
        ("sklearn.preprocessing._data", "RobustScaler"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("sklearn.preprocessing._label", "LabelEncoder"),
        ("sklearn.svm._classes", "SVC"),
        ("sklearn.tree._classes", "DecisionTreeClassifier"),
        ("sklearn.tree._classes", "ExtraTreeClassifier"),
        ("sklearn.tree._tree", "Tree"),
        ("xgboost.core", "Booster"),
        ("xgboost.sklearn", "XGBClassifier"),
    }
)

_one_at_a_time = threading.Lock()  # warnings are recorded for the whole process


class _AllowlistUnpickler(numpy_pickle.NumpyUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise StoreError(
                f"it asks for {module}.{name}, which no model needs. Do not load it; train the model again with Quorum"
            )
        return super().find_class(module, name)


def dump(value: Any, ending: str) -> bytes:
    """A learnt object as the bytes of a file.

    `.pth` a state dict, `.npz` plain arrays by name, `.onnx` the file's own bytes, `.pkl` a scikit-learn or XGBoost
    object.
    """
    if ending.endswith(".onnx"):
        return bytes(value)
    buffer = io.BytesIO()
    if ending.endswith(".pth"):
        torch.save(value, buffer)
    elif ending.endswith(".npz"):
        np.savez_compressed(buffer, allow_pickle=False, **value)
    else:
        joblib.dump(value, buffer, compress=3)
    return buffer.getvalue()


def load(data: bytes, ending: str) -> Any:
    """The inverse of `dump`; a StoreError holds the end of a sentence that begins with the file's name."""
    try:
        if ending.endswith(".pth"):
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if ending.endswith(".npz"):
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        if ending.endswith(".onnx"):
            return data  # whether a runtime can read them, the member says
        return _load_pickle(data)
    except StoreError:
        raise
    except pickle.UnpicklingError as error:
        raise StoreError(
            "it is not a plain state dict or a whole pickle. Save it again with the names given here"
        ) from error
    except Exception as error:  # damaged bytes make the readers raise almost anything
        raise StoreError(f"it is damaged and cannot be read ({type(error).__name__}). Restore or retrain it") from error


def _load_pickle(data: bytes) -> Any:
    with _one_at_a_time, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = io.BytesIO(data)
        with numpy_pickle._validate_fileobject_and_memmap(stream, "", None) as (readable, _):
            value = _AllowlistUnpickler("", readable, True).load()
    for warning in caught:
        if type(warning.message).__name__ == "InconsistentVersionWarning":
            raise StoreError(
                f"it was made with scikit-learn {warning.message.original_sklearn_version} and here runs "  # type: ignore[union-attr]
                f"{warning.message.current_sklearn_version}. Train it again or install that version"  # type: ignore[union-attr]
            )
    return value
