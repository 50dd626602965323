"""How good members and their vote are, set by set: image AUROC, pixel AUROC, AUPRO, seconds, and peers beside them.

    python -m benchmarks.quality ../shared/data --weights ../shared/weights         # every set that lies there
    python -m benchmarks.quality ../shared/data --set tile-by-part --seed 0 --seed 1 --seed 2 --backbone resnet18
    python -m benchmarks.quality PATH/TO/MVTEC_AD         # or VisA, or another set that `data import` understands

Each set is arranged, trained and measured once a seed, which draws the split where there is none, and the members'
own chance. Choices are made on the training part alone. A set's table goes into docs/measurements.md, between two
marks, as soon as it is there, and replaces the one of before; those of other sets stay.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from scipy import stats

from benchmarks.arrange import tile, tile_good_only
from ensemble.evaluation.energy import circumstances
from ensemble.evaluation.mvtec import find_categories
from ensemble.evaluation.vote import VoteAndBest, beside_best
from ensemble.policies import choose, shipped
from ensemble.policies.policy import FUSED
from ensemble.store import ModelStore
from ensemble.training import TrainingRequest, run
from ensemble.values.errors import DataError

TABLES = Path("docs/measurements.md")
BEGIN, END = "<!-- quality: begin -->", "<!-- quality: end -->"
FIGURES = {
    "weight": "weight",
    "auroc": "AUROC",
    "accuracy": "right",
    "escape_rate": "escapes",
    "overkill_rate": "overkill",
    "pixel_auroc": "pixel AUROC",
    "aupro": "AUPRO",
}
# What others have published or what was measured of them on the same photos; each line says which.
PEERS: Mapping[str, tuple[str, ...]] = {
    "tile-good-only-by-photo": (
        "anomalib 2.7, resnet18, 256 pixels, measured here: PatchCore 1 % 0.949 (pixel AUROC 0.816, AUPRO 0.759), "
        "82 ms a photo; PaDiM 0.897 (0.752, 0.776), 75 ms; DFM 0.978 (0.896, 0.722), 33 ms; DFKDE 0.827.",
    ),
    "mvtec": (
        "Published image AUROC, mean of 15 categories: EfficientAD-M 0.991, PatchCore with WideResNet-50 0.992 and "
        "with resnet18 0.973, Dinomaly 0.996, DFM with resnet18 0.936, PaDiM with resnet18 0.891.",
    ),
}


def _there(data: Path) -> Callable[[Path, Path, int], Path]:
    return lambda _root, _destination, _seed: data


def _as_published(folder: str) -> Callable[[Path, Path, int], Path]:
    return lambda root, _destination, _seed: root / folder


def _tile(by_photo: bool) -> Callable[[Path, Path, int], Path]:
    def arranged(root: Path, destination: Path, seed: int) -> Path:
        tile(root / "magnetic_tile", destination, seed=seed, by_photo=by_photo, masks=True)
        return destination

    return arranged


def _imported(folder: str, *, grouped: bool) -> Callable[[Path, Path, int], Path]:
    """A set as a collection; `grouped` splits it anew with copies of one photo on one side."""

    def arranged(root: Path, destination: Path, seed: int) -> Path:
        _data("import", str(root / folder), "--collection", "set", "--collections", str(destination))
        if grouped:
            _data("clean", str(destination / "set"), "--no-labels")
            _data("split", str(destination / "set"), "--shares", "70,0,30", "--seed", str(seed))
        return destination / "set"

    return arranged


def _data(*arguments: str) -> None:
    command = [sys.executable, "-m", "ensemble", "data", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: some files could not enter, and are named
        raise typer.BadParameter(done.stderr.strip() or done.stdout.strip())


def _good_tiles(root: Path, destination: Path, seed: int) -> Path:
    tile_good_only(root / "magnetic_tile", destination, seed=seed, by_photo=True)
    return destination


SETS: Mapping[str, tuple[str, Callable[[Path, Path, int], Path]]] = {
    "casting-grouped": ("casting", _imported("casting", grouped=True)),
    "tile-by-part": ("magnetic_tile", _tile(by_photo=False)),
    "tile-by-photo": ("magnetic_tile", _tile(by_photo=True)),
    "tile-good-only-by-photo": ("magnetic_tile", _good_tiles),
    "leather": ("mvtec_sample/leather", _as_published("mvtec_sample/leather")),
    "aliens": ("toy_aliens", _as_published("toy_aliens")),
    "clothing": ("clothing", _as_published("clothing")),
}


@dataclass(slots=True)
class Runs:
    """What every seed has shown of one set: rows by voter, and the vote beside its best member by policy."""

    voters: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    beside: dict[str, list[VoteAndBest]] = field(default_factory=dict)
    held_out: dict[str, list[VoteAndBest]] = field(default_factory=dict)
    photos: list[int] = field(default_factory=list)

    def add(self, quality: Mapping[str, Any], product: Path) -> None:
        """One training's figures."""
        self.photos.append(quality["photos"])
        store = ModelStore(product)
        members = store.manifest().members
        for name, entry in quality["members"].items():
            self.voters.setdefault(name, []).append(
                entry | {"weight": members[name].weight} if name in members else entry
            )
        if together := quality["good_only"]:
            self.voters.setdefault("all from good parts (mean)", []).append(together)
        evidence, own = store.evidence(), {policy.name: policy for policy in store.policies()}
        for name in (FUSED, "MAJORITY", "BALANCED"):
            policy = own.get(name) or choose(shipped(evidence.classes), name)
            if found := beside_best(policy, evidence.test, evidence.classes):
                self.beside.setdefault(name, []).append(found)
            if before := beside_best(policy, evidence.held_out, evidence.classes):
                self.held_out.setdefault(name, []).append(before)
            entry = quality["ensemble"].get(name, {})
            self.voters.setdefault(name, []).append(entry | {"auroc": found.auroc if found else None})


