"""Several files of a folder replaced at once: all of them or none, whatever is killed and whenever the power fails.

A redo log (write-ahead logging; Mohan et al. 1992, ARIES): new bytes are made durable beside their places, then a small
log that names them, and only then is anything renamed. Before the log stands nothing has changed; once it stands,
whoever opens the folder next finishes what it names. Readers look for the log, so that none sees half of it.

A log may have come with a folder from elsewhere, so it is obeyed only where a publication could have written it: all
its names are those of a product's files, and no link leads out. Else nothing is changed, not even by taking the lock.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ensemble.disk.files import (
    fingerprint,
    is_whole,
    move_over,
    parsed,
    read_text,
    sync_folder,
    why_not_written,
    write_atomically,
    write_durably,
)
from ensemble.disk.locks import locked_or_refused
from ensemble.disk.names import path_below
from ensemble.store.places import MANIFEST, VERSIONS, is_digest, is_product_file, own_place, place_of
from ensemble.values.errors import QuorumError, StoreError, readable
from ensemble.values.language import Message, as_stored, restored

LOG, LOCK, TOLD = "publishing.json", ".lock", "interrupted.txt"
READY = ".publishing"  # the ending of new bytes beside their place: none that a model file has

SwapResult = TypeVar("SwapResult")
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Nobody else writes into the folder meanwhile, and what was begun before is finished first.

    The lock ends with the process that holds it; a StoreError where it cannot be had.
    """
    _read_log(folder)
    with locked_or_refused(own_place(folder, LOCK), folder, StoreError):
        if (log := _read_log(folder)) is not None:
            _tell(folder)
            _finish(folder, log)
        yield


def interruption(folder: Path) -> str:
    """What became of an interrupted publication, in a sentence; empty where none was, or somebody has seen it."""
    try:
        path = own_place(folder, TOLD)
        return restored(read_text(path).strip()) if path.is_file() else ""
    except StoreError:  # nothing that a publication has left
        return ""


def acknowledge(folder: Path) -> None:
    """Somebody has seen what became of an interrupted publication."""
    own_place(folder, TOLD).unlink(missing_ok=True)


def _tell(folder: Path) -> None:
    sentence = Message(
        "A publication was interrupted. It was finished when the product was opened next (at {time} UTC): all files "
        "are those of one version.",
        time=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )
    _log.warning("%s: %s", folder, sentence)
    with contextlib.suppress(StoreError):  # what cannot be told harms nobody
        write_atomically(own_place(folder, TOLD), as_stored(sentence).encode())


def is_pending(folder: Path) -> bool:
    """Whether a swap is going on, or was interrupted."""
    return (folder / VERSIONS / LOG).is_file()


@dataclass(frozen=True, slots=True)
class _Log:
    """Which files get the new bytes that lie beside them, in order, and which go while they have these digests."""

    place: tuple[str, ...]
    remove: Mapping[str, str]

    def check(self, folder: Path, source: str) -> None:
        """A StoreError where no publication can have written it."""
        for name in (*self.place, *self.remove):
            place_of(folder, name, source)
        for name in self.place:
            _ready(folder, name)
        if strange := [name for name, digest in self.remove.items() if not is_digest(digest)]:
            raise StoreError(
                "{source} gives no SHA-256 for {strange}, so nothing is removed. Remove that log.",
                source=source,
                strange=strange[0],
            )


def recover(folder: Path) -> None:
    """Finish a swap that was interrupted, or wait for the one that is going on; one look at the disk where none is."""
    if is_pending(folder):
        with exclusively(folder):
            pass


def steady(folder: Path, read: Callable[[], SwapResult]) -> SwapResult:
    """What reading gives while no files are swapped: it is repeated where they were in the meantime."""
    recover(folder)
    before = fingerprint(folder / MANIFEST)

    def is_as_before() -> bool:
        return not is_pending(folder) and fingerprint(folder / MANIFEST) == before

    try:
        found = read()
        if is_as_before():
            return found
    except QuorumError:
        if is_as_before():
            raise
    with exclusively(folder):
        return read()


def swap(folder: Path, place: Iterable[tuple[str, bytes]], remove: Mapping[str, str]) -> None:
    """Give files below the folder new bytes in this order, and remove files that still have these digests.

    To be called within `exclusively`. The last of `place` is the manifest. A StoreError leaves all as it was, unless it
    says that the swap has begun.
    """
    names: list[str] = []
    try:
        for name, data in place:
            place_of(folder, name)
            names.append(name)
            _ready(folder, name).parent.mkdir(parents=True, exist_ok=True)
            write_durably(_ready(folder, name), data)
        for touched in _swap_folders(folder, names):
            sync_folder(touched)
        entry = {"place": names, "remove": dict(remove)}
        log = _Log(tuple(names), dict(remove))
        log.check(folder, "This publication")
        write_atomically(own_place(folder, LOG), (json.dumps(entry, indent=1) + "\n").encode())
    except (OSError, StoreError) as error:
        for path in (folder / VERSIONS / LOG, *(_ready(folder, name) for name in names)):
            path.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            "{value} cannot be written, and nothing in {folder} has changed: {error}",
            value=error.filename or folder,
            folder=folder,
            error=why_not_written(error, folder),
        ) from error
    _finish(folder, log)


def sweep_unused(*folders: Path) -> None:
    """Remove new bytes in these folders that never came into force; to be called within `exclusively`."""
    for path in [path for folder in folders for path in folder.glob(f".*{READY}")]:
        name = path.name[1:].removesuffix(READY)
        if is_product_file(name) or is_product_file(f"{path.parent.name}/{name}"):  # nobody else's
            path.unlink(missing_ok=True)


def _read_log(folder: Path) -> _Log | None:
    """What is to be finished; None where nothing is, a StoreError where no publication can have written that."""
    if not is_pending(folder):
        return None
    path = folder / VERSIONS / LOG
    try:
        with readable(path, Message("Remove it, and publish a version of the product again.")):
            entry = parsed(read_text(own_place(folder, LOG)))
            log = _Log(tuple(entry["place"]), dict(entry["remove"]))
    except StoreError:
        if is_pending(folder):  # else somebody has finished it in the meantime
            raise
        return None
    log.check(folder, str(path))
    return log


def _finish(folder: Path, log: _Log) -> None:
    """Do what the log says. What has been done already is not done again: a file that is ready no more is in place."""
    path = own_place(folder, LOG)
    try:
        for name, digest in log.remove.items():
            if is_whole(folder / name, digest):  # else a person has put another file there
                (folder / name).unlink()
        for name in log.place:
            if _ready(folder, name).is_file():
                move_over(_ready(folder, name), folder / name)
        for touched in _swap_folders(folder, (*log.place, *log.remove)):
            sync_folder(touched)
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            "{folder} is being published, and that stopped at {value}: {error} It is finished when "
            "the product is opened next.",
            folder=folder,
            value=error.filename or folder,
            error=why_not_written(error, folder),
        ) from error


def _ready(folder: Path, name: str) -> Path:
    """Where new bytes lie beside their place; a StoreError where a link leads out from there."""
    above, separator, last = name.rpartition("/")
    return path_below(folder, f"{above}{separator}.{last}{READY}", StoreError)


def _swap_folders(folder: Path, names: Iterable[str]) -> list[Path]:
    parents = dict.fromkeys((folder / name).parent for name in names)
    return [parent for parent in parents if parent.is_dir()]
