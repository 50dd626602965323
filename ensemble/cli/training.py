"""The commands that teach and measure: sample, pretrain, train, evaluate, labels."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ensemble.cli.terminal import (
    DEFAULT_MODELS,
    Augment,
    Backbones,
    Members,
    Models,
    Seed,
    Shape,
    Side,
    ViewFile,
    Weights,
    comma_separated,
    policies_in_force,
    print_quality,
    say,
    show_stages,
    tell_smallest,
)


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder.")],
    photos: Annotated[int, typer.Option("--photos", help="How many photos to draw.")] = 240,
    seed: Seed = 0,
) -> None:
    """Draw photos of a machined part, good and defective, with masks: a product to try everything on."""
    from ensemble.drawing.sample import write_sample

    with show_stages() as show:
        counts = write_sample(
            directory, photos=photos, seed=seed, progress=lambda done, total: show("Drawing photos", done / total)
        )
    say(f"Drew {photos} photos into {directory}: {', '.join(f'{n} {name}' for name, n in counts.items())}.")


def pretrain_command(
    weights: Weights = None,
    output: Annotated[Path, typer.Option("--output", help="Where the weights and their facts go.")] = Path(
        "build/backbones"
    ),
    pictures: Annotated[
        int | None, typer.Option("--pictures", help="How many pictures to draw and learn from.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How often each picture is seen.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Learn no longer than this.")] = None,
    seed: Seed = 0,
) -> None:
    """Teach the bundled backbone on drawn pictures; its teacher is torchvision's resnet18 (about half an hour)."""
    from ensemble.training.pretraining import pretrain as run

    chosen: dict[str, Any] = {"pictures": pictures, "epochs": epochs, "minutes": minutes}
    with show_stages() as show:
        card = run(
            teacher=weights,
            destination=output,
            seed=seed,
            progress=show,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    say(f"Wrote the backbone and the facts about it into {output} ({card['seconds']:.0f} s).")


def train_command(
    data: Annotated[Path, typer.Option("--data", help="train/CLASS and test/CLASS, an MVTec AD category, or good/.")],
    models: Models = DEFAULT_MODELS,
    backbone: Backbones = None,
    members: Members = None,
    weights: Weights = None,
    seed: Seed = 0,
    classes: Annotated[str | None, typer.Option("--classes", help="FOLDER=CLASS,… or FOLDER,…")] = None,
    pooling: Annotated[
        str | None, typer.Option("--pooling", help="How maps are pooled; any other word lists how.")
    ] = None,
    side: Side = None,
    shape: Shape = "",
    augment: Augment = "",
    product: Annotated[str | None, typer.Option("--product", help="The product's name on the screens.")] = None,
    profile: Annotated[str, typer.Option("--profile", help="quick, balanced or thorough.")] = "balanced",
    balance: Annotated[
        str, typer.Option("--balance", help="What is done for rare classes: weights, undersample or none.")
    ] = "weights",
    view: ViewFile = None,
) -> None:
    """Train members on photos, measure them on the test part, and put them into the product's folder."""
    from ensemble.datasets.loading import parse_classes
    from ensemble.jobs.processes import let_threads_sleep, only_training

    let_threads_sleep()
    from ensemble.training import Listener, TrainingRequest, run

    request = TrainingRequest.of(
        data,
        models,
        backbones=comma_separated(backbone),
        kinds=comma_separated(members),
        weights=weights,
        seed=seed,
        folders=parse_classes(classes) if classes else None,
        product=product,
        pooling=pooling,
        side=side,
        shape=shape,
        augment=augment,
        profile=profile,
        balance=balance,
        view=view,
    )
    with only_training(models), show_stages() as show:
        outcome = run(request, listener=Listener(say, show))
    print_quality(outcome.quality)
    say(f"{len(outcome.members)} members are in {models} ({outcome.seconds:.0f} s). {outcome.energy.sentence()}")
    tell_smallest(models)


def evaluate_command(
    data: Annotated[Path, typer.Option("--data", help="A folder with test/CLASS, or with one folder a class.")],
    models: Models = DEFAULT_MODELS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures into this file.")] = None,
    escape_price: Annotated[float, typer.Option("--escape-price", help="What a missed defect costs.")] = 10.0,
    overkill_price: Annotated[float, typer.Option("--overkill-price", help="What a rejected good part costs.")] = 1.0,
    review_price: Annotated[float, typer.Option("--review-price", help="What a person's look costs.")] = 0.5,
    share: Annotated[
        float | None, typer.Option("--share", help="Real share of defects, 0 to 1; by default that of the photos.")
    ] = None,
) -> None:
    """Measure every member and every policy on the test part, with the risk and the cost of each policy."""
    from ensemble.datasets.loading import evaluation_part
    from ensemble.disk.files import write_atomically
    from ensemble.evaluation.scoring import quality_report, score_photos, with_megabytes
    from ensemble.inspection.inspector import Inspector
    from ensemble.metrics.costs import Line, Prices
    from ensemble.store import ModelStore

    store = ModelStore(models)
    manifest = store.manifest()
    samples, notes = evaluation_part(data, manifest.folders, manifest.classes, manifest.seeds())
    policies = policies_in_force(store)
    inspector = Inspector.open(store)
    for sentence in (*notes, *(f"{absence.member} is absent: {absence.reason}" for absence in inspector.absent)):
        say(sentence)
    with show_stages() as show:
        scored = score_photos(inspector, samples, lambda done, total: show("Inspecting test photos", done / total))
    line = Line(Prices(escape_price, overkill_price, review_price), share)
    quality = with_megabytes(quality_report(scored, policies, manifest.classes, line), store)
    for sentence in scored.refused:
        say(f"Left out: {sentence}")
    print_quality(quality)
    if json_file:
        write_atomically(json_file, (json.dumps(quality, indent=2) + "\n").encode())


def labels_command(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Photos with masks in ground_truth/, or a whole tree.")],
    destination: Annotated[Path, typer.Argument(metavar="DESTINATION", help="An empty or new folder.")],
    one_class: Annotated[bool, typer.Option("--one-class", help="One class for every kind of damage.")] = False,
    classes: Annotated[str | None, typer.Option("--classes", help="FOLDER=CLASS,… or FOLDER,…")] = None,
    seed: Seed = 0,
) -> None:
    """Turn masks into boxes: photos, YOLO text labels and the data YAML, to train a detector on."""
    from ensemble.datasets.loading import find_dataset, parse_classes
    from ensemble.datasets.yolo_labels import write_labels
    from ensemble.values.results import NON_DEFECTIVE

    dataset = find_dataset(data, parse_classes(classes) if classes else None, seed)
    apart = any(sample.mask for sample in dataset.train)  # else a share of the test part has to be learnt from
    kept = (*dataset.calibration, *dataset.test)
    samples, held_out = (dataset.train, kept) if apart else ((*dataset.train, *kept), None)
    good = dataset.classes.good or NON_DEFECTIVE
    made = write_labels(samples, destination, held_out=held_out, one_class=one_class, good=good, seed=seed)
    for sentence in dataset.notes:
        say(sentence)
    if not apart:
        say("Only the test part has masks: a fifth of each kind of photo is held out to measure on.")
    if made.left_out:
        say(f"{len(made.left_out)} defective photos have no mask and are left out, such as {made.left_out[0]}.")
    if made.unmarked:
        say(f"{len(made.unmarked)} photos have a mask that marks nothing and are left out, such as {made.unmarked[0]}.")
    counts = ", ".join(f"{count} {name}" for name, count in made.boxes.items())
    say(f"Wrote {made.data} with {made.photos} photos and {sum(made.boxes.values())} boxes: {counts}.")
