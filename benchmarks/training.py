"""What a training takes on this machine: alone, beside a process that keeps every core busy, and with 20 more photos.

    python -m benchmarks.training --photos ../shared/data/casting --weights ../shared/weights

800 photos, all kinds of members, three light backbones. Each training runs in a process of its own, whose start counts,
and begins with an empty feature cache; that with more photos goes on with what the first has left.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ensemble.disk.files import CACHE_SETTING
from ensemble.features.backbones import LIGHT_TRIO
from ensemble.jobs.processes import processor_load

PHOTOS, WEIGHTS = Path("../shared/data/casting"), Path("../shared/weights")
QUICK, WHOLE = (40, 10, 1), (400, 150, 10)  # photos of a class to learn from, to measure on, and that come later


def measure(quick: bool = False, photos: Path = PHOTOS, weights: Path = WEIGHTS) -> dict[str, Any]:
    """Seconds of each training, their ratios, and what the photos say of the members; quick tells only that it runs."""
    train, test, more = QUICK if quick else WHOLE
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        left_over = _lay_out(photos, place / "data", train, test, more)
        load = processor_load()
        idle = _trained(place, "idle", weights)
        for path in left_over:
            shutil.copyfile(path, place / "data/train" / path.parent.name / f"more_{path.name}")
        later = _trained(place, "idle", weights)
        for path in left_over:
            (place / "data/train" / path.parent.name / f"more_{path.name}").unlink()
        with _busy_cores():
            beside = _trained(place, "beside", weights)
    return {
        "photos": 2 * train,
        "more": 2 * more,
        "cores": os.cpu_count(),
        "load_before": round(load, 1),
        "seconds": {"idle": idle["seconds"], "beside_busy_cores": beside["seconds"], "more_photos": later["seconds"]},
        "cpu_seconds": {"idle": idle["cpu"], "beside_busy_cores": beside["cpu"], "more_photos": later["cpu"]},
        "beside_ratio": round(beside["seconds"] / idle["seconds"], 2),
        "more_share": round(later["seconds"] / idle["seconds"], 3),
        "auroc": {"first": idle["auroc"], "more_photos": later["auroc"]},
    }


def _lay_out(photos: Path, folder: Path, train: int, test: int, more: int) -> list[Path]:
    """Copies of so many photos of each class to learn from and to measure on; those left over that come later."""
    left_over = []
    for kind in sorted(path.name for path in (photos / "train").iterdir() if path.is_dir()):
        learn, shown = (sorted((photos / part / kind).iterdir()) for part in ("train", "test"))
        spare = [*learn[train:], *shown[test:]] or shown[-more:]  # else of those that are measured on
        parts = {"train": learn[:train], "test": [path for path in shown if path not in spare[:more]][:test]}
        for part, chosen in parts.items():
            (folder / part / kind).mkdir(parents=True)
            for path in chosen:
                shutil.copyfile(path, folder / part / kind / path.name)
        left_over += spare[:more]
    return left_over


def _trained(place: Path, name: str, weights: Path) -> dict[str, Any]:
    """Train as a person would, in a process of its own: its wall and CPU seconds and the AUROC of the members."""
    chosen = [part for backbone in LIGHT_TRIO for part in ("--backbone", backbone)]
    command = [sys.executable, "-m", "ensemble", "train", "--data", str(place / "data"), "--models", str(place / name)]
    before, start = os.times(), time.perf_counter()
    environment = {**os.environ, CACHE_SETTING: str(place / f"cache_{name}")}
    subprocess.run([*command, "--weights", str(weights), *chosen], check=True, env=environment, capture_output=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    members = json.loads((place / name / "manifest.json").read_text(encoding="utf-8"))["members"]
    auroc = {member: each["metrics"].get("auroc") for member, each in members.items()}
    return {"seconds": round(wall, 1), "cpu": round(cpu, 1), "auroc": auroc}


@contextlib.contextmanager
def _busy_cores() -> Iterator[None]:
    """A process for each core that computes for as long as this one lives, even where that one is killed."""
    endless = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    busy = [subprocess.Popen([sys.executable, "-c", endless]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main(
    photos: Annotated[Path, typer.Option("--photos", help="train|test/CLASS/PHOTO, such as casting.")] = PHOTOS,
    weights: Annotated[Path, typer.Option("--weights", help="A folder with weights of the light backbones.")] = WEIGHTS,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the photos.")] = False,
) -> None:
    """Print it as JSON."""
    typer.echo(json.dumps(measure(quick, photos, weights), indent=2))


if __name__ == "__main__":
    typer.run(main)
