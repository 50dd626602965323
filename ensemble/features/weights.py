"""Weights files: where they are looked for, and how they are read without running anything that is in them."""

import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from ensemble.disk.model_bombs import StateError, refuse_growth, refuse_state
from ensemble.values.errors import WeightsError
from ensemble.values.language import Message

WEIGHTS_SETTING = "QUORUM_WEIGHTS"
NO_STATE_DICT = Message(
    "Expected a state dict, names to tensors. Save the weights with torch.save(model.state_dict())."
)


def setting_folders() -> tuple[Path, ...]:
    """The weights folder named in the environment, where there is one."""
    named = os.environ.get(WEIGHTS_SETTING)
    return (Path(named),) if named else ()


def named_folders(folder: Path | None) -> tuple[Path, ...]:
    """The weights folders that somebody has named: with a command, then in the environment."""
    return (*((folder,) if folder else ()), *setting_folders())


def find(name: str, folders: Sequence[Path], url: str, *, download: bool = False) -> Path:
    """From the first folder that has such a file, then torch's own cache, then, where allowed, a download from `url`.

    A file fits by its name, NAME.pth or NAME-anything.safetensors. A WeightsError names every place that was tried.
    """
    if found := in_folders(name, folders):
        return found
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not cached.is_file() and download:
        _download(name, url, cached)
    if cached.is_file():
        return cached
    searched = ", ".join(str(folder) for folder in folders) or Message("no folder was named")
    raise WeightsError(
        "No weights for {name}: expected {cached} or {name}*.safetensors in a weights folder "
        "({searched}) or in {parent}. Put the file there, or name its folder with --weights or "
        "{weights_setting}.",
        name=name,
        cached=cached.name,
        searched=searched,
        parent=cached.parent,
        weights_setting=WEIGHTS_SETTING,
    )


def read_state(data: bytes, ending: str) -> dict[str, Tensor]:
    """A state dict from the bytes of a weights file; whole pickled modules are refused.

    A WeightsError where it is none, a BombError where it would outgrow its file.
    """
    try:
        refuse_state(data, ending)
        state = load_safetensors(data) if ending == ".safetensors" else _unpickled(data)
    except StateError as error:
        raise WeightsError(NO_STATE_DICT) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(NO_STATE_DICT)
    refuse_growth(len(data), sum(value.numel() * value.element_size() for value in state.values()))
    return state


def _unpickled(data: bytes) -> object:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def as_safetensors(state: Mapping[str, Tensor]) -> bytes:
    """A state dict as the bytes of a safetensors file; the same weights give the same bytes."""
    return save_safetensors({key: state[key].contiguous() for key in sorted(state)})


def in_folders(name: str, folders: Sequence[Path]) -> Path | None:
    """The first file there that is called as weights of that backbone; a WeightsError where a folder is missing."""
    pattern = re.compile(re.escape(name) + r"([-.].*)?\.(safetensors|pth|pt)")
    for folder in folders:
        if not folder.is_dir():
            raise WeightsError(
                "The weights folder {folder} does not exist. Name a folder that holds {name} weights.",
                folder=folder,
                name=name,
            )
        for path in sorted(folder.iterdir()):
            if path.is_file() and pattern.fullmatch(path.name):
                return path
    return None


def _download(name: str, url: str, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(destination), hash_prefix=Path(url).stem.rpartition("-")[2])
    except (OSError, RuntimeError) as error:  # no network, or a file that is not the one that was published
        raise WeightsError(
            "The weights of {name} could not be downloaded ({error}). Put {destination} into "
            "{parent}, or name the folder that holds it with --weights.",
            name=name,
            error=error,
            destination=destination.name,
            parent=destination.parent,
        ) from error
