"""Learnt objects to bytes and back; nothing is unpacked before its declared size has been looked at."""

import io
import pickle
from typing import Any

import joblib
import numpy as np
import torch

from ensemble.disk.model_bombs import refuse_arrays
from ensemble.features.weights import read_state
from ensemble.store.unpickling import load_pickle
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


def load(data: bytes, ending: str) -> Any:
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
        raise StoreError(f"it would take far more memory than a model of its size ({bomb}). Do not load it") from bomb
    except (pickle.UnpicklingError, WeightsError) as error:
        raise StoreError(
            "it is not a plain state dict or a whole pickle. Save it again with the names given here"
        ) from error
    except MemoryError as error:
        raise StoreError("it does not fit into this machine's free memory. Close other programs") from error
    except Exception as error:  # damaged bytes make the readers raise almost anything
        raise StoreError(f"it is damaged and cannot be read ({type(error).__name__}). Restore or retrain it") from error
