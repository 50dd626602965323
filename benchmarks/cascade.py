"""What a cascade saves: the same photos under a policy with its cascade and without, in alternating blocks.

Without cuts of its own a cascade must give the same verdict on every photo; with them, how many differ is told.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ensemble.datasets.loading import evaluation_part
from ensemble.imaging.photos import Photo, read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.policies import Policy, Stage
from ensemble.store import ModelStore
from ensemble.values.results import Verdict

BLOCK = 16


def main(
    models: Annotated[Path, typer.Option(help="A trained product with a policy that has a cascade.")],
    data: Annotated[Path, typer.Option(help="Photos with a test part.")],
    rounds: int = 3,
    photos: int = 96,
) -> None:
    """Time every policy with a cascade against the same policy without it, and once without cuts of its own."""
    store = ModelStore(models)
    manifest, inspector = store.manifest(), Inspector.open(store)
    samples, _ = evaluation_part(data, manifest.folders, manifest.classes, manifest.seeds())
    step = max(1, len(samples) // photos)
    opened = [read_photo(sample.path) for sample in samples[::step][:photos]]
    found = [policy for policy in store.policies() if policy.cascade]
    if not found:
        raise typer.BadParameter(f"No policy of {models} has a cascade.")
    for policy in found:
        exact = replace(policy, cascade=tuple(Stage(stage.members) for stage in policy.cascade))
        for name, tried in {policy.name: policy, f"{policy.name} without cuts of its own": exact}.items():
            _tell(name, *_compare(inspector, opened, tried, replace(policy, cascade=()), rounds))


def _compare(
    inspector: Inspector, photos: list[Photo], cascade: Policy, whole: Policy, rounds: int
) -> tuple[list[float], int, float]:
    ratios, verdicts = [], {}
    for _ in range(rounds):
        seconds = {}
        for name, policy in {"whole": whole, "cascade": cascade}.items():
            start = time.perf_counter()
            verdicts[name] = [
                verdict
                for first in range(0, len(photos), BLOCK)
                for verdict in inspector.inspect(photos[first : first + BLOCK], policy)
            ]
            seconds[name] = time.perf_counter() - start
        ratios.append(seconds["cascade"] / seconds["whole"])
    pairs = list(zip(verdicts["cascade"], verdicts["whole"], strict=True))
    early = sum(bool(verdict.unasked) for verdict in verdicts["cascade"]) / len(photos)
    return ratios, sum(_differ(*pair) for pair in pairs), early


def _differ(one: Verdict, other: Verdict) -> bool:
    return one.label != other.label


def _tell(name: str, ratios: list[float], differ: int, early: float) -> None:
    middle = statistics.median(ratios)
    typer.echo(
        f"{name}: {middle:.2f} of the time of all members ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"{early:.0%} of the photos settled early, {differ} verdicts differ."
    )


if __name__ == "__main__":
    typer.run(main)
