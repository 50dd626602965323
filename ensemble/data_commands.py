"""The commands for photos on their way in: `python -m ensemble data COMMAND`."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ensemble.errors import DataError
from ensemble.importers import Understood, understand
from ensemble.staging import staged
from ensemble.terminal import print_table, say

INCOMING = Path(tempfile.gettempdir()) / f"quorum-{os.getuid()}"  # a folder that is nobody else's
SHOWN = 10  # problems on the screen; the JSON file has them all

app = typer.Typer(no_args_is_help=True, help="See what a folder or a zip of photos holds.")
Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder of photos, or a zip.")]
LayoutName = Annotated[str | None, typer.Option("--layout", help="Read it so, whatever it looks like.")]
Field = Annotated[str, typer.Option("--field", help="The label column, the dotted path in the JSON, the split file.")]
Table = Annotated[str | None, typer.Option("--classes", help="FOUND=CLASS,…; all else is left out.")]


@app.command()
def preview(
    source: Source,
    layout: LayoutName = None,
    field: Field = "",
    classes: Table = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything into this file.")] = None,
) -> None:
    """Say what is understood and copy nothing; the exit code is 1 where files cannot enter, 2 where nothing fits."""
    from ensemble.datasets import parse_classes
    from ensemble.store.files import write_atomically

    with understood(source, layout, field, parse_classes(classes) if classes else None) as found:
        _print(found)
        if json_file:
            write_atomically(json_file, (json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n").encode())
    if found.problems:
        raise typer.Exit(1)


@contextmanager
def understood(source: Path, layout: str | None, field: str, table: Mapping[str, str] | None) -> Iterator[Understood]:
    """What a folder or a zip holds; a zip's photos lie in a temporary folder for as long as the block runs."""
    if not source.is_file():
        yield understand(source, layout=layout, field=field, table=table)
        return
    with staged([(source.name, source.read_bytes)], INCOMING) as laid_out:
        if not any(laid_out.folder.iterdir()) and laid_out.problems:
            raise DataError(laid_out.problems[0].reason)
        try:
            found = understand(laid_out.folder, layout=layout, field=field, table=table)
        except DataError as error:
            raise DataError(laid_out.said(str(error))) from error
        notes = tuple(map(laid_out.said, found.notes))
        yield replace(found, notes=notes, problems=(*laid_out.problems, *found.problems))


def as_json(found: Understood) -> dict[str, Any]:
    """What was understood as plain JSON values, every problem among it."""
    return {
        "layout": found.layout,
        "photos": len(found.entries),
        "splits": dict(Counter(entry.split for entry in found.entries)),
        "kinds": _kinds(found),
        "masks": sum(entry.mask is not None for entry in found.entries),
        "parts": len({entry.part for entry in found.entries if entry.part}),
        "categories": sorted({entry.category for entry in found.entries if entry.category}),
        "notes": list(found.notes),
        "problems": [{"name": problem.name, "reason": problem.reason} for problem in found.problems],
    }


def _kinds(found: Understood) -> list[dict[str, Any]]:
    """For each raw kind its class and how many photos and masks there are of it, photos by split too."""
    rows = []
    for kind, label in found.meaning.items():
        entries = [entry for entry in found.entries if entry.kind == kind]
        splits = dict(Counter(entry.split for entry in entries))
        masks = sum(entry.mask is not None for entry in entries)
        rows.append({"kind": kind, "class": label, "photos": len(entries), "splits": splits, "masks": masks})
    return rows


def _print(found: Understood) -> None:
    facts = as_json(found)
    say(f"Layout: {found.layout}.")
    print_table(
        ("found", "class", "photos", *(split or "no split" for split in facts["splits"]), "masks"),
        (
            (
                row["kind"],
                row["class"] or "left out",
                *(str(number) for number in (row["photos"], *(row["splits"].get(name, 0) for name in facts["splits"]))),
                str(row["masks"]),
            )
            for row in facts["kinds"]
        ),
    )
    for note in found.notes:
        say(note)
    for problem in found.problems[:SHOWN]:
        say(problem.reason)
    if len(found.problems) > SHOWN:
        say(f"{len(found.problems) - SHOWN} more; --json FILE writes them all.")
    counts = {"masks": facts["masks"], "parts named": facts["parts"], "problems": len(found.problems)}
    say(f"{facts['photos']} photos, " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")
