"""The commands for photos on their way in: `python -m ensemble data COMMAND`."""

import getpass
import json
import os
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ensemble.cli.terminal import Commands, Seed, print_table, say, show_stages
from ensemble.disk.home import BY_DEFAULT
from ensemble.values.errors import DataError
from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE

if TYPE_CHECKING:  # importing it costs seconds, which most commands need not wait for
    from ensemble.datasets.workbench import Reading
    from ensemble.importers import Understood

USER = getattr(os, "getuid", getpass.getuser)  # a number where users have one
INCOMING = Path(tempfile.gettempdir()) / f"quorum-{USER()}"  # a folder that is nobody else's
PROBLEMS_SHOWN = 10  # problems on the screen; the JSON file has them all

data_commands = Commands(no_args_is_help=True, help="Bring photos in, see what is odd about them, split them.")
DEFAULT_ROOT = BY_DEFAULT / "data" / "collections"
Root = Annotated[Path, typer.Option("--collections", help="The folder of all collections.", show_default=True)]
Folder = Annotated[Path, typer.Argument(metavar="COLLECTION", help="Its folder, such as data/collections/disc.")]
DecisionAuthor = Annotated[str, typer.Option("--author", help="Who decides.")]
SourceArgument = Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder of photos, or a zip.")]
LayoutName = Annotated[str | None, typer.Option("--layout", help="Read it so, whatever it looks like.")]
FieldOption = Annotated[
    str, typer.Option("--field", help="The label column, the dotted path in the JSON, the split file.")
]
ClassesOption = Annotated[str | None, typer.Option("--classes", help="FOUND=CLASS,…; all else is left out.")]


@data_commands.command("preview")
def preview_command(
    source: SourceArgument,
    layout: LayoutName = None,
    field: FieldOption = "",
    classes: ClassesOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything into this file.")] = None,
) -> None:
    """Say what is understood and copy nothing; the exit code is 1 where files cannot enter, 2 where nothing fits."""
    from ensemble.datasets.workbench import opened
    from ensemble.disk.files import write_atomically

    with opened(source, INCOMING, _reading(layout, field, classes)) as found:
        _print(found)
        if json_file:
            write_atomically(json_file, (json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n").encode())
    if found.problems:
        raise typer.Exit(1)


@data_commands.command("import")
def import_command(
    source: SourceArgument,
    name: Annotated[str, typer.Option("--collection", help="Its name; a new one where there is none of that name.")],
    root: Root = DEFAULT_ROOT,
    layout: LayoutName = None,
    field: FieldOption = "",
    classes: ClassesOption = None,
    split: Annotated[
        str | None, typer.Option("--split", help="train, calibration or test for all; by default as the source says.")
    ] = None,
    author: DecisionAuthor = "",
) -> None:
    """Bring photos into a collection, each content once; the exit code is 1 where files could not enter."""
    from ensemble.datasets.collection import SPLITS, Collection, find_collection
    from ensemble.datasets.workbench import bring_into as run
    from ensemble.datasets.workbench import opened

    if split is not None and split not in SPLITS:
        raise DataError(f"--split is one of {', '.join(SPLITS)}. Got {split!r}.")
    with opened(source, INCOMING, _reading(layout, field, classes)) as found, show_stages() as show:
        known = find_collection(root, name)
        collection = Collection(known) if known else Collection.create(root, name)
        added = run(found, collection, origin=source.name, split=split, author=author, progress=show)
    for note in (*found.notes, *added.notes):
        say(note)
    for problem in (*added.refused, *added.known)[:PROBLEMS_SHOWN]:
        say(problem.reason)
    say(
        f"{added.added} photos came into {collection.folder}; {len(added.known)} were there already, "
        f"{len(added.refused)} could not."
    )
    if added.refused:
        raise typer.Exit(1)


@data_commands.command("clean")
def clean_command(
    folder: Folder,
    label_errors: Annotated[bool, typer.Option("--labels/--no-labels", help="Look for wrong labels too.")] = True,
    seed: Seed = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything into this file.")] = None,
) -> None:
    """Look for what is odd: unreadable, dark, blurred, copies, copies across train and test, wrong labels."""
    from ensemble.datasets.cleaning import FINDING_KINDS, findings_report
    from ensemble.datasets.collection import CONTRADICTION, Collection
    from ensemble.datasets.workbench import look_through, torn
    from ensemble.disk.files import write_atomically

    collection = Collection(folder)
    with show_stages() as show:
        found = look_through(collection, seed=seed, label_errors=label_errors, progress=show)
    counts = Counter(each.kind for each in found)
    print_table(
        ("what is odd", "photos", "what to do"),
        ((FINDING_KINDS[kind].title, str(number), FINDING_KINDS[kind].advice) for kind, number in counts.most_common()),
    )
    for finding in [each for each in found if each.kind == CONTRADICTION][:PROBLEMS_SHOWN]:
        say(f"{finding.sentence} Say it with `data label {folder} {finding.sha256[:12]} OK`, or NOK, or out.")
    apart = torn(collection)
    say(f"{len(found)} things to look at; {len(apart)} groups that belong together lie in more than one split.")
    if json_file:
        facts = {
            "photos": len([photo for photo in collection.photos() if not photo.dropped]),
            "odd": findings_report(found),
            "torn_groups": len(apart),
            "found": [asdict(each) for each in found],
        }
        write_atomically(json_file, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())


@data_commands.command()
def label(
    folder: Folder,
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="Its name in the source, or how its SHA-256 begins.")],
    class_name: Annotated[str, typer.Argument(metavar="CLASS", help="OK, NOK, a class's own name, or out.")],
    author: DecisionAuthor = "",
) -> None:
    """Say what a photo shows, such as one that came in under two labels, or leave it out."""
    from ensemble.datasets.collection import Collection

    collection = Collection(folder)
    found = [each.sha256 for each in collection.photos() if photo == each.name or each.sha256.startswith(photo)]
    if len(found) != 1:
        raise DataError(f"{len(found)} photos of {folder} are called {photo}. Name one, or how its SHA-256 begins.")
    if class_name == "out":
        decision = collection.decide("drop", found, author=author)
    else:
        meant = {"OK": NON_DEFECTIVE, "NOK": DEFECTIVE}.get(class_name, class_name)
        decision = collection.decide("relabel", found, meant, author=author)
    say(decision.sentence() if decision else "Nothing changes by that.")


