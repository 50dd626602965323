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
    from ensemble.jobs.batch_worker import Engine

PARQUET, CSV = ".parquet", ".csv"
LOCAL, RAY = "local", "ray"
RESULTS = "verdicts.parquet"  # in the folder of --out

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write them as Parquet into this folder; the same command goes on with its batch."),
]
EngineName = Annotated[
    str, typer.Option("--engine", help="local: this process. ray: workers on the machines of a Ray cluster.")
]
Address = Annotated[
    str, typer.Option("--address", help="The Ray cluster, such as auto or 10.0.0.1:6379. By default this machine.")
]
Cores = Annotated[int, typer.Option("--cores", help="Cores that each worker of Ray has.")]


def batch(
    source: Annotated[
        Path | None, typer.Argument(metavar="SOURCE", help="A folder of photos, a zip of them, or one photo.")
    ] = None,
    models: Models = DEFAULT_MODELS,
    policy: Annotated[str | None, typer.Option("--policy", help="By default the product's first.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the verdicts into this file, .csv or .parquet.")
    ] = None,
    out: Out = None,
    engine: EngineName = LOCAL,
    address: Address = "",
    cores: Cores = 1,
    resume: Annotated[str, typer.Option("--resume", help="Go on with the batch of this id.")] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Dummy members instead of trained ones.")] = False,
) -> None:
    """Inspect many photos as one batch that can be stopped (Ctrl-C) and resumed; the screen lists it too.

    The exit code is 1 where a file was refused or the batch has not come to its end.
    """
    from ensemble.jobs.batch_running import batch_job
    from ensemble.jobs.batch_worker import run_batch

    if output is not None and output.suffix not in (CSV, PARQUET):
        raise DataError(f"{output} ends neither in {CSV} nor in {PARQUET}. Name it so.")
    if (source is None) is not bool(resume):
        raise DataError("Name a folder, a zip or a photo, or a batch with --resume; not both.")
    judges = _engine(engine, address, cores)
    if source is None:
        folder = _gone_on(resume)
    else:
        folder = _begun_in(out, source, models) or _staged(out, source, _asked(models, policy, demo))
    say(f"Batch {folder.id}.")
    with show_stages() as show:
        run_batch(folder, lambda done, total: show("Inspecting photos", done / total), judges)
    found, parts = batch_job(folder.id), _parts_of(folder)
    written = [path for path in (output, out and out / RESULTS) if path is not None]
    for path in written:
        _write_results(folder, path, parts)
    _tell_batch(folder, found, written, parts)
    if found.state != "done" or "" in folder.counts():
        raise typer.Exit(1)


def _engine(name: str, address: str, cores: int) -> "Engine":
    if name not in (LOCAL, RAY):
        raise DataError(f"There is no engine {name!r}. Name one of {LOCAL}, {RAY}.")
    if name == RAY:
        from ensemble.jobs.ray_engine import RayEngine

        return RayEngine(address, cores)
    if address or cores != 1:
        raise DataError(f"--address and --cores are for --engine {RAY} alone.")
    from ensemble.jobs.batch_worker import judge_here

    return judge_here


def _staged(out: Path | None, source: Path, asked: "BatchRequest") -> "BatchFolder":
    from ensemble.jobs.batch_out import remember_batch
    from ensemble.jobs.batch_running import stage_batch

    folder = stage_batch(_brought(source), asked)
    if out is not None:
        remember_batch(out, folder.id, source, Path(asked.models))
    return folder


def _begun_in(out: Path | None, source: Path, models: Path) -> "BatchFolder | None":
    from ensemble.jobs.batch_out import begun_in

    called = begun_in(out, source, models) if out else ""
    if not called:
        return None
    folder = _gone_on(called)
    if folder.job().state == "done":
        say(f"The batch of {out} has come to its end. For a new one, name another folder.")
    return folder


def _gone_on(called: str) -> "BatchFolder":
    from ensemble.jobs.batch_running import batch_folder
    from ensemble.jobs.job_running import is_waiting

    folder = batch_folder(called)
    with folder.alone():
        if not is_waiting(folder) and folder.job().is_open:
            raise DataError(f"Batch {folder.id} is at work already. Wait for it, or stop it on the screen.")
    return folder


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


def _tell_batch(
    folder: "BatchFolder", found: "BatchJob", written: Sequence[Path], parts: "Sequence[BatchPart]"
) -> None:
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
    for path in written:
        say(f"Wrote {path}.")
    if found.own:
        say("These verdicts are not in the history: they lie with the batch until it is closed on the screen.")
    if found.error:
        say_firmly(found.error)
    if found.state != "done":
        say(f"Go on with `python -m ensemble batch --resume {folder.id}`.")
