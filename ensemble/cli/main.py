"""The command line: `python -m ensemble COMMAND`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ensemble.cli import data, mvtec, versions
from ensemble.cli.terminal import (
    DEFAULT_MODELS,
    Backbones,
    Commands,
    Members,
    Models,
    Seed,
    Side,
    Weights,
    in_force,
    listed,
    print_quality,
    print_result,
    print_table,
    say,
    say_firmly,
    say_whole,
    stages,
)
from ensemble.disk.full_disk import is_full, why_not_written
from ensemble.values.errors import PhotoError, PolicyError, QuorumError
from ensemble.values.legible import legible, make_logs_legible

app = Commands(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Quorum: several models look at one photo of a part and vote; a policy turns the votes into a verdict.",
)
app.add_typer(data.app, name="data")
app.add_typer(mvtec.app, name="mvtec")
app.add_typer(versions.app, name="versions")


@app.command()
def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder.")],
    photos: Annotated[int, typer.Option("--photos", help="How many photos to draw.")] = 240,
    seed: Seed = 0,
) -> None:
    """Draw photos of a machined part, good and defective, with masks: a product to try everything on."""
    from ensemble.drawing.sample import write_sample

    with stages() as show:
        counts = write_sample(
            directory, photos=photos, seed=seed, progress=lambda done, total: show("Drawing photos", done / total)
        )
    say(f"Drew {photos} photos into {directory}: {', '.join(f'{n} {name}' for name, n in counts.items())}.")


@app.command()
def pretrain(
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
    with stages() as show:
        card = run(
            teacher=weights,
            destination=output,
            seed=seed,
            progress=show,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    say(f"Wrote the backbone and the facts about it into {output} ({card['seconds']:.0f} s).")


@app.command()
def train(
    data: Annotated[
        Path, typer.Option("--data", help="train/CLASS and test/CLASS, an MVTec AD category, or good/ alone.")
    ],
    models: Models = DEFAULT_MODELS,
    backbone: Backbones = None,
    members: Members = None,
    weights: Weights = None,
    seed: Seed = 0,
    classes: Annotated[str | None, typer.Option("--classes", help="FOLDER=CLASS,… or FOLDER,…")] = None,
    pooling: Annotated[str | None, typer.Option("--pooling", help="average, average_std or grid.")] = None,
    side: Side = None,
    product: Annotated[str | None, typer.Option("--product", help="The product's name on the screens.")] = None,
    profile: Annotated[str, typer.Option("--profile", help="quick, balanced or thorough.")] = "balanced",
    balance: Annotated[
        str, typer.Option("--balance", help="What is done for rare classes: weights, undersample or none.")
    ] = "weights",
) -> None:
    """Train members on photos, measure them on the test part, and put them into the product's folder."""
    from ensemble.datasets.loading import parse_classes
    from ensemble.features.backbones import BUNDLED
    from ensemble.jobs.locks import alone
    from ensemble.training import train as run

    with alone(models), stages() as show:
        outcome = run(
            data,
            models,
            backbones=listed(backbone) or (BUNDLED,),
            kinds=listed(members),
            weights=weights,
            seed=seed,
            folders=parse_classes(classes) if classes else None,
            product=product,
            pooling=pooling,
            side=side,
            profile=profile,
            balance=balance,
            notify=say,
            progress=show,
        )
    print_quality(outcome.quality)
    say(f"{len(outcome.members)} members are in {models} ({outcome.seconds:.0f} s).")
    say(outcome.energy.sentence())


