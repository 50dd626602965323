"""All tables of speed in one run: `make bench` prints them and writes `benchmarks/latest.json`.

    python -m benchmarks.run --quick

A table is a module here with `measure(quick: bool = False) -> dict`: of `TABLES`, those that are there are measured.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import psutil
import torch
import typer

from ensemble.disk.files import CACHE_SETTING
from ensemble.disk.home import HOME
from ensemble.jobs.processes import peak_memory
from ensemble.values.errors import QuorumError

FIRST = "faster_runtimes"  # its figures stand at the top of the file
TABLES = (FIRST, "heads", "all_kinds", "patch_memory", "pipeline", "clients", "cold_start", "training")
LATEST = HOME / "benchmarks" / "latest.json"
README = HOME / "README.md"
BEGIN, END = "<!-- benchmarks/latest.json -->", "<!-- end -->"
TARGETS = {"one_photo": {"fp32": 2.7, "bf16": 4.6, "int8": 7.5}, "batch_16": {"fp32": 3.0, "bf16": 5.3, "int8": 9.5}}
PACKAGES = ("torch", "openvino", "onnxruntime", "scikit-learn", "xgboost-cpu")


def tables() -> list[str]:
    """The tables that can be measured."""
    found = [name for name in TABLES if importlib.util.find_spec(f"benchmarks.{name}")]
    return [name for name in found if hasattr(importlib.import_module(f"benchmarks.{name}"), "measure")]


def measured(names: Sequence[str], *, quick: bool) -> dict[str, Any]:
    """What the tables say, one after another; graphs are kept in a folder of their own."""
    found: dict[str, Any] = {}
    with own_cache():
        for name in names:
            typer.echo(f"{name} ...", err=True)
            try:
                said = importlib.import_module(f"benchmarks.{name}").measure(quick=quick)
            except (OSError, QuorumError, typer.BadParameter) as error:  # photos that this machine does not have
                said = {"not_measured": str(error)}
            found |= said if name == FIRST else {name: said}
    return found


@contextlib.contextmanager
def own_cache() -> Iterator[None]:
    """A folder of its own for what is kept: a run begins like the first one, and leaves nothing behind."""
    before = os.environ.get(CACHE_SETTING)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_SETTING] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[CACHE_SETTING]
            else:
                os.environ[CACHE_SETTING] = before


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in PACKAGES if has_package(name)},
    }


def processor() -> str:
    """Its name, and what it has for networks."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.is_file() else []
    facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    flags = [name for name in ("avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8") if name in facts.get("flags", "")]
    return " ".join([facts.get("model name", platform.processor()).strip(), *flags])


def has_package(name: str) -> bool:
    """Whether a package is installed, by the name that pip knows."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return bool(metadata.version(name))
    return False


def table(latest: Mapping[str, Any]) -> str:
    """The ratios as the README shows them."""
    batch = next(key for key in latest if key.startswith("batch_"))
    count = batch.removeprefix("batch_")
    rows = [
        f"| | one photo | batch of {count} | share of the floor | votes as the plain way |",
        "|---|---|---|---|---|",
    ]
    for name, ratio in latest["one_photo"].items():
        share = latest["share_of_floor"].get(name)
        floor = f"{share['one_photo']:.0%}, {share[batch]:.0%}" if share else ""
        rows.append(f"| {name} | {ratio}× | {latest[batch][name]}× | {floor} | {latest['label_agreement'][name]:.1%} |")
    return "\n".join(rows)


def shown(latest: Mapping[str, Any]) -> str:
    """The table with the machine and the day: what stands between the marks in the README."""
    on = latest["machine"]
    where = f"{on['processor']}, {on['cores']} cores, load {latest['load'][0]} to {latest['load'][1]}"
    much = latest["details"]["extent"]
    how = f"{much['rounds']} rounds of alternating blocks, votes on {much['photos']} photos"
    return f"{table(latest)}\n\nMeasured on {latest['time'][:10]}: {where}; {how}."


def short_of(latest: Mapping[str, Any]) -> list[str]:
    """Which ratios lie below what is aimed at."""
    return [
        f"{place} {name}: {latest[place][name]} of {aim}"
        for place, aims in TARGETS.items()
        for name, aim in aims.items()
        if latest.get(place, {}).get(name, aim) < aim
    ]


def write_readme(latest: Mapping[str, Any]) -> None:
    """Put the table between the README's marks."""
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END, 1)[1]
    README.write_text(f"{before}{BEGIN}\n\n{shown(latest)}\n\n{END}{after}", encoding="utf-8")


def main(
    quick: Annotated[bool, typer.Option(help="Small and short: whether it runs, no figures to trust.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only these tables, by the name of their module.")] = None,
    write: Annotated[bool, typer.Option(help="Write the file, and the table into the README.")] = False,
) -> None:
    """Measure the tables, print them, and where the time goes."""
    start, load = datetime.now(UTC), psutil.getloadavg()[0]
    latest = measured(only or tables(), quick=quick)
    latest |= {
        "peak_memory_mb": round(peak_memory() / 1e6),
        "machine": machine(),
        "load": [round(load, 1), round(psutil.getloadavg()[0], 1)],
        "niceness": psutil.Process().nice(),
        "time": start.isoformat(timespec="seconds"),
    }
    typer.echo(json.dumps(latest, indent=2))
    if "one_photo" in latest:
        typer.echo(shown(latest))
        for line in short_of(latest):
            typer.echo(f"Below the aim: {line}")
    if write:
        LATEST.write_text(json.dumps(latest, indent=2) + "\n", encoding="utf-8")
        write_readme(latest)


if __name__ == "__main__":
    typer.run(main)
