"""What tests of jobs share: a history of their own, and workers that can be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ensemble.jobs.job_folder import JobFolder

HOME = Path(__file__).resolve().parents[3]
Order = Callable[[JobFolder, tuple[int, float] | None], bool]


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUORUM_RECORDS", str(tmp_path / "records"))
    return tmp_path / "records"


@pytest.fixture
def forks(records: Path) -> Iterator[Order]:
    """Workers of jobs, forked by a process that has imported everything."""
    command = [sys.executable, "-m", "tests.support.forked_job"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=HOME, env=environment, **pipes) as helper:

        def order(folder: JobFolder, kill: tuple[int, float] | None) -> bool:
            assert helper.stdin is not None and helper.stdout is not None
            print(json.dumps({"folder": str(folder.folder), "kill": kill}), file=helper.stdin, flush=True)
            return bool(json.loads(helper.stdout.readline()))

        yield order
