"""Where photos come from that are brought in: a folder of this machine, or uploaded files, and what they hold."""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import streamlit as st

from ensemble.datasets import workbench
from ensemble.datasets.workbench import Preview, Reading
from ensemble.values.errors import DataError, QuorumError
from ensemble.values.safe_names import shortened
from pages.session.owners import collections_root
from pages.session.products import HOME, data_root
from pages.session.typed_paths import as_path

FOLDERS = "QUORUM_FOLDERS"  # the setting with the folders whose photos may be brought in by path
PREVIEW = "_preview"


@dataclass(frozen=True, slots=True)
class Source:
    """Where photos come from: a folder of this machine, or uploaded files; `key` changes with them."""

    title: str
    key: str
    files: Path | tuple[workbench.Upload, ...]


def allowed_folders() -> tuple[Path, ...]:
    """Where photos may be brought in from by their path: the photos that ship, and what the setting names."""
    named = [folder.strip() for folder in os.environ.get(FOLDERS, "").split(os.pathsep)]
    found = [data_root()]
    for folder in filter(None, named):
        with contextlib.suppress(DataError):  # the home of nobody: nothing lies in it
            found.append(as_path(folder))
    return tuple(found)


def folder_source(text: str) -> Source:
    """A folder or zip file of this machine as a source; a DataError where it is outside the allowed ones."""
    path = as_path(text)
    try:
        whole = (path if path.is_absolute() else HOME / path).resolve()
        allowed = any(whole.is_relative_to(folder.resolve()) for folder in allowed_folders())
        if allowed and whole.exists():
            return Source(whole.name, f"folder {whole} {whole.stat().st_mtime_ns}", whole)
    except (OSError, RuntimeError, ValueError) as error:  # too long, no permission, links in a circle, NUL
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            "{path} cannot be looked at ({reason}). Check the path.", path=shortened(str(path)), reason=reason
        ) from error
    if allowed:
        raise DataError(
            "{path} does not exist on the machine that Quorum runs on. Check the path.", path=shortened(str(path))
        )
    raise DataError(
        "{path} lies outside the folders that may be read: {folders}. Upload the photos, or name "
        "more folders in the setting {setting}.",
        path=shortened(str(path)),
        folders=", ".join(str(folder) for folder in allowed_folders()),
        setting=FOLDERS,
    )


def upload_source(files: Sequence[object]) -> Source:
    """Uploaded files as a source."""
    named = [(file.name, file.getvalue, file.file_id) for file in files]  # type: ignore[attr-defined]
    key = hashlib.sha256("\n".join(f"{name} {identity}" for name, _, identity in named).encode()).hexdigest()
    first = named[0][0].replace("\\", "/").split("/")[0]
    return Source(Path(first).stem, key, tuple((name, read) for name, read, _ in named))


def previewed(source: Source, reading: Reading) -> Preview:
    """What a source holds, read as asked; a DataError says what was expected and what is there."""
    key = repr((source.key, reading.layout, reading.field, reading.table))
    known, found = st.session_state.get(PREVIEW, ("", None))
    if known != key:
        try:
            found = workbench.preview_source(source.files, collections_root(), reading)
        except QuorumError as error:
            found = error.message
        st.session_state[PREVIEW] = key, found
    if isinstance(found, str):
        raise DataError(found)
    return cast(Preview, found)


def as_reading(layout: str | None, field: str, table: str) -> Reading:
    """What was asked for; a table is `VALUE = CLASS` line by line."""
    lines = [line.partition("=") for line in table.splitlines() if line.strip()]
    return Reading(
        layout, field.strip(), {value.strip(): name.strip() or value.strip() for value, _, name in lines} or None
    )