def main(
    root: Annotated[Path, typer.Argument(help="A folder that holds the sets, or a tree such as MVTec AD.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="A set; may be repeated. By default all.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="A seed; may be repeated.")] = None,
    backbones: Annotated[list[str] | None, typer.Option("--backbone")] = None,
    members: Annotated[list[str] | None, typer.Option("--members")] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="A folder with backbone weights.")] = None,
    augment: Annotated[str, typer.Option("--augment", help="As `train --augment`.")] = "",
    output: Annotated[Path, typer.Option("--output", help="The page whose tables are written anew.")] = TABLES,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep every product here; those that are here are not trained again.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also every figure of every run.")] = None,
) -> None:
    """Train and measure every set, once a seed, and write the tables."""
    known = {name: arrange for name, (folder, arrange) in SETS.items() if (root / folder).is_dir()}
    known = known or _tree(root)
    if unknown := [name for name in sets or () if name not in known]:
        raise typer.BadParameter(f"No set is called {unknown[0]!r}. There are {', '.join(known) or 'none here'}.")
    how = f"{root} {_options(members, backbones, weights, augment)}".strip()
    raw = {}
    for name in sets or known:
        runs = Runs()
        for seed in seeds or (0,):
            with tempfile.TemporaryDirectory() as temporary:
                product = (keep or Path(temporary)) / f"{name}-{seed}"
                typer.echo(f"{name}, seed {seed}")
                quality = _kept(product, how)
                if quality is None:
                    data = known[name](root, Path(temporary) / "data", seed)
                    asked = {"backbones": backbones, "kinds": members, "weights": weights, "augment": augment}
                    quality = dict(run(TrainingRequest.of(data, product, seed=seed, **asked)).quality)
                    _figures(product).write_text(json.dumps({"how": how, "quality": quality}), encoding="utf-8")
                runs.add(quality, product)
        table = _table(name, runs, seeds or (0,), how, () if name in SETS else PEERS["mvtec"])
        raw[name] = {
            "voters": runs.voters,
            "beside": {k: [v.as_json() for v in each] for k, each in runs.beside.items()},
            "held_out": {k: [v.as_json() for v in each] for k, each in runs.held_out.items()},
        }
        typer.echo(table)
        _write(output, name, table)
        if json_file:
            json_file.write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")


def _figures(product: Path) -> Path:
    return product.with_name(f"{product.name}.json")


