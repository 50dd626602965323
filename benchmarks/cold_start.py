"""How long the shipped product takes from the start of a process to its first verdict, against `import torch` alone.

    python -m benchmarks.cold_start

Both are whole processes, started in turn, so that other work on the machine slows both alike; the first start of each
fills the disk's cache and counts for nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from ensemble.disk.home import HOME
from ensemble.records.database import RECORDS_SETTING


def seconds(arguments: list[str], records: str) -> float:
    """What one process takes from its start to its end; it keeps its records in a folder of its own."""
    start = time.perf_counter()
    environment = {**os.environ, RECORDS_SETTING: records}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def measure(quick: bool = False) -> dict[str, Any]:
    """The same for the shipped product."""
    return against_torch(min((HOME / "data" / "test").rglob("*.jpg")), HOME / "models", 1 if quick else 5)


def against_torch(photo: Path, models: Path, pairs: int) -> dict[str, Any]:
    """The seconds of both, median of so many pairs, and the median of their ratios."""
    torch_alone = ["-c", "import torch"]
    verdict = ["-m", "ensemble", "inspect", str(photo), "--models", str(models)]
    with tempfile.TemporaryDirectory() as records:
        measured = [(seconds(torch_alone, records), seconds(verdict, records)) for _ in range(pairs + 1)][1:]
    ratios = [whole / alone for alone, whole in measured]
    return {
        "import_torch_s": round(statistics.median(alone for alone, _ in measured), 2),
        "first_verdict_s": round(statistics.median(whole for _, whole in measured), 2),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in sorted(ratios)],
        "load": round(psutil.getloadavg()[0], 1),
    }


def main(
    photo: Annotated[Path | None, typer.Argument(help="By default the first test photo that ships.")] = None,
    models: Path = HOME / "models",
    pairs: int = 5,
) -> None:
    """Print the seconds of both, median of so many pairs, and the median of their ratios."""
    photo = photo or min((HOME / "data" / "test").rglob("*.jpg"))
    typer.echo(json.dumps(against_torch(photo, models, pairs)))


if __name__ == "__main__":
    typer.run(main)
