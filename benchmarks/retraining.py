"""What retraining with 20 more photos costs on a product of 1000, as a share of its first training.

    python -m benchmarks.retraining --photos ../shared/data/casting --weights ../shared/weights

The first training begins with an empty feature cache, the second with what the first has left, and a third computes all
anew: its members must be the second's, byte for byte. Each runs in a process of its own, whose start counts.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from ensemble.disk.files import CACHE_SETTING, OFF
from ensemble.features.backbones import DEFAULT_TRIO, LIGHT_TRIO, build_network
from ensemble.jobs.processes import processor_load

KINDS = "svm,rf,xgb"


def _lay_out(photos: Path, folder: Path, more: int, train: int, test: int) -> None:
    """A product of copies: so many photos of each class to learn from and to measure on, and more to learn from."""
    for kind in sorted(path.name for path in (photos / "train").iterdir() if path.is_dir()):
        known = [path for part in ("train", "test") for path in sorted((photos / part / kind).iterdir())]
        parts = {"test": known[-test:], "train": known[: train + more]}
        if train + more + test > len(known):
            raise typer.BadParameter(f"{photos} holds {len(known)} photos of {kind}, {train + more + test} are needed.")
        for part, chosen in parts.items():
            (folder / part / kind).mkdir(parents=True)
            for path in chosen:
                shutil.copyfile(path, folder / part / kind / path.name)


def _trained(data: Path, models: Path, cache: str, backbones: tuple[str, ...], weights: Path) -> dict[str, Any]:
    """Train in a process of its own: its wall and CPU seconds and the SHA-256 of what it has made."""
    chosen = [part for name in backbones for part in ("--backbone", name)]
    command = [sys.executable, "-m", "ensemble", "train", "--data", str(data), "--models", str(models)]
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [*command, "--members", KINDS, "--weights", str(weights), *chosen],
        check=True,
        env={**os.environ, CACHE_SETTING: cache},
        capture_output=True,
    )
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system  # 0 on Windows
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in models.glob("*.pkl")}
    return {"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1), "files": files, "said": _said(models)}


def _said(models: Path) -> dict[str, Any]:
    """What members said of each test photo, without the seconds."""
    evidence = json.loads((models / "evidence.json").read_text(encoding="utf-8"))
    return {
        case["photo"]: {member: said["p"] for member, said in case["said"].items()}
        for part in ("held_out", "test")
        for case in evidence[part]
    }


def _random_weights(folder: Path, backbones: tuple[str, ...]) -> Path:
    """Weights drawn at random, which cost what real ones do and know nothing."""
    folder.mkdir()
    torch.manual_seed(0)
    for name in backbones:
        torch.save(build_network(name).state_dict(), folder / f"{name}.pth")
    return folder


def main(
    photos: Annotated[Path, typer.Option("--photos", help="train|test/CLASS/PHOTO, 1020 photos or more.")],
    weights: Annotated[Path | None, typer.Option("--weights", help="Without it, heavy random backbones.")] = None,
    train: Annotated[int, typer.Option("--train", help="Photos of each class to learn from at first.")] = 400,
    test: Annotated[int, typer.Option("--test", help="Photos of each class to measure on.")] = 100,
    more: Annotated[int, typer.Option("--more", help="Photos of each class that come later.")] = 10,
) -> None:
    """Print the seconds of all three trainings as JSON; exit code 1 where the cache changes what is learnt."""
    backbones = LIGHT_TRIO if weights else DEFAULT_TRIO
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        found = weights or _random_weights(place / "weights", backbones)
        _lay_out(photos, place / "first", 0, train, test)
        _lay_out(photos, place / "later", more, train, test)
        cache = str(place / "cache")
        runs = {
            "first": _trained(place / "first", place / "models_first", cache, backbones, found),
            "retrained": _trained(place / "later", place / "models", cache, backbones, found),
            "without_cache": _trained(place / "later", place / "models_again", OFF, backbones, found),
        }
        size = sum(path.stat().st_size for path in (place / "cache").iterdir())
    same = all(runs["retrained"][key] == runs["without_cache"][key] for key in ("files", "said"))
    result = {
        "backbones": backbones,
        "photos": 2 * (train + test),
        "more": 2 * more,
        "threads": torch.get_num_threads(),
        "load": processor_load(),
        "seconds": {name: run["seconds"] for name, run in runs.items()},
        "cpu_seconds": {name: run["cpu_seconds"] for name, run in runs.items()},
        "share_of_first": round(runs["retrained"]["seconds"] / runs["first"]["seconds"], 3),
        "share_of_first_cpu": round(runs["retrained"]["cpu_seconds"] / max(runs["first"]["cpu_seconds"], 0.1), 3),
        "cache_megabytes": round(size / 1e6, 1),
        "same_members_and_scores": same,
    }
    typer.echo(json.dumps(result, indent=2))
    if not same:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