@data_commands.command()
def split(
    folder: Folder,
    shares: Annotated[str, typer.Option("--shares", help="Percent for train, calibration, test.")] = "60,20,20",
    seed: Seed = 0,
    copies_together: Annotated[bool, typer.Option("--copies/--no-copies", help="Keep copies together.")] = True,
    author: DecisionAuthor = "",
) -> None:
    """Deal all photos out into splits; photos of one part stay together, and copies that `clean` has found."""
    from ensemble.datasets.collection import SPLITS, Collection
    from ensemble.datasets.workbench import split_anew

    try:
        numbers = [int(share) for share in shares.split(",")]
        wanted = dict(zip(SPLITS, numbers, strict=True))
    except ValueError as error:
        raise DataError(f"--shares are three percentages, as in 60,20,20. Got {shares!r}.") from error
    collection = Collection(folder)
    split_anew(collection, wanted, seed=seed, copies_together=copies_together, author=author)
    show(folder)


@data_commands.command()
def show(folder: Folder) -> None:
    """Show how many photos of which class lie in which split, and what was decided last."""
    from ensemble.datasets.collection import Collection, counts

    collection = Collection(folder)
    photos = collection.photos()
    by_split = counts(photos)
    labels = sorted({photo.label for photo in photos})
    print_table(
        ("class", *(name or "no split" for name in by_split)),
        ((label, *(str(by_split[name].get(label, 0)) for name in by_split)) for label in labels),
    )
    for decision in collection.decisions()[:PROBLEMS_SHOWN]:
        state = " (taken back)" if decision.undone else ""
        say(f"{decision.number}  {decision.at}  {decision.sentence()} {decision.reason}{state}")


@data_commands.command("export")
def export_command(
    folder: Folder,
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="An empty or new folder.")],
    form: Annotated[str, typer.Option("--format", help="coco or yolo.")] = "coco",
    marks: Annotated[str, typer.Option("--marks", help="polygons, boxes, or rle for COCO.")] = "polygons",
) -> None:
    """Write a collection as COCO or YOLO: its photos by split, and what its masks mark."""
    from ensemble.datasets.collection import Collection
    from ensemble.datasets.exports import export_collection

    made = export_collection(Collection(folder), destination, form, marks)
    if made.left_out:
        say(f"{len(made.left_out)} defective photos have no mask and are left out, such as {made.left_out[0]}.")
    counts = ", ".join(f"{count} {name}" for name, count in made.marks.items())
    say(f"Wrote {destination} with {made.photos} photos and {sum(made.marks.values())} {marks}: {counts}.")


@data_commands.command()
def undo(
    folder: Folder,
    number: Annotated[int | None, typer.Option("--decision", help="Its number; by default the last.")] = None,
) -> None:
    """Take a decision back."""
    from ensemble.datasets.collection import Collection

    decision = Collection(folder).undo(number)
    say(decision.undone_sentence())


def _reading(layout: str | None, field: str, classes: str | None) -> "Reading":
    from ensemble.datasets.loading import parse_classes
    from ensemble.datasets.workbench import Reading

    return Reading(layout, field, parse_classes(classes) if classes else None)


def as_json(found: "Understood") -> dict[str, Any]:
    """What was understood as plain JSON values, every problem among it."""
    return {
        "layout": found.layout,
        "photos": len(found.entries),
        "splits": dict(Counter(entry.split for entry in found.entries)),
        "kinds": _kind_rows(found),
        "masks": sum(entry.is_marked for entry in found.entries),
        "parts": len({entry.part for entry in found.entries if entry.part}),
        "categories": sorted({entry.category for entry in found.entries if entry.category}),
        "notes": list(found.notes),
        "problems": [asdict(problem) for problem in found.problems],
    }


def _kind_rows(found: "Understood") -> list[dict[str, Any]]:
    """For each raw kind its class and how many photos and masks there are of it, photos by split too."""
    rows = []
    for kind, label in found.meaning.items():
        entries = [entry for entry in found.entries if entry.kind == kind]
        splits = dict(Counter(entry.split for entry in entries))
        masks = sum(entry.is_marked for entry in entries)
        rows.append({"kind": kind, "class": label, "photos": len(entries), "splits": splits, "masks": masks})
    return rows


def _print(found: "Understood") -> None:
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
    for problem in found.problems[:PROBLEMS_SHOWN]:
        say(problem.reason)
    if len(found.problems) > PROBLEMS_SHOWN:
        say(f"{len(found.problems) - PROBLEMS_SHOWN} more; --json FILE writes them all.")
    named = f"{facts['parts']} parts named, {len(found.problems)} problems"
    say(f"{facts['photos']} photos, {facts['masks']} masks, {named}.")
