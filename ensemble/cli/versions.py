"""The commands for versions of a product: `python -m ensemble versions COMMAND`."""

from enum import StrEnum
from typing import Annotated

import typer

from ensemble.cli.terminal import DEFAULT_MODELS, Commands, Models, figure, print_table, say
from ensemble.values.errors import PolicyError

app = Commands(invoke_without_command=True, help="List the versions of a product; publish one, or discard one.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="A version's number.")]
Author = Annotated[str, typer.Option("--author", help="Who does it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


class HandTuned(StrEnum):
    """What becomes of policies that a person has tuned when other models come into force."""

    KEEP = "keep"
    SET_ASIDE = "set-aside"


@app.callback()
def listing(context: typer.Context, models: Models = DEFAULT_MODELS) -> None:
    """List the versions of a product, the newest first; the one in force is marked."""
    from ensemble.store import swapping, versions

    if context.invoked_subcommand:
        return
    found = versions.history(models)
    if interrupted := swapping.interruption(models):
        say(interrupted)
    if not found:
        say(f"{models} has no versions yet: the next training makes the first.")
        return
    rows = []
    for each in found:
        accuracies = [entry["accuracy"] for entry in each.members.values() if entry.get("accuracy") is not None]
        state = "in force" if each.current else each.state
        best = figure(max(accuracies, default=None))
        made = (each.at[:16], each.author or "–", str(len(each.members)))
        rows.append((str(each.number), state, *made, best, each.reason))
    print_table(("version", "state", "made (UTC)", "by", "members", "best accuracy", "why"), rows)


@app.command()
def publish(
    number: Number,
    models: Models = DEFAULT_MODELS,
    author: Author = "",
    reason: Reason = "",
    hand_tuned: Annotated[
        HandTuned | None,
        typer.Option("--hand-tuned", help="What becomes of policies that a person tuned on another version."),
    ] = None,
) -> None:
    """Put a version in force, at once and whole; an older one to roll back."""
    from ensemble.evaluation.publication import effects_of
    from ensemble.store import ModelStore, versions

    store = ModelStore(models)
    effects = effects_of(store, number)
    for sentence in effects.sentences():
        say(sentence)
    if effects.hand_tuned and hand_tuned is None:
        raise PolicyError(
            f"Version {number} is not in force yet, because thresholds that were tuned by hand belong to the models "
            "that they were tuned on. Repeat with --hand-tuned keep, or with --hand-tuned set-aside: they then come "
            "back with the next version."
        )
    set_aside = [each.name for each in effects.hand_tuned] if hand_tuned is HandTuned.SET_ASIDE else []
    versions.publish(store.folder, number, author, reason, set_aside=set_aside)
    say(f"Version {number} is in force in {models}.")


@app.command()
def discard(number: Number, models: Models = DEFAULT_MODELS) -> None:
    """Give up a candidate: its files go, its line stays."""
    from ensemble.store import versions

    versions.discard(models, number)
    say(f"Version {number} is discarded.")


@app.command()
def measure_photos(models: Models = DEFAULT_MODELS) -> None:
    """Keep what the training photos look like with a product that does not know it yet, as a new version."""
    from dataclasses import replace

    from ensemble.store import ModelStore
    from ensemble.training.own_photos import own_photos
    from ensemble.training.reading import range_of
    from ensemble.values.errors import DataError

    store = ModelStore(models)
    found = own_photos(store)
    measured = range_of(found.learnt, seed=0)
    if found.missing or measured is None:
        raise DataError(
            f"{found.missing} photos of this product no longer lie in {found.folder} as they were, and {found.count} "
            "do: what its training photos look like cannot be told. Put them back, or train it again."
        )
    store.write({}, replace(store.manifest(), photo_range=measured), "What the training photos look like.")
    say(f"{models} knows what its training photos look like, by {measured.photos} of them.")