@app.command()
def evaluate(
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
    from ensemble.evaluation.scoring import report, score, with_megabytes
    from ensemble.inspection.inspector import Inspector
    from ensemble.metrics.costs import Line, Prices
    from ensemble.store import ModelStore

    store = ModelStore(models)
    manifest = store.manifest()
    samples, notes = evaluation_part(data, manifest.folders, manifest.classes, manifest.seeds())
    policies = in_force(store)
    inspector = Inspector.open(store)
    for sentence in (*notes, *(f"{absence.member} is absent: {absence.reason}" for absence in inspector.absent)):
        say(sentence)
    with stages() as show:
        scored = score(inspector, samples, lambda done, total: show("Inspecting test photos", done / total))
    line = Line(Prices(escape_price, overkill_price, review_price), share)
    quality = with_megabytes(report(scored, policies, manifest.classes, line), store)
    for sentence in scored.refused:
        say(f"Left out: {sentence}")
    print_quality(quality)
    if json_file:
        write_atomically(json_file, (json.dumps(quality, indent=2) + "\n").encode())


@app.command()
def inspect(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...")],
    models: Models = DEFAULT_MODELS,
    policy: Annotated[str | None, typer.Option("--policy", help="By default the product's first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a photo.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Dummy members instead of trained ones.")] = False,
) -> None:
    """Give each photo a verdict; a photo that is refused is named, the others still run, and the exit code is 1."""
    from ensemble.imaging.photos import read_photo
    from ensemble.inspection.inspector import Inspector
    from ensemble.policies import choose, shipped
    from ensemble.store import ModelStore
    from ensemble.values.results import OK_NOK

    store = ModelStore(models)
    if demo:
        known = store.known_manifest()
        inspector = Inspector.for_demo(known.classes if known else OK_NOK)
        chosen = choose(shipped(inspector.classes), policy)
    else:
        chosen = choose(in_force(store), policy)
        inspector = Inspector.open(store)
    refused = False
    for path in photos:
        try:
            photo = read_photo(path)
            for note in photo.notes:
                say(f"{photo.name}: {note}")
            verdict = inspector.inspect([photo], chosen)[0].as_json() | {"photo": legible(str(path))}
            line = f"{path}: {verdict['verdict']} ({verdict['reason']})" + (" DEMO" if demo else "")
        except PhotoError as error:
            refused = True
            verdict = {"photo": legible(str(path)), "error": str(error)}
            line = f"{path}: refused. {error}"
        print_result(json.dumps(verdict) if as_json else legible(line))
    if refused:
        raise typer.Exit(1)


@app.command()
def policies(models: Models = DEFAULT_MODELS) -> None:
    """Check a product's policies.json and list what is in it; a broken file is one sentence with its line."""
    from ensemble.policies.making import unsafe_name
    from ensemble.store import ModelStore
    from ensemble.values.digits import alone

    store = ModelStore(models)
    if problem := store.policies_in_force().problem:
        raise PolicyError(problem)
    book = store.policy_book()
    rows = []
    for policy in book.ordered:
        cuts = (policy.review_from if policy.has_review else None, policy.reject_from, policy.threshold)
        shown = ["–" if cut is None else alone(cut) for cut in cuts]
        shown[1] = {"any": "one vote", "all": "all votes"}.get(policy.rule, shown[1])
        basis = " + ".join(str(policy.basis[key]) for key in ("good", "defective") if key in policy.basis)
        active = " (active)" if policy.name == book.active else ""
        rows.append((policy.name + active, policy.rule, *shown, str(policy.quorum), basis or "–"))
    print_table(
        ("policy", "rule", "review from", "NOK from", "models' threshold", "quorum", "good + defective held out"), rows
    )
    for policy in book.ordered:
        if reason := unsafe_name(policy):
            say(f"{policy.name} may not be called safe yet. {reason}")


@app.command()
def labels(
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


@app.command()
def trust(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Members such as svm_resnet50.")
    ] = None,
    models: Models = DEFAULT_MODELS,
    weights: Weights = None,
) -> None:
    """Vouch for model files made elsewhere, so that they may vote; without a name, for every new pair of files."""
    from ensemble.store import ModelStore
    from ensemble.store.trust import candidates
    from ensemble.store.trust import trust as run

    store = ModelStore(models)
    chosen = names or candidates(store)
    refused = False
    for name in chosen:
        try:
            (record,) = run(store, [name], weights)
        except QuorumError as error:
            refused = True
            say_firmly(str(error))
            continue
        for file, digest in record.files.items():
            say_whole(f"Trusted {file}  SHA-256 {digest}")
    for entry in store.quarantine():
        hint = (
            f" Run `python -m ensemble trust {Path(entry.file).stem.removesuffix('_scaler')}` if the change is yours."
            if entry.known
            else ""
        )
        say_whole(f"Still in quarantine: {entry.file}. {entry.reason}{hint}")
    if not chosen:
        say("There is no new pair of model files to trust.")
    if refused:
        raise typer.Exit(2)


@app.command()
def card(
    models: Models = DEFAULT_MODELS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the card as JSON into this file.")] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write the card as Markdown into this file.")
    ] = None,
) -> None:
    """Write a product's model card: what it is, how good, from what; without a file named, as Markdown to read."""
    from ensemble.disk.files import write_atomically
    from ensemble.evaluation.model_card import card_of
    from ensemble.store import ModelStore

    found = card_of(ModelStore(models))
    if json_file:
        write_atomically(json_file, (json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n").encode())
    if markdown_file:
        write_atomically(markdown_file, found.to_markdown().encode())
    if not (json_file or markdown_file):
        print_result(found.to_markdown().rstrip("\n"))


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence and exit code 2."""
    make_logs_legible()
    try:
        app()
    except QuorumError as error:
        _end(str(error))
    except OSError as error:
        place = Path(error.filename or ".")
        if is_full(error, place):
            _end(f"{place} cannot be written: {why_not_written(error, place.parent)}")
        _end(f"{error.filename or 'A file'} cannot be used ({error.strerror or error}). Check path and permissions.")


def _end(sentence: str) -> NoReturn:
    say_firmly(sentence)
    sys.exit(2)


if __name__ == "__main__":
    main()
