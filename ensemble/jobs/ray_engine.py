"""Judges a batch on all machines of a Ray cluster; the only module that knows ray, and it imports it where it is used.

Photos leave this machine a chunk at a time, are judged by workers that hold the models, and come back as verdicts.
Whatever happens to a worker, verdicts are kept here alone and once: Ray gives a dead worker's chunks to another one,
and an answer that comes twice counts once.
"""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ensemble.disk.home import FILES
from ensemble.features.runtimes import RUNTIME_SETTING
from ensemble.inspection.batches import KeepVerdicts
from ensemble.jobs.batch_folder import BatchFolder
from ensemble.jobs.batch_worker import Rows
from ensemble.jobs.judging_worker import JudgingWorker, WorkerOrder
from ensemble.jobs.processes import let_threads_sleep
from ensemble.jobs.spread_batch import RemoteAnswer, SentPhoto, SpreadBatch
from ensemble.values.errors import JobError

PHOTO_READERS = 2  # processes on this machine that read photos for the workers
CHUNKS_AT_WORKER = 2  # one is judged, the next lies ready
CHUNK = "chunk"  # the one column of what Ray carries: a chunk as bytes
PASSED_ON = (RUNTIME_SETTING,)  # settings of this process that workers take over


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Judges on the cluster at this address, or on a cluster of this machine alone; each worker has so many cores."""

    address: str = ""
    cores: int = 1

    def __post_init__(self) -> None:
        if importlib.util.find_spec("ray") is None:
            raise JobError("The engine ray needs the package ray. Install it with pip install -r requirements-ray.txt.")
        if self.cores < 1:
            raise JobError("A worker needs at least one core. Got {cores}.", cores=self.cores)

    def __call__(self, folder: BatchFolder, done: Container[int], keep: KeepVerdicts) -> Rows:
        """The files that are left, some at a time, in whatever order they come; their verdicts are kept by then."""
        spread = SpreadBatch(folder, done)
        if spread.told:
            yield spread.told
        if spread.chunks:
            settings = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            order = WorkerOrder.of(folder.request, self.cores, settings)
            with _ray_cluster(self.address):
                for answers in _answered(spread.chunks, order):
                    if rows := spread.rows(answers, keep):
                        yield rows
        spread.check_whole()


class RayWorker:
    """A worker as Ray calls it: chunks of photos come in, what it makes of them goes out."""

    def __init__(self, order: WorkerOrder) -> None:
        self._worker = JudgingWorker(order)

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[bytes]]:
        """The answers of each chunk, or why this machine cannot give any."""
        return {
            CHUNK: [_as_bytes(self._worker.problem or self._worker.answers(_from_bytes(row))) for row in rows[CHUNK]]
        }


def read_chunks(rows: Mapping[str, Any]) -> dict[str, list[bytes]]:
    """The same chunks with the bytes of their photos instead of the paths."""
    chunks: list[list[SentPhoto]] = [_from_bytes(row) for row in rows[CHUNK]]
    read = [[(photo.place, photo.name, photo.path.read_bytes()) for photo in chunk] for chunk in chunks]
    return {CHUNK: [_as_bytes(photos) for photos in read]}


def _as_bytes(value: Any) -> bytes:
    from ray import cloudpickle

    packed: bytes = cloudpickle.dumps(value)
    return packed


def _from_bytes(row: bytes) -> Any:
    from ray import cloudpickle

    return cloudpickle.loads(row)


@contextlib.contextmanager
def _ray_cluster(address: str) -> Iterator[None]:
    """A connection to the cluster, which tells nobody anything; its end takes the workers along."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # read when it is imported
    import ray

    let_threads_sleep()
    paths = [str(FILES), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)  # whom this process starts finds Quorum
    alone: dict[str, Any] = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**({"address": address} if address else alone), log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        if not address:
            raise JobError("Ray cannot be started on this machine ({problem}).", problem=problem) from error
        raise JobError(
            "No Ray cluster answers at {address} ({problem}). This machine must belong to it: ray start "
            "--address={address}.",
            address=address,
            problem=problem,
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _answered(chunks: Sequence[Sequence[SentPhoto]], order: WorkerOrder) -> Iterator[list[RemoteAnswer]]:
    """The answers of each chunk, as they come."""
    import ray
    from ray import data

    workers = min(len(chunks), _places_for(order.threads))
    if not workers:
        raise JobError("No machine of the cluster has {cores} cores for a worker.", cores=order.threads)
    data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{CHUNK: _as_bytes(chunk)} for chunk in chunks]
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}  # the photos lie on this machine alone
    read = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        read_chunks,
        batch_size=1,
        num_cpus=0,
        compute=data.TaskPoolStrategy(size=PHOTO_READERS),
        label_selector=here,
    )
    pool = data.ActorPoolStrategy(
        min_size=1, initial_size=workers, max_size=workers, max_tasks_in_flight_per_actor=CHUNKS_AT_WORKER
    )
    judged = read.map_batches(
        RayWorker, fn_constructor_args=(order,), batch_size=1, num_cpus=order.threads, compute=pool
    )
    for row in _without_tracebacks(judged.iter_rows()):
        answers: list[RemoteAnswer] | str = _from_bytes(row[CHUNK])
        if isinstance(answers, str):
            raise JobError("A worker cannot judge. {problem}", problem=answers)
        yield answers


def _without_tracebacks(rows: Iterator[Any]) -> Iterator[Any]:
    """The same rows; a JobError of one line where Ray cannot go on."""
    from ray.exceptions import RayError

    try:
        yield from rows
    except RayError as error:
        *_, problem = str(error).strip().splitlines()
        raise JobError("Ray cannot go on ({problem}).", problem=problem) from error


def _places_for(cores: int) -> int:
    """How many workers of so many cores the machines that are there can have."""
    import ray

    return sum(int(node["Resources"].get("CPU", 0)) // cores for node in ray.nodes() if node["Alive"])
