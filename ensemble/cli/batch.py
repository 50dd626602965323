"""The command that inspects many photos: the same job as on the screen, in a terminal."""

import getpass
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ensemble.cli.terminal import DEFAULT_MODELS, Models, policies_in_force, say, say_firmly, show_stages
from ensemble.values.digits import many
from ensemble.values.errors import DataError

if TYPE_CHECKING:  # importing it costs seconds, which most commands need not wait for
    from ensemble.jobs.batch_folder import BatchFolder, BatchJob, BatchRequest
    from ensemble.jobs.batch_parts import BatchPart
    from ensemble.jobs.batch_running import Brought

PARQUET, CSV = ".parquet", ".csv"


def batch(
    source: Annotated[
        Path | None, typer.Argument(metavar="SOURCE", help="A folder of photos, a zip of them, or one photo.")
    ] = None,
    models: Models = DEFAULT_MODELS,
    policy: Annotated[str | None, typer.Option("--policy", help="By default the product's first.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the verdicts into this file, .csv or .parquet.")
    ] = None,
    resume: Annotated[str, typer.Option("--resume", help="Go on with the batch of this id.")] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Dummy members instead of trained ones.")] = False,
) -> None:
    """Inspect many photos as one batch that can be stopped (Ctrl-C) and resumed; the screen lists it too.

    The exit code is 1 where a file was refused or the batch has not come to its end.
    """
    from ensemble.jobs.batch_running import batch_folder, batch_job, stage_batch
    from ensemble.jobs.batch_worker import run_batch

    if output is not None and output.suffix not in (CSV, PARQUET):
        raise DataError(f"{output} ends neither in {CSV} nor in {PARQUET}. Name it so.")
    if (source is None) is not bool(resume):
        raise DataError("Name a folder, a zip or a photo, or a batch with --resume; not both.")
    folder = batch_folder(resume) if source is None else stage_batch(_brought(source), _asked(models, policy, demo))
    if source is None:
        _wait_again(folder)
    say(f"Batch {folder.id}.")
    with show_stages() as show:
        run_batch(folder, lambda done, total: show("Inspecting photos", done / total))
    found, parts = batch_job(folder.id), _parts_of(folder)
    if output is not None:
        _write_results(folder, output, parts)
    _tell_batch(folder, found, output, parts)
    if found.state != "done" or "" in folder.counts():
        raise typer.Exit(1)


def _wait_again(folder: "BatchFolder") -> None:
    from ensemble.jobs.job_running import is_waiting

    with folder.alone():
        if not is_waiting(folder) and folder.job().is_open:
            raise DataError(f"Batch {folder.id} is at work already. Wait for it, or stop it on the screen.")


def _brought(source: Path) -> "Iterator[Brought]":
    """The photos of a folder by their paths in it, or the one file."""
    from ensemble.importers.listing import is_photo_name

    if not source.exists():
        raise DataError(f"{source} is not there. Check the path.")
    if source.is_file():
        yield source.name, partial(_bytes_in, source)
        return
    paths = sorted(path for path in source.rglob("*") if path.is_file() and is_photo_name(path.name))
    if not paths:
        raise DataError(f"{source} holds no photos. Name a folder of photos, a zip of them, or one photo.")
    for path in paths:
        yield path.relative_to(source).as_posix(), partial(_bytes_in, path)


def _bytes_in(path: Path) -> BinaryIO:
    return path.open("rb")


def _asked(models: Path, policy: str | None, demo: bool) -> "BatchRequest":
    from ensemble.jobs.batch_folder import BatchRequest
    from ensemble.policies import choose, shipped
    from ensemble.store import ModelStore
    from ensemble.values.results import OK_NOK

    store = ModelStore(models)
    known = store.known_manifest()
    classes = known.classes if known else OK_NOK
    chosen = choose(shipped(classes) if demo else policies_in_force(store), policy)
    if not demo:
        store.manifest()
    return BatchRequest(
        str(models.resolve()),
        store.product_name() if known else "",
        **BatchRequest.told(chosen),
        demo=demo,
        classes=classes.names,
        defect=classes.defect,
        fingerprint=store.fingerprint() if models.is_dir() else "",
        source="command line",
        who=getpass.getuser(),
    )


def _parts_of(folder: "BatchFolder") -> "list[BatchPart]":
    """The parts of several views among the files; none where no views are expected."""
    from ensemble.jobs.batch_parts import batch_parts
    from ensemble.jobs.batch_results import BatchResults
    from ensemble.store.expected_views import expected_views

    request = folder.request
    if request.demo:
        return []
    expected = expected_views(Path(request.models))
    return batch_parts(BatchResults(folder).lines(), expected, request.kinds(), request.trace)


def _write_results(folder: "BatchFolder", output: Path, parts: "list[BatchPart]") -> None:
    from ensemble.disk.files import write_atomically
    from ensemble.inspection.batches import batch_csv, batch_parquet
    from ensemble.jobs.batch_parts import part_of_files
    from ensemble.jobs.batch_results import BatchResults

    rows = BatchResults(folder).judged(sorted(folder.files()))
    written = batch_parquet if output.suffix == PARQUET else batch_csv
    write_atomically(output, written(rows, demo=folder.request.demo, parts=part_of_files(parts)))


def _tell_batch(folder: "BatchFolder", found: "BatchJob", output: Path | None, parts: "Sequence[BatchPart]") -> None:
    from ensemble.values.results import word

    counts = ", ".join(
        f"{count} {word(label) if label else 'not readable'}" for label, count in sorted(folder.counts().items())
    )
    said = f"{found.done} of {many(found.total, 'file')}{': ' if counts else ''}{counts}"
    say(f"{said}{' DEMO' if found.request.demo else ''}.")
    if parts:
        labels = Counter(part.verdict.label for part in parts)
        counts = ", ".join(f"{count} {word(label)}" for label, count in sorted(labels.items()))
        say(f"{many(len(parts), 'part')}: {counts}.")
    for place, file in folder.files().items():
        if file.error:
            say_firmly(f"{place + 1}: {file.error}")
    if output is not None:
        say(f"Wrote {output}.")
    if found.own:
        say("These verdicts are not in the history: they lie with the batch until it is closed on the screen.")
    if found.error:
        say_firmly(found.error)
    if found.state != "done":
        say(f"Go on with `python -m ensemble batch --resume {folder.id}`.")
