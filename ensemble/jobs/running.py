"""Starting trainings, seeing how far they are, and ending them."""

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from ensemble.disk.files import is_full, now, why_not_written
from ensemble.jobs import processes
from ensemble.jobs.ledger import FILE, Job, Ledger
from ensemble.jobs.processes import born, end, start_apart
from ensemble.values.errors import JobError, StoreError
from ensemble.values.language import Message
from ensemble.values.training import TrainingRequest

POLITE, PATIENT = 10.0, 20.0  # seconds after the wish to cancel: then its process is ended politely, then for good
LOG_BYTES_SHOWN = 64_000  # bytes of a log, its end


def start(root: Path, settings: TrainingRequest, author: str = "") -> Job:
    """Train in a process of its own, which outlives this one; a JobError where the product is being trained already."""
    wanted, ledger = settings.absolute(), Ledger(root)
    folder = Path(wanted.models)
    with ledger.alone():
        ledger.make()
        _settle(ledger)
        other = next((each for each in ledger.jobs() if each.is_open and each.folder == folder), None)
        if processes.is_taken(folder) or other:
            raise _busy(other, folder)
        number = ledger.add(wanted, author)
        try:
            pid = _spawn(ledger, number)
        except OSError as error:
            why = why_not_written(error, ledger.folder) if is_full(error, ledger.folder) else f"{error}."
            raise JobError("The training process cannot be started: {why}", why=why) from error
        ledger.write(number, pid=pid, born=born(pid))  # all that tells of it until it holds its lock
        return ledger.job(number)


def are_kept(root: Path) -> bool:
    """Whether a training was ever started here."""
    return (Ledger(root).folder / FILE).is_file()


def jobs(root: Path) -> tuple[Job, ...]:
    """All trainings that are kept, the newest first; those whose process has gone have failed, and say so."""
    ledger = Ledger(root)
    if not are_kept(root):
        return ()
    with ledger.alone():
        _settle(ledger)
        return ledger.jobs()


def job(root: Path, number: int) -> Job:
    """One training as it is now; a JobError where there is none of that number."""
    for each in jobs(root):
        if each.id == number:
            return each
    raise JobError("There is no training {number} below {root}.", number=number, root=root)


def cancel(root: Path, number: int) -> Job:
    """Ask a training to end; whoever looks at it later makes it end, should it not heed that."""
    found = job(root, number)
    if not found.is_open:
        raise JobError("Training {number} is {state}: there is nothing to cancel.", number=number, state=found.state)
    if found.cancel_asked is None:
        Ledger(root).write(number, cancel_asked=now())
    return job(root, number)


def log(root: Path, number: int) -> str:
    """The end of what a training's process has said; empty where it has said nothing."""
    path = Ledger(root).log_path(number)
    if not path.is_file():
        return ""
    data = path.read_bytes()
    return data[-LOG_BYTES_SHOWN:].decode("utf-8", errors="replace")


def _spawn(ledger: Ledger, number: int) -> int:
    command = [sys.executable, "-m", "ensemble.jobs.worker", str(ledger.folder.parent), str(number)]
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "PYTHONUNBUFFERED": "1"}
    return start_apart(command, ledger.log_path(number), environment)


def _settle(ledger: Ledger) -> None:
    """Say of open trainings without a process what became of them, and end those that should have ended."""
    for each in ledger.jobs():
        if not each.is_open:
            continue
        if ledger.is_under_way(each):
            _press(each)
        else:
            _close(ledger, ledger.job(each.id))


def _press(found: Job) -> None:
    if found.cancel_asked is None or found.pid is None:
        return
    waited = (datetime.now(UTC) - datetime.fromisoformat(found.cancel_asked)).total_seconds()
    if waited > POLITE:
        end(found.pid, politely=waited <= PATIENT)


def _close(ledger: Ledger, found: Job) -> None:
    if not found.is_open:  # it ended in order since it was read
        return
    if found.folder.resolve().is_relative_to(ledger.folder.parent):  # a book from elsewhere may name any folder
        _tidy_after(found.folder)
    if found.cancel_asked is not None:
        ledger.write(found.id, state="cancelled", ended=now(), seconds_left=None)
        return
    sentence = Message("The training process was killed before it began. The active model is unchanged.")
    if found.stage:
        sentence = Message(
            "The training process was killed at {share:.0%} ({stage}). The active model is unchanged.",
            share=found.share,
            stage=found.stage,
        )
    ledger.write(found.id, state="failed", ended=now(), seconds_left=None, error=sentence)


def _tidy_after(folder: Path) -> None:
    """Remove what a killed process may have left half written among the product's versions."""
    from ensemble.store import versions
    from ensemble.store.places import VERSIONS

    if (folder / VERSIONS).is_dir():
        with contextlib.suppress(StoreError), versions.changing(folder):  # what is wrong there, its readers say
            pass


def _busy(other: Job | None, folder: Path) -> JobError:
    if other is None:
        return JobError("A training of {folder} is already running. Wait for it.", folder=folder)
    return JobError(
        "A training of {product} is already running (started {asked} by {author}, {share:.0%} done). Wait for it or "
        "cancel it.",
        product=other.settings.product or folder.name,
        asked=other.asked,
        author=other.author or "–",
        share=other.share,
    )
