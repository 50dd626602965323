"""Whether a batch of many photos takes no more memory than one of few, and hardly more time than the networks alone.

    python -m benchmarks.pipeline --photos 10000 --early 1000

Photos of the product are varied until there are enough that differ. A batch runs as on the screen: files on the disk,
every verdict in a history of its own. Its rate is compared, round by round, with that of the networks alone on photos
that are decoded already, and with that of whole inspections in groups of the same size, of which nothing is kept.
"""

import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from PIL import Image

from benchmarks.clients import photos_of
from ensemble.disk.home import HOME
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import PhotoBatch, batches
from ensemble.imaging.photos import Photo, open_photo
from ensemble.inspection.batches import INSPECTED_AT_ONCE
from ensemble.inspection.inspector import Inspector
from ensemble.jobs.batch_folder import BatchRequest
from ensemble.jobs.batch_running import Brought, batch_job, remove_batch, stage_batch
from ensemble.jobs.batch_worker import run_batch
from ensemble.jobs.processes import peak_memory
from ensemble.records.database import RECORDS_SETTING
from ensemble.store import ModelStore

Steps = list[tuple[int, float, int]]  # files that are judged, the time, and the peak of memory in bytes


def varied(paths: Sequence[Path], count: int) -> Iterator[Brought]:
    """So many photos as files, no two alike: two lines of each carry its number."""
    for number in range(count):
        yield f"{number:06}.jpg", lambda number=number: io.BytesIO(varied_photo(paths, number))  # type: ignore[misc]


def varied_photo(paths: Sequence[Path], number: int) -> bytes:
    """One of them."""
    pixels = np.asarray(Image.open(paths[number % len(paths)]).convert("RGB")).copy()
    pixels[:2, :32] = 255 * np.array(list(f"{number:032b}"), int)[:, None]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def run(models: Path, paths: Sequence[Path], count: int) -> Steps:
    """Judge so many photos as a batch."""
    store = ModelStore(models)
    manifest, policy = store.manifest(), store.policies()[0]
    request = BatchRequest(
        str(models.resolve()),
        store.product_name(),
        **BatchRequest.told(policy),
        demo=False,
        classes=manifest.classes.names,
        defect=manifest.classes.defect,
    )
    folder = stage_batch(varied(paths, count), request)
    steps: Steps = []
    run_batch(folder, lambda done, _total: steps.append((done, time.perf_counter(), peak_memory())))
    if batch_job(folder.id).state != "done":
        raise typer.BadParameter(f"The batch has not come to its end: {batch_job(folder.id).error}")
    remove_batch(folder.id)
    return steps


def rate_of(steps: Steps) -> float:
    """Photos a second, from the end of the first group to the end of the last."""
    return (steps[-1][0] - steps[0][0]) / (steps[-1][1] - steps[0][1])


def rate(does: Callable[[Sequence[Photo]], object], photos: Sequence[Photo]) -> float:
    """Photos a second of a function that is given groups of them."""
    does(photos[:INSPECTED_AT_ONCE])
    start = time.perf_counter()
    for some in batches(photos, INSPECTED_AT_ONCE):
        does(some)
    return len(photos) / (time.perf_counter() - start)


def compared(models: Path, paths: Sequence[Path], *, block: int, rounds: int) -> dict[str, Any]:
    """Rates of the networks that the policy asks for, of inspections and of a batch, and its shares of both."""
    store = ModelStore(models)
    inspector, policy = Inspector.open(store), store.policies()[0]
    photos = [open_photo(varied_photo(paths, number)) for number in range(block)]
    asked = [each for name, each in inspector.members.items() if policy.asks(name, inspector.weights.get(name, 1.0))]
    inputs = [member.input for member in asked if isinstance(member.input, FeatureExtractor)]
    if not inputs:
        raise typer.BadParameter(f"{policy.name} asks no model that reads a backbone: there is nothing to compare.")

    def pass_networks(some: Sequence[Photo]) -> None:
        batch = PhotoBatch([photo.picture for photo in some], expected=inputs)
        for source in inputs:
            batch.rows(source)

    found = [
        (
            rate(pass_networks, photos),
            rate(lambda some: inspector.inspect(some, policy), photos),
            rate_of(run(models, paths, block)),
        )
        for _ in range(rounds)
    ]
    networks, inspections, pipeline = (round(statistics.median(each), 2) for each in zip(*found, strict=True))
    return {
        "block": block,
        "networks_photos_a_second": networks,
        "inspections_photos_a_second": inspections,
        "batch_photos_a_second": pipeline,
        "share_of_networks": round(statistics.median(each[2] / each[0] for each in found), 3),
        "share_of_inspections": round(statistics.median(each[2] / each[1] for each in found), 3),
    }


def figures(models: Path, paths: Sequence[Path], *, photos: int, early: int, block: int, rounds: int) -> dict[str, Any]:
    """All of it, with a history of its own."""
    before = os.environ.get(RECORDS_SETTING)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[RECORDS_SETTING] = folder
        try:
            steps = run(models, paths, photos)
            rates = compared(models, paths, block=block, rounds=rounds)
        finally:
            os.environ.pop(RECORDS_SETTING)
            if before is not None:
                os.environ[RECORDS_SETTING] = before
    few = next(peak for done, _, peak in steps if done >= early)
    return {
        "photos": photos,
        "photos_a_second": round(rate_of(steps), 2),
        "peak_mb": {str(early): round(few / 1e6, 1), str(photos): round(steps[-1][2] / 1e6, 1)},
        "peak_ratio": round(steps[-1][2] / few, 3),
        **rates,
        "load": round(psutil.getloadavg()[0], 1),
    }


def measure(quick: bool = False) -> dict[str, Any]:
    """The shipped product, briefly or with as many photos as a night brings."""
    paths = photos_of(HOME / "data" / "test", 8)
    sizes = (24, 8, 16, 1) if quick else (10_000, 1_000, 200, 3)
    photos, early, block, rounds = sizes
    return figures(HOME / "models", paths, photos=photos, early=early, block=block, rounds=rounds)


def main(
    models: Annotated[Path, typer.Option(help="A trained product.")] = HOME / "models",
    data: Annotated[Path, typer.Option(help="A folder of its photos.")] = HOME / "data" / "test",
    photos: Annotated[int, typer.Option(help="Photos of the long batch.")] = 10_000,
    early: Annotated[int, typer.Option(help="After how many photos its memory is looked at first.")] = 1_000,
    block: Annotated[int, typer.Option(help="Photos of a block of the comparison.")] = 200,
    rounds: Annotated[int, typer.Option(help="Rounds of the comparison.")] = 3,
) -> None:
    """Print the figures as JSON."""
    paths = photos_of(data, 48)
    typer.echo(json.dumps(figures(models, paths, photos=photos, early=early, block=block, rounds=rounds)))


if __name__ == "__main__":
    typer.run(main)
