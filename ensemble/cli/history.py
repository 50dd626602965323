"""The commands for the history of verdicts: `python -m ensemble history COMMAND`."""

import getpass
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ensemble.cli.terminal import Commands, print_result, print_table, say, say_firmly, say_whole
from ensemble.values.digits import many
from ensemble.values.errors import RecordsError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW

if TYPE_CHECKING:
    from ensemble.records.database import Database
    from ensemble.records.history import Filters
    from ensemble.records.values import Inspection

LISTED_AT_ONCE = 500  # inspections
MEANT = {"OK": NON_DEFECTIVE, "NOK": DEFECTIVE, "REVIEW": REVIEW}
SAID = {label: word for word, label in MEANT.items()}

history_commands = Commands(no_args_is_help=True, help="Look verdicts up, check that none was changed, back them up.")
HistoryProduct = Annotated[str, typer.Argument(metavar="PRODUCT", help="Its name, as verdicts give it.")]


@history_commands.command("verify")
def verify_command(
    head: Annotated[
        Path | None, typer.Option("--head", help="A head that was exported, to find a rebuilt chain.")
    ] = None,
) -> None:
    """Look at every entry; the first that was changed, removed, added or moved is named, and the exit code is 1."""
    from ensemble.records.chain import Head
    from ensemble.records.verifying import verify_history

    found = verify_history(_database(), Head.from_file(head) if head else None)
    if found.problem:
        say_firmly(f"Entry {found.number}: {found.problem}")
        raise typer.Exit(1)
    say("Whole: 1 entry." if found.entries == 1 else f"Whole: {found.entries} entries.")


@history_commands.command("head")
def head_command(file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to, such as a stick.")]) -> None:
    """Export the newest entry's digest: kept elsewhere, it shows later whether the whole chain was built anew."""
    from ensemble.disk.files import write_atomically
    from ensemble.records.verifying import export_head

    head = export_head(_database())
    write_atomically(file, head.to_json().encode())
    say_whole(f"Entry {head.number}, SHA-256 {head.digest}, is in {file}.")


@history_commands.command("backup")
def backup_command(file: Annotated[Path, typer.Argument(metavar="FILE", help="A zip that is written anew.")]) -> None:
    """Write history, photos and settings into one file, as they are at this moment; inspections go on."""
    from ensemble.records.backup import back_up

    facts = back_up(_database(), file)
    say_whole(f"{file} holds {facts.head.number} entries and {facts.files} files.")
    if facts.missing:
        say_firmly(f"{len(facts.missing)} files were missing or damaged, the first {facts.missing[0]}.")
        raise typer.Exit(1)


@history_commands.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    replace_history: Annotated[
        bool, typer.Option("--replace", help="Also where there is a history, which is lost then.")
    ] = False,
) -> None:
    """Restore a backup, the whole of it or nothing: its chain and all digests are checked before."""
    from ensemble.records.backup import restore_backup

    facts = restore_backup(_database(), file, replace=replace_history)
    say_whole(f"Restored {facts.head.number} entries and {facts.files} files, as they were at {facts.at}.")


