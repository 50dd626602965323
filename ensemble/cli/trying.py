"""The command that tries a candidate on kept photos: the same job as on the screen, in a terminal."""

import getpass
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ensemble.cli.history import MEANT, SAID, history_commands, utc_time
from ensemble.cli.terminal import DEFAULT_MODELS, Models, print_result, print_table, say, say_firmly, show_stages
from ensemble.values.digits import many
from ensemble.values.errors import DataError

if TYPE_CHECKING:  # importing it costs seconds, which most commands need not wait for
    from ensemble.inspection.candidate import CandidateComparison
    from ensemble.jobs.reinspection_folder import ReinspectionFolder


@history_commands.command("try")
def try_command(
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Of the product; not the active one.")
    ] = None,
    models: Models = DEFAULT_MODELS,
    policy: Annotated[str | None, typer.Option("--policy", help="By default the one active with the version.")] = None,
    since: Annotated[
        str, typer.Option("--since", help="From this time on (ISO 8601; UTC unless it names a zone).")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Before this time.")] = "",
    verdict: Annotated[str, typer.Option("--verdict", help="OK, NOK, REVIEW or a class's own name.")] = "",
    batch: Annotated[str, typer.Option("--batch")] = "",
    lot: Annotated[str, typer.Option("--lot")] = "",
    station: Annotated[str, typer.Option("--station")] = "",
    reviewed: Annotated[bool | None, typer.Option("--reviewed/--not-reviewed")] = None,
    resume: Annotated[str, typer.Option("--resume", help="Go on with the one of this id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Inspect kept photos again with another version of the models, and compare with what was decided then.

    The screen Replay lists it too. Nothing is added to the history. Ctrl-C stops it, --resume goes on; the exit code is
    1 where it has not come to its end.
    """
    from ensemble.jobs.reinspection_running import lay_out_reinspection, reinspection_of
    from ensemble.jobs.reinspection_worker import run_reinspection
    from ensemble.records.history import Filters
    from ensemble.records.recording import recorder
    from ensemble.store import ModelStore

    if (version is None) is not bool(resume):
        raise DataError("Name a version of the product, or an earlier comparison with --resume; not both.")
    if version is None:
        folder = _waiting_again(resume)
    else:
        label = MEANT.get(verdict.upper(), verdict)
        meant = Filters(utc_time(since), utc_time(until), verdict=label, batch=batch, lot=lot, station=station)
        meant = replace(meant, reviewed=reviewed)
        database = recorder().database
        request = reinspection_of(ModelStore(models), version, database, meant, policy, getpass.getuser())
        folder = lay_out_reinspection(request, database)
    say(f"Comparison {folder.id}.")
    with show_stages() as show:
        run_reinspection(folder, lambda done, total: show("Inspecting kept photos", done / max(1, total)))
    _tell_comparison(folder, as_json=as_json)


def _waiting_again(called: str) -> "ReinspectionFolder":
    from ensemble.jobs.job_running import is_waiting
    from ensemble.jobs.reinspection_running import reinspection_folder

    folder = reinspection_folder(called)
    with folder.alone():
        if not is_waiting(folder) and folder.job().is_open:
            raise DataError(f"Comparison {called} is at work already. Wait for it, or stop it on the screen.")
    return folder


def _tell_comparison(folder: "ReinspectionFolder", *, as_json: bool) -> None:
    found, job = folder.comparison(), folder.job()
    if as_json:
        print_result(json.dumps({"version": job.request.version, **found.as_json()}, indent=2, ensure_ascii=False))
    _tell_verdicts(found, job.request.version)
    _tell_votes(found)
    for each in found.what_if.deviations:
        say_firmly(f"{each.photo}: {each.why}")
    if job.error:
        say_firmly(job.error)
    if job.state != "done":
        say(f"Go on with `python -m ensemble history try --resume {folder.id}`.")
        raise typer.Exit(1)


def _tell_verdicts(found: "CandidateComparison", version: int) -> None:
    verdicts = found.what_if
    pace = "" if found.seconds is None else f" ({found.seconds:.2f} s a photo)"
    say(f"{verdicts.changed} of {many(verdicts.inspections, 'verdict')} would change with version {version}{pace}.")
    if found.without_photo:
        say(f"{many(found.without_photo, 'inspection')} without a kept photo: left out.")
    moves = sorted(verdicts.moves.items(), key=lambda move: -move[1])
    if changes := [(before, after, count) for (before, after), count in moves if before != after]:
        rows = ((SAID.get(before, before), SAID.get(after, after), str(count)) for before, after, count in changes)
        print_table(("then", "now", "parts"), rows)
    if verdicts.known_before and verdicts.known_after and (verdicts.known_after.good + verdicts.known_after.defective):
        before, after = verdicts.known_before, verdicts.known_after
        say(
            f"Of {after.defective} defective and {after.good} good parts by review: escapes {before.escapes} then and "
            f"{after.escapes} now, overkill {before.overkills} then and {after.overkills} now."
        )


def _tell_votes(found: "CandidateComparison") -> None:
    rows = [
        (
            *(each.member, str(each.both), str(each.flipped)),
            *("–" if value is None else f"{value:+.3f}" for value in (each.mean, each.biggest)),
            *(str(each.only_before), str(each.only_after)),
        )
        for each in found.members
    ]
    if rows:
        print_table(("member", "votes", "other label", "mean difference", "biggest", "only then", "only now"), rows)
