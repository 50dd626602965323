"""The commands for a product in use, and for its versions."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ensemble.cli.terminal import (
    DEFAULT_MODELS,
    Commands,
    Models,
    Weights,
    figure,
    print_result,
    print_table,
    say,
    say_firmly,
    say_whole,
    show_stages,
)
from ensemble.values.digits import many
from ensemble.values.errors import MemberError, PolicyError, QuorumError


def policies_command(models: Models = DEFAULT_MODELS) -> None:
    """Check a product's policies.json and list what is in it; a broken file is one sentence with its line."""
    from ensemble.policies.making import unsafe_name
    from ensemble.store import ModelStore
    from ensemble.values.digits import threshold_text

    store = ModelStore(models)
    if problem := store.policies_in_force().problem:
        raise PolicyError(problem)
    book = store.policy_book()
    rows = []
    for policy in book.ordered:
        thresholds = (policy.review_from if policy.has_review else None, policy.reject_from, policy.threshold)
        shown = ["–" if threshold is None else threshold_text(threshold) for threshold in thresholds]
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


def trust_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Members such as svm_resnet50.")
    ] = None,
    models: Models = DEFAULT_MODELS,
    weights: Weights = None,
) -> None:
    """Vouch for model files made elsewhere, so that they may vote; without a name, for every new pair of files."""
    from ensemble.store import ModelStore
    from ensemble.store.places import REFERENCES
    from ensemble.store.trust import members_to_trust, trust_members

    store = ModelStore(models)
    chosen = names or members_to_trust(store)
    refused = False
    for name in chosen:
        try:
            (record,) = trust_members(store, [name], weights)
        except QuorumError as error:
            refused = True
            say_firmly(str(error))
            continue
        for file, digest in record.files.items():
            say_whole(f"Trusted {file}  SHA-256 {digest}")
    for entry in store.quarantine():
        hint = (
            f" Run `python -m ensemble trust {Path(entry.file).stem.removesuffix('_scaler')}` if the change is yours."
            if entry.known and entry.file != REFERENCES
            else ""
        )
        say_whole(f"Still in quarantine: {entry.file}. {entry.reason}{hint}")
    if not chosen:
        say("There is no new pair of model files to trust.")
    if refused:
        raise typer.Exit(2)


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


def extend_command(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of further good parts.")],
    models: Models = DEFAULT_MODELS,
    force: Annotated[bool, typer.Option("--force", help="Take photos too that look unlike good parts.")] = False,
) -> None:
    """Let patch memories remember what new good parts look like, as a new version; no other member is touched."""
    from ensemble.jobs.processes import only_training
    from ensemble.store import ModelStore
    from ensemble.training.extending import extend, plan_extension

    with only_training(models), show_stages() as show:
        plan = plan_extension(ModelStore(models), photos, show)
        for path in plan.known:
            say(f"{path}: left out. It is a photo of this product already.")
        for sentence in plan.refused:
            say(f"Left out: {sentence}")
        for path, times in plan.far.items():
            say(f"{path}: {times:.2f} times as far from the good parts as the farthest that pass. Is it a good part?")
        if plan.far and not force:
            raise MemberError(
                f"Nothing is extended yet, because {many(len(plan.far), 'photo')} may show a defect. Leave out what is "
                "none of a good part, or repeat with --force where all are."
            )
        made = extend(plan, show)
    for name, places in made.places.items():
        say(f"{name} remembers {many(places, 'place')} more, of {many(made.photos, 'photo')}.")
    for sentence in made.notes:
        say(sentence)


product_commands = Commands(
    invoke_without_command=True, help="List the versions of a product; publish one, or discard one."
)
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="A version's number.")]
Author = Annotated[str, typer.Option("--author", help="Who does it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


class HandTuned(StrEnum):
    """What becomes of policies that a person has tuned when other models come into force."""

    KEEP = "keep"
    SET_ASIDE = "set-aside"


@product_commands.callback()
def listing(context: typer.Context, models: Models = DEFAULT_MODELS) -> None:
    """List the versions of a product, the newest first; the one in force is marked."""
    from ensemble.store import swapping, versions

    if context.invoked_subcommand:
        return
    found = versions.version_history(models)
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


@product_commands.command("publish")
def publish_command(
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
    versions.publish_version(store.folder, number, author, reason, set_aside=set_aside)
    say(f"Version {number} is in force in {models}.")


@product_commands.command("discard")
def discard_command(number: Number, models: Models = DEFAULT_MODELS) -> None:
    """Give up a candidate: its files go, its line stays."""
    from ensemble.store import versions

    versions.discard_version(models, number)
    say(f"Version {number} is discarded.")


@product_commands.command()
def measure_photos(models: Models = DEFAULT_MODELS) -> None:
    """Keep what the training photos look like with a product that does not know it yet, as a new version."""
    from dataclasses import replace

    from ensemble.store import ModelStore
    from ensemble.store.seeing import view_in_force
    from ensemble.training.own_photos import own_photos
    from ensemble.training.reading import range_of
    from ensemble.values.errors import DataError

    store = ModelStore(models)
    found = own_photos(store)
    manifest, view = store.manifest(), view_in_force(store)
    measured = range_of([replace(each, view=view) for each in found.learnt], manifest.classes, seed=0)
    if found.missing or measured is None:
        raise DataError(
            f"{found.missing} photos of this product no longer lie in {found.folder} as they were, and {found.count} "
            "do: what its training photos look like cannot be told. Put them back, or train it again."
        )
    store.write({}, replace(manifest, photo_range=measured), "What the training photos look like.")
    say(f"{models} knows what its training photos look like, by {measured.photos} of them.")


@product_commands.command("keep-references")
def keep_references_command(models: Models = DEFAULT_MODELS) -> None:
    """Keep a few training photos of good parts with a product that was trained without, as a new version."""
    from ensemble.store import ModelStore
    from ensemble.training.references import keep_references

    say(f"{models} keeps {many(keep_references(ModelStore(models)), 'photo')} of good parts.")
