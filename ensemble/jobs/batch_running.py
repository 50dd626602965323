"""Starting batches, seeing how far they are, ending them and going on with them."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from ensemble.disk.files import sync_folder, why_not_written
from ensemble.inspection.batches import count
from ensemble.jobs.batch_folder import (
    BATCH_BOOK,
    BATCHES,
    STAGED_FILES,
    BatchFolder,
    BatchJob,
    BatchRequest,
)
from ensemble.jobs.job_folder import JOB_NAME
from ensemble.jobs.job_running import begin, new_job_name, remove_job, resume_job, settle_job, stop_job
from ensemble.records.database import records_folder
from ensemble.values.errors import JobError

STAGING = ".incoming-"
FORGOTTEN = 86_400.0  # seconds until files that were brought by halves go
Brought = tuple[str, Callable[[], BinaryIO]]  # a name, and what opens its bytes when it is their turn


def stage_batch(files: Iterable[Brought], request: BatchRequest) -> BatchFolder:
    """Copy files to the disk as a new batch that waits to be judged; none of them is in memory as a whole."""
    root = records_folder() / BATCHES
    name = new_job_name()
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
        begin(folder)
    return folder.job()


def batch_folders() -> list[BatchFolder]:
    """All batches that are kept, the newest first."""
    root = records_folder() / BATCHES
    found = sorted(root.iterdir(), reverse=True) if root.is_dir() else []
    return [BatchFolder(path) for path in found if JOB_NAME.fullmatch(path.name) and (path / BATCH_BOOK).is_file()]


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
    if not JOB_NAME.fullmatch(called) or not (folder.folder / BATCH_BOOK).is_file():
        raise JobError("There is no batch {batch}: it was removed, or never begun here.", batch=called[:40])
    return folder


def batch_job(called: str) -> BatchJob:
    """One batch as it is now."""
    return _settled(batch_folder(called))


def stop_batch(called: str) -> None:
    """Ask a batch to judge no further; what has been judged stays, and it can be resumed."""
    stop_job(batch_folder(called))


def resume_batch(called: str) -> BatchJob:
    """Go on with a batch that was stopped or has broken off; what has a verdict is not judged again."""
    folder = batch_folder(called)
    resume_job(folder)
    return folder.job()


def remove_batch(called: str) -> None:
    """Remove a batch that is not at work; its verdicts in the history stay there."""
    remove_job(batch_folder(called))


def _settled(folder: BatchFolder) -> BatchJob:
    settle_job(folder)
    return folder.job()


def _sweep_staging(root: Path) -> None:
    for left in root.glob(f"{STAGING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(left, ignore_errors=True)
