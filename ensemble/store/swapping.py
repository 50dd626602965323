"""Several files of a folder replaced at once: all of them or none, whatever is killed and whenever the power fails.

A redo log (write-ahead logging; Mohan et al. 1992, ARIES): new bytes are made durable beside their places, then a small
log that names them, and only then is anything renamed. Before the log stands nothing has changed; once it stands,
whoever opens the folder next finishes what it names. Readers look for the log, so that none sees half of it.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ensemble.errors import QuorumError, StoreError
from ensemble.locks import locked
from ensemble.store.files import is_whole, read_text, sync_folder, write_atomically, write_durably
from ensemble.store.loading import MANIFEST

VERSIONS, LOG, LOCK, TOLD = "versions", "publishing.json", ".lock", "interrupted.txt"
READY = ".publishing"  # the ending of new bytes beside their place: none that a model file has

Value = TypeVar("Value")
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Nobody else writes into the folder meanwhile, and what was begun before is finished first.

    The lock ends with the process that holds it; a StoreError where it cannot be had.
    """
    with _locked(folder):
        if is_pending(folder):
            _tell(folder)
            _finish(folder)
        yield


def interruption(folder: Path) -> str:
    """What became of an interrupted publication, in a sentence; empty where none was, or somebody has seen it."""
    path = folder / VERSIONS / TOLD
    return read_text(path).strip() if path.is_file() else ""


def acknowledge(folder: Path) -> None:
    """Somebody has seen what became of an interrupted publication."""
    (folder / VERSIONS / TOLD).unlink(missing_ok=True)


def _tell(folder: Path) -> None:
    sentence = (
        f"A publication was interrupted. It was finished when the product was opened next (at "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC): all files are those of one version."
    )
    _log.warning("%s: %s", folder, sentence)
    with contextlib.suppress(StoreError):  # what cannot be told harms nobody
        write_atomically(folder / VERSIONS / TOLD, sentence.encode())


def is_pending(folder: Path) -> bool:
    """Whether a swap is going on, or was interrupted."""
    return (folder / VERSIONS / LOG).is_file()


def recover(folder: Path) -> None:
    """Finish a swap that was interrupted, or wait for the one that is going on; one look at the disk where none is."""
    if is_pending(folder):
        with exclusively(folder):
            pass


def steady(folder: Path, read: Callable[[], Value]) -> Value:
    """What reading gives while no files are swapped: it is repeated where they were in the meantime."""
    recover(folder)
    before = _stamp(folder)
    try:
        found = read()
    except QuorumError:
        if is_pending(folder) or _stamp(folder) != before:
            return _read_alone(folder, read)
        raise
    if is_pending(folder) or _stamp(folder) != before:
        return _read_alone(folder, read)
    return found


def swap(folder: Path, place: Iterable[tuple[str, bytes]], remove: Mapping[str, str]) -> None:
    """Give files below the folder new bytes in this order, and remove files that still have these digests.

    To be called within `exclusively`. The last of `place` is the manifest. A StoreError leaves all as it was, unless it
    says that the swap has begun.
    """
    names: list[str] = []
    try:
        for name, data in place:
            names.append(name)
            _ready(folder, name).parent.mkdir(parents=True, exist_ok=True)
            write_durably(_ready(folder, name), data)
        for touched in _folders(folder, names):
            sync_folder(touched)
        entry = {"place": names, "remove": dict(remove)}
        write_atomically(folder / VERSIONS / LOG, (json.dumps(entry, indent=1) + "\n").encode())
    except (OSError, StoreError) as error:
        for path in (folder / VERSIONS / LOG, *(_ready(folder, name) for name in names)):
            path.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{error.filename or folder} cannot be written ({error.strerror or error}), so nothing in {folder} has "
            "changed. Check the folder's permissions and space."
        ) from error
    _finish(folder)


def sweep(*folders: Path) -> None:
    """Remove new bytes in these folders that never came into force; to be called within `exclusively`."""
    for path in [path for folder in folders for path in folder.glob(f".*{READY}")]:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = folder / VERSIONS / LOCK
    with contextlib.ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(path))
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be written ({error.strerror}). Check the folder's permissions and space."
            ) from error
        yield


def _finish(folder: Path) -> None:
    """Do what the log says. What has been done already is not done again: a file that is ready no more is in place."""
    log = folder / VERSIONS / LOG
    try:
        entry = json.loads(read_text(log))
        names, remove = list(entry["place"]), dict(entry["remove"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{log} cannot be read ({type(error).__name__}: {error}). Remove it, and publish a version of the product "
            "again."
        ) from error
    try:
        for name, digest in remove.items():
            if is_whole(folder / name, digest):  # else a person has put another file there
                (folder / name).unlink()
        for name in names:
            if _ready(folder, name).is_file():
                _ready(folder, name).replace(folder / name)
        for touched in _folders(folder, (*names, *remove)):
            sync_folder(touched)
        log.unlink()
        sync_folder(log.parent)
    except OSError as error:
        raise StoreError(
            f"{folder} is being published, and that stopped ({error.filename}: {error.strerror or error}). Check the "
            "folder's permissions: it is finished when the product is opened next."
        ) from error


def _ready(folder: Path, name: str) -> Path:
    path = folder / name
    return path.with_name(f".{path.name}{READY}")


def _folders(folder: Path, names: Iterable[str]) -> list[Path]:
    parents = dict.fromkeys((folder / name).parent for name in names)
    return [parent for parent in parents if parent.is_dir()]


def _read_alone(folder: Path, read: Callable[[], Value]) -> Value:
    with exclusively(folder):
        return read()


def _stamp(folder: Path) -> tuple[int, ...]:
    try:
        status = (folder / MANIFEST).stat()  # every swap replaces it, and last
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