@history_commands.command("list")
def list_command(
    since: Annotated[
        str, typer.Option("--since", help="From this time on (ISO 8601; UTC where it names no zone).")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Before this time.")] = "",
    product: Annotated[str, typer.Option("--product")] = "",
    verdict: Annotated[str, typer.Option("--verdict", help="OK, NOK, REVIEW or a class's own name.")] = "",
    policy: Annotated[str, typer.Option("--policy")] = "",
    model_version: Annotated[int | None, typer.Option("--model-version")] = None,
    batch: Annotated[str, typer.Option("--batch")] = "",
    part: Annotated[str, typer.Option("--part")] = "",
    serial: Annotated[str, typer.Option("--serial")] = "",
    lot: Annotated[str, typer.Option("--lot")] = "",
    station: Annotated[str, typer.Option("--station")] = "",
    shift: Annotated[str, typer.Option("--shift")] = "",
    view: Annotated[str, typer.Option("--view")] = "",
    sha256: Annotated[str, typer.Option("--sha256", help="The digest of the photo.")] = "",
    reviewed: Annotated[bool | None, typer.Option("--reviewed/--not-reviewed")] = None,
    disagreement: Annotated[bool | None, typer.Option("--disagreement/--agreement", help="Between the models.")] = None,
    trial: Annotated[bool | None, typer.Option("--trial/--no-trial", help="Judged by a draft of a policy.")] = None,
    most: Annotated[int, typer.Option("--most", min=0, help="How many; 0 for all.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line an inspection.")] = False,
) -> None:
    """List inspections, the newest first."""
    from ensemble.records.history import Filters

    label = MEANT.get(verdict.upper(), verdict)
    filters = Filters(
        utc_time(since), utc_time(until), product, label, policy, model_version, batch, part, serial, lot, station
    )
    filters = replace(filters, shift=shift, view=view, sha256=sha256)
    filters = replace(filters, reviewed=reviewed, disagreement=disagreement, trial=trial)
    found = islice(_inspections_of(_database(), filters), most or None)
    if as_json:
        for each in found:
            print_result(json.dumps(inspection_json(each), ensure_ascii=False))
        return
    columns = ("id", "time (UTC)", "product", "photo", "part", "verdict", "settled", "policy", "models")
    print_table(columns, map(_row_of, found))


@history_commands.command("show")
def show_command(
    called: Annotated[str, typer.Argument(metavar="ID", help="As a verdict's JSON and the list give it.")],
    photo: Annotated[Path | None, typer.Option("--photo", help="Write the photo into this file.")] = None,
) -> None:
    """Show one inspection as JSON: votes, thresholds, digests, corrections."""
    from ensemble.disk.files import write_atomically
    from ensemble.records.history import inspection_called
    from ensemble.records.objects import Objects

    database = _database()
    found = inspection_called(database, called)
    print_result(json.dumps(inspection_json(found), indent=2, ensure_ascii=False))
    if photo:
        digest = str(found.stored["kept_photo"])
        data = Objects(database.folder).get(digest) if digest else None
        if data is None:
            raise RecordsError("The photo of this inspection was not kept.")
        write_atomically(photo, data)


@history_commands.command("keep")
def keep_command(
    product: HistoryProduct,
    keep: Annotated[str | None, typer.Option("--keep", help="everything, votes (no photos) or nothing.")] = None,
    required: Annotated[
        bool | None, typer.Option("--required/--no-required", help="Refuse an inspection that cannot be kept.")
    ] = None,
    sample_rate: Annotated[
        float | None, typer.Option("--sample-rate", help="Share of accepted parts for a second look, such as 0.01.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", help="For how long; 0 for no limit.")] = None,
    megabytes: Annotated[int | None, typer.Option("--megabytes", help="How much; 0 for no limit.")] = None,
) -> None:
    """Choose what is kept of a product's inspections and for how long; without an option, say it."""
    from ensemble.records.keeping import choose_keeping
    from ensemble.records.retention import last_removal
    from ensemble.records.settings import settings_of

    database = _database()
    given: dict[str, Any] = {"keep": keep, "required": required, "sample_rate": sample_rate}
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {name: limit or None for name, limit in (("days", days), ("megabytes", megabytes)) if limit is not None}
    before = settings_of(database.folder, product)
    keeping = replace(before, **changes)
    if keeping != before:
        choose_keeping(database, product, keeping, getpass.getuser())
    print_result(json.dumps({"product": product, **asdict(keeping)}, ensure_ascii=False))
    if problem := last_removal(database.folder, product).problem:
        say_firmly(f"What is beyond the limits was not removed. {problem}")


@history_commands.command("prune")
def prune_command(product: HistoryProduct) -> None:
    """Take out now what a product's limits do not allow; what was reviewed or waits for a review stays."""
    from ensemble.records.objects import Objects
    from ensemble.records.retention import MEGABYTE, remove_old
    from ensemble.records.settings import settings_of

    database = _database()
    keeping = settings_of(database.folder, product)
    if not keeping.is_limited:
        raise RecordsError(
            "{product} has no limit. Give one with `python -m ensemble history keep {product} --days 365`.",
            product=product,
        )
    removal = remove_old(database, Objects(database.folder), product, keeping, getpass.getuser())
    say(f"{many(removal.inspections, 'inspection')} removed, {removal.bytes / MEGABYTE:.1f} MB of files with them.")


def _database() -> "Database":
    from ensemble.records.database import Database

    return Database()


def utc_time(time: str) -> str:
    """A time as the history keeps it; a RecordsError where it is none."""
    if not time:
        return ""
    try:
        found = datetime.fromisoformat(time)
    except ValueError as error:
        raise RecordsError(
            "{time!r} is no time. Expected one such as 2026-11-20 or 2026-11-20T06:00+01:00.", time=time
        ) from error
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def _inspections_of(database: "Database", filters: "Filters") -> "Iterator[Inspection]":
    from ensemble.records.history import history_page

    before: int | None = None
    while True:
        page = history_page(database, filters, before, LISTED_AT_ONCE)
        yield from page.inspections
        before = page.before
        if before is None:
            return


def inspection_json(inspection: "Inspection") -> dict[str, Any]:
    """An inspection as plain JSON values: the verdict's, its number in the chain, and what people said of it."""
    reviews = [asdict(review) for review in inspection.reviews]
    return {**inspection.stored, "number": inspection.number, "settled": inspection.settled, "reviews": reviews}


def _row_of(inspection: "Inspection") -> tuple[str, ...]:
    stored = inspection.stored
    verdict, settled = stored["verdict"], inspection.settled
    return (
        stored["id"],
        str(stored["time"])[:19].replace("T", " "),
        stored["product"],
        stored["photo"],
        stored["trace"]["part"],
        SAID.get(verdict, verdict),
        SAID.get(settled, settled) if settled != verdict else "",
        stored["policy"],
        "" if stored["model_version"] is None else str(stored["model_version"]),
    )
