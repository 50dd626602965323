"""The process of one training: `python -m ensemble.jobs.worker MODELS NUMBER`, started by `ensemble.jobs.start`."""

import logging
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ensemble.disk.files import now
from ensemble.jobs import processes
from ensemble.jobs.ledger import Job, Ledger
from ensemble.jobs.processes import step_back
from ensemble.values.errors import QuorumError
from ensemble.values.language import Message, as_stored
from ensemble.values.safe_names import legible, legible_lines, make_logs_legible

if TYPE_CHECKING:  # importing it costs seconds, in which the book already says that the training has begun
    from ensemble.jobs.estimate import TrainingCourse

PAUSE = 0.5  # seconds between two entries in the book


class CancelledError(BaseException):
    """Somebody wants the training to end; no member's own handling of errors may keep it from that."""


class Reporter:
    """What the training says of itself, into the book and into the log."""

    def __init__(self, ledger: Ledger, number: int, estimate: "TrainingCourse") -> None:
        self.ledger, self.number, self.estimate = ledger, number, estimate
        self.curves: dict[str, dict[str, list[float]]] = {}
        self._written, self._stage = 0.0, ""

    def progress(self, stage: str, share: float) -> None:
        """A stage has come so far; CancelledError where the training is to end."""
        self.estimate.tell(stage, share)
        if stage != self._stage:
            write_log(stage)
        if stage != self._stage or time.monotonic() - self._written > PAUSE:
            self._stage, self._written = stage, time.monotonic()
            self.write(stage)
            if self.ledger.job(self.number).cancel_asked is not None:
                raise CancelledError

    def watch(self, member: str, curves: Mapping[str, Sequence[float]]) -> None:
        """A member's curves have grown."""
        self.curves[member] = {name: list(values) for name, values in curves.items()}

    def write(self, stage: str) -> None:
        """Write down how far it is."""
        self.ledger.write(
            self.number,
            stage=stage,
            share=round(self.estimate.share(), 4),
            seconds_left=round(self.estimate.seconds_left(), 1),
            curves=self.curves,
        )


def write_log(sentence: str) -> None:
    """A line of the log, with the time (UTC)."""
    print(f"{datetime.now(UTC):%H:%M:%S} {legible(sentence)}", flush=True)


def run_job(root: Path, number: int) -> None:
    """Train as the book says, and write into it what became of that."""
    ledger = Ledger(root)
    with ledger.under_way(number) as is_ours:
        if is_ours:
            _run(ledger, number)
        else:  # whoever started it was killed before the book had its process, and others have closed it since
            write_log(f"Training {number} was closed before it began.")


def _run(ledger: Ledger, number: int) -> None:
    found = ledger.job(number)
    try:
        with processes.only_training(found.folder):
            version = _train_candidate(ledger, found)
    except CancelledError:
        write_log("Cancelled.")
        ledger.write(number, state="cancelled", ended=now(), seconds_left=None)
    except QuorumError as error:
        write_log(str(error))
        ledger.write(number, state="failed", ended=now(), seconds_left=None, error=error.message)
    except Exception as error:  # noqa: BLE001 - whatever it is, people must be told, and the log has the rest
        print(legible_lines(traceback.format_exc()), flush=True)
        sentence = Message(
            "The training stopped ({kind}: {problem}). The active model is unchanged.",
            kind=type(error).__name__,
            problem=error,
        )
        ledger.write(number, state="failed", ended=now(), seconds_left=None, error=sentence)
    else:
        write_log(f"Done: version {version} is ready to publish.")
        ledger.write(number, state="done", ended=now(), seconds_left=None, share=1.0, version=version)


def _train_candidate(ledger: Ledger, found: Job) -> int:
    """Train, and leave a candidate: its number."""
    from ensemble import training
    from ensemble.datasets.loading import find_dataset
    from ensemble.jobs.estimate import TrainingCourse, expected_seconds, training_stages
    from ensemble.store import ModelStore, versions
    from ensemble.training import Listener
    from ensemble.training.recipe import backbones_of, profile_called
    from ensemble.training.staying import before_few_more

    settings = found.settings
    backbones, _ = backbones_of(settings)
    dataset = find_dataset(Path(settings.data), None, settings.seed)
    kinds = settings.kinds or profile_called(settings.profile).kinds
    before = before_few_more(ModelStore(Path(settings.models)), dataset)
    names = training_stages(dataset, kinds, backbones, settings.seed, before)
    photos, profile = len(dataset.train), profile_called(settings.profile)
    reporter = Reporter(ledger, found.id, TrainingCourse(expected_seconds(names, photos, profile, ledger.costs())))
    outcome = training.run(settings, listener=Listener(write_log, reporter.progress, reporter.watch), publish=False)
    ledger.write(found.id, version=outcome.version)  # whatever ends this process now, what was learnt is found again
    reporter.write(Message("Saved"))
    ledger.remember_costs(reporter.estimate.costs(photos, profile))
    notes = {"training": found.id, "said": list(map(as_stored, outcome.notes)), **_compared(found, outcome.version)}
    versions.annotate(found.folder, outcome.version, notes)
    return outcome.version


def _compared(found: Job, version: int) -> dict[str, Any]:
    """The candidate against the model in force, as notes for the version; or why there is no comparison."""
    from ensemble.evaluation.publication import compare_with_current
    from ensemble.store import ModelStore, versions

    store = ModelStore(found.folder)
    write_log("Comparing with the active model")
    try:
        comparison = compare_with_current(store, version, found.settings.seed)
    except Exception as error:  # noqa: BLE001 - what was learnt must not be lost with a comparison
        reason = error.message if isinstance(error, QuorumError) else f"{type(error).__name__}: {error}."
        said = Message("Not compared with the active model. {reason}", reason=reason)
        return {"not_compared": as_stored(said)}
    if comparison is None:
        return {}
    current = next((each.number for each in versions.version_history(store.folder) if each.current), None)
    return {"comparison": comparison.as_json(), "compared_with": current}


if __name__ == "__main__":
    make_logs_legible()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    step_back()
    run_job(Path(sys.argv[1]), int(sys.argv[2]))
