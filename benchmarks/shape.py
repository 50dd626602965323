"""What the photos' own shape gains on drawn strips of 500 × 1250 pixels with hair-thin scratches, and what it costs.

    python -m benchmarks.shape build/strips --seeds 0,1,2

Members learn as in a training, from half of the strips, and judge the other half, in squares and in the strips' shape.
Strips are drawn into FOLDER where it does not hold them yet, one folder a seed.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from sklearn.metrics import roc_auc_score

from ensemble.datasets.loading import find_dataset
from ensemble.drawing.strips import FAINT, write_strips
from ensemble.evaluation.scoring import score_photos
from ensemble.features.feature_cache import NOTHING_KEPT
from ensemble.features.preprocessing import BUNDLED
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded
from ensemble.training.fitting import fit
from ensemble.training.reading import read, with_best_poolings
from ensemble.training.recipe import PROFILES, Recipe, open_backbones
from ensemble.training.shape import SHAPES, with_shape
from ensemble.values.samples import Dataset

Figures = dict[str, tuple[float, float]]  # AUROC and seconds a photo, by member


def measured(dataset: Dataset, shape: str, kinds: tuple[str, ...], backbone: str, weights: Path | None) -> Figures:
    """What members that read photos in one shape reach on the test part, and how long a photo of it takes them."""
    extractors = open_backbones((backbone,), weights, None)
    recipe = Recipe(kinds, extractors, None, None, dataset.classes, 0, PROFILES["balanced"], "weights")
    recipe, _ = with_shape(recipe, dataset, shape, NOTHING_KEPT, lambda _stage, _done: None)
    rows = read(dataset, recipe, NOTHING_KEPT, typer.echo, lambda _stage, _done: None)
    recipe = with_best_poolings(recipe, rows, lambda _stage, _done: None)
    members, failures = fit(recipe, rows, {}, progress=lambda _stage, _done: None)
    for sentence in failures:
        typer.echo(sentence)
    unmasked = [replace(sample, mask=None) for sample in dataset.test]  # maps are not measured, which takes long
    scored = score_photos(Inspector(Loaded(members, (), dataset.classes)), unmasked, doubts=False)
    defect, found = dataset.classes.defect or "", {}
    for name in members:
        said = [(case.label == defect, score) for case in scored.cases for score in case.scores if score.member == name]
        auroc = roc_auc_score([bad for bad, _ in said], [score.probabilities[defect] for _, score in said])
        found[name] = float(auroc), float(np.mean([score.seconds for _, score in said]))
    return found


def main(
    folder: Annotated[Path, typer.Argument(help="Where the strips are, or are drawn.")],
    seeds: str = "0",
    photos: Annotated[int, typer.Option("--photos", help="Strips of a class, half of them to learn from.")] = 200,
    members: str = "svm,patch_memory",
    depths: Annotated[
        tuple[float, float], typer.Option("--depths", help="How much darker scratches are, of white: from, to.")
    ] = FAINT,
    backbone: str = BUNDLED,
    weights: Path | None = None,
) -> None:
    """Train members in both shapes and print what they reach."""
    drawn = f"{photos} strips of a class, scratches darker by {depths[0]} to {depths[1]} of white"
    typer.echo(f"{drawn}, {backbone}, {torch.get_num_threads()} threads")
    typer.echo(
        "| seed | member | AUROC in squares | in their own shape | gain | ms a photo in squares | in own shape |"
    )
    typer.echo("|---|---|---|---|---|---|---|")
    for seed in map(int, seeds.split(",")):
        place, start = folder / f"strips-{photos}-{depths[0]}-{depths[1]}-{seed}", time.perf_counter()
        if not place.exists():
            write_strips(place, photos=photos, seed=seed, depths=depths)
        dataset = find_dataset(place, None, seed)
        found = [measured(dataset, shape, tuple(members.split(",")), backbone, weights) for shape in SHAPES]
        for name in found[0].keys() & found[1].keys():
            (square, square_seconds), (own, own_seconds) = (each[name] for each in found)
            costs = f"{1e3 * square_seconds:.0f} | {1e3 * own_seconds:.0f}"
            typer.echo(f"| {seed} | {name} | {square:.3f} | {own:.3f} | {own - square:+.3f} | {costs} |")
        typer.echo(f"seed {seed}: {time.perf_counter() - start:.0f} s", err=True)


if __name__ == "__main__":
    typer.run(main)
