"""Learnt objects to bytes and back: neither too large a declaration nor a class that is not named here is opened."""

import io
import math
import pickle
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import joblib
import numpy as np
import torch
from joblib import numpy_pickle

from ensemble.disk.model_bombs import allowance, refuse_arrays
from ensemble.features.weights import read_state
from ensemble.values.bombs import BombError
from ensemble.values.errors import StoreError, WeightsError


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


def load_artefact(data: bytes, ending: str) -> Any:
    """The inverse of `dump`; a StoreError holds the end of a sentence that begins with the file's name."""
    try:
        if ending.endswith(".pth"):
            return read_state(data, ".pth")
        if ending.endswith(".npz"):
            refuse_arrays(data)
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        if ending.endswith(".onnx"):
            return data  # whether a runtime can read them, the member says
        return load_pickle(data)
    except StoreError:
        raise
    except BombError as bomb:
        raise StoreError(
            "it would take far more memory than a model of its size ({bomb}). Do not load it", bomb=bomb
        ) from bomb
    except (pickle.UnpicklingError, WeightsError) as error:
        raise StoreError(
            "it is not a plain state dict or a whole pickle. Save it again with the names given here"
        ) from error
    except MemoryError as error:
        raise StoreError("it does not fit into this machine's free memory. Close other programs") from error
    except Exception as error:  # damaged bytes make the readers raise almost anything
        raise StoreError(
            "it is damaged and cannot be read ({name}). Restore or retrain it", name=type(error).__name__
        ) from error


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
MOST_STEPS = 1_000_000  # of a pickle; a forest of 300 trees takes 51,000, and a step can cost 200 bytes of memory

_warnings_lock = threading.Lock()  # warnings are recorded for the whole process


def load_pickle(data: bytes) -> Any:
    """What joblib has written; a StoreError for a class that no model needs, a BombError where it outgrows its file."""
    with _warnings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = io.BytesIO(data)
        with numpy_pickle._validate_fileobject_and_memmap(stream, "", None) as (readable, _):
            whole = stream if readable is stream else io.BytesIO(_unpacked(readable, len(data)))
            value = _Unpickler(whole).load()
    for warning in caught:
        if type(warning.message).__name__ == "InconsistentVersionWarning":
            raise StoreError(
                "it was made with scikit-learn {original_sklearn_version} and here runs "
                "{current_sklearn_version}. Train it again or install that version",
                original_sklearn_version=warning.message.original_sklearn_version,  # type: ignore[union-attr]
                current_sklearn_version=warning.message.current_sklearn_version,  # type: ignore[union-attr]
            )
    return value


def _unpacked(readable: Any, size: int) -> bytes:
    whole: bytes = readable.read(allowance(size) + 1)
    if len(whole) > allowance(size):
        raise BombError(f"more than {allowance(size) / 1e6:,.0f} MB out of {size / 1e6:,.1f} MB")
    return whole


class _Counted(dict[int, Callable[..., Any]]):
    """The steps of unpickling by their codes; so many of them are allowed in all."""

    def __init__(self, steps: Mapping[int, Callable[..., Any]]) -> None:
        super().__init__(steps)
        self.left = MOST_STEPS

    def __getitem__(self, code: int) -> Callable[..., Any]:
        self.left -= 1
        if self.left < 0:
            raise BombError(f"more than {MOST_STEPS:,} steps")
        return super().__getitem__(code)


class _Unpickler(numpy_pickle.NumpyUnpickler):
    def __init__(self, stream: io.BytesIO, steps: _Counted | None = None) -> None:
        super().__init__("", stream, True)
        self.dispatch = steps or _Counted(numpy_pickle.NumpyUnpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise StoreError(
                "it asks for {module}.{name}, which no model needs. Do not load it; train the model again with Quorum",
                module=module,
                name=name,
            )
        return _BOUNDED.get((module, name)) or super().find_class(module, name)

    def left(self) -> int:
        """How many bytes are still to come."""
        stream: io.BytesIO = self.file_handle
        return stream.getbuffer().nbytes - stream.tell()


class _Array(numpy_pickle.NumpyArrayWrapper):
    """An array whose numbers follow it in the stream; none is made for numbers that are not there."""

    def read_array(self, unpickler: _Unpickler, ensure_native_byte_order: bool) -> Any:
        if self.dtype.hasobject:
            return _Unpickler(unpickler.file_handle, unpickler.dispatch).load()
        if math.prod(self.shape) * self.dtype.itemsize > unpickler.left():
            raise BombError(f"an array of {math.prod(self.shape):,} numbers that are not there")
        return super().read_array(unpickler, ensure_native_byte_order)


_NO_CALL = "numpy.ndarray"  # pickles name the type of an array and never call it


def _bytearray(content: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
    if isinstance(content, int):  # so many zeros
        raise BombError(f"{content:,} bytes that are not there")
    return bytearray(content, encoding) if isinstance(content, str) else bytearray(content)


def _reconstruct(_type: Any, shape: Any, kind: Any) -> np.ndarray:
    if shape != (0,):
        raise BombError(f"an array of the shape {shape} that is not there")
    return np.empty(0, kind)


def _scalar(dtype: np.dtype[Any], content: Any) -> Any:
    if not isinstance(content, bytes):
        raise pickle.UnpicklingError("a number without its bytes")
    return np.frombuffer(content, dtype, 1)[0]


_BOUNDED: Mapping[tuple[str, str], Any] = {
    ("builtins", "bytearray"): _bytearray,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Array,
    ("numpy", "ndarray"): _NO_CALL,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "scalar"): _scalar,
}
