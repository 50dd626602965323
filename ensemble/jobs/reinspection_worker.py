"""The process of one reinspection: `python -m ensemble.jobs.reinspection_worker FOLDER`, started by its `begin`."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from ensemble.inspection.batches import INSPECTED_AT_ONCE
from ensemble.inspection.candidate import compared
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.job_running import do_job, heed
from ensemble.jobs.processes import step_back
from ensemble.jobs.reinspection_folder import ReinspectionFolder, ReinspectionRequest
from ensemble.records.browsing import all_inspections
from ensemble.records.recording import recorder
from ensemble.records.values import Inspection
from ensemble.store import ModelStore, listings
from ensemble.store.places import MANIFEST
from ensemble.values.errors import JobError
from ensemble.values.safe_names import make_logs_legible

ShowDone = Callable[[int, int], None]  # told how many inspections of how many are compared


def run_reinspection(folder: ReinspectionFolder, show: ShowDone | None = None) -> None:
    """Inspect what is left of the kept photos, and put down what became of that."""
    do_job(folder, lambda: _compare_rest(folder, show))


def _compare_rest(folder: ReinspectionFolder, show: ShowDone | None) -> None:
    request, before = folder.request, folder.job()
    objects, database = recorder().objects, recorder().database
    _check_that_it_is_kept(request)
    inspector, policy = _opened_candidate(request), request.decides()
    begun, new = time.monotonic(), 0
    left = all_inspections(database, request.filters, before=folder.reached())
    for chunk in _in_chunks(left):
        heed(folder)
        _check_that_it_is_kept(request)
        photos = compared(chunk, objects, inspector.classes, lambda each: inspector.inspect(each, policy))
        new += len(photos)
        gone = time.monotonic() - begun
        waiting = max(0, before.total - before.done - new)
        folder.add(photos, seconds=before.seconds + gone, seconds_left=gone / new * waiting)
        if show is not None:
            show(before.done + new, before.total)
    folder.write(total=before.done + new)  # some may have been removed from the history since it began


def _in_chunks(inspections: Iterable[Inspection]) -> Iterator[list[Inspection]]:
    """So many at a time, counted from the first: whoever goes on after a chunk has the very same chunks."""
    iterator = iter(inspections)
    while chunk := list(islice(iterator, INSPECTED_AT_ONCE)):
        yield chunk


def _opened_candidate(request: ReinspectionRequest) -> Inspector:
    found = Inspector.open(ModelStore(Path(request.models)).at(request.version))
    if not found.members:
        why = found.absent[0].reason if found.absent else ""
        raise JobError("No model of version {number} can vote. {problem}", number=request.version, problem=why)
    return found


def _check_that_it_is_kept(request: ReinspectionRequest) -> None:
    """A JobError or StoreError where the version is no more what it was when it was asked for."""
    found = listings.version(Path(request.models), request.version)
    if found.state == "discarded" or found.files.get(MANIFEST) != request.manifest:
        raise JobError(
            "Version {number} of {product} was discarded. Try another one.",
            number=request.version,
            product=request.product,
        )


if __name__ == "__main__":
    make_logs_legible()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    step_back()
    run_reinspection(ReinspectionFolder(Path(sys.argv[1])))
