"""The process of one batch: `python -m ensemble.jobs.batch_worker FOLDER`, started by `start_batch`."""

import json
import logging
import sys
import time
from collections.abc import Callable, Container, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.inspection.batches import Judged, KeepVerdicts, batch_entries, judge
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.batch_folder import BatchFile, BatchFolder, BatchRequest
from ensemble.jobs.job_running import do_job, heed
from ensemble.jobs.processes import step_back
from ensemble.records.batch_history import newest_of_batch
from ensemble.records.objects import Objects, packed_map
from ensemble.records.recording import Inspected, Recorder, recorder
from ensemble.records.values import Occasion
from ensemble.store import ModelStore
from ensemble.store.expected_views import ExpectedViews, expected_views
from ensemble.values.results import Verdict
from ensemble.values.safe_names import make_logs_legible

Show = Callable[[int, int], None]  # told how many files of how many are judged
Rows = Generator[list[Judged], None, None]
# gives all files of a batch but those at these places, some at a time, once their verdicts are kept
Engine = Callable[[BatchFolder, Container[int], KeepVerdicts], Rows]


def judge_here(folder: BatchFolder, done: Container[int], keep: KeepVerdicts) -> Rows:
    """The engine that needs nothing: this process judges one chunk after the other."""
    policy, inspector = folder.request.decides(), opened_inspector(folder.request)
    left = ((place, entry) for place, entry in enumerate(batch_entries(folder.sources())) if place not in done)
    inspect = partial(inspector.inspect, policy=policy)
    return judge(left, inspect, keep, folder.judged(), inspector.view)


def run_batch(folder: BatchFolder, show: Show | None = None, engine: Engine = judge_here) -> None:
    """Judge what is left of a batch, and put down what became of that."""
    do_job(folder, lambda: _judge_rest(folder, show, engine))


def _judge_rest(folder: BatchFolder, show: Show | None, engine: Engine) -> None:
    keeper = BatchKeeper(folder)
    keeper.find_lost()
    done, before = set(folder.files()), folder.job()
    if len(done) == before.total:  # it was ended between its last file and its end
        return
    judged = engine(folder, done, keeper.keep)
    begun, new = time.monotonic(), 0
    heed(folder)
    with closing(judged):  # its threads or workers end before what became of the batch is put down
        for rows in judged:
            new += len(rows)
            gone = time.monotonic() - begun
            waiting = before.total - len(done) - new
            folder.add(map(keeper.as_file, rows), seconds=before.seconds + gone, seconds_left=gone / new * waiting)
            if show is not None:
                show(len(done) + new, before.total)
            if waiting:
                heed(folder)


def opened_inspector(request: BatchRequest) -> Inspector:
    """The members that judge a batch; dummies in demo mode."""
    if request.demo:
        return Inspector.for_demo(request.kinds())
    return Inspector.open(ModelStore(Path(request.models)))


class BatchKeeper:
    """Puts a batch's verdicts into the history, and into its own folder what the history does not take."""

    def __init__(self, folder: BatchFolder) -> None:
        self.folder, self.recorder, self.request = folder, recorder(), folder.request
        self.own: dict[int, dict[str, str]] = {}  # the digests of what lies in the batch's own folder, by place
        self.occasion = Occasion(self.request.source, self.request.who, folder.id, self.request.zone)
        self.views = ExpectedViews() if self.request.demo else expected_views(Path(self.request.models))

    def keep(self, inspected: Sequence[Inspected]) -> list[Verdict]:
        """Keep the verdicts of a chunk in one transaction; those that the history does not take have no id."""
        given = self.request.trace
        inspected = [replace(each, trace=self.views.trace_of(each.verdict.photo, given)) for each in inspected]
        verdicts = self.recorder.keep(inspected, self.request.decides(), self.occasion)
        self.own = {
            each.place: own_evidence(self.folder, each)
            for each, verdict in zip(inspected, verdicts, strict=True)
            if each.place is not None and not (verdict.id and self._keeps_photos(self.recorder, verdict))
        }
        return verdicts

    @staticmethod
    def _keeps_photos(kept_by: Recorder, verdict: Verdict) -> bool:
        return kept_by.settings(verdict.origin.product).keep == "everything"

    def as_file(self, row: Judged) -> BatchFile:
        """What is put down of a file that was judged, refused or repeated."""
        if row.verdict is None:
            return BatchFile(row.place, row.name, first=row.first, error=row.error)
        verdict, evidence = row.verdict, self.own.get(row.place, {})
        stored = "" if verdict.id else json.dumps(verdict.as_json(), ensure_ascii=False)
        known: dict[str, Any] = {"stored": stored, "evidence": evidence, "inspection": verdict.id}
        return BatchFile(row.place, row.name, verdict.sha256, verdict.label, row.disputed, **known)

    def find_lost(self) -> None:
        """Put down verdicts that the history has and the book has not: the process was ended between the two."""
        if self.request.demo:
            return
        known, lost = self.folder.inspected(), []
        for stored in newest_of_batch(self.recorder.database, self.folder.id):
            if stored["id"] in known:
                break
            disputed = len({vote["label"] for vote in stored["votes"]}) > 1
            found: dict[str, Any] = {"disputed": disputed, "inspection": stored["id"]}
            lost.append(BatchFile(int(stored["place"]), stored["photo"], stored["sha256"], stored["verdict"], **found))
        self.folder.add(lost)


def own_evidence(folder: BatchFolder, each: Inspected) -> dict[str, str]:
    """Keep photo, small copy and heat map in the batch's own folder; gives their digests."""
    objects = Objects(folder.folder)
    found = {"kept_photo": objects.put(each.data), "thumbnail": objects.put(each.small_copy())}
    if each.verdict.anomaly_map is not None:
        found["heat_map"] = objects.put(packed_map(each.verdict.anomaly_map))
    return found


if __name__ == "__main__":
    make_logs_legible()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    step_back()
    run_batch(BatchFolder(Path(sys.argv[1])))
