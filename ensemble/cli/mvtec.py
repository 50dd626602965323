"""The commands for MVTec AD trees: `python -m ensemble mvtec COMMAND`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ensemble.cli.terminal import (
    DEFAULT_MODELS,
    Augment,
    Backbones,
    Commands,
    Members,
    Seed,
    Shape,
    Side,
    Weights,
    comma_separated,
    figure,
    print_quality,
    print_table,
    say,
    show_stages,
)

if TYPE_CHECKING:  # importing it costs seconds, which `check` and `table` need not wait for
    from ensemble.training import TrainingOutcome

ODDITIES_SHOWN = 5  # oddities of a category; the JSON file has them all

mvtec_commands = Commands(no_args_is_help=True, help="Check, list and train on a whole MVTec AD tree.")
TreeArgument = Annotated[Path, typer.Argument(metavar="TREE", help="A folder of categories, or a category.")]


@mvtec_commands.command("check")
def mvtec_check_command(
    tree: TreeArgument,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole report into this file.")] = None,
) -> None:
    """Count photos and masks by category and name what is odd; the exit code is 1 where something is."""
    from ensemble.disk.files import write_atomically
    from ensemble.evaluation.mvtec import check_tree

    found = check_tree(tree)
    print_table(
        ("category", "train good", "test good", "defective", "masks", "no mask", "odd masks", "other", "types"),
        (
            (
                name,
                *map(str, (category.train_good, category.test_good, sum(category.types.values()), category.masks)),
                *map(str, (category.count("missing mask"), category.count("mask"))),
                str(category.count("structure", "photo")),
                ", ".join(f"{kind} {count}" for kind, count in category.types.items()) or "–",
            )
            for name, category in found.items()
        ),
    )
    for name, category in found.items():
        for oddity in category.oddities[:ODDITIES_SHOWN]:
            say(f"{oddity.path} {oddity.reason}.")
        if len(category.oddities) > ODDITIES_SHOWN:
            say(f"{name}: {len(category.oddities) - ODDITIES_SHOWN} more; --json FILE writes them all.")
    if json_file:
        report = {"tree": str(tree), "categories": {name: category.as_json() for name, category in found.items()}}
        write_atomically(json_file, (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode())
    odd = sum(len(category.oddities) for category in found.values())
    say(f"Categories: {len(found)}. " + (f"Odd things: {odd}." if odd else "Nothing is odd."))
    if odd:
        raise typer.Exit(1)


@mvtec_commands.command()
def table(
    tree: TreeArgument,
    output: Annotated[Path, typer.Option("--output", help="The CSV file to write.")] = Path("image_level.csv"),
) -> None:
    """Write a row a photo: path, category, split, label, defect type, mask."""
    from ensemble.disk.files import write_atomically
    from ensemble.evaluation.mvtec import TREE_COLUMNS, image_level
    from ensemble.inspection.exports import as_csv

    rows = image_level(tree)
    write_atomically(output, as_csv(TREE_COLUMNS, rows))
    say(f"Wrote {len(rows)} photos into {output}.")


@mvtec_commands.command("train")
def mvtec_train_command(
    tree: TreeArgument,
    models: Annotated[Path, typer.Option("--models", help="Where each product gets a folder.")] = DEFAULT_MODELS,
    members: Members = None,
    backbone: Backbones = None,
    weights: Weights = None,
    one_model: Annotated[bool, typer.Option("--one-model", help="One product over all categories.")] = False,
    seed: Seed = 0,
    side: Side = None,
    shape: Shape = "",
    augment: Augment = "",
) -> None:
    """Train each category as a product in MODELS/CATEGORY; one that fails is named, and the exit code is 1."""
    from ensemble.jobs.processes import let_threads_sleep

    let_threads_sleep()
    from ensemble.training import train as run
    from ensemble.training.mvtec_training import FIGURES, THRESHOLDS, figures, train_tree

    def learn(data: Path, product: Path) -> "TrainingOutcome":
        say(f"{product.name}:")
        with show_stages() as show:
            outcome = run(
                data,
                product,
                backbones=comma_separated(backbone),
                kinds=comma_separated(members),
                weights=weights,
                seed=seed,
                side=side,
                shape=shape,
                augment=augment,
                notify=say,
                progress=show,
            )
        print_quality(outcome.quality)
        return outcome

    made = train_tree(tree, models, learn, one_model)
    rows = ((product, member, *map(figure, values)) for product, member, values in figures(made.outcomes))
    print_table(("category", "member", *(key.replace("_", " ") for key in FIGURES)), rows)
    for name, reason in made.failures.items():
        say(f"{name} has failed: {reason}")
    say(f"{len(made.outcomes)} products are in {models}; the thresholds are in {models / THRESHOLDS}.")
    if made.failures:
        raise typer.Exit(1)
