"""The folder that a batch in a terminal writes into: it remembers which batch, so that the same command goes on."""

import json
from pathlib import Path

from ensemble.disk.files import parsed, write_atomically
from ensemble.values.errors import MISSHAPEN, JobError

BATCH_FILE = "batch.json"


def begun_in(folder: Path, source: Path, models: Path) -> str:
    """The id of the batch that the folder is for; empty for a new one, a JobError for other photos or models."""
    path, asked = folder / BATCH_FILE, _asked_of(source, models)
    if not path.is_file():
        return ""
    try:
        kept = parsed(path.read_text(encoding="utf-8"))
        called, same = str(kept["batch"]), {name: kept[name] for name in asked} == asked
    except (OSError, *MISSHAPEN) as error:
        raise JobError("{path} cannot be read ({problem}). Name another folder.", path=path, problem=error) from error
    if not same:
        raise JobError("{folder} is for other photos or models. Name another folder.", folder=folder)
    return called


def remember_batch(folder: Path, called: str, source: Path, models: Path) -> None:
    """Let the folder be for this batch of these photos."""
    write_atomically(folder / BATCH_FILE, json.dumps({"batch": called} | _asked_of(source, models)).encode())


def _asked_of(source: Path, models: Path) -> dict[str, str]:
    return {"source": str(source.resolve()), "models": str(models.resolve())}
