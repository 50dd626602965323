"""What the commands share: the one place that prints, progress bars, options, and the tables that they print.

Whatever is printed here may hold names from elsewhere; no such name steers the terminal.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table
from typer.core import TyperCommand, TyperGroup, TyperOption

from ensemble.disk.home import BY_DEFAULT, HOME, INSTALLED, fill
from ensemble.values.errors import QuorumError
from ensemble.values.safe_names import legible, legible_lines
from ensemble.values.training import DEFAULT_BACKBONES

if TYPE_CHECKING:  # importing it costs seconds, which most commands need not wait for
    from ensemble.policies import Policy
    from ensemble.store import ModelStore
    from ensemble.values.view import View

# Standard output carries results alone, so that it can be piped; a path with brackets in it is no markup.
_console = Console(stderr=True, markup=False, highlight=False, emoji=False)

DEFAULT_MODELS = BY_DEFAULT / "models"


def _with_what_ships(models: Path) -> Path:
    """The folder of the product; an installed Quorum puts what ships there where nobody named another."""
    if INSTALLED and models == DEFAULT_MODELS:
        for path in fill(HOME):
            say(f"Put what ships into {path}.")
    return models


Models = Annotated[
    Path, typer.Option("--models", help="The product's folder.", show_default=True, callback=_with_what_ships)
]
Weights = Annotated[Path | None, typer.Option("--weights", help="A folder with backbone weights.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result on the same machine.")]
Backbones = Annotated[
    list[str] | None,
    typer.Option("--backbone", help=f"A backbone; may be repeated. By default {' and '.join(DEFAULT_BACKBONES)}."),
]
Members = Annotated[
    list[str] | None,
    typer.Option("--members", help="A member kind, such as svm or patch_memory; may be repeated. By default all."),
]
Side = Annotated[
    int | None, typer.Option("--side", help="Pixels a side that members which learn from good parts or places read.")
]
Shape = Annotated[
    str,
    typer.Option("--shape", help="Photos are read in a square or kept in their own shape: square or kept."),
]
ViewFile = Annotated[
    Path | None, typer.Option("--view", help="A file of a view; by default the one that is set in the product.")
]
Augment = Annotated[
    str,
    typer.Option("--augment", help="Copies of photos to learn from: none, light, mirror or both. By default chosen."),
]


class _Once:
    """Refuses an option of one value that is given twice: no wish is dropped without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What Typer makes of the arguments; a QuorumError where one of them stands twice."""
        given = list(args)  # Typer takes them out one by one
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        _refuse_repeated(self, ctx, given)
        return rest


class OnceCommand(_Once, TyperCommand):
    """A command that takes each option once."""


class OnceGroup(_Once, TyperGroup):
    """The same for the options that stand before the name of a command."""


def _refuse_repeated(command: Any, context: Any, arguments: list[str]) -> None:
    _, _, order = command.make_parser(context).parse_args(args=arguments)
    options = [each for each in order if isinstance(each, TyperOption) and not (each.multiple or each.count)]
    for option in options:
        if (count := options.count(option)) > 1:
            raise QuorumError(f"{max(option.opts, key=len)} is given {count} times. Give it once.")


class Commands(typer.Typer):
    """Commands that take each option once, unless it may be repeated."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=OnceGroup, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Typer's own decorator, for a command of this kind."""
        return super().command(name, cls=OnceCommand, **settings)


@contextmanager
def show_stages() -> Iterator[Callable[[str, float], None]]:
    """A progress bar for each stage, with the time that is left."""
    stage = TextColumn("{task.description:<44}", markup=False)
    columns = (stage, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(legible(stage), total=1.0)
            bars.update(tasks[stage], completed=done)

        yield show


def say(sentence: str) -> None:
    """A sentence for a person, beside the results."""
    _console.print(legible(sentence))


def say_whole(sentence: str) -> None:
    """The same on one line however long, so that it can be copied."""
    _console.print(legible(sentence), soft_wrap=True)


def say_firmly(sentence: str) -> None:
    """What went wrong, on one line however long."""
    _console.print(legible(sentence), style="bold", soft_wrap=True)


def print_result(text: str) -> None:
    """A result, on standard output."""
    typer.echo(legible_lines(text))


def policies_in_force(store: "ModelStore") -> "tuple[Policy, ...]":
    """The policies that count now, the active one first; it is said where these are not those of the file."""
    found = store.policies_in_force()
    if found.problem:
        say(found.problem)
    return found.policies


def comma_separated(values: list[str] | None) -> tuple[str, ...]:
    """Repeated options and comma-separated ones alike."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def figure(value: float | None) -> str:
    """A figure in a table: a share with three digits, money of more than a few units in whole ones."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table for a person, as narrow as may be; its first column is never broken."""
    first, *others = columns
    table = Table(Column(first, no_wrap=True), *others, box=SIMPLE, padding=0, show_edge=False)
    for row in rows:
        table.add_row(*map(legible, row))
    _console.print(table)


def print_quality(quality: Mapping[str, Any]) -> None:
    """The measured quality of members and policies, and of heat maps where a member has one."""
    members = {name: entry | {"right_of_decided": entry["accuracy"]} for name, entry in quality["members"].items()}
    if quality.get("good_only"):
        together = quality["good_only"]
        members["all from good parts (mean)"] = together | {"right_of_decided": together["accuracy"]}
    if not quality["photos"]:
        say("There is no test photo, so nothing is measured.")
        return
    say(f"Measured on {quality['photos']} test photos (right: of those decided):")
    columns = {"right": "right_of_decided", "AUROC": "auroc", "escapes": "escape_rate", "overkill": "overkill_rate"}
    columns |= {"review": "review_rate", "F1": "f1", "cost": "cost"}
    policies = {f"{name} (policy)": entry for name, entry in quality["ensemble"].items()}
    _print_figures("member or policy", columns, members | policies)
    for name, entry in list(quality["ensemble"].items())[:1]:
        if entry.get("risk"):
            say(f"{name}, the active policy: {entry['risk']}")
    if quality.get("vote"):
        from ensemble.evaluation.vote import VoteAndBest

        say(VoteAndBest(**quality["vote"]).sentence())
    if maps := {name: entry for name, entry in members.items() if entry.get("aupro") is not None}:
        say(f"Heat maps, measured on {quality['masks']['photos']} photos whose damage is known:")
        _print_figures("member", {"pixel AUROC": "pixel_auroc", "AUPRO": "aupro"}, maps)


def _print_figures(first: str, columns: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]) -> None:
    print_table(
        (first, *columns),
        ((name, *(figure(entry.get(key)) for key in columns.values())) for name, entry in rows.items()),
    )


def tell_smallest(product: Path, view: "View | None" = None) -> None:
    """Say how small a defect may be that the models of a product tell, by another view where one is given."""
    from ensemble.store import ModelStore
    from ensemble.store.smallest_defect import smallest_defect

    manifest = ModelStore(product).known_manifest()
    if manifest is None:
        return
    looked = manifest if view is None else replace(manifest, view=view)
    known = looked.view.reference or looked.view.tiles or looked.view == manifest.view  # else of photos of another size
    if known and (found := smallest_defect(looked)):
        say(found.sentence())
