"""What one worker of a batch judges and holds, and how many photos whoever keeps the verdicts can take from workers.

    python -m benchmarks.cluster --models models --data data --cores 1

Both are measured in one process without Ray: a worker judges chunks of eight photos by so many threads, then the same
answers are put into a history, photo by photo as a batch does. Where photos are few, each comes again with its end
changed, so that all are different files. What a core judges in an hour follows from processor seconds, which other work
on the machine changes little; what can be kept, from seconds of the wall, because it waits for the disk.
"""

import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from ensemble.imaging.photos import open_photo
from ensemble.importers.listing import is_photo_name
from ensemble.inspection.batches import INSPECTED_AT_ONCE
from ensemble.jobs.batch_folder import BatchFolder, BatchRequest
from ensemble.jobs.batch_running import stage_batch
from ensemble.jobs.batch_worker import BatchKeeper
from ensemble.jobs.judging_worker import JudgingWorker, WorkerOrder
from ensemble.jobs.processes import peak_memory
from ensemble.jobs.spread_batch import SpreadBatch
from ensemble.records.database import RECORDS_SETTING
from ensemble.store import ModelStore

HOUR = 3600.0


def enlarged(data: bytes, width: int) -> bytes:
    """The photo as a JPEG of this width; as it came where that is 0."""
    if not width:
        return data
    picture, stream = open_photo(data).picture, BytesIO()
    picture.resize((width, picture.height * width // picture.width)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def different(folder: Path, count: int, width: int) -> Iterator[tuple[str, bytes]]:
    """So many photos of this folder, no two of the same bytes."""
    paths = sorted(path for path in folder.rglob("*") if is_photo_name(path.name) and "ground_truth" not in path.parts)
    for number, path in zip(range(count), itertools.cycle(paths), strict=False):
        yield f"{number}.jpg", enlarged(path.read_bytes(), width) + b"\0" * (number // len(paths))


def staged(models: Path, files: Sequence[tuple[str, bytes]]) -> BatchFolder:
    """A batch of these files, in the history that the environment names."""
    store = ModelStore(models)
    classes = store.manifest().classes
    decides: dict[str, Any] = BatchRequest.told(store.policies_in_force().policies[0])
    request = BatchRequest(
        str(models.resolve()), store.product_name(), **decides, demo=False, classes=classes.names, defect=classes.defect
    )
    return stage_batch(((name, partial(BytesIO, data)) for name, data in files), request)


def measured(folder: BatchFolder, cores: int) -> dict[str, float]:
    """Seconds of both, of the wall and of the processor, and what the worker holds."""
    worker = JudgingWorker(WorkerOrder.of(folder.request, cores, {}))
    spread, keeper = SpreadBatch(folder, ()), BatchKeeper(folder)
    chunks = [[(each.place, each.name, each.path.read_bytes()) for each in chunk] for chunk in spread.chunks]
    worker.answers(chunks[0])  # the first pass is slower than all others
    wall, processor, answers = time.perf_counter(), time.process_time(), []
    for chunk in chunks:
        answers.append(worker.answers(chunk))
    judged = time.perf_counter() - wall, time.process_time() - processor
    memory = peak_memory()
    wall, processor = time.perf_counter(), time.process_time()
    for chunk_answers in answers:
        folder.add(map(keeper.as_file, spread.rows(chunk_answers, keeper.keep)))
    kept = time.perf_counter() - wall, time.process_time() - processor
    photos = sum(map(len, chunks))
    return {
        "judged_s": judged[0] / photos,
        "judged_cpu_s": judged[1] / photos,
        "kept_s": kept[0] / photos,
        "kept_cpu_s": kept[1] / photos,
        "worker_mb": memory / 1e6,
    }


def main(
    models: Annotated[Path, typer.Option("--models", help="The product's folder.")] = Path("models"),
    data: Annotated[Path, typer.Option("--data", help="A folder of photos.")] = Path("data"),
    photos: Annotated[int, typer.Option("--photos", help="How many are judged.")] = 10 * INSPECTED_AT_ONCE,
    cores: Annotated[int, typer.Option("--cores", help="Threads of the worker.")] = 1,
    width: Annotated[int, typer.Option("--width", help="Photos are enlarged to so many pixels; 0: as they are.")] = 0,
) -> None:
    """Print what was measured for one photo, and what follows for an hour."""
    with tempfile.TemporaryDirectory() as records:
        os.environ[RECORDS_SETTING] = records
        figures = measured(staged(models, list(different(data, photos, width))), cores)
    found = {
        "photos": photos,
        "cores": cores,
        "width": width,
        **{name: round(value, 4) for name, value in figures.items()},
        "photos_an_hour_a_core": round(HOUR / figures["judged_cpu_s"]),
        "photos_an_hour_kept_at_most": round(HOUR / figures["kept_s"]),
        "cores_that_fill_it": round(figures["judged_cpu_s"] / figures["kept_s"], 1),
        "load": round(psutil.getloadavg()[0], 1),
    }
    typer.echo(json.dumps(found))


if __name__ == "__main__":
    typer.run(main)
