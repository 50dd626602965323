"""Starting reinspections, seeing how far they are, ending them and going on with them."""

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ensemble.disk.files import sync_folder, why_not_written
from ensemble.jobs.job_folder import JOB_NAME
from ensemble.jobs.job_running import begin, new_job_name, remove_job, resume_job, settle_job, stop_job
from ensemble.jobs.reinspection_folder import (
    REINSPECTION_BOOK,
    REINSPECTIONS,
    ReinspectionFolder,
    ReinspectionJob,
    ReinspectionRequest,
)
from ensemble.policies import choose
from ensemble.policies.files import entry_of
from ensemble.records.database import Database, records_folder
from ensemble.records.history import Filters, history_count, newest_number
from ensemble.store import ModelStore, versions
from ensemble.store.places import MANIFEST
from ensemble.store.versions import Summary
from ensemble.values.errors import JobError

REINSPECTIONS_KEPT = 20  # the newest
UNCOUNTED = 10_000_000  # inspections; of more it is only known that they are more


def candidates_of(store: ModelStore) -> tuple[Summary, ...]:
    """The versions of a product that are not in force and can be tried, the newest first."""
    known = versions.version_history(store.folder) if store.folder.is_dir() else ()
    return tuple(each for each in known if not each.current and each.state != "discarded")


def reinspection_of(
    store: ModelStore, version: int, database: Database, filters: Filters, policy: str | None = None, who: str = ""
) -> ReinspectionRequest:
    """What is asked for where a version is to be tried on inspections of its product that are there by now.

    By default the policy decides that would be active with it. Drafts of policies count for nothing, then as now.
    """
    candidate, known = store.at(version), {each.number: each for each in candidates_of(store)}
    if version not in known:
        raise JobError(
            "Version {number} of {product} is active or discarded. Try another one.",
            number=version,
            product=store.product_name(),
        )
    manifest = candidate.manifest()
    chosen = choose(candidate.policies(), policy)
    return ReinspectionRequest(
        str(store.folder.resolve()),
        manifest.product,
        version,
        known[version].files[MANIFEST],
        json.dumps(entry_of(chosen), ensure_ascii=False),
        manifest.classes,
        replace(filters, product=manifest.product, trial=False),
        newest_number(database) + 1,
        who,
    )


def lay_out_reinspection(request: ReinspectionRequest, database: Database) -> ReinspectionFolder:
    """Make the folder of a new reinspection that waits; a JobError where no inspection is meant."""
    total = history_count(database, request.filters, UNCOUNTED)
    if not total:
        raise JobError("The history holds no such inspections. Choose a longer time, or inspect photos first.")
    root = records_folder() / REINSPECTIONS
    folder = ReinspectionFolder(root / new_job_name())
    try:
        folder.folder.mkdir(parents=True)
        folder.make(request, total)
        sync_folder(root)
    except (OSError, JobError) as error:
        shutil.rmtree(folder.folder, ignore_errors=True)
        why = error.message if isinstance(error, JobError) else why_not_written(error, root.parent)
        raise JobError("The comparison cannot begin: {problem}", problem=why) from error
    _remove_oldest()
    return folder


def start_reinspection(request: ReinspectionRequest, database: Database) -> ReinspectionJob:
    """Inspect kept photos in a process of its own, which outlives this one."""
    folder = lay_out_reinspection(request, database)
    with folder.alone():
        begin(folder)
    return folder.job()


def reinspection_jobs(models: Path) -> list[ReinspectionJob]:
    """All reinspections of the product in a folder, the newest first; what cannot be read is left out."""
    found = []
    for folder in _folders():
        with contextlib.suppress(JobError):  # a full disk, say: it is shown as it was written last
            settle_job(folder)
        with contextlib.suppress(JobError):
            found.append(folder.job())
    return [job for job in found if job.request.models == str(models.resolve())]


def reinspection_folder(called: str) -> ReinspectionFolder:
    """The folder of a reinspection by its id; a JobError where there is none."""
    folder = ReinspectionFolder(records_folder() / REINSPECTIONS / called)
    if not JOB_NAME.fullmatch(called) or not (folder.folder / REINSPECTION_BOOK).is_file():
        raise JobError("There is no comparison {id}: it was removed, or never begun here.", id=called[:40])
    return folder


def reinspection_job(called: str) -> ReinspectionJob:
    """One reinspection as it is now."""
    folder = reinspection_folder(called)
    settle_job(folder)
    return folder.job()


def stop_reinspection(called: str) -> None:
    """Ask a reinspection to go no further; what was compared stays, and it can be resumed."""
    stop_job(reinspection_folder(called))


def resume_reinspection(called: str) -> ReinspectionJob:
    """Go on with a reinspection that has ended before its end; nothing is inspected twice."""
    folder = reinspection_folder(called)
    resume_job(folder)
    return folder.job()


def remove_reinspection(called: str) -> None:
    """Remove a reinspection that is not at work, with all that was compared."""
    remove_job(reinspection_folder(called))


def _folders() -> Sequence[ReinspectionFolder]:
    root = records_folder() / REINSPECTIONS
    found = sorted(root.iterdir(), reverse=True) if root.is_dir() else []
    there = [path for path in found if JOB_NAME.fullmatch(path.name) and (path / REINSPECTION_BOOK).is_file()]
    return [ReinspectionFolder(path) for path in there]


def _remove_oldest() -> None:
    for folder in _folders()[REINSPECTIONS_KEPT:]:
        with contextlib.suppress(JobError):  # it is at work, or cannot be read
            remove_job(folder)
