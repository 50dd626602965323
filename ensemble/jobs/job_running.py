"""Starting jobs of a folder, seeing how far they are, ending them and going on with them."""

import contextlib
import logging
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ensemble.disk.files import now
from ensemble.disk.locks import locked_alone
from ensemble.jobs.job_folder import FolderJob, JobFolder
from ensemble.jobs.processes import born, end, start_apart
from ensemble.records.database import RECORDS_SETTING, records_folder
from ensemble.values.errors import JobError, QuorumError
from ensemble.values.language import Message

POLITE_STOP, PATIENT_STOP = 20.0, 40.0  # seconds after the wish to stop: its process is ended politely, then for good
TURN, TURN_PATIENCE = ".turn.lock", 0.5  # one job at a time; seconds from one look at the wish to stop to the next


class StoppedJobError(BaseException):
    """Somebody wants the job to stop."""


def new_job_name() -> str:
    """What a new job is found by: when it was asked, and a number that no other has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def begin(folder: JobFolder) -> None:
    """Start the process of a job that waits; to be asked within `alone`."""
    try:
        pid = spawn_worker(folder)
    except OSError as error:
        folder.write(state="broken", error=Message("Its process cannot be started ({problem}).", problem=error))
        raise JobError("Its process cannot be started ({problem}).", problem=error) from error
    folder.write(pid=pid, born=born(pid))  # all that tells of it until it holds its lock


def spawn_worker(folder: JobFolder) -> int:
    """Start the module of this kind of job in a process of its own; gives its number."""
    command = [sys.executable, "-m", folder.worker, str(folder.folder.resolve())]
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "PYTHONUNBUFFERED": "1"}
    return start_apart(command, folder.log_path, environment | {RECORDS_SETTING: str(records_folder().resolve())})


def settle_job(folder: JobFolder) -> None:
    """Say of an open job without a process what became of it, and end one that should have ended."""
    if folder.job().is_open:
        with folder.alone():
            _close_job(folder, folder.job())


def stop_job(folder: JobFolder) -> None:
    """Ask a job to go no further; what is done stays, and it can be resumed."""
    settle_job(folder)
    if folder.job().is_open:
        folder.write(stop_asked=now())


def resume_job(folder: JobFolder) -> None:
    """Go on with a job that was stopped or has broken off; what is done is not done again."""
    with folder.alone():
        if is_waiting(folder):
            begin(folder)


def is_waiting(folder: JobFolder) -> bool:
    """Whether a job that had ended before its end waits again now; to be asked within `alone`."""
    _close_job(folder, folder.job())
    if not folder.job().may_go_on:
        return False
    folder.write(state="queued", stop_asked=None, ended=None, error="", pid=os.getpid(), born=born(os.getpid()))
    return True


def remove_job(folder: JobFolder) -> None:
    """Remove a job that is not at work, with all that came of it."""
    settle_job(folder)
    if folder.job().is_open:
        raise JobError("It is still at work. Stop it first.")
    shutil.rmtree(folder.folder, ignore_errors=True)


def _close_job(folder: JobFolder, found: FolderJob) -> None:
    if not found.is_open:
        return
    if folder.is_under_way(found):
        if found.stop_asked is not None and found.pid is not None and found.pid != os.getpid():
            waited = (datetime.now(UTC) - datetime.fromisoformat(found.stop_asked)).total_seconds()
            if waited > POLITE_STOP:
                end(found.pid, politely=waited <= PATIENT_STOP)
        return
    found = folder.job()
    if not found.is_open:  # it ended in order meanwhile
        return
    if found.done == found.total:
        _end_job(folder)
    elif found.stop_asked is not None:
        folder.write(state="stopped", ended=now(), seconds_left=None)
    else:
        folder.write(state="broken", ended=now(), seconds_left=None, error=folder.was_ended(found))


def _end_job(folder: JobFolder) -> None:
    folder.write(state="done", ended=now(), seconds_left=None)
    folder.tidy()


def do_job(folder: JobFolder, work: Callable[[], None]) -> None:
    """Do the work of a job in this process, when it is its turn, and put down what became of that."""
    with folder.under_way() as is_ours:
        if not is_ours:
            return
        try:
            with _turn_of(folder):
                folder.write(state="running", started=now())
                work()
        except (StoppedJobError, KeyboardInterrupt):
            folder.write(state="stopped", ended=now(), seconds_left=None)
        except QuorumError as error:
            _break_off(folder, error.message)
        except Exception:  # whatever it is, people must be told, and the log has the rest
            reference = secrets.token_hex(2)
            logging.getLogger(__name__).exception("Reference %s", reference)
            _break_off(folder, Message("The log has the details (reference {reference}).", reference=reference))
        else:
            _end_job(folder)


def heed(folder: JobFolder) -> None:
    """Stop here where somebody wants the job to stop."""
    if folder.job().stop_asked is not None:
        raise StoppedJobError


def _break_off(folder: JobFolder, why: str) -> None:
    folder.write(state="broken", ended=now(), seconds_left=None, error=folder.broke_off(folder.job(), why))


@contextlib.contextmanager
def _turn_of(folder: JobFolder) -> Iterator[None]:
    """One job of a kind is done at a time: two at once would take turns on the same cores, each with its own models."""
    while True:
        with locked_alone(folder.folder.parent / TURN, TURN_PATIENCE) as is_ours:
            heed(folder)
            if is_ours:
                yield
                return