def _kept(product: Path, how: str) -> dict[str, Any] | None:
    """What an earlier run has measured of a product that it kept; another run's options end this one."""
    if not _figures(product).is_file():
        return None
    earlier = json.loads(_figures(product).read_text(encoding="utf-8"))
    if earlier["how"] != how:
        raise typer.BadParameter(
            f"{product} was kept by a run with {earlier['how']!r}. Name another folder to keep in."
        )
    return dict(earlier["quality"])


def _options(members: Sequence[str] | None, backbones: Sequence[str] | None, weights: Path | None, augment: str) -> str:
    """What was asked for, as a person would type it."""
    named = [("--backbone", each) for each in backbones or ()] + [("--members", each) for each in members or ()]
    named += [("--weights", str(weights))] if weights else []
    named += [("--augment", augment)] if augment else []
    return " ".join(f"{option} {value}" for option, value in named)


def _tree(root: Path) -> dict[str, Callable[[Path, Path, int], Path]]:
    """The categories of an MVTec AD tree, or one set that is imported, whatever its layout."""
    try:
        return {name: _there(data) for name, data in find_categories(root).items()}
    except DataError:
        return {root.resolve().name: _imported("", grouped=False)}


def _table(name: str, runs: Runs, seeds: Sequence[int], how: str, peers: Sequence[str]) -> str:
    """One set as Markdown: a row a voter, the mean over seeds with its 95 % interval where there are several."""
    head = ("voter", *FIGURES.values(), "ms a photo")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for voter, entries in runs.voters.items():
        cells = [_mean([entry.get(key) for entry in entries]) for key in FIGURES]
        seconds = [entry.get("seconds_per_photo") for entry in entries]
        cells.append(_mean([None if each is None else 1000 * each for each in seconds], digits=0))
        lines.append(f"| {voter} | {' | '.join(cells)} |")
    said = [_beside(found, "") for found in runs.beside.values()]
    said += [_beside(found, " on held-out training photos") for found in runs.held_out.values()]
    photos = f"{min(runs.photos)} to {max(runs.photos)}" if len(set(runs.photos)) > 1 else str(runs.photos[0])
    drawn = " ".join(f"--seed {seed}" for seed in seeds)
    command = f"python -m benchmarks.quality {how} --set {name} {drawn}"
    about = f"{photos} test photos; `{command}`, on {circumstances()['machine']}."
    return "\n".join([f"### {name}", "", about, "", *lines, "", *said, *PEERS.get(name, peers), ""])


def _mean(values: Sequence[float | None], digits: int = 3) -> str:
    found = [value for value in values if value is not None]
    if not found or len(found) < len(values):
        return "–"
    mean = f"{np.mean(found):.{digits}f}"
    if len(found) < 2:
        return mean
    reach = float(stats.t.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / len(found) ** 0.5)
    return f"{mean} ± {reach:.{digits}f}"


def _beside(found: Sequence[VoteAndBest], where: str) -> str:
    """How a policy stands beside the best member of each run."""
    figure = "right" if found[0].auroc is None else "AUROC"
    each = ", ".join(
        f"{one.difference:+.3f} to {one.best_member}"
        + (f" ({one.low:+.3f} to {one.high:+.3f})" if one.low is not None and one.high is not None else "")
        + f", p = {one.p:.2g}"
        for one in found
    )
    ours = _mean([one.accuracy if one.auroc is None else one.auroc for one in found])
    return f"- {found[0].policy} beside the best member{where}, {figure} {ours}: {each}."


def _write(page: Path, name: str, table: str) -> None:
    """Put a set's table between the page's two marks, at its end where it has none, in the place of an earlier one."""
    text = page.read_text(encoding="utf-8") if page.is_file() else "# Measured\n"
    if BEGIN not in text or END not in text:
        text = f"{text.rstrip()}\n\n## Members and their vote, set by set\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    within, after = rest.split(END, 1)
    tables = {part.split("\n", 1)[0]: f"### {part.strip()}" for part in within.split("\n### ")[1:]}
    tables[name] = table.strip()
    body = "\n\n".join([BEGIN, *tables.values(), END])
    page.write_text(f"{before}{body}{after}", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
