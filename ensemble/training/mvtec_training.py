"""Training on an MVTec AD tree: each category a product of its own, or one product over all, with their thresholds."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.disk.files import write_atomically
from ensemble.evaluation.mvtec import find_categories
from ensemble.store import ModelStore
from ensemble.training import TrainingOutcome
from ensemble.values.errors import QuorumError, StoreError

THRESHOLDS = "thresholds.json"
FIGURES = ("image_auroc", "pixel_auroc", "aupro")


@dataclass(frozen=True, slots=True)
class TreeOutcome:
    """What training on a tree made: an outcome for each product, and why the others have failed."""

    outcomes: Mapping[str, TrainingOutcome]
    failures: Mapping[str, str]


def train_tree(
    tree: Path, models: Path, learn: Callable[[Path, Path], TrainingOutcome], one_model: bool = False
) -> TreeOutcome:
    """`learn(data, product folder)` for every category, or once for the whole tree; a failure leaves the others be.

    The thresholds of all that is trained, now or before, go into `models/thresholds.json`.
    """
    categories = find_categories(tree)
    jobs = {tree.resolve().name: tree} if one_model else categories
    products = {name: models / name.replace("/", "-") for name in jobs}
    outcomes: dict[str, TrainingOutcome] = {}
    failures: dict[str, str] = {}
    for name, data in jobs.items():
        try:
            outcomes[name] = learn(data, products[name])
        except (QuorumError, OSError) as error:
            failures[name] = str(error)
    before = ModelStore(models).products().values() if models.is_dir() else ()
    others = {folder.name: folder for folder in before if folder not in (models, *products.values())}
    if found := tree_thresholds(others | products):
        write_atomically(models / THRESHOLDS, (json.dumps(found, indent=2) + "\n").encode())
    return TreeOutcome(outcomes, failures)


def tree_thresholds(products: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """By product and member: the distance above which a part is not good, its quantile, and how many good photos it
    rests on; for members that have learnt from good parts alone.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, folder in products.items():
        try:
            records = ModelStore(folder).manifest().members
        except StoreError:  # not trained, which its failure says
            continue
        held_out = {member: record.training.get("facts", {}).get("held_out") for member, record in records.items()}
        if known := {member: facts for member, facts in held_out.items() if facts}:
            found[name] = known
    return found


def figures(outcomes: Mapping[str, TrainingOutcome]) -> Iterable[tuple[str, str, tuple[float | None, ...]]]:
    """Product, member and its `FIGURES`, then the mean of each member over more than one product, where all have it."""
    rows = [
        (product, member, tuple(entry.get(key) for key in FIGURES))
        for product, outcome in outcomes.items()
        for member, entry in outcome.quality["members"].items()
    ]
    yield from rows
    for member in dict.fromkeys(member for _, member, _ in rows) if len(outcomes) > 1 else ():
        columns = zip(*(values for _, name, values in rows if name == member), strict=True)
        yield "mean", member, tuple(None if None in column else float(np.mean(column)) for column in columns)
