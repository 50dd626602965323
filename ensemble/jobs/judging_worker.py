"""Judges photos of a batch for another process or machine: it holds the models and keeps nothing."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ensemble.imaging.overlays import thumbnail
from ensemble.importers.archives import ZipEntry
from ensemble.inspection.batches import judge
from ensemble.jobs.batch_folder import BatchRequest
from ensemble.jobs.batch_worker import opened_inspector
from ensemble.jobs.processes import let_threads_sleep
from ensemble.jobs.spread_batch import RemoteAnswer
from ensemble.records.recording import SMALL_SIDE, Inspected, software
from ensemble.store import ModelStore
from ensemble.store.runtime_choice import chosen_runtime
from ensemble.values.errors import JobError, QuorumError
from ensemble.values.results import Verdict


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker must know: who judges, by how many threads, and what it has to find on its own machine.

    `manifest` is the digest of the product's manifest, `runtime` what carries its photos, `version` that of Quorum;
    `settings` are those of the environment that change how photos are judged.
    """

    request: BatchRequest
    threads: int
    manifest: str
    runtime: str
    version: str
    settings: Mapping[str, str]

    @classmethod
    def of(cls, request: BatchRequest, threads: int, settings: Mapping[str, str]) -> "WorkerOrder":
        """The order for workers that must find what is here."""
        return cls(request, threads, _manifest_here(request), _runtime_here(request), software(), settings)


class JudgingWorker:
    """Opens the product once and judges photos of it; `problem` says why it cannot."""

    def __init__(self, order: WorkerOrder) -> None:
        self.problem = ""
        self._policy = order.request.decides()
        os.environ.update(order.settings)
        let_threads_sleep()
        import torch

        torch.set_num_threads(order.threads)
        try:
            _check_machine(order)
            self._inspector = opened_inspector(order.request)
        except QuorumError as error:
            self.problem = f"{platform.node()}: {error}"

    def answers(self, photos: Sequence[tuple[int, str, bytes]]) -> list[RemoteAnswer]:
        """One answer for each photo, given by its place, its name and its bytes."""
        small: dict[int | None, bytes] = {}

        def without_keeping(inspected: Sequence[Inspected]) -> list[Verdict]:
            for each in inspected:
                assert each.photo is not None
                small[each.place] = thumbnail(each.photo.picture, SMALL_SIDE)
            return [each.verdict for each in inspected]

        entries = ((place, ZipEntry(name, data)) for place, name, data in photos)
        inspect = partial(self._inspector.inspect, policy=self._policy)
        return [
            RemoteAnswer(
                row.place,
                row.verdict and replace(row.verdict, anomaly_map=row.anomaly_map),
                small.get(row.place, b""),
                row.error,
            )
            for rows in judge(entries, inspect, without_keeping, view=self._inspector.view)
            for row in rows
        ]


def _manifest_here(request: BatchRequest) -> str:
    return "" if request.demo else ModelStore(Path(request.models)).origin().manifest


def _runtime_here(request: BatchRequest) -> str:
    return "" if request.demo else chosen_runtime(ModelStore(Path(request.models)).manifest()).name


def _check_machine(order: WorkerOrder) -> None:
    if software() != order.version:
        raise JobError(
            "This is Quorum {own}, the batch was begun by {other}. Install the same on every machine.",
            own=software(),
            other=order.version,
        )
    if _manifest_here(order.request) != order.manifest:
        raise JobError(
            "Other models lie in {folder} than where the batch was begun. Copy the product's folder to the same place "
            "on every machine.",
            folder=order.request.models,
        )
    if (own := _runtime_here(order.request)) != order.runtime:
        raise JobError(
            "Photos are carried by {own} here, and by {other} where the batch was begun. Install the same on every "
            "machine, or begin it with QUORUM_RUNTIME=torch.",
            own=own,
            other=order.runtime,
        )
