"""Starting batches, seeing how far they are, ending them and going on with them."""

import contextlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ensemble.disk.files import now, sync_folder, why_not_written
from ensemble.inspection.batches import count
from ensemble.jobs.batch_folder import (
    BATCH_BOOK,
    BATCH_NAME,
    BATCHES,
    STAGED_FILES,
    BatchFolder,
    BatchJob,
    BatchRequest,
)
from ensemble.jobs.processes import born, end, start_apart
from ensemble.records.database import RECORDS_SETTING, records_folder
from ensemble.values.errors import JobError
from ensemble.values.language import Message

STAGING = ".incoming-"
FORGOTTEN = 86_400.0  # seconds until files that were brought by halves go
POLITE_BATCH, PATIENT_BATCH = 20.0, 40.0  # seconds after the wish to stop: its process is ended politely, then for good
Brought = tuple[str, Callable[[], BinaryIO]]  # a name, and what opens its bytes when it is their turn


def stage_batch(files: Iterable[Brought], request: BatchRequest) -> BatchFolder:
    """Copy files to the disk as a new batch that waits to be judged; none of them is in memory as a whole."""
    root = records_folder() / BATCHES
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    incoming = BatchFolder(root / f"{STAGING}{name}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep_staging(root)
        (incoming.folder / STAGED_FILES).mkdir(parents=True)
        names = []
        for number, (called, open_bytes) in enumerate(files):
            with open_bytes() as given, incoming.staged_path(number).open("wb") as kept:
                given.seek(0)
                shutil.copyfileobj(given, kept, 1 << 20)
            names.append(called)
        total = count((called, incoming.staged_path(number)) for number, called in enumerate(names))
        incoming.make(request, names, total)
        incoming.folder.rename(root / name)
        sync_folder(root)
    except OSError as error:
        shutil.rmtree(incoming.folder, ignore_errors=True)
        raise JobError(
            "The files cannot be laid out: {problem}", problem=why_not_written(error, root.parent)
        ) from error
    return BatchFolder(root / name)


def start_batch(files: Iterable[Brought], request: BatchRequest) -> BatchJob:
    """Judge files in a process of their own, which outlives this one."""
    folder = stage_batch(files, request)
    with folder.alone():
        _begin(folder)
    return folder.job()


def batch_folders() -> list[BatchFolder]:
    """All batches that are kept, the newest first."""
    root = records_folder() / BATCHES
    found = sorted(root.iterdir(), reverse=True) if root.is_dir() else []
    return [BatchFolder(path) for path in found if BATCH_NAME.fullmatch(path.name) and (path / BATCH_BOOK).is_file()]


def batch_jobs() -> list[BatchJob]:
    """The same as they are now; one whose process has gone is broken, and says so. What cannot be read is left out."""
    found = []
    for folder in batch_folders():
        with contextlib.suppress(JobError):
            found.append(_settled(folder))
    return found


def batch_folder(called: str) -> BatchFolder:
    """The folder of a batch by its id; a JobError where there is none."""
    folder = BatchFolder(records_folder() / BATCHES / called)
    if not BATCH_NAME.fullmatch(called) or not (folder.folder / BATCH_BOOK).is_file():
        raise JobError("There is no batch {batch}: it was removed, or never begun here.", batch=called[:40])
    return folder


def batch_job(called: str) -> BatchJob:
    """One batch as it is now."""
    return _settled(batch_folder(called))


def stop_batch(called: str) -> None:
    """Ask a batch to judge no further; what has been judged stays, and it can be resumed."""
    if batch_job(called).is_open:
        batch_folder(called).write(stop_asked=now())


def resume_batch(called: str) -> BatchJob:
    """Go on with a batch that was stopped or has broken off; what has a verdict is not judged again."""
    folder = batch_folder(called)
    with folder.alone():
        if is_waiting(folder):
            _begin(folder)
    return folder.job()


def is_waiting(folder: BatchFolder) -> bool:
    """Whether a batch that had ended before its end waits again now; to be asked within `alone`."""
    _close_batch(folder, folder.job())
    if not folder.job().may_go_on:
        return False
    folder.write(state="queued", stop_asked=None, ended=None, error="", pid=os.getpid(), born=born(os.getpid()))
    return True


def remove_batch(called: str) -> None:
    """Remove a batch that is not at work; its verdicts in the history stay there."""
    folder = batch_folder(called)
    if batch_job(called).is_open:
        raise JobError("The batch is still at work. Stop it first.")
    shutil.rmtree(folder.folder, ignore_errors=True)


def _begin(folder: BatchFolder) -> None:
    try:
        pid = _spawn_batch(folder)
    except OSError as error:
        folder.write(state="broken", error=Message("Its process cannot be started ({problem}).", problem=error))
        raise JobError("The process of the batch cannot be started: {why}", why=f"{error}.") from error
    folder.write(pid=pid, born=born(pid))  # all that tells of it until it holds its lock


def _spawn_batch(folder: BatchFolder) -> int:
    command = [sys.executable, "-m", "ensemble.jobs.batch_worker", str(folder.folder.resolve())]
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "PYTHONUNBUFFERED": "1"}
    return start_apart(command, folder.log_path, environment | {RECORDS_SETTING: str(records_folder().resolve())})


def _settled(folder: BatchFolder) -> BatchJob:
    found = folder.job()
    if not found.is_open:
        return found
    with folder.alone():
        _close_batch(folder, folder.job())
    return folder.job()


def _close_batch(folder: BatchFolder, found: BatchJob) -> None:
    """Say of an open batch without a process what became of it, and end one that should have ended."""
    if not found.is_open:
        return
    if folder.is_under_way(found):
        if found.stop_asked is not None and found.pid is not None and found.pid != os.getpid():
            waited = (datetime.now(UTC) - datetime.fromisoformat(found.stop_asked)).total_seconds()
            if waited > POLITE_BATCH:
                end(found.pid, politely=waited <= PATIENT_BATCH)
        return
    found = folder.job()
    if not found.is_open:  # it ended in order meanwhile
        return
    if found.done == found.total:
        folder.write(state="done", ended=now(), seconds_left=None)
        shutil.rmtree(folder.folder / STAGED_FILES, ignore_errors=True)
        return
    if found.stop_asked is not None:
        folder.write(state="stopped", ended=now(), seconds_left=None)
        return
    sentence = Message(
        "Its process was ended after {done} of {total} files. Resume it: nothing is judged twice.",
        done=found.done,
        total=found.total,
    )
    folder.write(state="broken", ended=now(), seconds_left=None, error=sentence)


def _sweep_staging(root: Path) -> None:
    for left in root.glob(f"{STAGING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(left, ignore_errors=True)
