"""The command that compares runtimes on a product, and keeps which of them may judge."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ensemble.cli.terminal import DEFAULT_MODELS, print_result, print_table, say, show_stages
from ensemble.values.errors import SettingError, StoreError


def runtime_command(
    product: Annotated[
        str, typer.Argument(metavar="[PRODUCT]", help="A product's name or folder; by default the one that ships.")
    ] = "",
    runtimes: Annotated[
        list[str] | None,
        typer.Option("--try", metavar="RUNTIME", help="A runtime to compare; may be repeated. By default all."),
    ] = None,
    photos: Annotated[int | None, typer.Option("--photos", min=1, help="At most so many calibration photos.")] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Whether the product notes the result.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare faster runtimes with torch on a product's calibration photos; the best that may judge is used.

    What passes flips hardly a label and lets no defective part pass. The result stands in the product's manifest.
    """
    from ensemble.evaluation.runtime_comparison import CALIBRATION_PHOTOS, COMPARING, compare_runtimes, keep_comparison
    from ensemble.features.runtimes import available_runtimes
    from ensemble.store import ModelStore

    here = available_runtimes()
    if missing := [name for name in runtimes or () if name not in here]:
        raise SettingError(f"This machine has {', '.join(here)}, not {missing[0]}. requirements-extras.txt has more.")
    store = ModelStore(_folder_called(product))
    with show_stages() as show:
        gate = compare_runtimes(store, runtimes or (), photos or CALIBRATION_PHOTOS, lambda done: show(COMPARING, done))
    if keep:
        keep_comparison(store, gate)
    if as_json:
        print_result(json.dumps(asdict(gate), indent=2))
    rows = [
        (
            name,
            f"{result.labels:.1%}",
            f"{result.verdicts:.1%}",
            str(result.escapes),
            f"{result.difference:.6f}",
            f"{result.speed:.2f}",
            str(gate.problem(name)) or "passed",
        )
        for name, result in gate.results.items()
    ]
    print_table(("runtime", "labels", "verdicts", "escapes", "largest difference", "times as fast", "result"), rows)
    say(f"{gate.chosen} judges {store.product_name()}, by {gate.photos} photos and {gate.looks} pictures of them.")


def _folder_called(product: str) -> Path:
    """The folder of a product by its name, or a folder; a StoreError where it is neither."""
    from ensemble.store import ModelStore

    if not product:
        return DEFAULT_MODELS
    known = ModelStore(DEFAULT_MODELS).products() if DEFAULT_MODELS.is_dir() else {}
    if product in known:
        return known[product]
    if not Path(product).is_dir():
        raise StoreError(
            "No product and no folder is called {product}. Products are {known}.",
            product=product,
            known=", ".join(known) or "none",
        )
    return Path(product)
